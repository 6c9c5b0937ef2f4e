"""How far an estimated pixel size is from the truth, where the truth is known: rescaled photographs and drawn smears.

    python benchmarks/pixel_size.py DATA --split benchmarks/split.json --part validation --out pixel_size

Each image of the part is enlarged or reduced by a factor of its own, 0.5 to 2; drawn smears of all difficulty classes
have 3 to 15 px/um. Every estimate is made twice: as the package makes it, with red cells as the ruler, and from white
cells alone. ``--out pixel_size`` writes pixel_size.json (every field) and pixel_size.md.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_leukocyte.core.difficulty import DIFFICULTIES
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.convert import Conversion, find_conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.model.dataset import read_index
from napari_leukocyte.core.model.split import PARTS, read_split
from napari_leukocyte.core.scoring.bootstrap import bootstrap_interval
from napari_leukocyte.core.segmentation.pixel_size import estimate_pixel_size
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.white_cells import WhiteCells, find_white_cells
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty

FACTORS = (0.5, 2.0)
PX_PER_UM = (3.0, 15.0)
SIZE = (640, 640)  # px of a drawn smear


@dataclass(frozen=True)
class Field:
    """An image whose pixel size is known; ``group`` (slide, else image) is what the bootstrap resamples."""

    name: str
    source: str
    group: str
    px_per_um: float
    factor: float
    read: Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True)
class Measured:
    """One field: estimated size over true size by each rule, what the first rests on, and seconds of CPU."""

    name: str
    source: str
    group: str
    px_per_um: float
    factor: float
    red: float
    white: float  # NaN when left out
    ruler: str
    red_s: float
    white_s: float


def log_uniform(rng: np.random.Generator, span: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(span))))


def photographs(
    data: Path, split: Path, part: str, per_source: int | None, seed: int, *, span: tuple[float, float] = FACTORS
) -> Iterator[Field]:
    """Images of a part in an order of their own, each rescaled by a factor of the span."""
    rows = read_index(data)
    names = set(read_split(split, [row.name for row in rows])[part])
    for source in dict.fromkeys(row.source for row in rows):
        own = [row for row in rows if row.source == source and row.name in names]
        rng = np.random.default_rng([seed, *source.encode()])
        for row in [own[i] for i in rng.permutation(len(own))][:per_source]:
            factor = log_uniform(rng, span)

            def read(path: Path = row.image, factor: float = factor) -> NDArray[np.uint8]:
                return rescaled(np.asarray(read_image(path).array)[..., :3], factor)

            yield Field(row.name, source, row.slide or row.name, factor / row.pixel_size, factor, read)


def rescaled(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Bicubic; when an image is reduced the kernel widens with it, so that nothing aliases."""
    if factor == 1:
        return image
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def drawn(count: int, seed: int) -> Iterator[Field]:
    """Drawn smears, the difficulty classes in turn; one that the frame has no room for is drawn at fewer px/um."""
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        difficulty, px_per_um = sorted(DIFFICULTIES)[i % len(DIFFICULTIES)], log_uniform(rng, PX_PER_UM)
        while True:
            try:
                image = draw_difficulty(difficulty, seed=100_000 * seed + i, size=SIZE, px_per_um=px_per_um).image
                break
            except LeukocyteError:
                px_per_um = log_uniform(rng, (PX_PER_UM[0], px_per_um))
        name = f"class {difficulty}, {i}"
        yield Field(name, "synthetic", name, px_per_um, 1.0, lambda image=image: image)  # type: ignore[misc]


def chosen_fields(given: argparse.Namespace) -> Iterator[Field]:
    """The sources take turns, so that a run that is cut short has seen all of them."""
    sources: dict[str, list[Field]] = {}
    for field in photographs(given.data, given.split, given.part, given.per_source, given.seed):
        sources.setdefault(field.source, []).append(field)
    smears = drawn(given.synthetic, given.seed)
    for turn in zip_longest(*sources.values(), smears):
        yield from (field for field in turn if field is not None)


def white_cells(image: NDArray[np.uint8], conversion: Conversion, predictor: Predictor) -> WhiteCells | None:
    """Run the job to its end."""
    job = find_white_cells(image, conversion, predictor)
    while True:
        try:
            next(job)
        except StopIteration as end:
            found: WhiteCells | None = end.value
            return found


def measure(field: Field, predictor: Predictor, *, grey: bool, both: bool) -> Measured:
    image: NDArray[np.uint8] = field.read()
    if grey:
        image = image.mean(axis=-1).round().astype(np.uint8)
    conversion = find_conversion(image, rgb=not grey)
    start = time.process_time()
    *_, size = estimate_pixel_size(image, conversion, predictor)
    middle = time.process_time()
    alone = math.nan
    if both:
        white = white_cells(image, conversion, predictor)
        alone = predictor.info.pixel_size if white is None else white.um
    end = time.process_time()
    assert isinstance(size, PixelSize)  # the last event
    assert size.um is not None
    return Measured(
        field.name,
        field.source,
        field.group,
        field.px_per_um,
        field.factor,
        size.um * field.px_per_um,
        alone * field.px_per_um,
        size.source,
        middle - start,
        end - middle,
    )


def figures(fields: Sequence[Measured]) -> dict[str, Any]:
    """Of both rules: median error and shares within 15 and 30 %, with 95 % intervals; errors are of the log."""
    result: dict[str, Any] = {"fields": len(fields)}
    groups = [field.group for field in fields]
    for rule in ("red", "white"):
        if math.isnan(getattr(fields[0], rule)):
            continue
        logs = np.log([getattr(field, rule) for field in fields])
        # what would be left if the source's own value were off by one factor: the ruler's spread alone
        spread = np.abs(logs - np.median(logs))
        result[rule] = {
            "median_ratio": float(np.exp(np.median(logs))),
            "median_error": _with_interval(np.exp(np.abs(logs)) - 1, groups, np.median),
            "within_15": _with_interval(np.abs(logs) < np.log(1.15), groups, np.mean),
            "within_30": _with_interval(np.abs(logs) < np.log(1.3), groups, np.mean),
            "spread_within_15": _with_interval(spread < np.log(1.15), groups, np.mean),
            "seconds": float(np.median([getattr(field, f"{rule}_s") for field in fields])),
        }
    result["with_red_cells"] = float(np.mean(["red cell" in field.ruler for field in fields]))
    return result


def _with_interval(values: NDArray[Any], groups: Sequence[str], statistic: Callable[..., Any]) -> list[float]:
    data = np.asarray(values, np.float64)
    return [float(statistic(data)), *bootstrap_interval(data, statistic=statistic, groups=groups)]


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value == value}


def by_source(fields: Sequence[Measured]) -> dict[str, Any]:
    sources = dict.fromkeys(field.source for field in fields)
    found = {source: figures([field for field in fields if field.source == source]) for source in sources}
    return {**found, "all": figures(fields)}


def markdown(result: dict[str, Any]) -> str:
    head = "source|fields|with red cells|ruler|estimate / truth|median error|within 15 %|within 30 %|spread 15 %|CPU s"
    lines = ["| " + " | ".join(head.split("|")) + " |", "|" + "---|" * len(head.split("|"))]
    for source, row in result["sources"].items():
        for rule, name in (("red", "red and white cells"), ("white", "white cells")):
            if rule not in row:
                continue
            scores = row[rule]
            shares = [_percent(scores[key]) for key in ("median_error", "within_15", "within_30", "spread_within_15")]
            first = [source, str(row["fields"]), f"{row['with_red_cells']:.0%}"] if rule == "red" else [""] * 3
            cells = [*first, name, f"{scores['median_ratio']:.2f}", *shares, f"{scores['seconds']:.2f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _percent(figure: list[float]) -> str:
    value, low, high = (100 * number for number in figure)
    return f"{value:.0f} % ({low:.0f}–{high:.0f})"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True, help="JSON with the lists train, validation, test")
    parser.add_argument("--part", choices=PARTS, default="validation")
    parser.add_argument("--model", default="default")
    parser.add_argument("--per-source", type=int, help="photographs of each source at most")
    parser.add_argument("--synthetic", type=int, default=64, help="how many drawn smears")
    parser.add_argument("--seed", type=int, default=1, help="for factors and drawn smears")
    parser.add_argument("--grey", action="store_true", help="as if the images were grayscale")
    parser.add_argument("--skip-white", action="store_true", help="leave out the slow rule of white cells alone")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = parse(arguments)
    predictor = Predictor(given.model, device="cpu")
    fields: list[Measured] = []
    for field in chosen_fields(given):
        fields.append(measure(field, predictor, grey=given.grey, both=not given.skip_white))
        print("{source} {name}: {red:.3f} ({ruler}), white cells {white:.3f}".format(**asdict(fields[-1])), flush=True)
    result = {
        "model": predictor.name,
        "part": given.part,
        "seed": given.seed,
        "colours": "grayscale" if given.grey else "as they are",
        "sources": by_source(fields),
        "fields": [_without_nan(asdict(field)) for field in fields],
    }
    print(markdown(result))
    if given.out:
        for suffix, text in ((".json", json.dumps(result, indent=1, allow_nan=False)), (".md", markdown(result))):
            with atomic_path(given.out.with_name(given.out.name + suffix)) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
