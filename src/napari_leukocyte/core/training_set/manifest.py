"""training-set.json: what makes a folder a training set."""

from dataclasses import dataclass

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import exists
from napari_leukocyte.core.training_set.json_files import FORMAT, read_json, write_json
from napari_leukocyte.core.training_set.layout import Layout

__all__ = ["CLASSES", "Manifest", "read_manifest", "write_manifest"]

CLASSES = ("background", "cytoplasm", "nucleus")  # by their values in a class map


@dataclass(frozen=True)
class Manifest:
    """Default pixel size in um per px (None: none), ids of the held-out images, format version of the file."""

    pixel_size: float | None
    held_out: frozenset[str]
    format: int = FORMAT


def read_manifest(layout: Layout) -> Manifest:
    """Read it.

    Raises
    ------
    LeukocyteError
        When the folder is no training set, of a newer format, or the file is damaged.
    """
    path = layout.manifest
    if not layout.folder.is_dir():
        raise LeukocyteError(f"{layout.folder} is no folder: give the folder of a training set, or create one.")
    if not exists(path):
        raise LeukocyteError(
            f"{layout.folder} is no training set, for it has no {path.name}: create one, or check the folder if this "
            "file has been lost."
        )
    fields = read_json(path)
    classes = fields.texts("classes")
    if classes != CLASSES:
        raise LeukocyteError(
            f"{path} states the classes {', '.join(classes)}, but this plugin knows {', '.join(CLASSES)}: "
            "it is a training set for something else."
        )
    return Manifest(fields.positive_or_none("pixel_size_um"), frozenset(fields.texts("held_out")), fields.format)


def write_manifest(layout: Layout, manifest: Manifest) -> None:
    """Write it in one step, in our format; the caller holds the set's lock.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    write_json(
        layout.manifest,
        {"classes": list(CLASSES), "pixel_size_um": manifest.pixel_size, "held_out": sorted(manifest.held_out)},
    )
