"""Images in, results out, in one call."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_leukocyte.api.inputs import Image, OpenedImage, checked_pixel_size, open_image, path_of
from napari_leukocyte.api.result import Failed, Result
from napari_leukocyte.core.cells.keep import Keep, resolve_keep
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.read import find_images
from napari_leukocyte.core.results.names import output_names
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.parameters import Engine, Mode, SegmentParameters

if TYPE_CHECKING:  # torch loads when something is segmented
    from napari_leukocyte.core.segmentation.method import Method
    from napari_leukocyte.core.segmentation.on_cluster import Cluster

__all__ = ["load_model", "segment", "segment_many"]


def load_model(model: str | os.PathLike[str] = "default", *, device: str = "auto", engine: Engine = "auto") -> "Method":
    """Load a model, to hand it to `segment` and `segment_many`; it can be pickled.

    Parameters
    ----------
    model
        ``default``, ``default-4``, ``thesis-three-class``, ``thesis-binary``, a weight file (.safetensors), or
        ``active-contour``.
    device
        Where the network runs: ``auto`` (cuda, else mps, else cpu), ``cuda``, ``mps`` or ``cpu``.
    engine
        What computes it: ``torch``; ``fast`` (OpenVINO, the extra ``fast``) in the same precision; ``fast-int8``, the
        same in 8-bit integers; ``auto``: ``fast`` where that is installed and changes no result, else ``torch``.

    Raises
    ------
    LeukocyteError
        When there is no such model, device or engine, or the file is damaged.
    """
    from napari_leukocyte.core.segmentation.method import load_method

    return load_method(os.fspath(model), device=device, engine=engine)


def segment(
    image: Image,
    *,
    pixel_size: float | None = None,
    keep: Keep = "auto",
    model: "str | os.PathLike[str] | Method" = "default",
    mode: Mode = "three-class",
    device: str = "auto",
    rgb: bool | None = None,
    shape_columns: bool = False,
) -> Result:
    """Segment an image or a stack of images.

    Parameters
    ----------
    image
        A file (PNG, JPEG, BMP, WebP, TIFF), or an array (numpy, dask, zarr): (Y, X), (Y, X, 1, 3 or 4), or a stack
        (N, Y, X) or (N, Y, X, 3 or 4), whose planes are segmented one by one. uint8 is taken as 0-255, floating point
        within 0-1 as it is; anything else is scaled by the 0.1 and 99.9 percentiles of its plane.
    pixel_size
        um per px, 0.01 to 2. None: what the file states, else an estimate from the cells, which gives no areas in um2.
    keep
        The cells that stay: ``all``, ``whole`` (not cut by the image edge), ``centre`` (the one nearest to the centre);
        ``auto``: ``centre`` for a crop of at most 50 um across, else ``all``.
    model
        As for `load_model`, or what that returned. The model used last stays loaded.
    mode
        ``three-class`` (0 background, 1 cytoplasm, 2 nucleus) or ``binary`` (0 background, 1 cell; no CNR).
    device
        As for `load_model`; a model that is loaded already stays where it is. Another engine than ``auto`` is chosen
        by `load_model`.
    rgb
        Whether the last axis of an array holds colours. None: found from the shape, and an array with two readings is
        refused.
    shape_columns
        Whether `Result.table` has columns for diameters, roundness and optical density of cell and nucleus, too.

    Returns
    -------
    Result
        Class map, cell labels, measures and table.

    Raises
    ------
    LeukocyteError
        One sentence: the file or the array is no usable image, or a choice is impossible. In a stack a plane that
        fails is left empty (`Result.failures`), and only a stack without any good plane raises.
    """
    parameters = _parameters(pixel_size, keep, mode, shape_columns)
    (result,) = _results([open_image(image, rgb=rgb)], parameters, _loaded(model, device))
    if isinstance(result, Failed):
        raise LeukocyteError(result.reason)
    return result


def segment_many(
    images: str | os.PathLike[str] | Iterable[Image],
    *,
    pixel_size: float | None = None,
    keep: Keep = "auto",
    model: "str | os.PathLike[str] | Method" = "default",
    mode: Mode = "three-class",
    device: str = "auto",
    client: Any = None,
    shape_columns: bool = False,
) -> Iterator[Result | Failed]:
    """Segment many images with one model, each when it is asked for; what was handed over is not kept.

    Parameters
    ----------
    images
        Paths or arrays, as for `segment`. A single text or path is a folder (without its subfolders), a pattern such as
        ``smears/*.png``, or a file. What is known of a list as a whole counts for each of its images, as on the command
        line; a generator is gone through one image at a time, each for itself.
    pixel_size, keep, model, mode, device, shape_columns
        As for `segment`, for all images.
    client
        A ``distributed.Client``: the workers of its cluster segment, each loads the model once, and one that dies loses
        nothing. Paths must lead them to the same files. A generator is gone through before the first result.

    Yields
    ------
    Result or Failed
        One for each image, in order: a bad image comes as `Failed`, and the others still run.

    Raises
    ------
    LeukocyteError
        At the call, before any image is read: an impossible choice, a folder or a pattern without images, workers
        without this program in this version. Later only when the scheduler goes.
    """
    parameters = _parameters(pixel_size, keep, mode, shape_columns)
    if isinstance(images, str | os.PathLike):
        images = find_images(os.fspath(images))
    elif not isinstance(images, Iterable):
        raise LeukocyteError(f"There is no list of images in {images!r}: give paths or arrays, a folder, or a pattern.")
    method = _loaded(model, device)
    if client is None:
        return _each(images, parameters, method)
    from napari_leukocyte.core.segmentation.on_cluster import Cluster

    return _each(list(images), parameters, method, Cluster(client, method, parameters))


def _each(
    images: Iterable[Image], parameters: SegmentParameters, method: "Method", cluster: "Cluster | None" = None
) -> Iterator[Result | Failed]:
    if isinstance(images, Sized):
        listed = list(images)
        # files of one name get their folders in front, as in cells.csv
        names = output_names([path for image in listed if (path := path_of(image)) is not None])
        labels = {path: name.label for path, name in names.items()}
        by_heads = cluster is not None  # the workers read them
        opened = [_opened(image, i, labels, by_heads=by_heads) for i, image in enumerate(listed)]
        yield from _results(opened, parameters, method, cluster)
    else:
        for number, image in enumerate(images):
            yield from _results([_opened(image, number, {})], parameters, method)


def _opened(image: Image, number: int, labels: Mapping[Path, str], *, by_heads: bool = False) -> OpenedImage | Failed:
    path = path_of(image)
    name = f"image {number}" if path is None else labels.get(path, path.name)
    try:
        return open_image(image, name=name, by_heads=by_heads)
    except LeukocyteError as error:
        return Failed(path or name, str(error))


def _results(
    images: Sequence[OpenedImage | Failed],
    parameters: SegmentParameters,
    method: "Method",
    cluster: "Cluster | None" = None,
) -> Iterator[Result | Failed]:
    """Segment images as one list, and put the planes of each together."""
    from napari_leukocyte.core.segmentation.segment import ImageFailed, ImageSegmented, segment_images

    sources = [source for image in images if isinstance(image, OpenedImage) for source in image.sources]
    events = segment_images(sources, parameters, method) if cluster is None else cluster.segment_list(sources)
    ends = (event for event in events if isinstance(event, ImageSegmented | ImageFailed))
    for image in images:
        if isinstance(image, Failed):
            yield image
            continue
        planes: list[Segmentation | None] = []
        failures: dict[int, str] = {}
        for end in islice(ends, len(image.sources)):
            if isinstance(end, ImageFailed):
                failures[len(planes)] = end.reason
            planes.append(end.result if isinstance(end, ImageSegmented) else None)
        if len(failures) == len(planes):
            yield Failed(image.path or image.name, failures[0])
        else:
            yield Result(image.name, image.path, tuple(planes), image.stack, failures)


def _parameters(pixel_size: float | None, keep: Keep, mode: Mode, shape_columns: bool) -> SegmentParameters:
    """Check the choices before anything is read."""
    resolve_keep(keep, (1, 1))
    size = checked_pixel_size(pixel_size)
    return SegmentParameters(pixel_size=size, keep=keep, mode=mode, shape_columns=shape_columns)


def _loaded(model: "str | os.PathLike[str] | Method", device: str) -> "Method":
    """The model itself when it is one; one that is named stays loaded until another is, or its file changes."""
    if not isinstance(model, str | os.PathLike):
        if not hasattr(model, "predict"):
            raise LeukocyteError(f"{model!r} is no model: give a name, a weight file, or what load_model returned.")
        return model
    from napari_leukocyte.core.segmentation.loaded import loaded_method

    return loaded_method(os.fspath(model), device)
