"""Train a model without one source and judge it on all images of that source.

    python benchmarks/unseen_source.py DATA --without zheng2 --steps 2500

Trains by the default recipe on the training part of the other sources, and on smears drawn in no stain that was fitted
to the source left out. Keeps the weights with the best score on the others' validation part, and then looks at the
source that was left out, for the first time, over everything that is predicted there (judge.py). An interrupted
training goes on. ``--from`` starts from weights that never saw the source: fewer steps then tell levers apart.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from judge import judge_source, line
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.model.augment import AugmentParameters
from napari_leukocyte.core.model.dataset import read_index
from napari_leukocyte.core.model.events import TrainEpoch
from napari_leukocyte.core.model.mask_notes import read_mask_notes
from napari_leukocyte.core.model.prepare import prepare
from napari_leukocyte.core.model.recipes import Recipe, default_recipe
from napari_leukocyte.core.model.split import read_split
from napari_leukocyte.core.model.training import TrainParameters, checkpoint_path, train
from napari_leukocyte.core.model.weights import load_model, model_path
from napari_leukocyte.core.segmentation.method import load_method

INGREDIENTS: dict[str, Callable[[Recipe], Recipe]] = {
    "muon": lambda recipe: replace(recipe, kernel_rate=0.0),
    "border": lambda recipe: replace(recipe, border_weight=1.0),
    "neighbours": lambda recipe: replace(recipe, neighbours=0.0),
    "drawn": lambda recipe: replace(recipe, drawn=0.0),
    "blends": lambda recipe: replace(recipe, blended_stains=0.0),
    "cytoplasm": lambda recipe: replace(recipe, augmentation=replace(recipe.augmentation, cytoplasm=0.0)),
    "background": lambda recipe: replace(recipe, augmentation=replace(recipe.augmentation, background=0.0)),
    "texture": lambda recipe: replace(recipe, augmentation=replace(recipe.augmentation, texture=0.0)),
    "colours": lambda recipe: replace(recipe, augmentation=AugmentParameters()),
}
# what the default recipe has not, to be tried
LEVERS: dict[str, Callable[[Recipe], Recipe]] = {
    "nucleus": lambda recipe: replace(recipe, augmentation=replace(recipe.augmentation, nucleus=0.3)),
}
_SLOWER = 3  # times as low are the rates of learning where a trained model is gone on with
# the drawn stain that was fitted to the colours of a source, see docs/development/synthetic.md
FITTED = {"zheng1": "rapid", "zheng2": "wright-giemsa", "bcisc": "may-gruenwald-giemsa", "bccd": "giemsa"}


def lists_without(source: str | None, parts: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Names of the training and validation part that do not belong to a source; the test part is empty."""
    own = {
        part: [name for name in parts[part] if source is None or not name.startswith(f"{source}/")]
        for part in ("train", "validation")
    }
    return own | {"test": []}


def recipe_for(
    ingredients: Iterable[str],
    *,
    without: str,
    added: Iterable[str] = (),
    red_cells: float,
    batch: int,
    steps: int,
    images: int,
    slower: bool = False,
) -> Recipe:
    """The default recipe without some of its ingredients, with levers added, for about so many steps.

    It is scored ten times on the way.
    No smear is drawn in the stain that was fitted to the source that is left out.
    """
    recipe = default_recipe()
    recipe = replace(recipe, batch=batch, red_cells=red_cells)
    if without in FITTED:
        recipe = replace(recipe, stains_kept_out=(*recipe.stains_kept_out, FITTED[without]))
    for ingredient in ingredients:
        recipe = INGREDIENTS[ingredient](recipe)
    for lever in added:
        recipe = LEVERS[lever](recipe)
    if slower:
        rates = (recipe.learning_rate / _SLOWER, recipe.kernel_rate / _SLOWER)
        recipe = replace(recipe, learning_rate=rates[0], kernel_rate=rates[1])
    epochs = max(1, round(steps * batch / (images * (1 + recipe.drawn))))
    return replace(recipe, epochs=epochs, validate_every=max(1, epochs // 10))


def train_lists(
    data: Path,
    lists: Path,
    out: Path,
    recipe: Recipe,
    *,
    seed: int,
    notes: Path | None = None,
    start: str | None = None,
) -> None:
    """Train on the images that ``lists`` names, from random weights or from those of a model."""
    training, validation, summary = prepare(data, recipe, split=lists, notes=notes, seed=seed)
    network = load_model(model_path(start), device=torch.device("cpu"))[0] if start else None
    parameters = TrainParameters(out=out, recipe=recipe, data=summary, seed=seed)
    for event in train(training, validation, parameters, start=network):
        if isinstance(event, TrainEpoch):
            print(f"{out.stem}: epoch {event.epoch} of {event.epochs}, score {event.score:.4f}", flush=True)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--without", required=True, help="source that is left out")
    parser.add_argument("--split", type=Path, default=Path("benchmarks/split.json"))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--omit", nargs="*", default=[], choices=list(INGREDIENTS), help="ingredients of the recipe")
    parser.add_argument("--add", nargs="*", default=[], choices=list(LEVERS), help="levers that the recipe has not")
    parser.add_argument("--red-cells", type=float, default=0.0, help="share of the windows that get red cells")
    parser.add_argument("--notes", type=Path, default=Path("benchmarks/mask_notes.json"), help="notes on the masks")
    parser.add_argument("--from", dest="start", help="model that never saw the source; rates of learning are a third")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/unseen"), help="folder")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    given = parse(arguments)
    rows = read_index(given.data)
    unseen = [row for row in rows if row.source == given.without]
    if not unseen:
        raise LeukocyteError(f"{given.data} has no images of {given.without}.")
    given.out.mkdir(parents=True, exist_ok=True)
    changes = [*(f"no-{ingredient}" for ingredient in given.omit), *(f"with-{lever}" for lever in given.add)]
    name = "-".join([f"no-{given.without}", *changes])
    name += f"-red-cells-{given.red_cells}" if given.red_cells else ""
    name += f"-seed-{given.seed}" if given.seed else ""
    out = given.out / f"{name}.safetensors"
    lists = out.with_suffix(".lists.json")
    parts = lists_without(given.without, read_split(given.split, [row.name for row in rows]))
    lists.write_text(json.dumps(parts), encoding="utf-8")
    recipe = recipe_for(
        given.omit,
        without=given.without,
        added=given.add,
        red_cells=given.red_cells,
        batch=given.batch,
        steps=given.steps,
        images=len(parts["train"]),
        slower=given.start is not None,
    )
    if not out.exists() or checkpoint_path(out).exists():
        train_lists(given.data, lists, out, recipe, notes=given.notes, start=given.start, seed=given.seed)
    judged = judge_source(unseen, load_method(str(out)), read_mask_notes(given.notes).tight)
    print(line(given.without, judged["all"]))
    with atomic_path(out.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps({given.without: judged}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
