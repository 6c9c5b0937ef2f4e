"""What can be doubtful about a cell, in words, and whether its CNR is withheld for it."""

from enum import StrEnum

__all__ = ["NOT_A_WBC", "Flag"]


class Flag(StrEnum):
    """A remark on one cell; the value is what tables and files hold.

    Examples
    --------
    >>> Flag.CUT_BY_EDGE.withholds, Flag.TOUCHING.withholds
    (True, False)
    >>> Flag("very_small").words
    'Very small: a speck, a platelet or a fragment?'
    """

    CUT_BY_EDGE = "cut_by_edge"
    RIM_NOT_RESOLVED = "rim_not_resolved"
    NO_CYTOPLASM = "no_cytoplasm"
    NO_NUCLEUS = "no_nucleus"
    OVERLAPPING = "overlapping"
    NOT_A_WBC_SMUDGE = "not_a_wbc_smudge"
    NOT_A_WBC_PLATELET = "not_a_wbc_platelet"
    NOT_A_WBC_NRBC = "not_a_wbc_nrbc"
    NOT_A_WBC_ARTEFACT = "not_a_wbc_artefact"
    TOUCHING = "touching"
    HOLE_OR_INDENT = "hole_or_indent"
    NUCLEI_FAR_APART = "nuclei_far_apart"
    VERY_SMALL = "very_small"
    PLATELET_ATTACHED = "platelet_attached"
    LOW_CONFIDENCE = "low_confidence"
    OUT_OF_FOCUS = "out_of_focus"
    TOO_COARSE = "too_coarse"
    EDITED = "edited"
    PIXEL_SIZE_DOUBTFUL = "pixel_size_doubtful"

    @property
    def words(self) -> str:
        """The sentence for the user."""
        return _WORDS[self]

    @property
    def withholds(self) -> bool:
        """Whether a cell with this flag gets no CNR."""
        return self in _WITHHOLDING


_WORDS = {
    Flag.CUT_BY_EDGE: "No CNR: the image edge cuts the cell.",
    Flag.RIM_NOT_RESOLVED: "No CNR but an upper limit: around the smooth nucleus no rim of cytoplasm is resolved.",
    Flag.NO_CYTOPLASM: "No CNR: a nucleus without cytoplasm, frayed or out of focus (smudge?).",
    Flag.NO_NUCLEUS: "No CNR: no nucleus was found in the cell.",
    Flag.OVERLAPPING: "No CNR: the cell overlaps another one.",
    Flag.NOT_A_WBC_SMUDGE: "No CNR: marked as not a WBC (smudge).",
    Flag.NOT_A_WBC_PLATELET: "No CNR: marked as not a WBC (platelet).",
    Flag.NOT_A_WBC_NRBC: "No CNR: marked as not a WBC (nucleated red cell).",
    Flag.NOT_A_WBC_ARTEFACT: "No CNR: marked as not a WBC (artefact).",
    Flag.TOUCHING: "Touches another cell: check the line between them.",
    Flag.HOLE_OR_INDENT: "Has a hole or an indent: a vacuole that belongs to the cell?",
    Flag.NUCLEI_FAR_APART: "Its nuclei lie further apart than the lobes of one cell: two cells?",
    Flag.VERY_SMALL: "Very small: a speck, a platelet or a fragment?",
    Flag.PLATELET_ATTACHED: "A platelet may be attached: split it off as background?",
    Flag.LOW_CONFIDENCE: "The model is unsure about this cell: check its outlines.",
    Flag.OUT_OF_FOCUS: "Out of focus: its outlines, and so its CNR, are less certain.",
    Flag.TOO_COARSE: "The pixels are coarse for this cell: an outline one pixel off moves its CNR by over 20 %.",
    Flag.EDITED: "Edited by hand.",
    Flag.PIXEL_SIZE_DOUBTFUL: "The pixel size of the image is doubtful: type it, or measure a cell.",
}

NOT_A_WBC = frozenset({Flag.NOT_A_WBC_SMUDGE, Flag.NOT_A_WBC_PLATELET, Flag.NOT_A_WBC_NRBC, Flag.NOT_A_WBC_ARTEFACT})
"""What a person marks a cell as that is no white cell."""

_WITHHOLDING = NOT_A_WBC | {
    Flag.CUT_BY_EDGE,
    Flag.RIM_NOT_RESOLVED,
    Flag.NO_CYTOPLASM,
    Flag.NO_NUCLEUS,
    Flag.OVERLAPPING,
}
