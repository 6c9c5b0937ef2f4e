"""Train the network that follows gestures, from a model that segments.

    python benchmarks/train_gestures.py DATA --out src/napari_leukocyte/weights/gestures.safetensors

DATA has an index.csv; the test and validation parts of the split are not read. An interrupted run goes on where it was.
``--without krd --start default-4`` leaves a source out, for `gestures.py --part all --sources krd` to judge: nothing of
it is read, nothing is drawn in its stain, and the model to start from must not have seen it either.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.interactive.training import GestureTraining, gesture_recipe, train_gestures
from napari_leukocyte.core.model.dataset import read_index
from napari_leukocyte.core.model.prepare import prepare
from napari_leukocyte.core.model.recipes import Recipe
from napari_leukocyte.core.model.split import read_split
from napari_leukocyte.core.model.weights import ModelInfo, load_model, model_path
from report import weights_hash
from unseen_source import FITTED, lists_without


def left_out(source: str, data: Path, split: Path, lists: Path, recipe: Recipe, start: ModelInfo) -> Recipe:
    """Write the split without a source to ``lists``, and return the recipe that draws nothing in its stain.

    Raises
    ------
    LeukocyteError
        When there is no such source, or the model to start from was trained on it.
    """
    names = [row.name for row in read_index(data)]
    if not any(name.startswith(f"{source}/") for name in names):
        raise LeukocyteError(f"{data} has no images of {source}.")
    if source in start.training.get("data", {}).get("train", {}):
        raise LeukocyteError(f"The model {start.name!r} was trained on {source}: start from one that never saw it.")
    lists.write_text(json.dumps(lists_without(source, read_split(split, names))), encoding="utf-8")
    fitted = [FITTED[source]] if source in FITTED else []
    return replace(recipe, stains_kept_out=(*recipe.stains_kept_out, *fitted))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", default="default", help="shipped name or weight file")
    parser.add_argument("--without", metavar="SOURCE", help="leave all images of a source out")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--thin-rims", action="store_true", help="experts differ more often by a thin rim, see Scene")
    parser.add_argument("--split", type=Path, default=Path("benchmarks/split.json"))
    parser.add_argument("--notes", type=Path, default=Path("benchmarks/mask_notes.json"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    recipe = gesture_recipe(given.steps)
    path = model_path(given.start)
    start, origin = load_model(path, device=torch.device("cpu"))
    split = given.split
    if given.without:
        split = given.out.with_suffix(".lists.json")
        recipe = left_out(given.without, given.data, given.split, split, recipe, origin)
    training, _, summary = prepare(given.data, recipe, split=split, notes=given.notes, seed=given.seed)
    summary["started_from"] = {"name": origin.name, "weights_sha256": weights_hash(path)}
    parameters = GestureTraining(
        out=given.out,
        recipe=recipe,
        seed=given.seed,
        licence=origin.licence,
        thin_rims=given.thin_rims,
        data=summary,
    )
    losses: list[float] = []
    began = perf_counter()
    for event in train_gestures(training, parameters, start=start):
        losses.append(event.loss)
        if not event.step % 50 or event.step == event.steps:
            seconds = (perf_counter() - began) / len(losses)
            print(
                f"step {event.step} of {event.steps}, loss {np.mean(losses[-50:]):.4f}, {seconds:.2f} s/step",
                flush=True,
            )
    print(given.out)


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
