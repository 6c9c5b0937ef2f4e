"""Masks of other programs, and of this one's exports, read as maps of cells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.analyser_folders import place_of
from napari_leukocyte.core.exchange.cell_map import CellMap, read_flags, read_type
from napari_leukocyte.core.exchange.cellpose import read_cellpose
from napari_leukocyte.core.exchange.coco import read_coco
from napari_leukocyte.core.exchange.geojson import read_geojson
from napari_leukocyte.core.exchange.imagej_rois import read_rois
from napari_leukocyte.core.exchange.json_text import read_json
from napari_leukocyte.core.exchange.label_images import is_label_image, read_label_images
from napari_leukocyte.core.exchange.ome_tiff import is_our_ome_tiff, read_ome_tiff
from napari_leukocyte.core.exchange.ome_zarr import read_ome_zarr
from napari_leukocyte.core.exchange.reading import FindImage, ImageHint, Read, no_image, stem_of
from napari_leukocyte.core.exchange.results_folder import read_class_map
from napari_leukocyte.core.exchange.tables import TABLES, Row, read_table
from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_files
from napari_leukocyte.core.imaging.mask_reading import DoubtfulMaskError, ReadAs
from napari_leukocyte.core.imaging.pixel_size import PixelSize, check_typed
from napari_leukocyte.core.imaging.read import find_images, natural_key
from napari_leukocyte.core.results.map_file import CELLS, labels_path
from napari_leukocyte.core.results.names import same_name
from napari_leukocyte.core.safe_text import printable

__all__ = ["ImportFailed", "ImportParameters", "Imported", "MaskFiles", "find_masks", "images_by_name", "read_masks"]

_MASKS = (".geojson", ".json", ".zip", ".roi", ".npy", ".zarr", ".tif", ".tiff", ".png")
_NUCLEI = ("_nucleus_labels", "_nuclei", "_nucleus")


@dataclass(frozen=True)
class ImportParameters:
    """How masks are read.

    Attributes
    ----------
    pixel_size
        um per px of all images; None takes what each mask or image states.
    read_as
        What the user says of class maps and label images.
    folders
        Whether the masks lie as an analyser exports them: the names of their folders say slide and type.
    """

    pixel_size: float | None = None
    read_as: ReadAs = "auto"
    folders: bool = False


@dataclass(frozen=True)
class MaskFiles:
    """Which files are masks, and which nuclei go with which cells; tables say what a person knows of cells.

    Attributes
    ----------
    masks
        In their order, with the folder that each was found in or below.
    nuclei
        By the mask of whole cells.
    """

    masks: dict[Path, Path]
    nuclei: dict[Path, Path]
    tables: tuple[Path, ...]

    @property
    def files(self) -> list[Path]:
        """All that is read, the cell labels beside class maps included."""
        beside = [labels_path(path) for path in self.masks if path.suffix.lower() in (".png", ".tif", ".tiff")]
        return [*self.masks, *self.nuclei.values(), *self.tables, *beside]


@dataclass(frozen=True)
class Imported:
    """A file is read: the maps of cells in it."""

    path: Path
    reads: tuple[Read, ...]


@dataclass(frozen=True)
class ImportFailed:
    """A file could not be read, with the reason as a sentence; the others go on.

    Where it is only doubtful what its values mean, ``doubt`` says why, and ``others`` are the readings that this speaks
    for, as words of `ReadAs`.
    """

    path: Path
    reason: str
    doubt: str = ""
    others: tuple[str, ...] = ()


def find_masks(inputs: Sequence[str | Path], *, folders: bool = False, images: Sequence[str | Path] = ()) -> MaskFiles:
    """List the masks that are meant: files, folders (with their subfolders if ``folders``), patterns.

    Files whose stems end in ``_nuclei``, ``_nucleus`` or ``_nucleus_labels`` go with the mask of the same name without
    that; cell labels of results go with their class map. Files that end in .csv, .tsv, .xlsx or .parquet are tables.
    What a folder holds of the ``images`` themselves is left out, unless it is named as masks are (``a_cells.tif``).

    Raises
    ------
    LeukocyteError
        When a folder or a pattern holds no mask.
    """
    pictures = {path.resolve() for path in find_images(images)} if images else set()
    found: dict[Path, Path] = {}
    tables: list[Path] = []
    for item in inputs:
        path = Path(item)
        if path.suffix.lower().removeprefix(".") in TABLES:
            tables.append(path)
        elif path.is_dir() and path.suffix.lower() != ".zarr":
            inside = [one for one in sorted(_inside(path, deep=folders), key=natural_key) if not _is_one(one, pictures)]
            if not inside:
                raise LeukocyteError(f"{path} holds no masks ({', '.join(_MASKS)}): give another folder.")
            found |= dict.fromkeys(inside, path)
        elif path.exists():
            found[path] = path.parent
        else:
            found |= {one: one.parent for one in find_images([item], skip_stems=(), suffixes=_MASKS)}
    beside = {labels_path(path) for path in found if path.stem.endswith("_classes")}
    stems = {(path.parent, same_name(stem_of(path)), path.suffix): path for path in found if not _is_nuclei(path)}
    nuclei = {}
    for path in found:
        whole = stems.get((path.parent, same_name(stem_of(path)), path.suffix)) if _is_nuclei(path) else None
        if whole is not None:
            nuclei[whole] = path
    left_out = {*nuclei.values(), *beside}
    return MaskFiles({path: root for path, root in found.items() if path not in left_out}, nuclei, tuple(tables))


def images_by_name(images: Sequence[str | Path]) -> FindImage:
    """Make the function that finds the image of a mask, by file name or stem.

    Raises
    ------
    LeukocyteError
        When a folder or a pattern holds no image, or two images have one stem.
    """
    if not images:
        return no_image
    paths = find_images(images)
    by_name: dict[str, Path] = {}
    for path in paths:
        for name in {same_name(path.name), same_name(path.stem)}:
            if name in by_name:
                raise LeukocyteError(
                    f"{by_name[name]} and {path} have one name: give the images of one folder at a time."
                )
            by_name[name] = path

    def find(name: str) -> ImageHint | None:
        path = by_name.get(same_name(name)) or by_name.get(same_name(Path(name).stem))
        if path is None:
            return None
        source = next(sources_from_files([path]))
        if isinstance(source, BrokenImage):
            raise LeukocyteError(source.reason)
        return ImageHint(path, source.shape, source.pixel_size)

    return find


def read_masks(
    files: MaskFiles, parameters: ImportParameters = ImportParameters(), find_image: FindImage = no_image
) -> Iterator[Imported | ImportFailed]:
    """Read masks, one event for each file. Stop iterating to cancel.

    Marks and types in tables go to the cells of their image and number, over what the masks say.

    Raises
    ------
    LeukocyteError
        Before anything is read: an impossible pixel size, a table that cannot be read.
    """
    if parameters.pixel_size is not None:
        check_typed(parameters.pixel_size)
    said = [row for table in files.tables for row in read_table(table)]
    return _read_each(files, parameters, find_image, said)


def _read_each(
    files: MaskFiles, parameters: ImportParameters, find_image: FindImage, said: Sequence[Row]
) -> Iterator[Imported | ImportFailed]:
    for path, root in files.masks.items():
        try:
            reads = _read(path, files.nuclei.get(path), find_image, parameters.read_as)
        except DoubtfulMaskError as error:
            yield ImportFailed(path, str(error), error.doubt, error.others)
            continue
        except LeukocyteError as error:
            yield ImportFailed(path, str(error))
            continue
        maps = []
        for read in reads:
            one = read.cell_map
            if parameters.pixel_size is not None:
                one = replace(one, pixel_size=PixelSize(parameters.pixel_size, "typed"))
            if "model" not in one.provenance:
                one = replace(one, provenance={**one.provenance, "made": f"imported from {printable(path.name)}"})
            if parameters.folders:
                one = place_of(path, root).given_to(one)
            maps.append(replace(read, cell_map=_with_rows(one, said)))
        yield Imported(path, tuple(maps))


def _read(path: Path, nuclei: Path | None, find_image: FindImage, read_as: ReadAs) -> list[Read]:
    suffix = path.suffix.lower()
    if suffix == ".zarr":
        return read_ome_zarr(path, find_image)
    if suffix in (".zip", ".roi"):
        return read_rois(path, find_image)
    if suffix == ".npy":
        return read_cellpose(path, nuclei, find_image)
    if suffix in (".json", ".geojson"):
        content = read_json(path)
        is_coco = isinstance(content, dict) and "annotations" in content
        return read_coco(path, find_image) if is_coco else read_geojson(path, find_image)
    if not path.is_file():
        raise LeukocyteError(f"{path} does not exist: check its name.")
    if suffix not in _MASKS:
        raise LeukocyteError(
            f"{path} is no mask of a kind that is read ({', '.join(_MASKS)}): export it as one of them."
        )
    if is_our_ome_tiff(path):
        return read_ome_tiff(path, find_image)
    if nuclei is not None or read_as == "cells" or (read_as == "auto" and is_label_image(path)):
        return read_label_images(path, nuclei, find_image)
    return read_class_map(path, find_image, read_as=read_as)


def _with_rows(cell_map: CellMap, rows: Sequence[Row]) -> CellMap:
    """The same with the marks and types that tables give its cells."""
    numbers = {measure.cell for measure in cell_map.measures}
    own = {
        row["cell"]: row
        for row in rows
        if row["image"] == cell_map.image and row.get("plane", 0) == cell_map.plane and row["cell"] in numbers
    }
    remarks, types = dict(cell_map.remarks), dict(cell_map.types)
    for number, row in own.items():
        assert isinstance(number, int)  # it is one of the numbers
        if "flags" in row:
            remarks[number] = read_flags(str(row["flags"]).split(";"))
        if "type" in row:
            types[number] = read_type(row["type"])
    return replace(
        cell_map,
        remarks={number: flags for number, flags in remarks.items() if flags},
        types={number: name for number, name in types.items() if name},
    )


def _inside(folder: Path, *, deep: bool) -> Iterator[Path]:
    """The masks in a folder; a Zarr is one, whatever is in it."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise LeukocyteError(f"The folder {folder} cannot be read: check that you may open it.") from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.suffix.lower() in _MASKS and (entry.suffix.lower() == ".zarr" or entry.is_file()):
            if not entry.stem.endswith(CELLS) or not _has_class_map(entry):
                yield entry
        elif deep and entry.is_dir():
            yield from _inside(entry, deep=True)


def _is_one(path: Path, pictures: set[Path]) -> bool:
    """Whether a file is one of the images, and not called as masks are."""
    return path.resolve() in pictures and stem_of(path) == path.stem


def _has_class_map(labels: Path) -> bool:
    stem = labels.stem.removesuffix(CELLS)
    return any(labels.with_name(f"{stem}_classes{suffix}").is_file() for suffix in (".png", ".tif"))


def _is_nuclei(path: Path) -> bool:
    return path.stem.lower().removesuffix("_seg").endswith(_NUCLEI)
