"""A whole slide drawn from a few hundred tiles, segmented from the command line: minutes, memory, cells found.

    python benchmarks/slides.py OUT [--size 30000 40000] [--formats tiff zarr zarr-0.4] [--share 1] [--thick 0.45]

The slide has bare glass, thick film, a single layer with a band out of focus, and a feathered edge; white cells are
planted in the film. It is written tile by tile, as a JPEG pyramid in TIFF, as Aperio does it, and as OME-Zarr 0.5 and
0.4, without loss. Peak memory and processor time are those of the command's process. Recall is over the planted cells
that lie in a single layer and in focus, and over those of the whole film; precision over the cells found.
"""

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from napari_leukocyte.core.synthetic.smear import draw_field

SIDE = 512  # px of a tile
UM = 0.25  # of a pixel, as under a 40x objective
NEAR_UM = 3.0  # from the planted centre, at which a cell is found
EACH = {"monolayer": 90, "feathered": 40, "thick": 20, "blurred": 20, "glass": 4}  # tiles that are drawn of a kind
BLURRED = np.array([226, 208, 222], np.float32)  # at the seams of tiles out of focus
STAIN = "wright-giemsa"


@dataclass(frozen=True)
class Kind:
    """Drawn tiles of one kind, and the centres (y, x) of the white cells in each."""

    tiles: list[NDArray[np.uint8]]
    cells: list[NDArray[np.float64]]


def draw_kinds(stain: str, share: float = 1) -> dict[str, Kind]:
    """Draw all tiles; a seed for each, so that runs are alike."""
    kinds: dict[str, Kind] = {}
    seed = 0
    for name, count in EACH.items():
        tiles, cells = [], []
        for _ in range(max(1, round(count * share))):
            seed += 1
            tile, centres = draw_tile(name, seed, stain)
            tiles.append(tile)
            cells.append(centres)
        kinds[name] = Kind(tiles, cells)
    return kinds


def draw_tile(kind: str, seed: int, stain: str) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """One tile of a kind."""
    rng = np.random.default_rng(seed)
    none = np.zeros((0, 2))
    if kind == "glass":
        return np.clip(rng.normal(238, 1.5, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8), none
    wanted = {"monolayer": 0.7, "feathered": 0.7, "thick": 0.5, "blurred": 0.7}[kind]
    image, centres = _field(seed, stain, dense=kind != "feathered", cells=int(rng.poisson(wanted)))
    if kind == "thick":
        for other in (seed + 100_000, seed + 200_000):
            over = _field(other, stain, dense=True, cells=0)[0].astype(np.float32) / 255
            image = (image * over).round().astype(np.uint8)
    if kind == "blurred":
        soft = ndimage.gaussian_filter(image.astype(np.float32), (16, 16, 0))
        ramp = np.minimum(np.arange(SIDE) + 1, np.arange(SIDE)[::-1] + 1) / 64
        inside = np.minimum.outer(ramp, ramp).clip(0, 1)[..., np.newaxis]  # no sharp seams between tiles
        image = (inside * soft + (1 - inside) * BLURRED).round().astype(np.uint8)
    return image, centres


def _field(seed: int, stain: str, *, dense: bool, cells: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A field on even light; of several that can be drawn the first as full of red cells as is wanted."""
    best: tuple[float, NDArray[np.uint8], NDArray[np.float64]] | None = None
    for attempt in range(12):
        smear = draw_field(
            seed=seed + 1_000_000 * attempt, size=(SIDE, SIDE), px_per_um=1 / UM, n_cells=max(1, cells), stain=stain
        )
        image, labels = smear.image, smear.cells
        if not cells:  # a field has one at least: it goes under glass
            image = np.where(ndimage.binary_dilation(labels > 0, iterations=6)[..., None], _glass_of(image), image)
            labels = np.zeros_like(labels)
        glass = _glass_of(image)
        even = np.clip(image.astype(np.float32) * (238 / glass), 0, 255).round().astype(np.uint8)
        full = float((even.min(axis=-1) < 215).mean())
        centres = ndimage.center_of_mass(labels > 0, labels, np.unique(labels[labels > 0])) if labels.any() else []
        off = abs(full - (0.55 if dense else 0.15))
        if best is None or off < best[0]:
            best = off, even, np.array(centres, float).reshape(-1, 2)
        if off < 0.2:
            break
    assert best is not None
    return best[1], best[2]


def _glass_of(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.percentile(image.reshape(-1, 3), 97, axis=0).astype(np.float32)


class Slide:
    """Which tile lies where, and the planted cells."""

    def __init__(self, rows: int, columns: int, stain: str, share: float = 1, thick: float = 0.45) -> None:
        self.kinds = draw_kinds(stain, share)
        rng = np.random.default_rng(0)
        self.places = np.empty((rows, columns), object)
        planted = []
        for i in range(rows):
            for j in range(columns):
                kind = _kind_at(i / rows, j / columns, thick)
                number = int(rng.integers(len(self.kinds[kind].tiles)))
                self.places[i, j] = kind, number
                for y, x in self.kinds[kind].cells[number]:
                    planted.append((i * SIDE + y, j * SIDE + x, kind))
        self.planted = planted
        self.shape = rows * SIDE, columns * SIDE

    def tile(self, i: int, j: int, level: int) -> NDArray[np.uint8]:
        """A tile (SIDE, SIDE, 3) of a level; white beyond the slide."""
        n = 2**level
        part = SIDE // n
        found = np.full((SIDE, SIDE, 3), 238, np.uint8)
        for di in range(n):
            for dj in range(n):
                row, column = i * n + di, j * n + dj
                if row < self.places.shape[0] and column < self.places.shape[1]:
                    small = self._small(*self.places[row, column], level)
                    found[di * part : (di + 1) * part, dj * part : (dj + 1) * part] = small
        return found

    @lru_cache(maxsize=4000)  # noqa: B019 - one slide a process
    def _small(self, kind: str, number: int, level: int) -> NDArray[np.uint8]:
        tile, n = self.kinds[kind].tiles[number], 2**level
        if level == 0:
            return tile
        parts = tile.reshape(SIDE // n, n, SIDE // n, n, 3).astype(np.float32)
        return np.asarray(parts.mean(axis=(1, 3)).round(), np.uint8)

    @property
    def levels(self) -> list[tuple[int, int]]:
        """Shapes, each half as wide as the one before."""
        found = [self.shape]
        while max(found[-1]) > 2048:
            found.append((-(-found[-1][0] // 2), -(-found[-1][1] // 2)))
        return found

    def tiles_of(self, level: int) -> Iterator[NDArray[np.uint8]]:
        height, width = self.levels[level]
        for i in range(-(-height // SIDE)):
            for j in range(-(-width // SIDE)):
                yield self.tile(i, j, level)


def _kind_at(y: float, x: float, thick: float) -> str:
    """Glass around; from left to right thick film (up to ``thick``), a single layer, the feathered edge."""
    if not (0.06 < y < 0.94 and 0.05 < x < 0.9):
        return "glass"
    if x < thick:
        return "thick"
    if x > 0.8:
        return "feathered"
    return "blurred" if 0.6 < y < 0.75 else "monolayer"


def write_tiff(slide: Slide, path: Path) -> None:
    """As Aperio writes it, with a label that nobody may see."""
    made = "Aperio Image Library v12.0.5\r\n"
    height, width = slide.shape
    about = f"{made}{width}x{height} ({SIDE}x{SIDE}) JPEG/RGB Q=85|AppMag = 40|MPP = {UM}"
    options: dict[str, Any] = {
        "dtype": np.uint8, "tile": (SIDE, SIDE), "photometric": "rgb", "compression": "jpeg",
        "compressionargs": {"level": 85}, "description": about, "metadata": None,
    }  # fmt: skip
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for level, shape in enumerate(slide.levels):
            tiff.write(slide.tiles_of(level), shape=(*shape, 3), **options)
            if level == 0:
                tiff.write(slide.tile(0, 0, 3), photometric="rgb", description=f"{made}thumbnail", metadata=None)
        label = np.full((300, 400, 3), (255, 0, 255), np.uint8)
        tiff.write(label, photometric="rgb", subfiletype=1, description=f"{made}label 400x300", metadata=None)


def write_zarr(slide: Slide, path: Path, version: str) -> None:
    """OME-Zarr 0.4 or 0.5."""
    group = zarr.open_group(str(path), mode="w", zarr_format=3 if version == "0.5" else 2)
    datasets = []
    for level, shape in enumerate(slide.levels):
        array: Any = group.create_array(str(level), shape=(3, *shape), dtype="uint8", chunks=(3, SIDE, SIDE))
        for k, tile in enumerate(slide.tiles_of(level)):
            i, j = divmod(k, -(-shape[1] // SIDE))
            part = tile[: shape[0] - i * SIDE, : shape[1] - j * SIDE]
            array[:, i * SIDE : i * SIDE + part.shape[0], j * SIDE : j * SIDE + part.shape[1]] = np.moveaxis(
                part, -1, 0
            )
        scale = [1.0, UM * 2**level, UM * 2**level]
        datasets.append({"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    space = {"type": "space", "unit": "micrometer"}
    axes = [{"name": "c", "type": "channel"}, {"name": "y", **space}, {"name": "x", **space}]
    multiscale = {"axes": axes, "datasets": datasets, "name": "drawn"}
    if version == "0.5":
        group.attrs.put({"ome": {"version": version, "multiscales": [multiscale]}})
    else:
        group.attrs.put({"multiscales": [{"version": version, **multiscale}]})


FORMATS: dict[str, tuple[str, Callable[[Slide, Path], None]]] = {
    "tiff": ("drawn.svs", write_tiff),
    "zarr": ("drawn.zarr", partial(write_zarr, version="0.5")),
    "zarr-0.4": ("drawn-0.4.zarr", partial(write_zarr, version="0.4")),
}


def segment(path: Path, out: Path, options: list[str], threads: int) -> tuple[float, float, float]:
    """Run the command; returns minutes by the clock and of the processor, and its peak memory in GB."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "napari_leukocyte", "segment", str(path), "--out", str(out), *options]
    started = perf_counter()
    pid = os.posix_spawn(sys.executable, command, environment)
    _, status, used = os.wait4(pid, 0)  # of this process alone, whatever ran before it
    if status:
        sys.exit(os.waitstatus_to_exitcode(status))
    return (perf_counter() - started) / 60, (used.ru_utime + used.ru_stime) / 60, used.ru_maxrss * 1024 / 1e9


def score(slide: Slide, folder: Path) -> dict[str, float]:
    """Match cells found with planted ones, each once."""
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        found = np.array([(float(row["y"]), float(row["x"])) for row in csv.DictReader(file)]).reshape(-1, 2)
    planted = np.array([(y, x) for y, x, _ in slide.planted]).reshape(-1, 2)
    sharp = np.array([kind in ("monolayer", "feathered") for *_, kind in slide.planted], bool)
    taken = np.zeros(len(planted), bool)
    if len(found) and len(planted):
        distance, nearest = KDTree(planted).query(found, distance_upper_bound=NEAR_UM / UM)
        for k in np.argsort(distance):
            if np.isfinite(distance[k]):
                taken[nearest[k]] = True
    return {
        "planted": len(planted),
        "planted in a single layer, in focus": int(sharp.sum()),
        "found": len(found),
        "recall": float(taken[sharp].mean()) if sharp.any() else float("nan"),
        "recall over the whole film": float(taken.mean()) if len(planted) else float("nan"),
        "precision": float(taken.sum() / len(found)) if len(found) else float("nan"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, nargs=2, default=(30_000, 40_000), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=("tiff", "zarr"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--stain", default=STAIN)
    parser.add_argument("--share", type=float, default=1, help="of the drawings, for a small slide")
    parser.add_argument("--thick", type=float, default=0.45, help="where on the slide, 0-1, the thick film ends")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="the rest goes to segment")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    started = perf_counter()
    slide = Slide(max(1, given.size[0] // SIDE), max(1, given.size[1] // SIDE), given.stain, given.share, given.thick)
    print(f"{slide.shape[1]} x {slide.shape[0]} px, {perf_counter() - started:.0f} s to draw its tiles")
    for kind in given.formats:
        name, write = FORMATS[kind]
        path = given.out / name
        if not path.exists():
            started = perf_counter()
            write(slide, path)
            print(f"{name}: {perf_counter() - started:.0f} s to write it")
        minutes, busy, peak = segment(path, given.out / kind, ["--overwrite", *given.options], given.threads)
        folder = given.out / kind / path.stem
        said = json.loads((folder / "slide.json").read_text(encoding="utf-8"))
        looked, windows = said["windows"]
        took = f"{minutes:.1f} min, {busy:.1f} of the processor"
        print(f"{name}: {took}, {peak:.2f} GB at most, {looked} of {windows} windows looked at")
        for what, value in score(slide, folder).items():
            print(f"  {what}: {value:.3f}" if isinstance(value, float) else f"  {what}: {value}")


if __name__ == "__main__":
    main()
