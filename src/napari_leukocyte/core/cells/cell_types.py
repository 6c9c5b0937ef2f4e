"""What type a white cell is, in the words of the ICSH (Palmer et al. 2015); a person says so, no program guesses."""

import unicodedata

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.safe_text import printable

__all__ = ["CELL_TYPES", "LYMPHOCYTES", "OUTSIDE", "SMUDGE", "UNSURE", "check_type"]

SMUDGE, UNSURE = "smudge", "unsure"

CELL_TYPES = (
    "segmented neutrophil",
    "band neutrophil",
    "metamyelocyte",
    "myelocyte",
    "promyelocyte",
    "blast",
    "promonocyte",
    "monocyte",
    "lymphocyte",
    "reactive lymphocyte",
    "abnormal lymphocyte",
    "large granular lymphocyte",
    "plasma cell",
    "eosinophil",
    "basophil",
    "erythroblast",
    "megakaryocyte",
    SMUDGE,
    UNSURE,
)
"""The names that are offered; own words are taken as well."""

OUTSIDE = frozenset({"erythroblast", "megakaryocyte", SMUDGE})
"""Types that keep their ratio and stand outside of what is said of white cells."""

LYMPHOCYTES = frozenset({"lymphocyte", "reactive lymphocyte", "abnormal lymphocyte", "large granular lymphocyte"})
"""What smudges are counted against."""

_LONGEST = 60


def check_type(text: str) -> str:
    """Return a type as it is kept: a known name in its own spelling, own words as they are typed; "" is no type.

    Raises
    ------
    LeukocyteError
        When it holds what separates types in files, or is too long for a table.

    Examples
    --------
    >>> check_type(" Plasma  cell"), check_type("hairy cell"), check_type("")
    ('plasma cell', 'hairy cell', '')
    """
    words = " ".join(unicodedata.normalize("NFC", text).split())
    if printable(words) != words or any(one in words for one in ",;"):
        raise LeukocyteError(f"'{printable(words)}' is no cell type: leave out commas, semicolons and control signs.")
    if len(words) > _LONGEST:
        raise LeukocyteError(f"The cell type '{words[:20]}…' is too long: use {_LONGEST} characters at most.")
    return next((name for name in CELL_TYPES if name == words.casefold()), words)
