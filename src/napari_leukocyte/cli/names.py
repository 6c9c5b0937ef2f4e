"""What the results of each input are called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OutputName", "output_names"]


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
