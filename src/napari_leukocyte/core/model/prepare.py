"""From a folder with an index to the two lists of samples that training takes."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from napari_leukocyte.core.model.dataset import IndexRow, Sample, data_hash, load_sample, read_index
from napari_leukocyte.core.model.drawn import drawn_samples
from napari_leukocyte.core.model.mask_notes import NO_NOTES, MaskNotes, read_mask_notes
from napari_leukocyte.core.model.recipes import Recipe
from napari_leukocyte.core.model.split import read_split, split_by_group

__all__ = ["prepare"]


def prepare(
    folder: Path, recipe: Recipe, *, split: Path | None = None, notes: Path | None = None, seed: int = 0
) -> tuple[list[Sample], list[Sample], dict[str, Any]]:
    """Load the training and validation parts of a folder with an ``index.csv``; the test part is not read.

    Parameters
    ----------
    split
        Recorded lists of names; without it the images are divided by slide, source and cell type with ``seed``.
    notes
        What is known about the masks, see `read_mask_notes`; it acts on the training part alone.

    Returns
    -------
    training, validation
        Samples at the recipe's working resolution; the drawn smears that the recipe asks for stand last in training.
    summary
        Counts per source, hashes and the split, for the weight file's header.
    """
    rows = read_index(folder)
    by_name = {row.name: row for row in rows}
    if split is not None:
        parts = read_split(split, list(by_name))
    else:
        groups = [(row.source, row.slide or row.name) for row in rows]
        parts = split_by_group(list(by_name), groups, [(row.source, row.cell_type) for row in rows], seed=seed)

    def load(chosen: list[IndexRow], known: MaskNotes) -> list[Sample]:
        size, soft = recipe.pixel_size, recipe.soft_targets
        return [load_sample(row, pixel_size=size, soft=soft, notes=known) for row in chosen]

    train_rows = [by_name[name] for name in parts["train"]]
    validation_rows = [by_name[name] for name in parts["validation"]]
    # first: it says in words what is wrong with a file
    known = read_mask_notes(notes) if notes is not None else NO_NOTES
    training = load(train_rows, known)
    validation = load(validation_rows, NO_NOTES)
    drawn = drawn_samples(
        round(recipe.drawn * len(training)),
        seed=seed,
        pixel_size=recipe.pixel_size,
        soft=recipe.soft_targets,
        stains_kept_out=recipe.stains_kept_out,
        blended=recipe.blended_stains,
    )
    summary: dict[str, Any] = {
        "train": dict(Counter(row.source for row in train_rows)),
        "validation": dict(Counter(row.source for row in validation_rows)),
        "train_sha256": data_hash(train_rows, known),
        "mask_notes": hashlib.sha256(notes.read_bytes()).hexdigest() if notes else None,
        "split": split.name if split else f"70/15/15 by slide and cell type, seed {seed}",
    }
    if drawn:
        summary["drawn"] = len(drawn)
    return training + drawn, validation, summary
