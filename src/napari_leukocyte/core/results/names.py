"""What the results of each input are called, and the image that a class map is of."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from napari_leukocyte.core.imaging.read import IMAGE_SUFFIXES
from napari_leukocyte.core.safe_text import printable

__all__ = ["OutputName", "image_names", "input_path", "output_names", "paired_stem", "same_name"]

# A file name has at most 255 bytes; what we add to a stem, and a name for a file in the making, must fit as well.
_LONGEST_STEM = 200
_NO_FILE_NAME = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\ud800-\udfff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)  # no file names on Windows


@dataclass(frozen=True)
class OutputName:
    """``label`` names the image in tables and messages, ``stem`` begins the names of its files."""

    label: str
    stem: str


def input_path(path: Path | None, name: str) -> Path:
    """Return what stands for an input in `output_names`: its file, or the name of a layer without one, as one name.

    >>> input_path(None, "day 1/P1.field1").name, input_path(None, "").name
    ('day 1_P1.field1', 'image')
    """
    return path or Path(re.sub(r"[/\\]", "_", name).strip(". ") or "image")


def output_names(
    paths: Sequence[Path], *, given: Mapping[Path, OutputName] = MappingProxyType({})
) -> dict[Path, OutputName]:
    """Give each input a label and a stem that no other has, also where file names ignore case or how accents are coded.

    Inputs of one stem keep their extension; inputs of one name in several folders also get as many of their
    folders in front as tell them apart. Labels are printable; stems are file names on every system, at most 200 bytes
    long. Only what is the extension of an image is cut off: the name of a layer may have a dot in it. Names that were
    ``given`` before stay, and no other input gets them.

    >>> names = output_names([Path("x/a.png"), Path("x/a.tif"), Path("x/b.png"), Path("y/b.png"), Path("c.png")])
    >>> [name.stem for name in names.values()]
    ['a.png', 'a.tif', 'x_b.png', 'y_b.png', 'c']
    >>> [name.label for name in names.values()]
    ['a.png', 'a.tif', 'x/b.png', 'y/b.png', 'c.png']
    >>> given = {Path("x/a.png"): OutputName("a.png", "a")}
    >>> names = output_names([Path("x/a.png"), Path("x/a.tif"), Path("y/a.png")], given=given)
    >>> [(name.label, name.stem) for name in names.values()]
    [('a.png', 'a'), ('a.tif', 'a.tif'), ('y/a.png', 'y_a.png')]
    """
    wanted_for = dict.fromkeys(paths)  # the planes of a stack have one path
    paths = list(dict.fromkeys([*given, *paths]))
    labels = _labels(paths)
    stems = {path: _stem(path) for path in paths}
    shared = Counter(same_name(stem) for stem in stems.values())
    names = dict(given)
    taken = {same_name(name.stem) for name in given.values()}
    told = {name.label for name in given.values()}
    for path in paths:
        if path in given:
            continue
        label = labels[path]
        wanted = _file_name(stems[path] if shared[same_name(stems[path])] == 1 else label.replace("/", "_"))
        stem, number = wanted, 1
        while same_name(stem) in taken:  # "x_b.png" may be the name of a file as well
            number += 1
            stem = f"{wanted}-{number}"
        taken.add(same_name(stem))
        shown, number = printable(label), 1
        while shown in told:
            number += 1
            shown = f"{printable(label)} ({number})"
        told.add(shown)
        names[path] = OutputName(shown, stem)
    return {path: names[path] for path in wanted_for}


def same_name(name: str) -> str:
    """What two names have in common that a system, or a person, takes for one: accents in either coding, any case.

    >>> same_name("Zelle_e\u0301.png") == same_name("zelle_\u00e9.png")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def paired_stem(path: Path) -> str:
    """Return the name by which files of two folders belong together, whichever way their accents are coded."""
    return unicodedata.normalize("NFC", _stem(path))


def _stem(path: Path) -> str:
    """The name without the extension of an image; that of a layer has none."""
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def _file_name(stem: str) -> str:
    """A stem that every system takes as a part of a file name."""
    name = _NO_FILE_NAME.sub("_", stem)  # a space at its end stays: an ending follows, and names are paired by it
    if not name.strip():
        name = "image"
    if _RESERVED.match(name):
        name = f"_{name}"
    if len(name.encode()) <= _LONGEST_STEM:
        return name
    code = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[: _LONGEST_STEM - len(code) - 1].decode(errors='ignore')}-{code}"


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
    return {
        path: printable(stated[path]) if times[stated.get(path, "")] == 1 else names[plain[path]].stem
        for path in class_maps
    }


def _labels(paths: Sequence[Path]) -> dict[Path, str]:
    """File names, with folders in front where the names are equal."""
    parts = {path: path.absolute().parts[1:] for path in paths}  # without the root
    used = dict.fromkeys(paths, 1)
    while True:
        labels = {path: "/".join(parts[path][-used[path] :]) for path in paths}
        count = Counter(same_name(label) for label in labels.values())
        growing = [p for p in paths if count[same_name(labels[p])] > 1 and used[p] < len(parts[p])]
        if not growing:
            return labels
        for path in growing:
            used[path] += 1
