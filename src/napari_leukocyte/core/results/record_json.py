"""The lines of ``results.jsonl`` as JSON, and back: every field is held to its type."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, TypeVar

from napari_leukocyte import __version__
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.record import ImageRecord, ListedImage, PlaneRecord, ResultsRecord, SizesRecord
from napari_leukocyte.core.results.settings import ResultSettings

__all__ = ["FORMAT", "VERSION", "header", "image_line", "list_line", "parsed", "sizes_line", "table_line", "take_line"]

# What this version writes; it reads this one and all before it. A new kind of line needs no new version, since others
# pass over it; a new field or flag does.
FORMAT, VERSION = "napari-leukocyte results", 1

T = TypeVar("T")


def header() -> dict[str, Any]:
    """The first line."""
    return {"format": FORMAT, "version": VERSION, "program": __version__}


def list_line(images: Iterable[ListedImage]) -> dict[str, Any]:
    """Images and their names."""
    return {"kind": "list", "images": [asdict(image) for image in images]}


def sizes_line(decisions: Iterable[tuple[SizesRecord, Sequence[str]]]) -> dict[str, Any]:
    """What was decided of pixel sizes, each with the stems of the images that it is for."""
    return {"kind": "pixel sizes", "decisions": [{**asdict(sizes), "stems": list(stems)} for sizes, stems in decisions]}


def image_line(image: ImageRecord) -> dict[str, Any]:
    """What was done to an image."""
    return {"kind": "image", **asdict(image)}


def table_line(files: Mapping[str, str]) -> dict[str, Any]:
    """Hashes of a table by file name."""
    return {"kind": "table", "files": dict(files)}


def parsed(line: bytes) -> dict[str, Any]:
    """Read one line.

    Raises
    ------
    ValueError
        When it is no JSON object.
    """
    try:
        content = json.loads(line, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(content, dict):
        raise ValueError("no object")
    return content


def take_line(record: ResultsRecord, content: Mapping[str, Any]) -> None:
    """Add what a line says; one of a kind that is not known says nothing.

    Raises
    ------
    ValueError, KeyError
        When a field is missing or of another type; then nothing was added.
    """
    kind = content["kind"]
    if kind == "list":
        record.add_listed(_items(content["images"], _listed))
    elif kind == "pixel sizes":
        for sizes, stems in _items(content["decisions"], _decision):
            record.add_sizes(sizes, stems)
    elif kind == "image":
        record.add_image(_image(content))
    elif kind == "table":
        record.add_written(_files(content["files"]))


def _image(content: Mapping[str, Any]) -> ImageRecord:
    settings = content["settings"]
    return ImageRecord(
        image=_listed(content["image"]),
        input_sha256=_text(content["input_sha256"]),
        settings=None if settings is None else ResultSettings.from_json(_mapping(settings)),
        planes=tuple(_items(content["planes"], _plane)),
        files=_files(content["files"]),
        corrected=_truth(content["corrected"]),
        reason=_text(content["reason"]),
        moment=_text(content["moment"]),
    )


def _plane(content: Any) -> PlaneRecord:
    one = _mapping(content)
    return PlaneRecord(
        reason=_text(one["reason"]),
        provenance=_texts(one["provenance"]),
        pixel_size=_pixel_size(one["pixel_size"]),
        binary=_truth(one["binary"]),
        notes=tuple(_items(one["notes"], _text)),
        cells=tuple(_items(one["cells"], _cell)),
        pixels_changed=_count(one["pixels_changed"]),
        labels_edited=_truth(one["labels_edited"]),
    )


def _cell(content: Any) -> dict[str, str]:
    cell = _texts(content)
    _count(int(cell["cell"]))
    for flag in filter(None, cell.get("flags", "").split(";")):
        Flag(flag)
    return cell


def _listed(content: Any) -> ListedImage:
    one = _mapping(content)
    image = ListedImage(**{name: _text(one[name]) for name in ("stem", "label", "name", "path", "relative")})
    _file_name(image.stem)
    return image


def _decision(content: Any) -> tuple[SizesRecord, list[str]]:
    one = _mapping(content)
    size = None if one["size"] is None else _pixel_size(one["size"])
    sizes = SizesRecord(size, tuple(_items(one["several"], _pixel_size)), _text(one["note"]))
    return sizes, _items(one["stems"], _text)


def _pixel_size(content: Any) -> PixelSize:
    one = _mapping(content)
    um = one["um"]
    if um is not None and not (isinstance(um, float | int) and not isinstance(um, bool) and 0 < um < 1e9):
        raise ValueError("um")
    return PixelSize(
        um, _text(one["source"]), _truth(one["estimated"]), shared=_truth(one["shared"]), doubt=_text(one["doubt"])
    )


def _files(content: Any) -> dict[str, str]:
    files = _texts(content)
    for name in files:
        _file_name(name)
    return files


def _file_name(name: str) -> None:
    """Refuse what leads out of the folder."""
    if not name or name in (".", "..") or PurePath(name).name != name or "\\" in name or "\0" in name:
        raise ValueError(name)


def _items(content: Any, read: Callable[[Any], T]) -> list[T]:
    if not isinstance(content, list):
        raise ValueError("no list")
    return [read(one) for one in content]


def _mapping(content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise ValueError("no object")
    return content


def _texts(content: Any) -> dict[str, str]:
    return {name: _text(value) for name, value in _mapping(content).items()}


def _text(content: Any) -> str:
    if not isinstance(content, str):
        raise ValueError("no text")
    return content


def _truth(content: Any) -> bool:
    if not isinstance(content, bool):
        raise ValueError("not true or false")
    return content


def _count(content: Any) -> int:
    if not isinstance(content, int) or isinstance(content, bool) or content < 0:
        raise ValueError("no count")
    return content


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
