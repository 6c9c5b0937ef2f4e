"""Drawn smears among the training images: what the photographs seldom show, with exact masks."""

from collections.abc import Sequence

import numpy as np

from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.model.dataset import Sample, make_sample
from napari_leukocyte.core.synthetic.difficulty import draw_difficulty
from napari_leukocyte.core.synthetic.stain import STAINS, Stain, blend_stains

__all__ = ["DRAWN", "STAIN_KEPT_OUT", "drawn_samples"]

DRAWN = "drawn by napari-leukocyte"
"""The source that drawn samples name."""

STAIN_KEPT_OUT = "leishman"
"""The recipes draw no training image in this stain, so that benchmarks can draw smears in one that was never seen."""

_KINDS = (8, 1, 4, 8, 5, 3, 8, 7, 2, 6)  # difficulty classes in turn: clusters most
_PX_PER_UM = 10.0
_SIDE = 480  # px


def drawn_samples(
    count: int,
    *,
    seed: int,
    pixel_size: float,
    soft: bool,
    stains_kept_out: Sequence[str] = (STAIN_KEPT_OUT,),
    blended: float = 0.0,
) -> list[Sample]:
    """Draw ``count`` smears of all difficulty classes and bring them to ``pixel_size`` um per px.

    Sample number i depends on the seed, i and the stains alone; a share of about ``blended`` has a stain made up
    between two of them. ``soft`` is as for `make_sample`.
    """
    stains = [name for name in STAINS if name not in stains_kept_out]
    samples = []
    for i in range(count):
        own = int(np.random.SeedSequence([seed, i]).generate_state(1)[0])
        rng = np.random.default_rng([own, 1])
        stain: str | Stain = stains[i // len(_KINDS) % len(stains)]
        if rng.random() < blended:
            stain = blend_stains(rng, stains)
        smear = draw_difficulty(
            _KINDS[i % len(_KINDS)],
            seed=own,
            size=(_SIDE, _SIDE),
            px_per_um=_PX_PER_UM,
            stain=stain,
        )
        samples.append(
            make_sample(
                to_rgb(smear.image).image,
                smear.classes,
                name=f"{DRAWN}/{seed}/{i}",
                source=DRAWN,
                whole_cell=False,
                scale=smear.pixel_size / pixel_size,
                soft=soft,
            )
        )
    return samples
