"""What files must say of cells that their maps cannot: not a WBC, unsure, out of focus, edited, and their types."""

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from napari_leukocyte.core.cells.cell_types import check_type
from napari_leukocyte.core.cells.flags import NOT_A_WBC, Flag
from napari_leukocyte.core.cells.left_out import BESIDE
from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["BESIDE_KEY", "REMARKS", "read_beside", "read_remarks", "read_types", "remarks_text"]

_NOT_A_WBC, _TYPES = "not_a_wbc", "types"
BESIDE_KEY = "beside_cells_left_out"
"""Under which provenance has flags for neighbours that are not in the maps."""

_KINDS = {flag.removeprefix(f"{_NOT_A_WBC}_"): flag for flag in Flag if flag.startswith(f"{_NOT_A_WBC}_")}
_PLAIN = (Flag.LOW_CONFIDENCE, Flag.OUT_OF_FOCUS, Flag.EDITED)
_WITH_KIND = {_NOT_A_WBC: _KINDS, BESIDE_KEY: {flag.value: flag for flag in sorted(BESIDE)}}

REMARKS = NOT_A_WBC | frozenset(_PLAIN)
"""The flags that files must say; the others follow from the maps."""


def remarks_text(
    flags: Mapping[int, Collection[Flag]],
    types: Mapping[int, str] = MappingProxyType({}),
    beside: Mapping[int, Collection[Flag]] = MappingProxyType({}),
) -> dict[str, str]:
    """Write the remarks on the cells of one plane, by cell number, as provenance; a key only where there are any.

    ``beside`` are flags that cells have for neighbours which are not in the maps.

    Examples
    --------
    >>> remarks_text({3: {Flag.NOT_A_WBC_SMUDGE, Flag.EDITED}, 7: {Flag.NOT_A_WBC_PLATELET}})
    {'not_a_wbc': '3 smudge, 7 platelet', 'edited': '3'}
    >>> remarks_text({}, {2: "monocyte", 5: ""})
    {'types': '2 monocyte'}
    """
    cells = sorted(flags.items())
    texts = {
        _NOT_A_WBC: [f"{cell} {kind}" for cell, own in cells for kind, flag in _KINDS.items() if flag in own],
        BESIDE_KEY: [f"{cell} {flag.value}" for cell, own in sorted(beside.items()) for flag in sorted(own)],
        **{flag.value: [str(cell) for cell, own in cells if flag in own] for flag in _PLAIN},
        _TYPES: [f"{cell} {cell_type}" for cell, cell_type in sorted(types.items()) if cell_type],
    }
    return {key: ", ".join(cells) for key, cells in texts.items() if cells}


def read_remarks(provenance: Mapping[str, Any], *, plane: int = 0) -> dict[int, set[Flag]]:
    """Read the remarks back, for ``measure_cells``.

    Parameters
    ----------
    provenance : mapping
        Of a cell-label file; in a stack the texts are lists with one for each plane.
    plane : int
        Which plane of a stack.

    Returns
    -------
    dict
        Flags by cell; empty for a file of other origin.

    Raises
    ------
    LeukocyteError
        When a remark cannot be understood.

    Examples
    --------
    >>> read_remarks({"not_a_wbc": ["", "3 smudge"], "low_confidence": ["2", ""]}, plane=1)
    {3: {<Flag.NOT_A_WBC_SMUDGE: 'not_a_wbc_smudge'>}}
    """
    found: dict[int, set[Flag]] = {}
    for key in (*_WITH_KIND, *_PLAIN):
        kinds = _WITH_KIND.get(key, {"": Flag(key)} if key in _PLAIN else {})
        for remark, cell, kind in _said(provenance, key, plane):
            flag = kinds.get(kind)
            if flag is None or not cell:
                like = f"'3 {next(iter(kinds))}' ({', '.join(kinds)})" if key in _WITH_KIND else "'3'"
                raise LeukocyteError(
                    f"The remark '{remark}' under {key} cannot be understood; it should be like {like}, so save the "
                    "labels again."
                )
            found.setdefault(cell, set()).add(flag)
    return found


def read_beside(provenance: Mapping[str, Any]) -> dict[int, frozenset[Flag]]:
    """Read back, by cell, the flags for neighbours that are not in the maps.

    Raises
    ------
    LeukocyteError
        When one cannot be understood.

    Examples
    --------
    >>> read_beside(remarks_text({}, beside={3: {Flag.TOUCHING}}) | {"edited": "7"})
    {3: frozenset({<Flag.TOUCHING: 'touching'>})}
    """
    found = read_remarks({key: text for key, text in provenance.items() if key == BESIDE_KEY})
    return {cell: frozenset(flags) for cell, flags in found.items()}


def read_types(provenance: Mapping[str, Any], *, plane: int = 0) -> dict[int, str]:
    """Read the types back, by cell, as `read_remarks` does the remarks.

    Raises
    ------
    LeukocyteError
        When one cannot be understood.

    Examples
    --------
    >>> read_types({"types": "3 plasma cell, 7 blast"})
    {3: 'plasma cell', 7: 'blast'}
    """
    types = {}
    for remark, cell, words in _said(provenance, _TYPES, plane):
        if not cell or not words:
            raise LeukocyteError(
                f"The remark '{remark}' under {_TYPES} cannot be understood; it should be like '3 monocyte', so save "
                "the labels again."
            )
        types[cell] = check_type(words)
    return types


def _said(provenance: Mapping[str, Any], key: str, plane: int) -> list[tuple[str, int, str]]:
    """Each remark of a plane under a key, its cell (0 for none), and what follows."""
    text = provenance.get(key, "")
    if isinstance(text, list):
        text = text[plane] if plane < len(text) else ""
    parted = [(remark, *remark.partition(" ")[::2]) for remark in filter(None, str(text).split(", "))]
    whole = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)  # a label is an int32
    return [(remark, int(cell) if whole.fullmatch(cell) else 0, words) for remark, cell, words in parted]
