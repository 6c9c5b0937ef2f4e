"""How much a few corrected images of a new source help a model, and what it forgets of the old ones.

    python benchmarks/fine_tuning.py DATA --split benchmarks/split.json --sources krd bcisc

For each source left out: the model that unseen_source.py trained without it is fine-tuned, as a user's training set is,
on images drawn from the source's training part, and scored on the source's test part and on the test parts of the
others. The default model says what there was to gain. Every draw is kept as soon as it is done, and a run that was
stopped goes on; at the end the tables of docs/fine-tuning.md and its plot are written. ``--search`` tries the variants
of fine_tuning_variants.py instead, on validation parts only.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from fine_tuning_data import Data, Figures, figures, load
from fine_tuning_report import write_page
from fine_tuning_variants import VARIANTS
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.fine_tuning.fine_tune import train_stage
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.fine_tuning.recipe import FineTuneRecipe, fine_tune_recipe
from napari_leukocyte.core.fine_tuning.samples import replay_samples
from napari_leukocyte.core.model.training import checkpoint_path
from napari_leukocyte.core.model.weights import load_model, model_hash, model_path, read_info
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.training_set.item import TrainingItem

ALL = "default"  # the model that was trained on all sources
SEARCH_IMAGES = 12  # of each old source's validation part: what is tried must not take a day


class Results:
    """What was measured so far, by key, on disk after every entry."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.entries: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def weights(self, left_out: str) -> Path:
        """Where the model of a draw lies until the next; a search and an experiment may run side by side."""
        return self._path.with_name(f"{self._path.stem}-{left_out}.safetensors")

    def has(self, key: str, made: str) -> bool:
        """Whether the entry is there and was made with these weights and this recipe."""
        return self.entries.get(key, {}).get("made") == made

    def add(self, key: str, entry: dict[str, Any]) -> None:
        self.entries[key] = entry
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(self._path) as temporary:
            temporary.write_text(json.dumps(self.entries, indent=1), encoding="utf-8")
        print(key, f"{entry.get('seconds', 0):.0f} s", flush=True)


def base_path(bases: Path, left_out: str) -> Path:
    """The model that was trained without a source."""
    path = bases / f"no-{left_out}.safetensors"
    if not path.is_file() or checkpoint_path(path).exists():
        raise LeukocyteError(f"{path} is not there, or not done: run unseen_source.py --without {left_out} first.")
    return path


def drawn(pool: Sequence[TrainingItem], n: int, draw: int) -> list[TrainingItem]:
    """Draw images of a training part: the same ones for every variant."""
    by_name = sorted(pool, key=lambda item: item.name)
    return [by_name[i] for i in np.random.default_rng([draw, n]).permutation(len(by_name))[:n]]


def scored(path: Path, data: Data, part: str, most_of: dict[str, int]) -> dict[str, Figures]:
    """Figures of a model on each source's part; of some sources only the first so many images."""
    predictor = Predictor(path)
    return {source: figures(data.parts[source][part][: most_of.get(source)], predictor) for source in data.sources}


def tuned(base: Path, items: Sequence[TrainingItem], recipe: FineTuneRecipe, out: Path, seed: int) -> float:
    """Fine-tune as a user's run does, without its cross-validation; return the seconds it took."""
    for path in (out, checkpoint_path(out)):  # of a draw that was stopped
        path.unlink(missing_ok=True)
    began = perf_counter()
    start, _ = load_model(base)
    replay = replay_samples(start, recipe.training, recipe.replayed)
    for _ in train_stage(items, start, recipe, out, replay=replay, seed=seed):
        pass
    return perf_counter() - began


def measure(data: Data, bases: Path, results: Results, jobs: Iterator[tuple[str, int, int, str]], part: str) -> None:
    """Do what is not there yet, or was made with other base weights or another recipe."""
    for left_out, n, draw, variant in jobs:
        base, everything = base_path(bases, left_out), model_path(ALL)
        most_of = {source: SEARCH_IMAGES for source in data.sources if source != left_out and part != "test"}
        for label, path in ((f"no-{left_out}", base), (f"all for {left_out}", everything)):
            made = model_hash(path)
            if not results.has(label, made):
                results.add(label, {"made": made, "figures": scored(path, data, part, most_of)})
        out = results.weights(left_out)
        parameters = FineTuneParameters(out=out, start=str(base), seed=draw)
        recipe = VARIANTS[variant](fine_tune_recipe(read_info(base), parameters))
        made = sha256(repr((model_hash(base), recipe)).encode()).hexdigest()[:16]
        key = f"{left_out}, {n} images, draw {draw}, {variant}"
        if results.has(key, made):
            continue
        seconds = tuned(base, drawn(data.parts[left_out]["train"], n, draw), recipe, out, draw)
        about = {"source": left_out, "n": n, "draw": draw, "variant": variant, "seconds": seconds, "made": made}
        results.add(key, about | {"figures": scored(out, data, part, most_of)})


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, required=True, help="JSON with the lists train, validation, test")
    parser.add_argument("--bases", type=Path, default=Path("runs/unseen"), help="folder that unseen_source.py wrote")
    parser.add_argument("--sources", nargs="+", default=["krd", "bcisc", "zheng2"], help="those left out")
    parser.add_argument("--counts", nargs="+", type=int, default=[5, 10, 20], help="so many corrected images")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("runs/fine-tuning"), help="folder of the results")
    parser.add_argument("--search", action="store_true", help="try the variants on the validation parts")
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), help="with --search: these variants")
    parser.add_argument("--report", action="store_true", help="only write the page from what was measured")
    given = parser.parse_args(arguments)
    if not given.report:
        jobs = (
            (source, n, draw, variant)
            for draw in range(given.draws)
            for n in given.counts
            for variant in (given.only if given.search else ["shipped"])
            for source in given.sources
        )
        results = Results(given.out / ("search.json" if given.search else "results.json"))
        measure(load(given.data, given.split), given.bases, results, jobs, "validation" if given.search else "test")
    # from the disk: another run may have gone on meanwhile
    write_page(*(Results(given.out / name).entries for name in ("results.json", "search.json")))


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
