"""Results to the formats of other programs, and masks of theirs as results."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from napari_leukocyte.api.inputs import checked_pixel_size
from napari_leukocyte.api.result import Failed, Result
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.cell_map import cell_map_of
from napari_leukocyte.core.exchange.exporting import ExportFailed, Named, export_cell_maps, export_folder
from napari_leukocyte.core.exchange.formats import ExportFormat
from napari_leukocyte.core.exchange.importing import (
    Imported,
    ImportParameters,
    find_masks,
    images_by_name,
    read_masks,
)
from napari_leukocyte.core.exchange.reading import Read
from napari_leukocyte.core.exchange.results_folder import write_results
from napari_leukocyte.core.imaging.mask_reading import ReadAs
from napari_leukocyte.core.results.names import input_path, output_names

__all__ = ["export_results", "import_masks"]

PathLike = str | os.PathLike[str]


def export_results(
    results: PathLike | Result | Iterable[PathLike | Result],
    to: ExportFormat,
    out: PathLike,
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write results for other programs.

    Parameters
    ----------
    results
        What `segment` or `import_masks` returned, a results folder, class maps in one, or a list of one kind of these.
    to
        A file for each image, named by its stem: ``geojson`` (QuPath), ``roi`` (ImageJ), ``ome-tiff``, ``ome-zarr``,
        ``coco``, ``cellpose``, ``tiff``, ``png``; or one table: ``csv``, ``tsv``, ``xlsx``, ``parquet``.
    out
        A folder, made when it is not there.
    overwrite
        Replace files of the same names in it.

    Returns
    -------
    list of Path
        The files; ``tiff`` and ``png`` have the nuclei beside each.

    Raises
    ------
    LeukocyteError
        When there is nothing to write, files of the same names are there, a library is not installed, or an image
        cannot be written (those before it are).
    """
    items = [results] if isinstance(results, str | os.PathLike | Result) else list(results)
    made = [item for item in items if isinstance(item, Result)]
    if len(made) == len(items):
        named = [*_named(made)]
        stems = [one.stem for one in named]
        events = export_cell_maps(named, to, Path(out), stems=stems, overwrite=overwrite)
    elif made:
        raise LeukocyteError("Results and paths cannot be mixed in one export: export the one, then the other.")
    else:
        paths = [os.fspath(item) for item in items if not isinstance(item, Result)]
        events = export_folder(paths, to, Path(out), overwrite=overwrite)
    files: list[Path] = []
    for event in events:
        if isinstance(event, ExportFailed):
            raise LeukocyteError(event.reason)
        files += event.files
    return files


def import_masks(
    files: PathLike | Sequence[PathLike],
    *,
    images: PathLike | Sequence[PathLike] = (),
    pixel_size: float | None = None,
    read_as: ReadAs = "auto",
    folders: bool = False,
    shape_columns: bool = False,
    out: PathLike | None = None,
    overwrite: bool = False,
) -> list[Result | Failed]:
    """Read masks of other programs, or what `export_results` wrote.

    Parameters
    ----------
    files
        QuPath (.geojson), ImageJ (.zip, .roi), Cellpose (_seg.npy), OME-TIFF, OME-Zarr, COCO (.json), label
        images and class maps (TIFF, PNG), folders of them; tables of cells among them say types and marks.
    images
        The images that the masks are of, where those do not say how large they are.
    pixel_size
        um per px, 0.01 to 2. None: what masks or images state.
    read_as
        What the values of class maps and label images are, as ``--read-masks-as`` on the command line.
    folders
        The masks lie as analysers export them: folder names become slide and type.
    shape_columns
        Measure diameters and roundness, too: `Result.table` has the optional columns then. Those that need the image
        (optical density, diameter over that of a red cell) are empty.
    out
        A folder for the results, as `segment` writes them on the command line; None: nothing is written.
    overwrite
        Replace what is in the way in ``out``, also what was corrected by hand or is not ours.

    Returns
    -------
    list of Result or Failed
        One for each image, planes of a stack one by one, in order; a file that cannot be read comes as `Failed`.

    Raises
    ------
    LeukocyteError
        When a folder holds no masks, a choice is impossible, or the results cannot be written.
    """
    found = find_masks(_paths(files), folders=folders, images=_paths(images))
    parameters = ImportParameters(checked_pixel_size(pixel_size), read_as, folders)
    results: list[Result | Failed] = []
    reads: list[Read] = []
    for event in read_masks(found, parameters, images_by_name(_paths(images))):
        if not isinstance(event, Imported):
            results.append(Failed(event.path, event.reason))
            continue
        own = [replace(one, cell_map=one.cell_map.with_shapes()) if shape_columns else one for one in event.reads]
        reads += own
        for read in own:
            one = read.cell_map
            results.append(Result(one.label, read.image, (one.segmentation(),), False, {}))
    if out is not None:
        write_results(reads, Path(out), spare=found.files, overwrite=overwrite)
    return results


def _named(results: Sequence[Result]) -> Iterator[Named]:
    paths = [Path(f"{number}") / input_path(result.path, result.name).name for number, result in enumerate(results)]
    names = output_names(paths)
    for path, result in zip(paths, results, strict=True):
        planes = [
            cell_map_of(plane, image=result.name, plane=number, planes=len(result.planes))
            for number, plane in enumerate(result.planes)
            if plane is not None
        ]
        yield Named(names[path].stem, planes)


def _paths(paths: PathLike | Sequence[PathLike]) -> list[str]:
    return [os.fspath(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
