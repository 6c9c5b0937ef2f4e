"""Count how often touching cells come apart right, on drawn clusters of 2-6 cells or on clusters of real cells.

    python benchmarks/touching.py [--clusters 40] [--model default] [--seeds development]
    python benchmarks/touching.py --composites DATA --split benchmarks/split.json [--part test] [--pictures 300]

From the exact class map, or with --model from the class map that a network makes of the drawn image. Seeds from
1,000,000 on are held out: nothing was tuned on them. A cell is found if a label covers it with IoU > 0.75. A nucleus is
cut if it is shared out over two labels, more than 5 % of it in the second. In pictures merged from real cells those at
the frame do not count, nor does what is found on a seam of the mirrored photograph where the masks know no cell.
"""

import argparse
from collections import Counter
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from accuracy import chosen_rows, every_cell
from composites import Composite, composites
from napari_leukocyte.core.cells.keep import edge_cells
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.imaging.image_list import sources_from_array
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.model.dataset import IndexRow
from napari_leukocyte.core.model.split import PARTS
from napari_leukocyte.core.scoring.cnr_error import match_cells
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.synthetic.smear import Smear, draw_cluster

FIRST_SEED = {"development": 0, "held-out": 1_000_000}
NUMBERS = (2, 3, 4, 5, 6)
KINDS: dict[str, tuple[str, int | None]] = {  # cell type and lobes
    "band": ("neutrophil", 1),
    "eosinophil, 2 lobes": ("eosinophil", None),
    "neutrophil, 3 lobes": ("neutrophil", 3),
    "neutrophil, 4 lobes": ("neutrophil", 4),
    "neutrophil, 5 lobes": ("neutrophil", 5),
    "neutrophil, 6 lobes": ("neutrophil", 6),
    "basophil": ("basophil", None),
    "lymphocyte": ("lymphocyte", None),
    "monocyte": ("monocyte", None),
}
LOBED = tuple(KINDS)[:6]
TRACE = 0.05  # of a nucleus
MIN_IOU = 0.75


def cluster(number: int, seed: int, px_per_um: float) -> tuple[Smear, list[str]]:
    """Draw a cluster of so many cells of random kinds; label n is the n-th kind."""
    kinds = [str(kind) for kind in np.random.default_rng(seed).choice(list(KINDS), number)]
    types, lobes = zip(*(KINDS[kind] for kind in kinds), strict=True)
    return draw_cluster(seed=seed, cell_types=types, n_lobes=lobes, px_per_um=px_per_um), kinds


def labels_of(cluster: Smear | Composite, predictor: Predictor | None) -> NDArray[np.int32]:
    """Cell labels from the exact class map, or from the network's."""
    if predictor is None:
        return label_cells(cluster.classes, pixel_size=cluster.pixel_size)
    size = PixelSize(cluster.pixel_size, "known")
    (source,) = sources_from_array(cluster.image, name="cluster", rgb=True, pixel_size=size)
    return every_cell(source, predictor).cells


def is_cut(nucleus: NDArray[np.bool_], labels: NDArray[np.int32]) -> bool:
    """Whether more than a trace of a nucleus lies in a second label."""
    shares = np.sort(np.bincount(labels[nucleus & (labels > 0)], minlength=2)[1:])
    return len(shares) > 1 and bool(shares[-2] > TRACE * np.count_nonzero(nucleus))


def count_drawn(predictor: Predictor | None, clusters: int, seeds: str, px_per_um: float) -> None:
    """So many drawn clusters of each number of cells."""
    cells, found, lobed, cut, clumps, right = (Counter[str]() for _ in range(6))
    seconds = []
    for number in NUMBERS:
        name = f"{number} in contact"
        for i in range(clusters):
            smear, kinds = cluster(number, FIRST_SEED[seeds] + 1000 * number + i, px_per_um)
            start = perf_counter()
            labels = labels_of(smear, predictor)
            seconds.append(perf_counter() - start)
            matched = {theirs for _, theirs in match_cells(labels, smear.cells, min_iou=MIN_IOU).pairs}
            clumps[name] += 1
            right[name] += int(labels.max()) == number
            for cell, kind in enumerate(kinds, start=1):
                for key in (name, kind):
                    cells[key] += 1
                    found[key] += cell in matched
                    if kind in LOBED:
                        lobed[key] += 1
                        cut[key] += is_cut((smear.cells == cell) & (smear.classes == 2), labels)
    print(f"{'':22s}  cells  found  count right  lobed nuclei cut")
    for key in (*(f"{number} in contact" for number in NUMBERS), *KINDS):
        count = f"{100 * right[key] / clumps[key]:9.1f} %" if clumps[key] else " " * 11
        share = f"{cut[key]} of {lobed[key]}" if lobed[key] else ""
        print(f"{key:22s}  {cells[key]:5d}  {100 * found[key] / max(1, cells[key]):5.1f}  {count}  {share:>16s}")
    total, all_found = sum(cells[k] for k in KINDS), sum(found[k] for k in KINDS)
    all_cut, all_lobed = sum(cut[k] for k in KINDS), sum(lobed[k] for k in KINDS)
    print(
        f"all: {100 * all_found / total:.1f} % of {total} cells found, {100 * all_cut / all_lobed:.2f} % of "
        f"{all_lobed} lobed nuclei cut, {100 * sum(right.values()) / sum(clumps.values()):.1f} % of counts right; "
        f"median {1000 * float(np.median(seconds)):.0f} ms a cluster"
    )


def count_composites(predictor: Predictor | None, rows: list[IndexRow], pictures: int) -> None:
    """So many pictures merged from the cells of these images."""
    cells, found, nuclei, cut, clumps, right = (Counter[str]() for _ in range(6))
    for merged in composites(rows, pictures, seed=FIRST_SEED["held-out"]):
        labels = labels_of(merged, predictor)
        truth, ours = inside(merged.cells), inside(without_unknown(labels, merged))
        matched = {theirs for _, theirs in match_cells(labels, truth, min_iou=MIN_IOU).pairs}
        for key in (merged.source, "all"):
            clumps[key] += 1
            right[key] += len(np.unique(ours)) == len(np.unique(truth))
            cells[key] += len(np.unique(truth[truth > 0]))
            found[key] += len(matched)
            for cell in np.unique(truth[(truth > 0) & (merged.classes == 2)]):
                nuclei[key] += 1
                cut[key] += is_cut((truth == cell) & (merged.classes == 2), labels)
    for key in cells:
        of_nuclei = f", {cut[key]} of {nuclei[key]} nuclei cut" if nuclei[key] else ""
        print(
            f"{key:8s} {100 * found[key] / cells[key]:5.1f} % of {cells[key]} cells found, counts right in "
            f"{100 * right[key] / clumps[key]:.1f} % of {clumps[key]} pictures{of_nuclei}"
        )


def without_unknown(labels: NDArray[np.int32], merged: Composite) -> NDArray[np.int32]:
    """Without the labels on a seam that lie mostly where the masks know no cell."""
    known = np.bincount(labels[merged.cells > 0], minlength=labels.max() + 1)
    on_seam = np.isin(np.arange(len(known)), labels[merged.seams])
    unknown = on_seam & (2 * known < np.bincount(labels.ravel(), minlength=len(known)))
    return np.where(unknown[labels], 0, labels)


def inside(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Only the cells that do not reach the frame."""
    return np.where(np.isin(labels, edge_cells(labels)), 0, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clusters", type=int, default=40, help="of each number of cells")
    parser.add_argument("--seeds", choices=list(FIRST_SEED), default="held-out")
    parser.add_argument("--px-per-um", type=float, default=10.2)
    parser.add_argument("--model", help="shipped name or weight file; default: the exact class map")
    parser.add_argument("--composites", type=Path, metavar="DATA", help="clusters of real cells instead of drawn ones")
    parser.add_argument("--split", type=Path)
    parser.add_argument("--part", choices=[*PARTS, "all"], default="test")
    parser.add_argument("--pictures", type=int, default=300)
    given = parser.parse_args()
    predictor = Predictor(given.model) if given.model else None
    if given.composites:
        count_composites(predictor, chosen_rows(given.composites, given.split, given.part), given.pictures)
    else:
        count_drawn(predictor, given.clusters, given.seeds, given.px_per_um)


if __name__ == "__main__":
    main()
