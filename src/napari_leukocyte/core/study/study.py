"""A study: cells of several results, where they come from, and all that can be said of them."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.study.coding import Codes, code_cells
from napari_leukocyte.core.study.coincidence import coincidence_warnings
from napari_leukocyte.core.study.compare import Comparison, PatientValue, compare, patient_values, values_of
from napari_leukocyte.core.study.image_sizes import with_image_sizes
from napari_leukocyte.core.study.kinds import compared, is_white
from napari_leukocyte.core.study.placed import PlacedCell, place
from napari_leukocyte.core.study.readers import Agreement, agreement
from napari_leukocyte.core.study.samples import Samples, group_images
from napari_leukocyte.core.study.summary import SmudgeShare, SummaryRow, smudge_shares, strata, summarise
from napari_leukocyte.core.study.tables import StudyCell, images_of, read_results, table_path
from napari_leukocyte.core.study.withheld import Withheld, count_withheld, withheld_warnings
from napari_leukocyte.core.text import counted

__all__ = ["Study", "make_study", "study_of"]


@dataclass(frozen=True)
class Study:
    """All that a report shows.

    Attributes
    ----------
    cells
        Those that belong to a group, in their places.
    parted
        The same by type and group, see `summary.strata`.
    samples
        Where the images come from, and which were left out.
    results
        The tables, or their codes.
    sources
        All tables that were read, readers' too; never shown.
    groups
        In their order; "" where an image has none.
    merge_bands
        Whether bands are counted as segmented neutrophils.
    coded
        Whether names are replaced by study codes.
    warnings
        Sentences on what may mislead.
    """

    cells: Sequence[PlacedCell]
    parted: Mapping[tuple[str, str], Sequence[PlacedCell]]
    samples: Samples
    results: Sequence[str]
    sources: Sequence[Path]
    groups: Sequence[str]
    merge_bands: bool
    coded: bool
    summary: Sequence[SummaryRow]
    withheld: Sequence[Withheld]
    smudges: Sequence[SmudgeShare]
    patients: Sequence[PatientValue]
    comparisons: Sequence[Comparison]
    agreements: Sequence[Agreement]
    warnings: Sequence[str]


def make_study(
    results: Sequence[str | Path],
    *,
    groups: str | Path | None = None,
    readers: Sequence[str | Path] = (),
    by_reader: Mapping[str, Sequence[StudyCell]] = MappingProxyType({}),
    merge_bands: bool = True,
    codes: Codes | None = None,
) -> Study:
    """Read results and make a study of them.

    Parameters
    ----------
    results : sequence of paths
        Results folders, or their tables.
    groups : str, path or None
        How images are told apart, see `samples.group_images`.
    readers : sequence of paths
        What other readers made of the same images; agreement is that of all readers with each other.
    by_reader : mapping
        Cells of further readers by their names, as a training set holds them.
    merge_bands : bool
        Count bands as segmented neutrophils, as the ICSH has it.
    codes : Codes, optional
        Replace names by these codes, which get new ones for new names; it is left to the caller to write them.

    Raises
    ------
    LeukocyteError
        When results, groups or readers cannot be used.
    """
    cells = read_results(results)
    samples = group_images(images_of(cells), groups)
    cells = with_image_sizes(cell for cell in cells if cell.image in samples.of)
    return study_of(
        cells,
        samples,
        agreements=_agreements(results, cells, readers, by_reader, merge_bands=merge_bands, coded=codes is not None),
        merge_bands=merge_bands,
        codes=codes,
        sources=[table_path(Path(one)) for one in (*results, *readers)],
    )


def study_of(
    cells: Sequence[StudyCell],
    samples: Samples,
    *,
    agreements: Sequence[Agreement] = (),
    merge_bands: bool = True,
    codes: Codes | None = None,
    sources: Sequence[Path] = (),
) -> Study:
    """Make a study of cells that are at hand, whose images have their samples; the rest is as for `make_study`."""
    if codes is not None:
        cells, samples = code_cells(cells, samples, codes)
    placed = place(cells, samples, merge_bands=merge_bands)
    named = [group for group in samples.groups if group]
    parted = strata(placed, samples.groups)
    white = [one for one in placed if is_white(one.kind)]
    patients = patient_values(parted)
    return Study(
        cells=placed,
        parted=parted,
        samples=samples,
        results=list(dict.fromkeys(cell.image.results for cell in cells)),
        sources=sources,
        groups=samples.groups,
        merge_bands=merge_bands,
        coded=codes is not None,
        summary=summarise(parted),
        withheld=count_withheld(parted),
        smudges=smudge_shares(placed, samples.groups),
        patients=patients,
        comparisons=compare(values_of(patients), named),
        agreements=agreements,
        warnings=[
            *coincidence_warnings(placed, named),
            *withheld_warnings(white, samples.groups),
            *_censored(patients),
            *_doubts(placed, samples),
        ],
    )


def _agreements(
    results: Sequence[str | Path],
    cells: Sequence[StudyCell],
    readers: Sequence[str | Path],
    by_reader: Mapping[str, Sequence[StudyCell]],
    *,
    merge_bands: bool,
    coded: bool,
) -> list[Agreement]:
    if not readers and not by_reader:
        return []
    if len(results) > 1:
        raise LeukocyteError("Readers are compared on one results folder: give one, and the readers' beside it.")
    names = [*map(_name, [*results, *readers]), *by_reader]
    names = [f"reader {number}" if coded else name for number, name in enumerate(names, start=1)]
    if len(set(names)) < len(names):
        raise LeukocyteError(f"Two readers are called {names[0]}: give their results folders names that differ.")
    own = [cells, *(read_results([reader]) for reader in readers), *by_reader.values()]
    return agreement(dict(zip(names, own, strict=True)), merge_bands=merge_bands)


def _name(results: str | Path) -> str:
    """What a reader is called: the results folder, or the table where it has a name of its own."""
    table = table_path(Path(results)).resolve()
    return table.parent.name if table.name == "cells.csv" else table.stem


def _censored(patients: Sequence[PatientValue]) -> list[str]:
    """Name the patients whose value is left open by cells that have no more than an upper limit."""
    found = []
    for kind in dict.fromkeys(one.kind for one in patients):
        open_ = [one for one in patients if one.kind == kind and math.isnan(one.log_cnr)]
        if open_ and compared(kind):
            groups = Counter(one.group for one in open_)
            where = "".join(f", {number} in {group}" for group, number in groups.items() if group)
            found.append(
                f"{kind}: the median CNR of {counted(len(open_), 'patient')}{where} is not known as one number, for "
                "too many cells have a rim that is not resolved: in no comparison, so that the lowest may be missing."
            )
    return found


def _doubts(cells: Sequence[PlacedCell], samples: Samples) -> list[str]:
    found = []
    if any(samples.groups) and not any(sample.patient for sample in samples.of.values()):
        found.append("No patients are known, so no groups are compared: cells of a patient are no independent values.")
    slides = {one.cell.image for one in cells if one.cell.on_slide}
    images = {one.cell.image for one in cells} - slides
    if slides and images:
        found.append(
            f"Cells of {counted(len(slides), 'whole slide')} and of {counted(len(images), 'image')} stand together: on "
            "a slide all cells of the film are counted, in images those that somebody photographed."
        )
    unknown = sum(not sample.patient for sample in samples.of.values())
    if 0 < unknown < len(samples.of):
        found.append(f"The patient of {counted(unknown, 'image')} is not known: their cells are in no comparison.")
    if any(samples.groups) and "" in samples.groups:
        nowhere = sum(not sample.group for sample in samples.of.values())
        found.append(f"{counted(nowhere, 'image')} without a group: summarised, and in no comparison.")
    if cells and not any(one.cell.measure.cell_type for one in cells):
        found.append("No cell has a type: groups that differ in their mixture of cells differ in CNR for that alone.")
    return found
