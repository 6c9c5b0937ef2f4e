"""Make the train / validation / test split of a data folder, and write it as lists of names.

    python benchmarks/split.py DATA benchmarks/split.json

Near-duplicates stay together: crops that are the same cell again (their list, and any pair that correlates
above a threshold after the best shift) and microscope fields that overlap. BCISC is split by slide. Within each
source the cell types are dealt in proportion. Sources that the file holds already keep their parts.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.imaging.resample import area_resize
from napari_leukocyte.core.model.dataset import IndexRow, read_index
from napari_leukocyte.core.model.split import split_by_group

# The same cell photographed again, found by eye in Zheng set 1; correlation finds some of them only.
ZHENG1_SAME = [
    (51, 73),
    (70, 72),
    (19, 75),
    (56, 92),
    (112, 139),
    (60, 90),
    (30, 86),
    (26, 89),
    (71, 84),
    (21, 82),
]
ZHENG1_SAME += [(54, 91), (166, 167), (167, 169), (169, 171)]
# Centred crops of like cells correlate by themselves; fields only where they show the same place.
THRESHOLD = {"zheng1": 0.98, "zheng2": 0.93, "bcisc": 0.95, "bccd": 0.5, "krd": 0.5}


def shifted_correlation(images: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Largest correlation over all (circular) shifts, for each pair of small grey images (n, s, s)."""
    stack = np.stack([(a - a.mean()) / (a.std() + 1e-6) for a in images])
    spectra = np.fft.rfft2(stack)
    pixels = stack[0].size
    return np.stack([np.fft.irfft2(spectra * np.conj(s), s=stack.shape[1:]).max(axis=(1, 2)) / pixels for s in spectra])


def groups_of(rows: Sequence[IndexRow]) -> list[str]:
    """A group name for each row of one source."""
    source = rows[0].source
    thumbs = []
    for row in rows:
        rgb = read_image(row.image).array[..., :3].astype(np.float32)
        thumbs.append(area_resize(rgb.mean(axis=-1)[None], (48, 48))[0])
    same = shifted_correlation(thumbs) > THRESHOLD.get(source, 0.95)
    number = {int(match.group()): i for i, row in enumerate(rows) if (match := re.search(r"\d+", row.image.stem))}
    if source == "zheng1":
        for a, b in ZHENG1_SAME:
            if a in number and b in number:
                same[number[a], number[b]] = True
    slides = [row.slide or f"#{i}" for i, row in enumerate(rows)]
    same |= np.array([[a == b for b in slides] for a in slides])
    _, component = connected_components(coo_array(same), directed=False)
    return [f"{source}/{c}" for c in component]


def main(data: Path, out: Path) -> None:
    rows = read_index(data)
    dealt: dict[str, list[str]] = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    known = {name.partition("/")[0] for part in dealt.values() for name in part}
    names, groups, strata = [], [], []
    for source in dict.fromkeys(row.source for row in rows):
        if source in known:
            continue
        own = [row for row in rows if row.source == source]
        names += [row.name for row in own]
        groups += groups_of(own)
        strata += [(source, row.cell_type) for row in own]
    split = {part: dealt.get(part, []) + new for part, new in split_by_group(names, groups, strata).items()}
    out.write_text(json.dumps(split, indent=1) + "\n", encoding="utf-8")
    for part, chosen in split.items():
        counts = {s: sum(n.startswith(s + "/") for n in chosen) for s in dict.fromkeys(r.source for r in rows)}
        print(f"{part:10s} {len(chosen):4d}  {counts}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
