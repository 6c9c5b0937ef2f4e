"""Fine-tuning as a plain generator: train on accepted masks, judge on images that no training saw, say so.

Stopping the iteration is the cancel: the best weights so far are on disk, and the same call goes on from there.
"""

import hashlib
from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from napari_leukocyte.core.fine_tuning.before_after import BeforeAfter
from napari_leukocyte.core.fine_tuning.calibrate import calibrate_range
from napari_leukocyte.core.fine_tuning.card import data_summary, licence_from, write_card, write_scores
from napari_leukocyte.core.fine_tuning.compare import compare
from napari_leukocyte.core.fine_tuning.decision import card_path
from napari_leukocyte.core.fine_tuning.events import FineTuneFinished, ImageScored, StageStarted
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.fine_tuning.plan import Plan, deal, known_images, known_judges, make_plan
from napari_leukocyte.core.fine_tuning.progress_file import ProgressFile, is_resumable
from napari_leukocyte.core.fine_tuning.recipe import FineTuneRecipe, fine_tune_recipe
from napari_leukocyte.core.fine_tuning.samples import guard_items, item_sample, replay_samples, sample_shares
from napari_leukocyte.core.fine_tuning.scoring import Judged, score_item
from napari_leukocyte.core.model.cnr_range import CnrRange
from napari_leukocyte.core.model.dataset import Sample
from napari_leukocyte.core.model.device import resolve_device
from napari_leukocyte.core.model.events import TrainEpoch, TrainStep
from napari_leukocyte.core.model.training import TrainFinished, TrainParameters, train
from napari_leukocyte.core.model.unet import UNet
from napari_leukocyte.core.model.weights import load_model, model_hash, model_path, read_info
from napari_leukocyte.core.outputs import CARD, spare_foreign
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.training_set.item import TrainingItem

__all__ = ["Event", "divide", "fine_tune", "is_resumable", "train_stage"]

Event = StageStarted | TrainStep | TrainEpoch | ImageScored | BeforeAfter | FineTuneFinished

_VALIDATION_PARTS = 5  # one of them is kept from the optimiser
_MOST_VALIDATED = 12  # images: looked at after every epoch, they must not take longer than its steps


def fine_tune(items: Sequence[TrainingItem], parameters: FineTuneParameters) -> Generator[Event, None, None]:
    """Make a model better on the user's images, and compare it with the one it started from.

    The final model is trained first, then those of the cross-validation, where there is one; then all judging
    images and the synthetic guard are scored before and after, at native resolution.

    Parameters
    ----------
    items
        Accepted masks; those held out, and all of a group with one, never train.
    parameters
        The run. The same call goes on after a stop, with the stages already finished.

    Yields
    ------
    StageStarted, TrainStep, TrainEpoch, ImageScored, BeforeAfter, FineTuneFinished
        The last two once each, at the end, when model, figures and card are on disk.

    Raises
    ------
    LeukocyteError
        No image that may train; an unknown or damaged start; an output that exists or belongs to another run; a
        device that is not there; a disk that cannot be written; a training that diverges.
    """
    out = Path(parameters.out)
    spare_foreign({card_path(out): CARD})  # before hours of work
    resolve_device(parameters.device)
    start_path = model_path(parameters.start)
    _, info = load_model(start_path)
    recipe = fine_tune_recipe(info, parameters)
    plan = make_plan(items, seed=parameters.seed)
    known = {item.name for item in known_judges(plan, known_images(info.training))}
    with ProgressFile(out, _fingerprint(items, recipe, start_path, parameters.seed)) as progress:
        yield from _train(plan, parameters, recipe, start_path, progress)
        before_after, cnr_range = yield from _compare(plan, parameters, recipe, start_path, progress, known)
        write_scores(out, before_after, cnr_range)
        write_card(out, before_after)
        progress.remove()
    yield before_after
    yield FineTuneFinished(out, read_info(out), before_after)


def _compare(
    plan: Plan,
    parameters: FineTuneParameters,
    recipe: FineTuneRecipe,
    start_path: Path,
    progress: ProgressFile,
    known: Collection[str],
) -> Generator[StageStarted | ImageScored, None, tuple[BeforeAfter, CnrRange | None]]:
    """Judge before and after, and calibrate; images that the start knows are apart: they are unseen on neither side."""
    guard = guard_items()
    steps = _steps(recipe, plan)
    yield StageStarted("comparison", "comparison before and after", 0, steps, steps)
    events = _judge(plan, guard, start_path, Path(parameters.out), progress, parameters.device)
    scored: list[Judged] = []
    for event in events:
        if isinstance(event, Judged):
            scored.append(event)
        else:
            yield event
    judged, extra = scored[: len(plan.judges)], scored[len(plan.judges) :]
    own = [one for one in judged if one.item.name not in known]
    guarded = compare(extra)
    assert guarded is not None  # there are always synthetic smears
    proof = [one for one in own if one.item.is_proof]
    before_after = BeforeAfter(
        basis=plan.basis,
        folds=len(plan.folds),
        own=compare(proof),
        unedited=compare([one for one in own if not one.item.edited]),
        guard=guarded,
        seen=compare([one for one in judged if one.item.name in known]),
        gestures=compare([one for one in own if one.item.by_gestures]),
    )
    return before_after, calibrate_range(proof)


def _steps(recipe: FineTuneRecipe, plan: Plan) -> int:
    return recipe.training.epochs * recipe.training.epoch_steps * (1 + len(plan.folds))


def _train(
    plan: Plan, parameters: FineTuneParameters, recipe: FineTuneRecipe, start_path: Path, progress: ProgressFile
) -> Iterator[StageStarted | TrainStep | TrainEpoch]:
    """The final training, then one for each fold; what a run before this one finished is passed over."""
    out = Path(parameters.out)
    start, info = load_model(start_path, device=resolve_device(parameters.device))
    stages = [("final", "training of the model", plan.training, out)]
    for i in range(len(plan.folds)):
        text = f"cross-validation, part {i + 1} of {len(plan.folds)}"
        stages.append((f"fold {i + 1}", text, tuple(plan.without(i)), progress.weights(i + 1)))
    steps, total = recipe.training.epochs * recipe.training.epoch_steps, _steps(recipe, plan)
    replay: list[Sample] | None = None
    for number, (stage, text, items, path) in enumerate(stages):
        if progress.finished(stage):
            continue
        final = stage == "final"
        yield StageStarted("final" if final else "fold", text, steps, number * steps, total)
        if replay is None:
            replay = replay_samples(start, recipe.training, recipe.replayed)
        to_train, to_validate = divide(items, recipe, seed=parameters.seed)
        data = data_summary(
            to_train, to_validate, plan.locked, replayed=recipe.replayed, start=info, start_hash=model_hash(start_path)
        )
        for event in train_stage(
            items,
            start,
            recipe,
            path,
            replay=replay,
            name=parameters.name if final else stage,
            licence=licence_from(info),
            data=data,
            device=parameters.device,
            seed=parameters.seed,
        ):
            if isinstance(event, TrainFinished):
                break
            if final and isinstance(event, TrainEpoch) and event.saved:
                write_card(path, None)
            yield event
        progress.finish(stage)


def divide(
    items: Sequence[TrainingItem], recipe: FineTuneRecipe, *, seed: int
) -> tuple[list[TrainingItem], list[TrainingItem]]:
    """Return the items to train on and those that choose the best epoch; whole groups on either side."""
    if len({item.group for item in items}) < recipe.validation_groups:
        return list(items), []
    validation, *rest = sorted(deal(items, _VALIDATION_PARTS, seed=seed), key=len)
    return [item for part in rest for item in part], validation


def train_stage(
    items: Sequence[TrainingItem],
    start: UNet,
    recipe: FineTuneRecipe,
    out: Path,
    *,
    replay: Sequence[Sample],
    name: str = "",
    licence: str = "not stated",
    data: dict[str, Any] | None = None,
    device: str = "auto",
    seed: int = 0,
) -> Iterator[TrainStep | TrainEpoch | TrainFinished]:
    """Train on items, none of which may be held out, and on ``replay_samples``; events are those of `train`."""
    assert not any(item.held_out for item in items)
    to_train, to_validate = divide(items, recipe, seed=seed)
    training = [item_sample(item, recipe.training) for item in to_train]
    validation = [item_sample(item, recipe.training) for item in to_validate[:_MOST_VALIDATED]]
    if not validation:
        validation = training[:_MOST_VALIDATED]
    training += replay
    parameters = TrainParameters(
        out=out, recipe=recipe.training, name=name, device=device, seed=seed, licence=licence, data=data
    )
    yield from train(
        training, validation, parameters, start=start, weights=sample_shares(training, recipe.replay_share)
    )


def _judge(
    plan: Plan,
    guard: Sequence[TrainingItem],
    start_path: Path,
    out: Path,
    progress: ProgressFile,
    device: str,
) -> Iterator[ImageScored | Judged]:
    """Score before and after: locked images, the folds in turn, the guard; each with a model that never saw it."""
    before = Predictor(start_path, device=device)
    parts: list[tuple[Sequence[TrainingItem], Path]] = [(plan.locked, out)]
    parts += [(fold, progress.weights(i)) for i, fold in enumerate(plan.folds, start=1)]
    parts.append((guard, out))
    total, done = 2 * sum(len(items) for items, _ in parts), 0
    for items, path in parts:
        if not items:
            continue
        after = Predictor(path, device=device)
        for item in items:
            scores = []
            for predictor in (before, after):
                score, unsure = score_item(item, predictor)
                scores.append(score)
                done += 1
                yield ImageScored(done, total)
            yield Judged(item, before=scores[0], after=scores[1], unsure=unsure)


def _fingerprint(items: Sequence[TrainingItem], recipe: FineTuneRecipe, start: Path, seed: int) -> str:
    """What makes a run the same run: masks by their hashes and roles, start, recipe and seed."""
    digest = hashlib.sha256(repr((recipe, model_hash(start), seed)).encode())
    for item in sorted(items, key=lambda item: (item.name, item.version)):
        about = (item.name, item.version, item.sha256, item.group, item.pixel_size)
        digest.update(repr((*about, item.edited, item.held_out, item.whole_cell)).encode())
    return digest.hexdigest()
