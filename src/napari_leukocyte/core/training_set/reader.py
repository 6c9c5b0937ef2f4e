"""Who reads the images of a training set: a person, and in a blind reading which one, and whether a second time."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.safe_text import printable

__all__ = ["NOBODY", "Reader", "check_reader", "same_reader"]

_LONGEST = 60  # letters


@dataclass(frozen=True)
class Reader:
    """Whose masks and drafts are seen.

    Attributes
    ----------
    name
        Of the person; empty: nobody in particular, who sees the masks of all, and the drafts that have no name.
    reading
        Name of a blind reading (``reading.Reading``), whose masks alone are seen; empty: the plain masks of the person.
    repeat
        Whether the images are read for the second time in it.
    """

    name: str = ""
    reading: str = ""
    repeat: bool = False

    @property
    def folder(self) -> str:
        """Name of the folder that the reader's drafts of an image lie in, on every system; empty for nobody."""
        if not self.name:
            return ""
        return _folder(self.name) + f"-{self.reading}" * bool(self.reading) + "-again" * self.repeat

    def reads(self, by: str, reading: str, *, repeat: bool) -> bool:
        """Whether a mask is seen: of whom it is, and which reading it was made in."""
        if self.reading:
            return same_reader(by, self.name) and (reading, repeat) == (self.reading, self.repeat)
        # what has no name is of before there were any
        return not self.name or (not repeat and (not by or same_reader(by, self.name)))


NOBODY = Reader()


def check_reader(name: str) -> str:
    """Return a name as it is kept: without spaces around or doubled.

    Raises
    ------
    LeukocyteError
        When it is empty, longer than 60 letters, or not to be printed.

    Examples
    --------
    >>> check_reader("  Anna  Berg ")
    'Anna Berg'
    """
    plain = " ".join(unicodedata.normalize("NFC", name).split())
    if not plain:
        raise LeukocyteError("A reader needs a name: it stands on every mask.")
    if len(plain) > _LONGEST or printable(plain) != plain:
        raise LeukocyteError(f"A reader's name has at most {_LONGEST} letters that can be printed: give another one.")
    return plain


def same_reader(one: str, other: str) -> bool:
    """Whether two names are of one person: capital letters and spaces do not count.

    Examples
    --------
    >>> same_reader("Anna Berg", "anna  berg"), same_reader("Anna", "Anne")
    (True, False)
    """
    return _key(one) == _key(other)


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _folder(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", _key(name)).strip("_")[:24].strip("_") or "reader"
    code = hashlib.sha256(_key(name).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug}-{code}"
