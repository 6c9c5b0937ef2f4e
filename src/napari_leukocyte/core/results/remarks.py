"""What files must say of cells that their maps cannot: marked as not a WBC, unsure, out of focus, edited."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.errors import LeukocyteError

__all__ = ["read_remarks", "remarks_text"]

_NOT_A_WBC = "not_a_wbc"
_KINDS = {flag.removeprefix(f"{_NOT_A_WBC}_"): flag for flag in Flag if flag.startswith(f"{_NOT_A_WBC}_")}
_PLAIN = (Flag.LOW_CONFIDENCE, Flag.OUT_OF_FOCUS, Flag.EDITED)


def remarks_text(flags: Mapping[int, Collection[Flag]]) -> dict[str, str]:
    """Write the remarks on the cells of one plane, by cell number, as provenance; a key only where there are any.

    Examples
    --------
    >>> remarks_text({3: {Flag.NOT_A_WBC_SMUDGE, Flag.EDITED}, 7: {Flag.NOT_A_WBC_PLATELET}})
    {'not_a_wbc': '3 smudge, 7 platelet', 'edited': '3'}
    """
    cells = sorted(flags.items())
    texts = {
        _NOT_A_WBC: [f"{cell} {kind}" for cell, own in cells for kind, flag in _KINDS.items() if flag in own],
        **{flag.value: [str(cell) for cell, own in cells if flag in own] for flag in _PLAIN},
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
    for key in (_NOT_A_WBC, *_PLAIN):
        text = provenance.get(key, "")
        if isinstance(text, list):
            text = text[plane] if plane < len(text) else ""
        for remark in filter(None, str(text).split(", ")):
            cell, _, kind = remark.partition(" ")
            flag = _KINDS.get(kind) if key == _NOT_A_WBC else Flag(key) if not kind else None
            if flag is None or not re.fullmatch(r"[1-9][0-9]*", cell, re.ASCII):
                raise LeukocyteError(
                    f"The remark '{remark}' under {key} cannot be understood; it should be like "
                    f"'{'3 smudge' if key == _NOT_A_WBC else '3'}' ({', '.join(_KINDS)}), so save the labels again."
                )
            found.setdefault(int(cell), set()).add(flag)
    return found
