"""Train the network that follows gestures, from a model that segments.

    python benchmarks/train_gestures.py DATA --out src/napari_leukocyte/weights/gestures.safetensors

DATA has an index.csv; the test and validation parts of the split are not read. An interrupted run goes on where it was.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.interactive.training import GestureTraining, gesture_recipe, train_gestures
from napari_leukocyte.core.model.prepare import prepare
from napari_leukocyte.core.model.weights import load_model, model_path
from report import weights_hash


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", default="default", help="shipped name or weight file")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--split", type=Path, default=Path("benchmarks/split.json"))
    parser.add_argument("--notes", type=Path, default=Path("benchmarks/mask_notes.json"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    recipe = gesture_recipe(given.steps)
    path = model_path(given.start)
    start, origin = load_model(path, device=torch.device("cpu"))
    training, _, summary = prepare(given.data, recipe, split=given.split, notes=given.notes, seed=given.seed)
    summary["started_from"] = {"name": origin.name, "weights_sha256": weights_hash(path)}
    parameters = GestureTraining(out=given.out, recipe=recipe, seed=given.seed, licence=origin.licence, data=summary)
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
