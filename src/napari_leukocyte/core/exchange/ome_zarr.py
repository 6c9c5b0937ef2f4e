"""OME-Zarr 0.4: the class map as the image, cell labels and nucleus labels beside it, all at one resolution."""

import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.checks import check_cell_labels
from napari_leukocyte.core.errors import LeukocyteError, reason_in
from napari_leukocyte.core.exchange.assemble import part_named
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.cells_text import cells_text, label_array, read_cells_text
from napari_leukocyte.core.exchange.extras import library
from napari_leukocyte.core.exchange.reading import FindImage, Read, from_labels, from_maps

__all__ = ["read_ome_zarr", "write_ome_zarr"]

_OURS = "napari-leukocyte"
_VERSION = "0.4"
_CHUNK = 1024  # px


def write_ome_zarr(cell_map: CellMap, path: Path) -> None:
    """Write a folder as OME-Zarr 0.4 (Zarr 2) has it; an older one of the name is replaced when the new one is whole.

    An estimated pixel size is said among the provenance and not as the scale, which would pass for measured.

    Raises
    ------
    LeukocyteError
        When zarr is not installed, or the folder cannot be written.
    """
    zarr = library("zarr", wanted_for="OME-Zarr")
    cells = label_array(cell_map.cells)
    temporary = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(4)}.tmp.zarr")
    try:
        root = zarr.open_group(str(temporary), mode="w", zarr_format=2)
        root.attrs.put(
            {
                "multiscales": [_multiscale(cell_map, cell_map.image)],
                _OURS: {"facts": cell_map.facts, "cells": cells_text(cell_map)},
            }
        )
        _write_plane(root, cell_map.classes)
        labels = root.create_group("labels")
        labels.attrs.put({"labels": ["cells", "nuclei"]})
        for name, plane in (
            ("cells", cells),
            ("nuclei", np.where(cell_map.classes == 2, cells, 0).astype(cells.dtype)),
        ):
            group = labels.create_group(name)
            source = {"version": _VERSION, "source": {"image": "../../"}}
            group.attrs.put({"multiscales": [_multiscale(cell_map, name)], "image-label": source})
            _write_plane(group, plane)
        _put_in_place(temporary, path)
    except OSError as error:
        raise LeukocyteError(f"{path} could not be written ({reason_in(error)}): choose another folder.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_ome_zarr(path: Path, find_image: FindImage) -> list[Read]:
    """Read a folder of ours, or the labels of another one: those with "nucle" in their names are nuclei.

    Raises
    ------
    LeukocyteError
        When zarr is not installed, or the folder holds no labels of one plane.
    """
    zarr = library("zarr", wanted_for="OME-Zarr")
    try:
        root = zarr.open_group(str(path), mode="r")
        said = dict(root.attrs).get(_OURS)
        labels = root["labels"]
        names = _attributes(labels).get("labels") or sorted(name for name, _ in labels.groups())
        planes = {str(name): _read_plane(labels[str(name)], path) for name in names}
        classes = _read_plane(root, path) if isinstance(said, dict) else None
    except (LeukocyteError, MemoryError):
        raise
    except Exception as error:  # a store that is damaged or no store makes the library raise almost anything
        raise LeukocyteError(
            f"{path} holds no OME-Zarr labels that can be read ({reason_in(error)}): export it again."
        ) from error
    if classes is not None and isinstance(said, dict) and "cells" in planes:
        remarks, types = read_cells_text(said.get("cells"))
        facts = said.get("facts")
        facts = facts if isinstance(facts, dict) else {}
        cells = planes["cells"]
        return [from_maps(classes, cells, facts, path=path, find_image=find_image, remarks=remarks, types=types)]
    whole = [name for name in planes if part_named(name) == "cell"]
    nuclei = [name for name in planes if part_named(name) == "nucleus"]
    if len(whole) != 1 or len(nuclei) > 1:
        raise LeukocyteError(
            f"{path} has the labels {', '.join(planes) or 'of nothing'}: leave those of cells, and those of nuclei if "
            "there are some, with nuclei in their name."
        )
    found = [check_cell_labels(planes[name], name=f"labels {name} in {path.name}") for name in (*whole, *nuclei)]
    return [from_labels(found[0], found[1] if nuclei else None, path=path, find_image=find_image)]


def _multiscale(cell_map: CellMap, name: str) -> dict[str, Any]:
    um = cell_map.pixel_size.for_areas
    unit = {} if um is None else {"unit": "micrometer"}
    scale = [1.0 if um is None else um] * 2
    return {
        "version": _VERSION,
        "name": name,
        "axes": [{"name": axis, "type": "space", **unit} for axis in "yx"],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}],
    }


def _write_plane(group: Any, plane: NDArray[Any]) -> None:
    chunks = tuple(min(side, _CHUNK) for side in plane.shape)
    array = group.create_array(
        "0",
        shape=plane.shape,
        dtype=plane.dtype,
        chunks=chunks,
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )
    array[:] = plane


def _read_plane(group: Any, path: Path) -> NDArray[Any]:
    attributes = _attributes(group)
    dataset = attributes["multiscales"][0]["datasets"][0]["path"]
    plane = np.squeeze(np.asarray(group[dataset][:]))
    if plane.ndim != 2:
        raise LeukocyteError(f"{path} holds labels of shape {plane.shape}: save each plane by itself.")
    return plane


def _attributes(group: Any) -> dict[str, Any]:
    """Attributes of OME-Zarr 0.4, or of 0.5, which puts them under a name."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, dict) else attributes


def _put_in_place(temporary: Path, path: Path) -> None:
    old = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(4)}.old.zarr")
    if path.exists():
        path.rename(old)
    temporary.rename(path)
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink(missing_ok=True)
