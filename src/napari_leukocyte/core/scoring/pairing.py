"""Which file is the truth of which prediction: files of two folders paired by their stems."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.mask_reading import ReadAs
from napari_leukocyte.core.imaging.read import find_images
from napari_leukocyte.core.results.map_file import CELLS
from napari_leukocyte.core.results.names import paired_stem

__all__ = ["MapPaths", "Pairing", "find_maps", "name_maps", "pair_maps"]

_CLASSES = "_classes"


@dataclass(frozen=True)
class MapPaths:
    """Where a class map lies: in one file, or in a mask of whole cells and one of nuclei."""

    path: Path
    nucleus: Path | None = None
    read_as: ReadAs = "auto"  # what the user says of it

    def __str__(self) -> str:
        """The files, for a sentence."""
        return str(self.path) if self.nucleus is None else f"{self.path} with {self.nucleus.name}"


@dataclass(frozen=True)
class Pairing:
    """Truths and the predictions that belong to them.

    Attributes
    ----------
    truths : mapping of str to MapPaths
        By name, in natural order; those with a prediction of every method.
    predictions : mapping
        For each method, the same names.
    without_prediction : mapping of str to tuple of str
        For each method, the names of the truths that it has no prediction for.
    without_truth : mapping of str to tuple of str
        For each method, the names of the predictions without a truth.
    """

    truths: Mapping[str, MapPaths]
    predictions: Mapping[str, Mapping[str, MapPaths]]
    without_prediction: Mapping[str, tuple[str, ...]]
    without_truth: Mapping[str, tuple[str, ...]]


def find_maps(folder: Path, *, read_as: ReadAs = "auto") -> dict[str, MapPaths]:
    """Find the class maps of a folder, by name, see `name_maps`.

    Raises
    ------
    LeukocyteError
        When there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise LeukocyteError(f"{folder} is no folder: give the folder that holds the maps.")
    return name_maps(find_images(folder, skip_stems=(CELLS,)), read_as=read_as)


def name_maps(files: Sequence[Path], *, read_as: ReadAs = "auto") -> dict[str, MapPaths]:
    """Name class maps, in the order of their files.

    The name is the stem without ``_classes``. Where several files share it, one that ends in ``_classes`` is the map
    and the others are not, then ``<name>_cell.*`` with ``<name>_nucleus.*`` together; if they are still several, their
    names keep the extension (as the results of `segment` do). Cell labels, ``<name>_cells.*``, are no class maps:
    leave them out.
    """
    stems = {path: paired_stem(path) for path in files}
    nuclei = {stem.removesuffix("_nucleus"): path for path, stem in stems.items() if stem.endswith("_nucleus")}
    named: dict[str, list[MapPaths]] = defaultdict(list)
    joined: set[Path] = set()
    for path, stem in stems.items():
        name = stem.removesuffix("_cell")
        if stem.endswith("_cell") and name in nuclei:
            named[name].append(MapPaths(path, nuclei[name], read_as))
            joined |= {path, nuclei[name]}
    for path, stem in stems.items():
        if path not in joined:
            named[stem.removesuffix(_CLASSES)].append(MapPaths(path, read_as=read_as))
    found: dict[str, MapPaths] = {}
    for name, maps in named.items():
        for wanted in (_ends_in_classes, _is_joined):
            if any(map(wanted, maps)):
                maps = [one for one in maps if wanted(one)]
                break
        for one in maps:
            found[name if len(maps) == 1 else f"{name}{one.path.suffix}"] = one
    order = {path: i for i, path in enumerate(files)}
    return dict(sorted(found.items(), key=lambda item: order[item[1].path]))


def _ends_in_classes(maps: MapPaths) -> bool:
    return maps.path.stem.endswith(_CLASSES)


def _is_joined(maps: MapPaths) -> bool:
    return maps.nucleus is not None


def pair_maps(truth: Path, predictions: Mapping[str, Path], *, read_as: ReadAs = "auto") -> Pairing:
    """Pair the class maps of folders by name, see `find_maps`.

    Parameters
    ----------
    truth : Path
        Folder with the ground truth.
    predictions : mapping of str to Path
        Folder of each method, at least one. A truth is paired when every method has a prediction for it, so that
        methods are compared on the same images.
    read_as : ReadAs
        What the user says of all of them.

    Raises
    ------
    LeukocyteError
        When a folder is missing or empty, or nothing could be paired.
    """
    truths = find_maps(truth, read_as=read_as)
    ours = {method: find_maps(folder, read_as=read_as) for method, folder in predictions.items()}
    names = [name for name in truths if all(name in maps for maps in ours.values())]
    if not names:
        examples = [
            f"{next(iter(maps))} in {folder}" for folder, maps in zip(predictions.values(), ours.values(), strict=True)
        ]
        raise LeukocyteError(
            f"No truth has a prediction, for names must agree up to '{_CLASSES}' and the extension: "
            f"there is {', '.join(examples)}, and {next(iter(truths))} in {truth}."
        )
    return Pairing(
        truths={name: truths[name] for name in names},
        predictions={method: {name: maps[name] for name in names} for method, maps in ours.items()},
        without_prediction={method: tuple(n for n in truths if n not in maps) for method, maps in ours.items()},
        without_truth={method: tuple(n for n in maps if n not in truths) for method, maps in ours.items()},
    )
