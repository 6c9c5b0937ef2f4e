"""The models of the experiment: trained without one source, and on all of them, by one short schedule."""

import json
from dataclasses import replace
from pathlib import Path

from napari_leukocyte.core.model.augment import AugmentParameters
from napari_leukocyte.core.model.recipes import default_recipe
from napari_leukocyte.core.model.split import read_split
from napari_leukocyte.core.model.training import checkpoint_path
from napari_leukocyte.core.model.unet import UNetConfig
from unseen_source import lists_without, train_lists

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
    parts = lists_without(left_out, read_split(split, names))
    lists = out.with_suffix(".json")
    lists.write_text(json.dumps(parts), encoding="utf-8")
    # as the first default model; photographs alone: a stain that was drawn too would not be new to the model
    recipe = replace(
        default_recipe(),
        architecture=UNetConfig(classes=3),
        augmentation=AugmentParameters(),
        border_weight=1.0,
        kernel_rate=0.0,
        neighbours=0.0,
        drawn=0.0,
    )
    recipe = replace(recipe, epochs=round(STEPS / (len(parts["train"]) / recipe.batch)))
    train_lists(data, lists, out, recipe, seed=0)
