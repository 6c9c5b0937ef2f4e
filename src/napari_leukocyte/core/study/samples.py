"""Which patient, slide and group an image belongs to: from its folders, from its name, or from a sample sheet."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.read import IMAGE_SUFFIXES, natural_key
from napari_leukocyte.core.safe_text import printable
from napari_leukocyte.core.study.tables import StudyImage
from napari_leukocyte.core.table import read_table
from napari_leukocyte.core.text import counted

__all__ = ["OFFERED", "Sample", "Samples", "group_images"]

OFFERED = ("anticoagulant", "hours to film", "stain and batch", "preparation", "scanner", "place on film")
"""Columns of a sample sheet that are offered beside file, patient, slide and group; any others are taken, too."""

_MAIN = ("patient", "slide", "group")
_SHOWN = 5


@dataclass(frozen=True)
class Sample:
    """Where an image comes from; ``facts`` are the other columns of the sheet. What is not known is empty."""

    patient: str = ""
    slide: str = ""
    group: str = ""
    facts: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Samples:
    """What is known of the images of a study.

    Attributes
    ----------
    of
        The sample of each image that has one; the others are left out of the study.
    left_out
        Images without a sample, by their paths.
    unused
        Files of the sheet that no image is of.
    how
        What it was read from, in words.
    """

    of: Mapping[StudyImage, Sample]
    left_out: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    how: str = ""

    @property
    def groups(self) -> list[str]:
        """The groups, sorted as a person would (A2 before A10)."""
        return sorted({sample.group for sample in self.of.values()}, key=lambda group: natural_key(Path(group)))


def group_images(images: Sequence[StudyImage], groups: str | Path | None) -> Samples:
    """Give every image its sample.

    Parameters
    ----------
    images : sequence of StudyImage
        Those of the tables.
    groups : str, path or None
        - ``"folder"``: the folder that an image lies in is its patient and the one above it the group; with one folder
          only that is the group, and no patient is known.
        - A pattern such as ``"{group}/{patient}_{slide}"``, which fits the end of the path without the extension;
          ``*`` stands for anything. Or a regular expression with named groups, searched for in the path.
        - The path of a sample sheet: CSV with the columns file, patient, slide, group, and any others.
        - None: one group, and no patients.

    Raises
    ------
    LeukocyteError
        When it is none of them, fits no image, or puts one patient into two groups.
    """
    if groups is None:
        return Samples(dict.fromkeys(images, Sample()), how="no groups are given")
    text = str(groups)
    if Path(text).suffix.lower() in (".csv", ".tsv", ".txt"):
        samples = _from_sheet(images, Path(text))
    elif text == "folder":
        samples = _each(images, _by_folder, "folders")
    elif "(?P<" in text:
        samples = _each(images, _by_expression(text), f"the expression {text}")
    elif "{" in text:
        samples = _each(images, _by_pattern(text), f"the pattern {text}")
    else:
        raise LeukocyteError(
            f"Groups cannot be read from '{printable(text)}': give 'folder', a pattern such as "
            "'{group}/{patient}_{slide}', or a sample sheet that ends in .csv."
        )
    if not samples.of:
        raise LeukocyteError(
            f"{samples.how[:1].upper()}{samples.how[1:]} fit none of {counted(len(images), 'image')}, such as "
            f"{printable(images[0].path)}: correct them."
        )
    _check_patients(samples.of)
    return samples


def _each(images: Sequence[StudyImage], find: Callable[[str], Sample | None], how: str) -> Samples:
    found = {image: find(image.path) for image in images}
    return Samples(
        {image: sample for image, sample in found.items() if sample is not None},
        tuple(image.path for image, sample in found.items() if sample is None),
        how=how,
    )


def _by_folder(path: str) -> Sample | None:
    *above, _ = PurePosixPath(path).parts
    if not above:
        return None
    return Sample(patient=above[-1], group=above[-2]) if len(above) > 1 else Sample(group=above[-1])


def _by_pattern(pattern: str) -> Callable[[str], Sample | None]:
    names = re.findall(r"\{([^{}]*)\}", pattern)
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", pattern)) or not all(name.strip() for name in names):
        raise LeukocyteError(f"The pattern '{printable(pattern)}' has a brace without its name: write {{patient}}.")
    if len(set(names)) < len(names):
        raise LeukocyteError(f"The pattern '{printable(pattern)}' has one name twice: write each once.")
    parts = re.split(r"(\{[^{}]*\}|\*)", pattern)
    written = "".join("[^/]+?" if part == "*" else "([^/]+?)" if part[:1] == "{" else re.escape(part) for part in parts)
    expression = re.compile(f"(?:^|.*/){written}")

    def find(path: str) -> Sample | None:
        match = expression.fullmatch(_without_suffix(path))
        return None if match is None else _sample(dict(zip(names, match.groups(), strict=True)))

    return find


def _by_expression(text: str) -> Callable[[str], Sample | None]:
    try:
        expression = re.compile(text)
    except re.error as error:
        raise LeukocyteError(f"'{printable(text)}' is no regular expression ({error}): correct it.") from error

    def find(path: str) -> Sample | None:
        match = expression.search(path)
        return None if match is None else _sample({name: value or "" for name, value in match.groupdict().items()})

    return find


def _without_suffix(path: str) -> str:
    name = PurePosixPath(path)
    return str(name.with_suffix("")) if name.suffix.lower() in IMAGE_SUFFIXES else path


def _from_sheet(images: Sequence[StudyImage], path: Path) -> Samples:
    table = read_table(path)
    columns = {name: _column(name) for name in table.columns if name}
    if len(set(columns.values())) < len(columns):
        raise LeukocyteError(f"The sample sheet {path} has one column twice: {', '.join(table.columns)}.")
    if "file" not in columns.values():
        raise LeukocyteError(
            f"The sample sheet {path} has no column 'file', but {', '.join(table.columns)}: add the names of the files."
        )
    of: dict[StudyImage, tuple[str, Sample]] = {}
    unused = []
    for row in table.rows:
        fields = {columns[name]: value for name, value in row.fields.items() if name in columns}
        file = fields.pop("file").replace("\\", "/")
        if not file:
            raise LeukocyteError(f"{row.where} names no file: fill it in.")
        sample = _sample(fields)
        meant = _meant(images, file)
        if not meant:
            unused.append(file)
        for image in meant:
            before = of.setdefault(image, (row.where, sample))
            if before[1] != sample:
                raise LeukocyteError(
                    f"{row.where} says something else of {printable(image.path)} than {before[0].rstrip(',')}: keep "
                    "one of them."
                )
    return Samples(
        {image: sample for image, (_, sample) in of.items()},
        tuple(image.path for image in images if image not in of),
        tuple(unused),
        how=f"the rows of {path.name}",
    )


def _meant(images: Sequence[StudyImage], file: str) -> list[StudyImage]:
    """The images that a row is of: by the end of their paths, with or without extension; ``*`` stands for anything."""
    parts = file.strip("/").split("/")

    def fits(path: str) -> bool:
        own = path.split("/")[-len(parts) :]
        return len(own) == len(parts) and all(fnmatchcase(one, part) for one, part in zip(own, parts, strict=True))

    return [image for image in images if fits(image.path) or fits(_without_suffix(image.path))]


def _column(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _sample(fields: Mapping[str, str]) -> Sample:
    plain = {_column(name): value.strip() for name, value in fields.items()}
    facts = {name: value for name, value in plain.items() if name not in (*_MAIN, "file")}
    patient, slide, group = (plain.get(name, "") for name in _MAIN)
    return Sample(patient, slide, group, facts)


def _check_patients(of: Mapping[StudyImage, Sample]) -> None:
    """One patient gives one value, which belongs to one group."""
    groups: dict[str, set[str]] = {}
    for sample in of.values():
        if sample.patient:
            groups.setdefault(sample.patient, set()).add(sample.group)
    twice = sorted(patient for patient, own in groups.items() if len(own) > 1)
    if twice:
        shown = ", ".join(f"{printable(one)} ({', '.join(sorted(groups[one]))})" for one in twice[:_SHOWN])
        raise LeukocyteError(
            f"{counted(len(twice), 'patient stands', 'patients stand')} in several groups: {shown}; a patient belongs "
            "to one, so name the groups or the patients otherwise."
        )
