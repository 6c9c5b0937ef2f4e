"""The guard: synthetic smears, the same ones always, on which forgetting shows."""

from functools import partial

from napari_leukocyte.core.synthetic.smear import draw_cell, draw_cluster
from napari_leukocyte.core.training_set.item import Annotated, TrainingItem

__all__ = ["guard_items"]

_SEED = 50_000
_CELLS, _CLUSTERS = 20, 4
_PX_PER_UM = 8.0


def guard_items() -> list[TrainingItem]:
    """20 one-cell crops and 4 clusters of mixed stains and types, drawn when they are read; masks are exact."""
    items = []
    for i in range(_CELLS + _CLUSTERS):
        read = partial(_read, i)
        items.append(
            TrainingItem(
                name=f"synthetic {i + 1}",
                version=0,
                sha256="",
                group=f"synthetic {i + 1}",
                pixel_size=1 / _PX_PER_UM,
                edited=True,
                held_out=True,
                whole_cell=False,
                read=read,
            )
        )
    return items


def _read(i: int) -> Annotated:
    if i < _CELLS:
        smear = draw_cell(seed=_SEED + i, size=(240, 240), px_per_um=_PX_PER_UM)
    else:
        smear = draw_cluster(seed=_SEED + i, cell_types=2 + i % 3, px_per_um=_PX_PER_UM)
    return Annotated(smear.image, smear.classes, smear.cells)
