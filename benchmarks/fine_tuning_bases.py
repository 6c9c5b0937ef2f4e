"""The models of the experiment: trained without one source, and on all of them, by one short schedule."""

import json
from dataclasses import replace
from pathlib import Path

from napari_leukocyte.core.model.augment import AugmentParameters
from napari_leukocyte.core.model.events import TrainEpoch
from napari_leukocyte.core.model.prepare import prepare
from napari_leukocyte.core.model.recipes import default_recipe
from napari_leukocyte.core.model.split import PARTS, read_split
from napari_leukocyte.core.model.training import TrainParameters, checkpoint_path, train

LEFT_OUT = ("bcisc", "zheng1")
ALL = "all"
STEPS = 3000  # of 8 windows; the shipped model has 20,000


def base_path(folder: Path, left_out: str | None) -> Path:
    return folder / f"{ALL if left_out is None else f'no-{left_out}'}.safetensors"


def is_ready(path: Path) -> bool:
    return path.is_file() and not checkpoint_path(path).exists()


def train_base(data: Path, split: Path, names: list[str], left_out: str | None, folder: Path) -> None:
    """Train one of them; an interrupted training goes on. The test part is not read."""
    out = base_path(folder, left_out)
    folder.mkdir(parents=True, exist_ok=True)
    parts = read_split(split, names)
    own = {
        part: [name for name in parts[part] if left_out is None or not name.startswith(f"{left_out}/")]
        for part in PARTS
        if part != "test"
    }
    lists = out.with_suffix(".json")
    lists.write_text(json.dumps(own | {"test": []}), encoding="utf-8")
    # photographs alone: a stain that was drawn too would not be new to the model
    recipe = replace(default_recipe(), augmentation=AugmentParameters(), neighbours=0.0, drawn=0.0)
    recipe = replace(recipe, epochs=round(STEPS / (len(own["train"]) / recipe.batch)))
    training, validation, summary = prepare(data, recipe, split=lists)
    for event in train(training, validation, TrainParameters(out=out, recipe=recipe, data=summary)):
        if isinstance(event, TrainEpoch):
            print(f"{out.stem}: epoch {event.epoch} of {event.epochs}, score {event.score:.4f}", flush=True)
