"""Names from outside, made safe where they are shown and where a spreadsheet opens them."""

import re
import unicodedata

__all__ = ["for_table", "from_table", "printable", "printable_lines"]

# A spreadsheet takes a cell that begins so for a formula; the apostrophe in front is its own sign for plain text.
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠]")


def printable(text: str) -> str:
    r"""Write out whatever could steer a terminal or is no character: controls, bytes that are no UTF-8.

    >>> printable("smear \x1b[31m.png"), printable("caf\udce9.png"), printable("Ärztin 1.png")
    ('smear \\x1b[31m.png', 'caf\\xe9.png', 'Ärztin 1.png')
    """
    return "".join(one if _is_plain(one) else _written_out(one) for one in text)


def printable_lines(text: str) -> str:
    """Make each line of a text printable, see `printable`; the breaks stay."""
    return "\n".join(printable(line) for line in text.split("\n"))


def for_table(text: str) -> str:
    """Make a name safe for CSV: nothing in it steers, and nothing is a formula; `from_table` takes that back.

    >>> for_table("=1+1.png"), for_table("a=1.png"), from_table(for_table("'-a"))
    ("'=1+1.png", 'a=1.png', "'-a")
    """
    text = printable(text)
    return f"'{text}" if _FORMULA.match(text) else text


def from_table(text: str) -> str:
    """Take off the apostrophe that `for_table`, or a spreadsheet's user, put in front of a name.

    >>> from_table("'=1+1.png"), from_table("'quoted'.png")
    ('=1+1.png', "'quoted'.png")
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _is_plain(one: str) -> bool:
    # joiners belong to the spelling of some languages, and spaces other than the common one are no harm
    return one.isprintable() or unicodedata.category(one) == "Zs" or one in "\u200c\u200d"


def _written_out(one: str) -> str:
    if "\udc80" <= one <= "\udcff":  # how Python carries a byte that is no UTF-8
        return f"\\x{ord(one) - 0xDC00:02x}"
    return one.encode("unicode_escape").decode("ascii")
