"""What is in a training set, as the Train dock says it. No Qt, no layer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning.gate import FEWEST_GROUPS
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.fine_tuning.plan import FEWEST_FOR_HELD_OUT, Plan, describe_known, known_judges, make_plan
from napari_leukocyte.core.text import counted
from napari_leukocyte.core.training_set.item import TrainingItem
from napari_leukocyte.core.training_set.training_set import TrainingSet
from napari_leukocyte.plugin.train.own_models import OwnModel, own_models
from napari_leukocyte.plugin.train.resuming import interrupted_runs

__all__ = ["SetSummary", "read_summary"]


@dataclass(frozen=True)
class SetSummary:
    """A training set at one moment.

    Attributes
    ----------
    training_set
        The set itself.
    items
        The accepted masks in force.
    left_out
        A sentence for each thing that does not train, though one may expect it to.
    models
        The models of its folder, and other weight files that were asked for; the newest first.
    interrupted
        Runs that can go on.
    """

    training_set: TrainingSet
    items: tuple[TrainingItem, ...]
    left_out: tuple[str, ...]
    models: tuple[OwnModel, ...]
    interrupted: tuple[FineTuneParameters, ...]

    @property
    def folder(self) -> Path:
        """Where the set lies."""
        return self.training_set.folder

    @property
    def models_folder(self) -> Path:
        """Where its models lie."""
        return self.training_set.models_folder

    @property
    def accepted_model(self) -> OwnModel | None:
        """The newest model that the user accepted."""
        return next((model for model in self.models if model.state == "accepted"), None)

    def model_at(self, start: str) -> OwnModel | None:
        """The model of the user's that a run would start from; None for a shipped one."""
        return next((model for model in self.models if str(model.path) == start), None)

    @property
    def may_hold_out(self) -> bool:
        """Whether to lock images away makes sense: enough of them, and none held out yet."""
        return len(self.items) >= FEWEST_FOR_HELD_OUT and not any(item.held_out for item in self.items)

    @property
    def next_name(self) -> str:
        """A name for the next model that no file bears."""
        stem = re.sub(r"[^A-Za-z0-9]+", "-", self.folder.resolve().name).strip("-").lower() or "my-stain"
        taken = {path.name.split(".")[0] for path in self.models_folder.glob(f"{stem}-*")}
        return next(name for name in (f"{stem}-{number}" for number in range(1, len(taken) + 2)) if name not in taken)

    def plan(self) -> Plan | None:
        """Who would train and who would judge; None when nothing may train."""
        try:
            return make_plan(self.items, seed=0)
        except LeukocyteError:
            return None

    def sensible_start(self) -> str:
        """The accepted model, unless it knows images that are to judge: then the default one, which knows none."""
        model = self.accepted_model
        return "default" if model is None or self._knows_judges(model) else str(model.path)

    def describe_masks(self, start: str) -> str:
        """Count the masks; new are those that did not train the start, or the accepted model."""
        if not self.items:
            return "No accepted mask yet: accept some in the Correct dock, then train."
        gestures = sum(item.by_gestures for item in self.items)
        edited = sum(item.edited for item in self.items) - gestures
        held_out = sum(item.held_out for item in self.items)
        masks = counted(len(self.items), "accepted mask")
        kinds = [f"{edited} edited by hand", *[f"{gestures} made by gestures"] * bool(gestures)]
        parts = [f"{masks} ({', '.join(kinds)}, {len(self.items) - edited - gestures} unedited)"]
        if held_out:
            parts.append(f"{held_out} held out")
        model = self.model_at(start)
        if model is None or not model.masks:
            model = self.accepted_model
        if model is not None:
            may_train = [(item.name, item.version, item.sha256) for item in self.items if not item.held_out]
            new = sum(version not in model.masks for version in may_train)
            parts.append(f"{new} new since {model.name}" if new else f"none new since {model.name}")
        return ", ".join(parts) + "."

    def describe_judging(self, start: str) -> str:
        """Say what the figures before and after will rest on, and why they may not be believed."""
        plan = self.plan()
        if plan is None:
            return "All accepted images are held out or belong to held-out slides: none may train." * bool(self.items)
        if plan.basis == "held-out":
            text = f"Judged on the {counted(len(plan.locked), 'image')} held out, which never train."
        elif plan.basis == "cross-validation":
            why = "none is held out" if len(self.items) >= FEWEST_FOR_HELD_OUT else "they are fewer than 20"
            text = f"Judged by cross-validation over {counted(len(plan.judges), 'image')} ({why})."
        else:
            text = "Too few images to judge on: only synthetic smears will be compared."
        if any(item.by_gestures for item in plan.judges) and not any(item.is_proof for item in plan.judges):
            text += (
                " Their masks were made by gestures, which cannot prove a model better: draw with the brush, or "
                f"import, masks of at least {FEWEST_GROUPS} slides or patients."
            )
        model = self.model_at(start)
        warning = "" if model is None else describe_known(model.name, plan, model.known)
        return f"{text} {warning}".strip()

    def _knows_judges(self, model: OwnModel) -> bool:
        plan = self.plan()
        return plan is not None and bool(known_judges(plan, model.known))


def read_summary(folder: Path, files: Sequence[Path] = ()) -> SetSummary:
    """Look at a training set; ``files`` are weight files from elsewhere.

    Raises
    ------
    LeukocyteError
        When the folder is no training set that can be read.
    """
    opened = TrainingSet.open(folder)
    own = sorted(opened.models_folder.glob("[!.]*.safetensors"))
    models, broken = own_models([*own, *(path for path in files if path not in own)])
    return SetSummary(
        training_set=opened,
        items=tuple(opened.items()),
        left_out=(*opened.items_left_out(), *opened.problems, *broken),
        models=models,
        interrupted=interrupted_runs(opened.models_folder),
    )
