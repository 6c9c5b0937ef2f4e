"""Write docs/reference/columns-and-flags.md from the code:  python docs/reference_pages.py

A test holds the page against what this makes, so a column, a flag or a limit that changes is changed there, too.
"""

from pathlib import Path

from napari_leukocyte.core.cells import flagging, lumps, measures
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.short_text import WITHHELD
from napari_leukocyte.core.exchange.columns import dictionary_rows, markdown, optional_rows
from napari_leukocyte.core.imaging import quality
from napari_leukocyte.core.segmentation import plausible, stated_size, uncertainty

PAGE = Path(__file__).parent / "reference" / "columns-and-flags.md"
_MARKED = "A person marked it, with R or *Not a WBC*"


def _share(value: float) -> str:
    return f"{100 * value:g} %"


def limits() -> dict[Flag, str]:
    """When each flag is set, with the numbers that the code compares with."""
    small, large = (_share(end) for end in lumps._SHARE)
    narrow, wide = lumps._ACROSS_UM
    return {
        Flag.CUT_BY_EDGE: "A pixel of it lies on the image edge",
        Flag.RIM_NOT_RESOLVED: f"Cytoplasm under {_share(flagging._TRACE)} of the cell, and the nucleus intact and in "
        f"focus: it fills {_share(flagging._SMOOTH)} of its convex hull. `cnr_at_most` is the CNR that a rim of "
        f"{measures._THINNEST_RIM_UM:g} µm, at least {measures._THINNEST_RIM_PX:g} px, would give",
        Flag.NO_CYTOPLASM: f"Cytoplasm under {_share(flagging._TRACE)} of the cell, and the nucleus frayed, out of "
        f"focus, cut, or under {flagging._SMALLEST_SHAPE_PX} px",
        Flag.NO_NUCLEUS: f"Nucleus under {_share(flagging._TRACE)} of the cell",
        Flag.OVERLAPPING: f"The line that it shares with another cell is longer than {_share(flagging._CHORD)} of its "
        f"diameter, or the other covers {_share(flagging._COVERED)} of its area",
        Flag.NOT_A_WBC_SMUDGE: _MARKED,
        Flag.NOT_A_WBC_PLATELET: f"{_MARKED}; or it looks like a giant platelet: under "
        f"{plausible._PLATELET_UM2:g} µm², its middle under {plausible._PLATELET_MIDDLE_UM2:g} µm² and granular",
        Flag.NOT_A_WBC_NRBC: _MARKED,
        Flag.NOT_A_WBC_ARTEFACT: _MARKED,
        Flag.TOUCHING: "A pixel of another cell lies beside it",
        Flag.HOLE_OR_INDENT: f"Holes of {_share(flagging._HOLE_SHARE)} of its area, or an indent deeper than "
        f"{_share(flagging._INDENT_DEPTH)} of its radius",
        Flag.NUCLEI_FAR_APART: f"A gap of more than {flagging._LOBE_GAP_UM:g} µm between lobes of its nucleus",
        Flag.VERY_SMALL: f"Under {flagging._VERY_SMALL_UM2:g} µm²",
        Flag.PLATELET_ATTACHED: f"A round lump of cytoplasm, {narrow:g} to {wide:g} µm wide and {small} to {large} of "
        "the cell, hangs on it by a neck",
        Flag.LOW_CONFIDENCE: "The network is unsure of more of its pixels than of those of nine in ten cells that its "
        f"model was calibrated on ({_share(uncertainty.UNSURE_SHARE)} of them where it was not), or the whole "
        f"image is unlike any that it knows (uncertainty over {plausible.UNFAMILIAR:g})",
        Flag.OUT_OF_FOCUS: f"The steepest edge of its nucleus is wider than {quality._BLURRED_UM:g} µm",
        Flag.TOO_COARSE: f"An outline one pixel off moves its CNR by more than {_share(measures._TOO_COARSE)}",
        Flag.EDITED: "A hand changed it",
        Flag.PIXEL_SIZE_DOUBTFUL: "Something speaks against the pixel size: an estimate from too little, or a stated "
        f"size that red cells contradict by {stated_size.DOUBT:g} times",
    }


def page() -> str:
    """The text of the page."""
    when = limits()
    cnr = {flag: f"**none**: {WITHHELD[flag]}" if flag.withholds else "yes" for flag in Flag}
    flags = [f"| `{flag.value}` | {when[flag]} | {cnr[flag]} | {flag.words} |" for flag in Flag]
    return "\n".join(
        [
            "# Columns and flags",
            "",
            "<!-- written by docs/reference_pages.py -->",
            "",
            "## Columns",
            "",
            "Of `cells.csv`, of every table that is exported, and of `Result.table()`. A number that is not there is "
            "an empty field.",
            "",
            markdown(dictionary_rows()),
            "",
            "## Optional columns",
            "",
            "With `segment --shape-columns`, `nl.segment(..., shape_columns=True)` or the setting *Shape columns*, "
            "`cells.csv`, `Result.table()` and exports have these after all others. All but the densities are empty "
            "for a cell that the image edge cuts or that overlaps another. `measure --shape-columns` and "
            "`nl.import_masks(..., shape_columns=True)` leave empty what needs the image: optical densities and "
            "`cell_per_red_cell`.",
            "",
            markdown(optional_rows()),
            "",
            "## Flags",
            "",
            "What is doubtful about a cell. In the table they stand in the column `flags`, joined with `;`. Limits in "
            "µm need a pixel size, and those about nuclei three classes. What flags catch and what they miss: "
            "[trust.md](../trust.md#what-flags-catch-and-what-they-miss).",
            "",
            "A cell without a CNR has a word in its place on its badge and in the Measure dock.",
            "",
            "| flag | when | CNR | on screen |",
            "| --- | --- | --- | --- |",
            *flags,
            "",
            "For research use only. Not for use in diagnostic procedures.",
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
