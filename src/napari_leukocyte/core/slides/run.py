"""A slide from its first look to the table: all of it in windows, however large it is."""

from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_leukocyte import __version__
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.files import atomic_path, refusal
from napari_leukocyte.core.imaging.convert import Conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.record import PlaneRecord
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.segment import check_mode, settings_of
from napari_leukocyte.core.segmentation.windowed import relay
from napari_leukocyte.core.slides.blocks import Blocks
from napari_leukocyte.core.slides.cells import FoundCell, FoundCells, label_components
from napari_leukocyte.core.slides.coarse import coarse_note
from napari_leukocyte.core.slides.components import find_components
from napari_leukocyte.core.slides.crops import write_crops
from napari_leukocyte.core.slides.folder import MAP, RESULTS, SlideFolder, slide_fingerprint
from napari_leukocyte.core.slides.map_picture import draw_map
from napari_leukocyte.core.slides.measuring import Maps, MeasuredCells, look_at_surroundings, measure_slide
from napari_leukocyte.core.slides.overview import Overview, conversion_of, look_over
from napari_leukocyte.core.slides.pyramid import CHUNK, ResultPyramid, open_results
from napari_leukocyte.core.slides.sizes import size_of_slide, spread_windows
from napari_leukocyte.core.slides.slide import Slide
from napari_leukocyte.core.slides.table import slide_rows
from napari_leukocyte.core.slides.tiles import TileDone, Tiles, predict_tiles, reach_px

__all__ = ["LookedOver", "SlideParameters", "SlideResult", "SlideStep", "segment_slide"]

_SAMPLES = 40  # windows that say what the glass and the red cells look like
_PICTURE_BYTES = 256 * 2**20  # of the picture that stay in memory while cells are measured


@dataclass(frozen=True, kw_only=True)
class SlideParameters:
    """What the user chooses for a slide.

    Attributes
    ----------
    segment
        Model, mode, device, pixel size. Of the keep rules all and whole have a meaning; auto is all.
    whole_film
        Look for cells wherever there is film, also where it is thick or out of focus.
    crops
        Write one crop a cell as well.
    windows
        Windows of a tile, each way; None: as many as suit the memory. Results do not depend on it.
    """

    segment: SegmentParameters
    whole_film: bool = False
    crops: bool = False
    windows: int | None = None

    def __post_init__(self) -> None:
        if self.segment.keep == "centre":
            raise LeukocyteError("A slide has no cell in its centre that counts alone: keep all cells, or whole ones.")


@dataclass(frozen=True)
class SlideStep:
    """``done`` of ``total`` steps of a stage are done; Cancel takes effect at each, and what is done stays."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, eq=False)
class LookedOver:
    """The first look is done: what lies where, how large pixels are, and what to know before hours are spent.

    Attributes
    ----------
    windows
        How many the network will look at, and how many there are in all.
    """

    overview: Overview
    pixel_size: PixelSize
    windows: tuple[int, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class SlideResult:
    """What was found.

    Attributes
    ----------
    cells
        How many.
    again
        It was all there from an earlier run.
    """

    folder: Path
    cells: int
    pixel_size: PixelSize
    notes: tuple[str, ...]
    again: bool = False


def segment_slide(
    slide: Slide,
    folder: Path,
    parameters: SlideParameters,
    method: Method,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> Iterator[SlideStep | LookedOver | SlideResult]:
    """Find and measure the cells of a slide; yields progress, `LookedOver` and, last, the result.

    ``folder`` gets cells.csv (with cells.json beside it), overview.png, cells.ome.zarr, the record results.jsonl, and
    slide.json, which says that it is done; with ``crops`` also a folder of crops. An interrupted run leaves what it
    did: with ``resume`` the next one goes on with it.

    Raises
    ------
    LeukocyteError
        When the slide cannot be read, the method is none for slides, or something is in the way in the folder.
    """
    check_mode(method, parameters.segment)
    if not isinstance(method, Predictor):
        raise LeukocyteError(f"The method {method.name} is for single images: choose a network for a slide.")
    library("zarr", wanted_for="A slide", extra="slides")
    about = {
        **slide_fingerprint(slide.path),
        "size": list(slide.shape),
        **asdict(settings_of(parameters.segment, method)),
        "whole_film": parameters.whole_film,
        "crops": parameters.crops,
        "windows": parameters.windows,
    }
    settings = settings_of(parameters.segment, method)
    with SlideFolder(folder, slide.path, about, settings, resume=resume, overwrite=overwrite) as place:
        if place.done is not None:
            (plane,) = place.done.planes
            yield SlideResult(folder, len(plane.cells), plane.pixel_size, plane.notes, again=True)
            return
        try:
            yield from _Run(slide, place, parameters, method).steps()
        except OSError as error:  # a slide that cannot be read has its own sentences
            raise LeukocyteError(
                f"{folder} could not be written: {refusal(error)}; what was done is kept, and --resume (in napari: the "
                "same folder again) goes on."
            ) from error


class _Run:
    """One run, stage by stage."""

    def __init__(self, slide: Slide, place: SlideFolder, parameters: SlideParameters, method: Predictor) -> None:
        self.slide, self.place, self.parameters, self.method = slide, place, parameters, method
        self.binary = parameters.segment.mode == "binary"
        self.nuclei = method.classes == 3
        self.notes_before = len(method.notes)

    def steps(self) -> Iterator[SlideStep | LookedOver | SlideResult]:
        self.conversion: Conversion = conversion_of(self.slide)
        decided = size_of_slide(self.slide, self.conversion, self.parameters.segment, self.method)
        self.pixel_size, size_notes = yield from _staged("pixel size", decided)
        assert self.pixel_size.um is not None  # an estimate always gives one
        self.um = self.pixel_size.um
        overview = yield from _staged("overview", relay(look_over(self.slide, self.conversion, pixel_size=self.um)))
        self.overview: Overview = overview
        self.wanted = overview.wanted(whole_film=self.parameters.whole_film)
        self.tiles = Tiles(
            self.slide.shape,
            scale=self.um / self.method.pixel_size,
            wanted=self.wanted,
            reach=reach_px(self.um),
            windows=self.parameters.windows,
        )
        self.write_map()
        coarse = coarse_note(self.um)
        doubt = f"pixel size doubtful: {self.pixel_size.doubt}" if self.pixel_size.doubt else ""
        self.notes = [note for note in (*self.slide.notes, *self.conversion.notes, *size_notes, doubt, coarse) if note]
        windows = self.tiles.count, len(self.tiles.spans[0]) * len(self.tiles.spans[1])
        yield LookedOver(overview, self.pixel_size, windows, tuple(self.notes))
        if not self.tiles.count:
            self.notes.append("no cells lie in a single layer and in focus: nothing was looked at (overview.png)")
        codes = self.codes_array()
        yield from self.predict(codes)
        yield from self.measure(codes)

    def predict(self, codes: Any) -> Iterator[SlideStep]:
        """Let the network look at the tiles that are not done yet."""
        done = self.place.tiles_done()
        todo = [tile for tile in self.tiles.tiles() if tile.key not in done]
        events = predict_tiles(
            self.slide, self.conversion, self.method, self.tiles, todo, classes=self.method.classes
        )  # fmt: skip
        for event in events:
            if isinstance(event, TileDone):
                codes[event.tile.rows, event.tile.columns] = event.codes
                self.place.note_tile(event.tile.key)
            else:
                yield SlideStep("network", event.done, event.windows)

    def measure(self, codes: Any) -> Iterator[SlideStep | SlideResult]:
        """Tell cells apart, measure them, and write the results."""
        made = ResultPyramid.create(
            self.place.work / RESULTS, self.slide.shape, name=self.slide.name, pixel_size=self.pixel_size
        )
        maps = Maps(
            Blocks(self.slide.levels[0], side=CHUNK, most=_PICTURE_BYTES),
            self.conversion,
            Blocks(codes, side=self.tiles.chunk),
            Blocks(made.classes, side=CHUNK),
            Blocks(made.labels, side=CHUNK, most=128 * 2**20),
        )
        yield SlideStep("cells", 0, 1)
        components = find_components(codes, self.tiles.tiles())
        labelled = label_components(
            components, maps.codes, maps.classes, maps.labels, pixel_size=self.um, binary=not self.nuclei
        )
        found: FoundCells = yield from _staged("cells", relay(labelled))
        del components
        samples = spread_windows(self.tiles, _SAMPLES)
        around = (
            look_at_surroundings(maps, self.overview, samples, found.cells, pixel_size=self.um) if samples else None
        )
        dropped = {cell.number for cell in found.cells if not self.counts(cell)}
        if around is None:
            cells = MeasuredCells([], np.zeros(1, np.int32), 0)
        else:
            measured = measure_slide(
                found.cells, maps, around, dropped=dropped, pixel_size=self.pixel_size, binary=self.binary,
                nuclei=self.nuclei, unsure_limit=self.method.unsure_limit,
            )  # fmt: skip
            cells = yield from _staged("measures", relay(measured))
            self.notes += around.notes
        if cells.red_cells:
            self.notes.append(f"left out because they look like red cells: {cells.red_cells}")
        if found.too_large:
            self.notes.append(
                f"left out because they are too large to tell cells apart, over 300 µm: {found.too_large} areas"
            )
        self.notes += self.method.notes[self.notes_before :]
        provenance = self.provenance()
        yield from _staged("files", made.finish(cells.numbers, provenance, binary=self.binary))
        yield from self.write(maps, cells, provenance)

    def write(self, maps: Maps, cells: MeasuredCells, provenance: dict[str, str]) -> Iterator[SlideStep | SlideResult]:
        """Put everything in its place, what says that it is done last."""
        folder = self.place.path
        rows = slide_rows(
            [cell.measure for cell in cells.cells], self.overview.place_at, um=self.um, provenance=provenance
        )
        self.place.put(
            PlaneRecord(
                provenance=provenance,
                pixel_size=self.pixel_size,
                binary=self.binary,
                notes=tuple(self.notes),
                cells=rows,
            )
        )
        self.write_map([(cell.measure.y, cell.measure.x) for cell in cells.cells])
        if self.parameters.crops:
            classes, labels = open_results(folder / RESULTS)
            finished = replace(maps, classes=Blocks(classes, side=CHUNK), labels=Blocks(labels, side=CHUNK))
            yield from _staged("crops", write_crops(folder, cells.cells, finished, self.pixel_size, provenance))
        result = SlideResult(folder, len(cells.cells), self.pixel_size, tuple(self.notes))
        self.place.finish(
            {
                "slide": self.slide.path,
                "windows": [self.tiles.count, len(self.tiles.spans[0]) * len(self.tiles.spans[1])],
                "places": ["".join(map(str, row)) for row in self.overview.places.tolist()],
            }
        )
        yield result

    # ---- parts --------------------------------------------------------------------------------------------

    def counts(self, cell: FoundCell) -> bool:
        """Whether a cell is one of those that are looked for."""
        if self.parameters.segment.keep == "whole":
            sides = zip(cell.box, self.slide.shape, strict=True)
            if any(side.start == 0 or side.stop == n for side, n in sides):
                return False
        return self.overview.place_at(cell.y, cell.x).counts(whole_film=self.parameters.whole_film)

    def codes_array(self) -> Any:
        """What is kept of the network's look, on the disk; that of an interrupted run is gone on with."""
        import zarr

        path = str(self.place.work / "codes.zarr")
        if self.place.tiles_done():
            try:
                return zarr.open_array(path, mode="r+")
            except Exception:  # it is damaged: the tiles are looked at anew
                self.place.forget_tiles()
        side = self.tiles.chunk
        chunks = tuple(min(side, n) for n in self.slide.shape)
        return zarr.create_array(
            path, shape=self.slide.shape, dtype="uint8", chunks=chunks, fill_value=0, overwrite=True
        )

    def write_map(self, cells: list[tuple[float, float]] | None = None) -> None:
        picture = draw_map(self.overview, cells or (), whole_film=self.parameters.whole_film)
        with atomic_path(self.place.path / MAP) as temporary:
            picture.save(temporary)

    def provenance(self) -> dict[str, str]:
        asked = self.parameters.segment
        return {
            "napari-leukocyte": __version__,
            **self.method.provenance,
            "device": self.method.used,
            "mode": asked.mode,
            "keep": asked.keep if asked.keep != "auto" else "all (auto)",
            "looked_at": "the whole film" if self.parameters.whole_film else "single layer, in focus",
            **self.pixel_size.facts,
        }


def _staged(stage: str, job: Iterator[Any]) -> Generator[SlideStep, None, Any]:
    """Pass progress on under a stage's name, and return what the job returns."""
    while True:
        try:
            event = next(job)
        except StopIteration as end:
            return end.value
        yield SlideStep(stage, event.done, event.windows)
