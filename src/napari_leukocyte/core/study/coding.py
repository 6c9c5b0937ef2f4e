"""Study codes in place of names: what leaves the laboratory tells neither file nor patient, and the key stays."""

import csv
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.safe_text import for_table
from napari_leukocyte.core.study.samples import OFFERED, Sample, Samples
from napari_leukocyte.core.study.tables import StudyCell, StudyImage
from napari_leukocyte.core.table import read_table

__all__ = ["Codes", "code_cells"]

_COLUMNS = ["kind", "code", "name"]
_MADE_BY = ("pixel_size_um", "image_size", "model", "model_sha256", "engine", "precision")  # what can hold no name


class Codes:
    """The key of a study: a code for every name, in an order that tells nothing.

    Parameters
    ----------
    path
        The key of an earlier report, whose codes stay; or where the new one goes.

    Raises
    ------
    LeukocyteError
        When the file is there and is no key.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._codes: dict[tuple[str, str], str] = {}
        if self.path.exists():
            table = read_table(self.path)
            if list(table.columns) != _COLUMNS:
                raise LeukocyteError(f"{self.path} is no key of study codes: give another name for the key.")
            self._codes = {(row.text("kind"), row.text("name")): row.text("code") for row in table.rows}
            if len(set(self._codes.values())) < len(table.rows):
                raise LeukocyteError(f"The key {self.path} has a code or a name twice: restore it from a copy.")

    def add(self, kind: str, names: Iterable[str]) -> None:
        """Give codes to names that have none; the empty name needs none."""
        new = sorted({name for name in names if name and (kind, name) not in self._codes})
        random.SystemRandom().shuffle(new)
        first = 1 + sum(own == kind for own, _ in self._codes)
        taken = set(self._codes.values())
        number = first
        for name in new:
            while (code := f"{kind}-{number:03}") in taken:
                number += 1
            taken.add(code)
            self._codes[kind, name] = code

    def of(self, kind: str, name: str) -> str:
        """The code of a name that was added."""
        return self._codes[kind, name] if name else ""

    def write(self) -> None:
        """Write the key, whole or not at all.

        Raises
        ------
        LeukocyteError
            When it cannot be written.
        """
        with atomic_path(self.path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows((kind, code, for_table(name)) for (kind, name), code in self._codes.items())


def code_cells(cells: Sequence[StudyCell], samples: Samples, codes: Codes) -> tuple[list[StudyCell], Samples]:
    """Replace what names a file, a folder, a patient or a slide by its code.

    Groups keep their names. Of the other facts those stay that a sample sheet is offered (`OFFERED`), and what made the
    cells without the folder of a model: own columns may hold anything.
    """
    images = list(dict.fromkeys(cell.image for cell in cells))
    codes.add("results", (image.results for image in images))
    codes.add("image", (_name(image) for image in images))
    codes.add("patient", (sample.patient for sample in samples.of.values()))
    codes.add("slide", (sample.slide for sample in samples.of.values()))
    coded = {image: _coded(image, codes) for image in images}
    own = {coded[image]: _sample(sample, codes) for image, sample in samples.of.items()}
    hidden = replace(samples, of=own, left_out=("",) * len(samples.left_out), unused=(), how="names that are coded")
    return [replace(cell, image=coded[cell.image], made_by=_made_by(cell.made_by)) for cell in cells], hidden


def _name(image: StudyImage) -> str:
    return f"{image.results}: {image.label}"


def _coded(image: StudyImage, codes: Codes) -> StudyImage:
    code = codes.of("image", _name(image))
    return StudyImage(codes.of("results", image.results), code, code)


def _sample(sample: Sample, codes: Codes) -> Sample:
    facts = {name: value for name, value in sample.facts.items() if name in OFFERED}
    return Sample(codes.of("patient", sample.patient), codes.of("slide", sample.slide), sample.group, facts)


def _made_by(facts: Mapping[str, str]) -> dict[str, str]:
    kept = {key: facts.get(key, "") if key in _MADE_BY else "" for key in facts}
    return {**kept, "model": PurePath(kept.get("model", "").replace("\\", "/")).name}
