"""What the results of each input are called, and the image that a class map is of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OutputName", "image_names", "output_names"]


@dataclass(frozen=True)
class OutputName:
    """``label`` names the image in tables and messages, ``stem`` begins the names of its files."""

    label: str
    stem: str


def output_names(paths: Sequence[Path]) -> dict[Path, OutputName]:
    """Give each input a label and a stem that no other has, also where file names ignore case.

    Inputs of one stem keep their extension; inputs of one name in several folders also get as many of their
    folders in front as tell them apart.

    >>> names = output_names([Path("x/a.png"), Path("x/a.tif"), Path("x/b.png"), Path("y/b.png"), Path("c.png")])
    >>> [name.stem for name in names.values()]
    ['a.png', 'a.tif', 'x_b.png', 'y_b.png', 'c']
    >>> [name.label for name in names.values()]
    ['a.png', 'a.tif', 'x/b.png', 'y/b.png', 'c.png']
    """
    paths = list(dict.fromkeys(paths))  # the planes of a stack have one path
    labels = _labels(paths)
    shared = Counter(path.stem.casefold() for path in paths)
    names: dict[Path, OutputName] = {}
    taken: set[str] = set()
    for path in paths:
        label = labels[path]
        wanted = path.stem if shared[path.stem.casefold()] == 1 else label.replace("/", "_")
        stem, number = wanted, 1
        while stem.casefold() in taken:  # "x_b.png" may be the name of a file as well
            number += 1
            stem = f"{wanted}-{number}"
        taken.add(stem.casefold())
        names[path] = OutputName(label, stem)
    return names


def image_names(class_maps: Sequence[Path], stated: Mapping[Path, str]) -> dict[Path, str]:
    """Give each class map the name of its image in a table: what the file states, else its stem.

    Parameters
    ----------
    class_maps : sequence of Path
        Their stems may end in ``_classes``.
    stated : mapping
        What the files themselves say of their image, as far as they do; a name that two of them state is not used.

    Examples
    --------
    >>> maps = [Path("a_classes.png"), Path("b.png"), Path("x/c_classes.png"), Path("y/c_classes.png")]
    >>> list(image_names(maps, {Path("a_classes.png"): "a.jpg"}).values())
    ['a.jpg', 'b', 'x_c.png', 'y_c.png']
    """
    plain = {path: path.with_name(path.stem.removesuffix("_classes") + path.suffix) for path in class_maps}
    if len(set(plain.values())) < len(plain):  # a_classes.png beside a.png
        plain = {path: path for path in class_maps}
    names = output_names(list(plain.values()))
    times = Counter(stated.values())
    return {path: stated[path] if times[stated.get(path, "")] == 1 else names[plain[path]].stem for path in class_maps}


def _labels(paths: Sequence[Path]) -> dict[Path, str]:
    """File names, with folders in front where the names are equal."""
    parts = {path: path.absolute().parts[1:] for path in paths}  # without the root
    used = dict.fromkeys(paths, 1)
    while True:
        labels = {path: "/".join(parts[path][-used[path] :]) for path in paths}
        count = Counter(label.casefold() for label in labels.values())
        growing = [p for p in paths if count[labels[p].casefold()] > 1 and used[p] < len(parts[p])]
        if not growing:
            return labels
        for path in growing:
            used[path] += 1
