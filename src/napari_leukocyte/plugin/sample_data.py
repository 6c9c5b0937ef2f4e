"""File > Open Sample: smears drawn from nothing, and the public Zheng images, fetched when asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["synthetic_cell", "synthetic_field", "synthetic_stack", "zheng_set_1", "zheng_set_2"]

LayerData = tuple[Any, dict[str, Any], str]

_ZHENG = "https://raw.githubusercontent.com/zxaoyou/segmentation_WBC/fa9c01622f52bccb9aeb8a6f2628f564e377767d/"
_ZHENG_LICENCE = "Zheng et al. 2018, Micron 107:55-71; GPL-3.0"
_URL, _CACHE = "NAPARI_LEUKOCYTE_ZHENG_URL", "NAPARI_LEUKOCYTE_CACHE"  # environment: a mirror, another folder
_REGISTRY = Path(__file__).with_name("zheng-registry.txt")
_SHOWN = 12  # images of a set that one sample fetches: a look at the set, not a mirror of it
_AT_ONCE = 8  # downloads side by side
_PATIENCE = 10  # seconds without a byte before a server counts as silent


def synthetic_cell() -> list[LayerData]:
    """One white blood cell among red cells, 480x480 at 10.2 px/um."""
    from napari_leukocyte.core.synthetic.smear import draw_cell

    return [_image_layer([draw_cell(seed=3)], "synthetic cell")]


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
    """The first images of Zheng set 1, about 120x120, and their expert masks as a hidden truth layer."""
    return _zheng("Dataset 1", "Zheng set 1")


def zheng_set_2() -> list[LayerData]:
    """The first images of Zheng set 2, 300x300, and their expert masks as a hidden truth layer."""
    return _zheng("Dataset 2", "Zheng set 2")


def _zheng(folder: str, name: str) -> list[LayerData]:
    """Lay out a few images as one stack, and their masks as another.

    Raises
    ------
    LeukocyteError
        When they cannot be fetched or kept.
    """
    from napari_leukocyte.core.imaging.masks import mask_from_values
    from napari_leukocyte.core.imaging.read import read_image
    from napari_leukocyte.plugin.canvas.layers import TRUTH, class_colormap
    from napari_leukocyte.plugin.settings import get_settings

    registry = _read_registry()
    images = [path for path in sorted(registry) if path.startswith(f"{folder}/") and path.endswith(".bmp")][:_SHOWN]
    masks = [path.removesuffix(".bmp") + ".png" for path in images]
    files = _fetch({path: registry[path] for path in (*images, *masks)})
    # crops of set 1 differ by a few px: white, and background, beyond the smaller ones; nothing is resized
    stack = _stacked([read_image(files[path]).array[..., :3] for path in images], fill=255)
    values = _stacked([_grey(read_image(files[path]).array) for path in masks], fill=0)
    # read all at once: alone, the mask of a bare nucleus could be taken for a whole cell
    truth = mask_from_values(values.reshape(-1, values.shape[-1]), name=f"The masks of {name}")
    metadata = {"licence": _ZHENG_LICENCE, "files": images}
    return [
        (stack, {"name": name, "rgb": True, "metadata": metadata}, "image"),
        (
            truth.classes.reshape(values.shape),
            {
                "name": TRUTH,
                "visible": False,
                "opacity": 0.45,
                "colormap": class_colormap(get_settings().palette),
                "metadata": {"licence": _ZHENG_LICENCE, "files": masks, "reading": truth.reading},
            },
            "labels",
        ),
    ]


def _fetch(registry: dict[str, str]) -> dict[str, Path]:
    """Fetch files into the user's cache, checked by sha256; what is there already is not asked for again."""
    from concurrent.futures import ThreadPoolExecutor

    import pooch

    from napari_leukocyte.core.errors import LeukocyteError

    base = os.environ.get(_URL, _ZHENG).rstrip("/") + "/"
    fetcher = pooch.create(
        path=pooch.os_cache("napari-leukocyte") / "zheng", env=_CACHE, base_url=base, registry=registry
    )
    downloader = pooch.HTTPDownloader(timeout=_PATIENCE)

    def fetch(path: str) -> Path:
        try:
            return Path(fetcher.fetch(path, downloader=downloader))
        except ValueError as error:  # pooch: the hash does not fit
            raise LeukocyteError(
                f"{path} came from {base} with another content than was published (sha256), so it was thrown away: "
                "try again, or from another network."
            ) from error
        except OSError as error:
            if error.errno is None:  # an answer that did not come; errors of the disk have a number
                status = getattr(getattr(error, "response", None), "status_code", None)
                why = f"the server answered {status}" if status else type(error).__name__
                raise LeukocyteError(
                    f"The Zheng images could not be fetched from {base} ({why}): check the internet connection and try "
                    f"again, or set {_URL} to the address of a copy."
                ) from error
            raise _not_kept(fetcher.abspath, error) from error

    try:
        for folder in {Path(path).parent for path in registry}:
            (fetcher.abspath / folder).mkdir(parents=True, exist_ok=True)  # before the threads race for it
    except OSError as error:
        raise _not_kept(fetcher.abspath, error) from error
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(registry, pool.map(fetch, registry), strict=True))


def _not_kept(folder: Path, error: OSError) -> Exception:
    from napari_leukocyte.core.errors import LeukocyteError

    return LeukocyteError(
        f"The Zheng images could not be kept in {folder} ({error.strerror}): make room or give access there, "
        f"or set {_CACHE} to another folder."
    )


def _stacked(planes: list[Any], *, fill: int) -> Any:
    """Put (Y, X) or (Y, X, C) planes of mixed sizes into one uint8 stack, each at the upper left."""
    import numpy as np

    height, width = (max(plane.shape[axis] for plane in planes) for axis in (0, 1))
    stack = np.full((len(planes), height, width, *planes[0].shape[2:]), fill, np.uint8)
    for room, plane in zip(stack, planes, strict=True):
        room[: plane.shape[0], : plane.shape[1]] = plane
    return stack


def _grey(mask: Any) -> Any:
    """The values of a mask, also when its file holds them as three equal colours."""
    return mask if mask.ndim == 2 else mask[..., 0]


def _read_registry() -> dict[str, str]:
    """``path: sha256`` for every file of the sets."""
    lines = _REGISTRY.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {path: f"sha256:{digest}" for digest, path in pairs}
