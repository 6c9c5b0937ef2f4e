"""How often right stated pixel sizes are doubted and wrong ones found out; what lists make of an unknown one.

    python benchmarks/pixel_size_lists.py DATA --split benchmarks/split.json --part train --out pixel_size_lists

Photographs as they are, and drawn smears of all difficulty classes. Each image is measured once: its rulers, and what
its red cells say under its right size and under sizes that are 1.5 and 2 times too large or too small. Lists of eight
are then drawn from the images of a source, also with four of them enlarged as by a second objective. ``--out NAME``
writes NAME.json (every image) and NAME.md; ``--read NAME.json`` counts again without measuring.
"""

import argparse
import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.imaging.convert import find_conversion
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.model.split import PARTS
from napari_leukocyte.core.segmentation.list_pixel_sizes import LOOKED_AT
from napari_leukocyte.core.segmentation.pixel_size import find_rulers
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.rulers import Ruler, Rulers, pooled, sizes_apart
from napari_leukocyte.core.segmentation.stated_size import judged, measure_red_cells
from pixel_size import Field, drawn, photographs

Result = TypeVar("Result")

FACTORS = (1.0, 0.5, 2 / 3, 1.5, 2.0)  # of the right size, as it is stated
OBJECTIVES = (1.5, 2.0)
WORKING = 0.2  # um per px, where no ruler is found


@dataclass(frozen=True)
class Measured:
    """One image: what its rulers say, and its red cells under each stated size; um per px over the right size."""

    name: str
    source: str
    red: tuple[float, int] | None
    white: tuple[float, int] | None
    stated: tuple[tuple[float, int] | None, ...]

    def rulers(self, factor: float = 1.0) -> Rulers:
        """As if the image had been enlarged by the inverse of a factor, at 0.1 um per px."""
        return Rulers(_ruler(self.red, "red cell", factor), _ruler(self.white, "cell", factor))


def _ruler(said: tuple[float, int] | None, kind: str, factor: float = 1.0) -> Ruler | None:
    return None if said is None else Ruler(0.1 * factor * said[0], said[1], kind)


def measure(field: Field, predictor: Predictor) -> Measured:
    image = field.read()
    conversion = find_conversion(image, rgb=True)
    right = 1 / field.px_per_um
    rulers = ended(find_rulers(image, conversion, predictor))
    said = [ended(measure_red_cells(image, conversion, predictor, stated=right * factor)) for factor in FACTORS]
    return Measured(
        field.name,
        field.source,
        _said(rulers.red, right),
        _said(rulers.white, right),
        tuple(_said(ruler, right) for ruler in said),
    )


def ended(job: Generator[Any, None, Result]) -> Result:
    """Run a job, and return its result."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: Result = end.value
            return result


def _said(ruler: Ruler | None, right: float) -> tuple[float, int] | None:
    return None if ruler is None else (ruler.um / right, ruler.cells)


def doubted(images: Sequence[Measured], which: int) -> tuple[bool, bool]:
    """Whether a list of images with one stated size is doubted, and whether there is evidence at all."""
    size = PixelSize(0.1 * FACTORS[which], "typed")
    found = [ruler for image in images if (ruler := _ruler(image.stated[which], "red cell")) is not None]
    size, _ = judged(size, found)
    evidence = any(ruler.cells >= 5 for ruler in found) or len(found) >= 3
    return bool(size.doubt), evidence


def lists(images: Sequence[Measured], count: int, rng: np.random.Generator) -> Iterator[list[Measured]]:
    for _ in range(count):
        yield [images[i] for i in rng.choice(len(images), min(LOOKED_AT, len(images)), replace=False)]


def figures(images: Sequence[Measured], *, count: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    many = list(lists(images, count, rng))
    alone: dict[str, object] = {}
    together: dict[str, object] = {}
    for which, factor in enumerate(FACTORS):
        single = np.array([doubted([image], which) for image in images])
        listed = np.array([doubted(one, which) for one in many])
        alone[f"{factor:.2f}"] = [float(single[:, 0].mean()), float(single[:, 1].mean())]
        together[f"{factor:.2f}"] = [float(listed[:, 0].mean()), float(listed[:, 1].mean())]
    own = [pooled([image.rulers()], working=WORKING) for image in images]
    shared = [pooled([image.rulers() for image in one], working=WORKING) for one in many]
    merged = {}
    for objective in OBJECTIVES:
        apart = []
        for one in many:
            factors = np.where(np.arange(len(one)) < len(one) // 2, 1 / objective, 1.0)
            apart.append(bool(sizes_apart([i.rulers(f) for i, f in zip(one, factors, strict=True)])))
        merged[f"{objective:.1f}"] = float(np.mean(apart))
    return {
        "images": len(images),
        "doubted_alone": alone,
        "doubted_in_lists": together,
        "own": _errors(own),
        "shared": _errors(shared),
        "parted_without_need": float(np.mean([bool(sizes_apart([i.rulers() for i in one])) for one in many])),
        "parted": merged,
    }


def _errors(sizes: Sequence[PixelSize]) -> dict[str, float]:
    logs = np.log([10 * (size.um or 1) for size in sizes])
    return {
        "median_ratio": float(np.exp(np.median(logs))),
        "worst": float(np.exp(np.abs(logs).max())),
        "within_15": float(np.mean(np.abs(logs) < np.log(1.15))),
        "within_30": float(np.mean(np.abs(logs) < np.log(1.3))),
        "doubtful": float(np.mean([bool(size.doubt) for size in sizes])),
        "off_by_30_undoubted": float(
            np.mean([abs(log) > np.log(1.3) and not size.doubt for log, size in zip(logs, sizes, strict=True)])
        ),
    }


def markdown(result: dict[str, dict[str, object]]) -> str:
    head = ["source", "images", "with evidence", "right, doubted", *(f"{f:.2g} x" for f in FACTORS[1:])]
    lines = []
    for title, key in (("One image alone", "doubted_alone"), ("Lists of eight", "doubted_in_lists")):
        lines += [f"{title}:", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        for source, row in result.items():
            shares: dict[str, list[float]] = row[key]  # type: ignore[assignment]
            (right, evidence), *wrong = shares.values()
            cells = [source, str(row["images"]), f"{evidence:.0%}", f"{right:.1%}", *(f"{one[0]:.0%}" for one in wrong)]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    head = [
        "source",
        "estimate",
        "estimate / truth",
        "within 15 %",
        "within 30 %",
        "worst",
        "doubtful",
        "off, undoubted",
    ]
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for source, row in result.items():
        for name, key in (("one image", "own"), ("list of eight", "shared")):
            e: dict[str, float] = row[key]  # type: ignore[assignment]
            shares_ = [f"{e[k]:.0%}" for k in ("within_15", "within_30")]
            rest = [f"{e['worst']:.2f} x", f"{e['doubtful']:.0%}", f"{e['off_by_30_undoubted']:.1%}"]
            lines.append("| " + " | ".join([source, name, f"{e['median_ratio']:.2f}", *shares_, *rest]) + " |")
    head = ["source", "one size, parted", *(f"two sizes {o:g} x apart, parted" for o in OBJECTIVES)]
    lines += ["", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for source, row in result.items():
        parted: dict[str, float] = row["parted"]  # type: ignore[assignment]
        cells = [source, f"{row['parted_without_need']:.0%}", *(f"{share:.0%}" for share in parted.values())]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def fields(given: argparse.Namespace) -> Iterator[Field]:
    yield from photographs(given.data, given.split, given.part, given.per_source, given.seed, span=(1.0, 1.0))
    yield from drawn(given.synthetic, given.seed)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--split", type=Path, help="JSON with the lists train, validation, test")
    parser.add_argument("--part", choices=PARTS, default="train")
    parser.add_argument("--model", default="default")
    parser.add_argument("--per-source", type=int, default=60, help="photographs of each source at most")
    parser.add_argument("--synthetic", type=int, default=32, help="how many drawn smears")
    parser.add_argument("--lists", type=int, default=1000, help="lists drawn from each source")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    parser.add_argument("--read", type=Path, help="count again what was measured before")
    given = parser.parse_args(arguments)
    if given.read:
        images = [Measured(**{**one, "stated": tuple(one["stated"])}) for one in json.loads(given.read.read_text())]
    else:
        predictor = Predictor(given.model, device="cpu")
        images = []
        for field in fields(given):
            images.append(measure(field, predictor))
            print(images[-1], flush=True)
    sources = {source: [i for i in images if i.source == source] for source in dict.fromkeys(i.source for i in images)}
    result = {source: figures(own, count=given.lists, seed=given.seed) for source, own in sources.items()}
    print(markdown(result))
    if given.out:
        texts = {".json": json.dumps([asdict(image) for image in images], indent=1), ".md": markdown(result)}
        for suffix, text in texts.items():
            with atomic_path(given.out.with_name(given.out.name + suffix)) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
