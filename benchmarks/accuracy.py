"""Score a model on images with expert masks, at native resolution, and write a table.

    python benchmarks/accuracy.py DATA --split benchmarks/split.json --part test --model default --out scores

DATA is a folder with an ``index.csv``; each image is taken at its source's pixel size. The keep rule acts on both
sides; false and missed cells are counted before it as well. ``--out scores`` writes scores.json (for card.py) and
scores.md.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from changes import CHANGES, CROWDING, Change, change_named
from napari_leukocyte import __version__
from napari_leukocyte.core.cells.keep import Keep, keep_maps
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.cells.measures import measure_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.image_list import ImageSource, sources_from_array
from napari_leukocyte.core.imaging.masks import read_mask
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.dataset import IndexRow, read_index
from napari_leukocyte.core.model.split import PARTS, read_split
from napari_leukocyte.core.model.weights import model_path
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.scoring.border import band_width_px
from napari_leukocyte.core.scoring.cell_pairs import CellPair, pair_cells
from napari_leukocyte.core.scoring.cnr_error import CnrErrors, compare_cnr, match_cells
from napari_leukocyte.core.scoring.metrics import count_image
from napari_leukocyte.core.segmentation.method import Method, load_method
from napari_leukocyte.core.segmentation.parameters import Mode, SegmentParameters
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.segment import segment_plane
from report import markdown, table, weights_hash
from summary import Scored, summarise


@dataclass(frozen=True)
class Options:
    """How each image is taken."""

    keep: Keep | None  # None: centre for the sources in ``centre``, all elsewhere
    centre: tuple[str, ...]
    estimate_pixel_size: bool = False
    change: Change | None = None
    pixel_size_factor: float = 1.0  # the model is told so many times the true size

    def rule(self, source: str) -> Keep:
        return self.keep or ("centre" if source in self.centre else "all")


def segment(row: IndexRow, predictor: Method, options: Options, *, keep: Keep = "all") -> Segmentation:
    """Segment one image: every cell, or those that a keep rule leaves."""
    file = read_image(row.image)
    array: Any = file.array
    if options.change is not None:
        array = options.change(np.asarray(array)[..., :3], row)
    told = row.pixel_size * options.pixel_size_factor
    known = PixelSize(None) if options.estimate_pixel_size else PixelSize(told, "index.csv")
    source = sources_from_array(array, name=row.name, rgb=file.rgb and array.ndim == 3, pixel_size=known)[0]
    return every_cell(source, predictor, keep=keep)


def every_cell(source: ImageSource, method: Method, *, keep: Keep = "all") -> Segmentation:
    """Segment an image with all the classes that a method knows; every cell, or those that a keep rule leaves."""
    mode: Mode = "binary" if method.classes == 2 else "three-class"
    *_, result = segment_plane(source, SegmentParameters(mode=mode, keep=keep), method)
    assert isinstance(result, Segmentation)  # the last event
    return result


def score(row: IndexRow, predictor: Method, options: Options) -> Scored:
    """Segment one image and compare it with its mask."""
    result = segment(row, predictor, options)
    mask = read_mask(row.mask)
    true_cells = label_cells(mask.classes, pixel_size=row.pixel_size)
    before = match_cells(result.cells, true_cells)
    rule = options.rule(row.source)
    classes, cells = keep_maps(result.classes, result.cells, rule, pixel_size=row.pixel_size)
    truth, true_cells = keep_maps(mask.classes, true_cells, rule, pixel_size=row.pixel_size)
    after = match_cells(cells, true_cells)
    only_cell = mask.whole_cell or result.binary
    cnr: CnrErrors | None = None
    pairs: tuple[CellPair, ...] = ()
    if not only_cell:
        ours = measure_cells(classes, cells, pixel_size=row.pixel_size, remarks=result.remarks)
        theirs = measure_cells(truth, true_cells, pixel_size=row.pixel_size)
        cnr, pairs = compare_cnr(ours, theirs, after), pair_cells(ours, theirs, after)
    return Scored(
        name=row.name,
        source=row.source,
        cell_type=row.cell_type,
        group=row.slide or row.name,
        counts=count_image(classes, truth, border_px=band_width_px(row.pixel_size), whole_cell=only_cell),
        cnr=cnr,
        pairs=pairs,
        false_before=len(before.false_cells),
        missed_before=len(before.missed_cells),
        false_after=len(after.false_cells),
        missed_after=len(after.missed_cells),
        pixel_size_ratio=(result.pixel_size.um or row.pixel_size) / row.pixel_size,
    )


def score_all(rows: Sequence[IndexRow], predictor: Method, options: Options) -> Iterator[Scored]:
    for i, row in enumerate(rows, start=1):
        yield score(row, predictor, options)
        print(f"\r{i} of {len(rows)} images", end="", flush=True)
    print()


def chosen_rows(data: Path, split: Path | None, part: str) -> list[IndexRow]:
    rows = read_index(data)
    if part == "all":
        return rows
    if split is None:
        raise LeukocyteError(f"--part {part} needs the --split that says which images it holds.")
    names = set(read_split(split, [row.name for row in rows])[part])
    return [row for row in rows if row.name in names]


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, help="JSON with the lists train, validation, test")
    parser.add_argument("--part", choices=[*PARTS, "all"], default="test")
    parser.add_argument("--model", default="default", help="shipped name, weight file, or active-contour")
    parser.add_argument("--keep", choices=get_args(Keep), help="for every source; default: see --centre")
    parser.add_argument("--centre", nargs="*", default=["zheng1", "zheng2"], help="sources scored on the central cell")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--estimate-pixel-size", action="store_true", help="as if the pixel size were unknown")
    parser.add_argument("--pixel-size-factor", type=float, default=1.0, help="tell so many times the true pixel size")
    parser.add_argument("--change", choices=[*CHANGES, CROWDING], help="spoil the images first, see changes.py")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = parse(arguments)
    rows = chosen_rows(given.data, given.split, given.part)
    options = Options(
        cast(Keep, given.keep),
        tuple(given.centre),
        given.estimate_pixel_size,
        change_named(given.change, rows) if given.change else None,
        given.pixel_size_factor,
    )
    predictor = load_method(given.model, device=given.device)
    scored = list(score_all(rows, predictor, options))
    result = {
        "model": predictor.name,
        "weights_sha256": weights_hash(model_path(given.model)) if isinstance(predictor, Predictor) else None,
        "plugin_version": __version__,
        "device": predictor.used,
        "precision": predictor.provenance["precision"],
        "split": given.split.name if given.split else None,
        "part": given.part,
        "keep": {source: options.rule(source) for source in dict.fromkeys(row.source for row in rows)},
        "pixel_size": "estimated" if given.estimate_pixel_size else _told(given.pixel_size_factor),
        "images": given.change or "as they are",
        "sources": summarise(scored),
    }
    print(table(result))
    if given.out:
        for suffix, text in ((".json", json.dumps(result, indent=1, allow_nan=False)), (".md", markdown(result))):
            with atomic_path(given.out.with_name(given.out.name + suffix)) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")


def _told(factor: float) -> str:
    return "known" if factor == 1 else f"wrong by {100 * (factor - 1):+.0f} %"


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
