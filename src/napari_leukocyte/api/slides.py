"""A whole slide in, its cells out, in one call."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_leukocyte.api.inputs import checked_pixel_size
from napari_leukocyte.api.result import Result
from napari_leukocyte.core.cells.cells_csv import CELL_COLUMNS, SLIDE_COLUMNS
from napari_leukocyte.core.cells.keep import Keep
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.parameters import Engine, Mode, SegmentParameters
from napari_leukocyte.core.slides.found import FoundOnSlide, read_found

if TYPE_CHECKING:  # torch loads when something is segmented
    from pandas import DataFrame

    from napari_leukocyte.core.segmentation.method import Method

__all__ = ["SlideCells", "segment_slide"]

_TEXTS = (
    "image", "flags", "pixel_size_source", "pixel_size_scope", "pixel_size_doubt", "model", "model_sha256", "engine",
    "precision", "reader", "made_with", "folder", "type", "place",
)  # fmt: skip
_WHOLE = ("plane", "cell", "cytoplasm_px", "nucleus_px", "cell_px")


class SlideCells:
    """The cells of a whole slide, in the folder where their results lie.

    Attributes
    ----------
    folder : Path
        With ``cells.csv``, ``cells.ome.zarr`` (class map and labels as pyramids) and ``overview.png``.
    """

    def __init__(self, found: FoundOnSlide) -> None:
        self._found, self.folder = found, found.folder

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the slide, px at full resolution."""
        return self._found.shape

    @property
    def pixel_size(self) -> PixelSize:
        """``um`` per px at full resolution, the ``source`` of the number in words, and whether it is ``estimated``."""
        return self._found.pixel_size

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done or happened that the user should know."""
        return self._found.image.planes[0].notes

    @property
    def provenance(self) -> dict[str, str]:
        """Version, model and its hash, device, parameters, pixel size and its source."""
        return dict(self._found.provenance)

    def table(self) -> "DataFrame":
        """Return the table of cells, a row for each, with the columns of ``cells.csv``.

        ``y`` and ``x`` are px of the slide at full resolution, ``y_um`` and ``x_um`` the same in um, ``place`` is where
        on the film the cell lies. NaN where there is no number; ``flags`` are joined with ";".
        """
        from pandas import DataFrame, to_numeric

        columns = [*CELL_COLUMNS, *SLIDE_COLUMNS]
        table = DataFrame(self._found.rows, columns=columns, dtype=str)
        for column in columns:
            if column in _WHOLE:
                table[column] = table[column].astype(int)
            elif column not in _TEXTS:
                table[column] = to_numeric(table[column], errors="coerce").astype(float)
        return table

    def region(self, rows: slice, columns: slice) -> Result:
        """Return what was found in a part of the slide: class map and cell labels (Y, X), with the table's numbers.

        Parameters
        ----------
        rows, columns : slice
            px of the slide at full resolution. A cell that the part cuts has the flag ``cut_by_edge`` in it.

        Raises
        ------
        LeukocyteError
            When the part lies outside the slide, or the results cannot be read.
        """
        box = tuple(slice(*part.indices(n)[:2]) for part, n in zip((rows, columns), self.shape, strict=True))
        if any(side.start >= side.stop for side in box):
            height, width = self.shape
            raise LeukocyteError(f"The part lies outside the slide, which has {height} rows and {width} columns.")
        result = self._found.segmentation((box[0], box[1]))
        name = f"{self._found.image.image.label} [{box[0].start}:{box[0].stop}, {box[1].start}:{box[1].stop}]"
        return Result(name, None, (result,), False, {})

    def __len__(self) -> int:
        """How many cells there are."""
        return len(self._found.rows)

    def __repr__(self) -> str:
        """Say what it is in one line."""
        height, width = self.shape
        cells = "1 cell" if len(self) == 1 else f"{len(self)} cells"
        return f"<SlideCells {self._found.image.image.label}: {width}×{height} px, {cells}, in {self.folder}>"


def segment_slide(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    pixel_size: float | None = None,
    keep: Keep = "auto",
    model: "str | os.PathLike[str] | Method" = "default",
    mode: Mode = "three-class",
    device: str = "auto",
    engine: Engine = "auto",
    whole_film: bool = False,
    crops: bool = False,
    overwrite: bool = False,
    progress: Callable[[str, int, int], object] | None = None,
) -> SlideCells:
    """Find and measure the cells of a whole slide, window by window; needs the extra ``slides``.

    The first look says what is glass, a single layer, thick or out of focus; the network looks at the single layer. A
    call that was interrupted is gone on with by the next one, and one that is done costs nothing again.

    Parameters
    ----------
    path
        A pyramidal TIFF, SVS, OME-TIFF, OME-Zarr folder or address, or what OpenSlide reads. Its label and macro images
        are never read.
    out
        The results get a folder in this one, named as the slide, as ``segment SLIDE --out`` makes it.
    pixel_size
        um per px at full resolution, 0.01 to 2. None: what the slide states, else an estimate from its cells.
    keep
        ``all`` cells (also ``auto``), or those that are ``whole``, not cut by the edge of the slide.
    model, mode, device
        As for `segment`; models that are no networks are for images.
    engine
        As for `load_model`, of a model that is given by its name.
    whole_film
        Look for cells also where the film is thick or out of focus.
    crops
        Write a picture and a class map of each cell as well.
    overwrite
        Replace what is in the way, also what was made with other choices or corrected by hand.
    progress
        Called with a stage and how many of its steps are done, of how many.

    Returns
    -------
    SlideCells
        Nothing of it but the table is in memory.

    Raises
    ------
    LeukocyteError
        When the slide cannot be read, a choice is impossible, or something is in the way.
    """
    from napari_leukocyte.core.segmentation.loaded import loaded_method
    from napari_leukocyte.core.slides.inputs import slide_folders
    from napari_leukocyte.core.slides.opening import open_slide
    from napari_leukocyte.core.slides.run import SlideParameters, SlideStep
    from napari_leukocyte.core.slides.run import segment_slide as steps_of

    name = os.fspath(path)
    named = os.fspath(model) if isinstance(model, str | os.PathLike) else ""
    asked = SegmentParameters(
        model=named or "default",
        pixel_size=checked_pixel_size(pixel_size),
        keep=keep,
        mode=mode,
        device=device,
        engine=engine,
    )
    parameters = SlideParameters(segment=asked, whole_film=whole_film, crops=crops)
    folder = slide_folders(Path(out), [name])[name]
    with open_slide(name) as slide:
        method = loaded_method(named, device, engine) if isinstance(model, str | os.PathLike) else model
        for event in steps_of(slide, folder, parameters, method, resume=not overwrite, overwrite=overwrite):
            if progress is not None and isinstance(event, SlideStep):
                progress(event.stage, event.done, event.total)
    return SlideCells(read_found(folder))
