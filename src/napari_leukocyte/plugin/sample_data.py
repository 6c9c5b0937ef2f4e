"""File > Open Sample: smears drawn from nothing, and the public Zheng images, fetched when asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["synthetic_cell", "synthetic_field", "synthetic_stack", "zheng_set_1", "zheng_set_2"]

LayerData = tuple[Any, dict[str, Any], str]

_ZHENG = "https://raw.githubusercontent.com/zxaoyou/segmentation_WBC/fa9c01622f52bccb9aeb8a6f2628f564e377767d/"
_ZHENG_LICENCE = "Zheng et al. 2018, Micron 107:55-71; GPL-3.0"
_REGISTRY = Path(__file__).with_name("zheng-registry.txt")
_SHOWN = 12  # images of a set that one sample fetches: a look at the set, not a mirror of it


def synthetic_cell() -> list[LayerData]:
    """One white blood cell among red cells, 480x480 at 10.2 px/um."""
    from napari_leukocyte.core.synthetic.smear import draw_cell

    return [_image_layer([draw_cell(seed=1)], "synthetic cell")]


def synthetic_field() -> list[LayerData]:
    """A field with several white blood cells, two of them touching and one cut by the edge."""
    from napari_leukocyte.core.synthetic.smear import draw_field

    return [_image_layer([draw_field(seed=3)], "synthetic field")]


def synthetic_stack() -> list[LayerData]:
    """Eight crops of mixed cell types and stains as one stack."""
    from napari_leukocyte.core.synthetic.smear import draw_stack

    return [_image_layer(draw_stack(seed=2), "synthetic stack")]


def _image_layer(smears: list[Any], name: str) -> LayerData:
    import numpy as np

    images = [smear.image for smear in smears]
    data = images[0] if len(images) == 1 else np.stack(images)
    size = smears[0].pixel_size
    # a stack's first axis counts crops; only Y and X are a length
    stacked = data.ndim == 4
    scale = (1.0, size, size) if stacked else (size, size)
    units = ("pixel", "um", "um") if stacked else ("um", "um")
    return data, {"name": name, "rgb": True, "scale": scale, "units": units}, "image"


def zheng_set_1() -> list[LayerData]:
    """The first images of Zheng set 1, about 120x120, with their expert masks in the metadata."""
    return _zheng("Dataset 1")


def zheng_set_2() -> list[LayerData]:
    """The first images of Zheng set 2, 300x300."""
    return _zheng("Dataset 2")


def _zheng(folder: str) -> list[LayerData]:
    """Fetch a few images (kept in the user's cache, checked by sha256) and lay them out as one stack."""
    import numpy as np
    import pooch

    from napari_leukocyte.core.errors import LeukocyteError
    from napari_leukocyte.core.imaging.read import read_image

    fetcher = pooch.create(
        path=pooch.os_cache("napari-leukocyte") / "zheng",
        base_url=os.environ.get("NAPARI_LEUKOCYTE_ZHENG_URL", _ZHENG),
        registry=_read_registry(),
        retry_if_failed=2,
    )
    names = [name for name in sorted(fetcher.registry) if name.startswith(f"{folder}/") and name.endswith(".bmp")]
    try:
        images = [read_image(Path(fetcher.fetch(name))).array[..., :3] for name in names[:_SHOWN]]
    except (OSError, ValueError) as error:  # pooch: no connection, or a file whose hash does not fit
        raise LeukocyteError(f"The Zheng images could not be fetched ({error}): check the connection.") from error
    # crops of set 1 differ by a few px: white beyond the smaller ones, as nothing may be resized silently
    height, width = (max(image.shape[axis] for image in images) for axis in (0, 1))
    stack = np.full((len(images), height, width, 3), 255, np.uint8)
    for plane, image in zip(stack, images, strict=True):
        plane[: image.shape[0], : image.shape[1]] = image
    return [(stack, {"name": f"Zheng {folder}", "rgb": True, "metadata": {"licence": _ZHENG_LICENCE}}, "image")]


def _read_registry() -> dict[str, str]:
    """``path: sha256`` for every file of the sets."""
    lines = _REGISTRY.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {path: f"sha256:{digest}" for digest, path in pairs}
