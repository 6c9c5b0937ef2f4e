"""Put scores into a weight file's header and write the model's card beside it.

    python benchmarks/card.py default scores.json

MODEL is a shipped name or a weight file; the scores come from accuracy.py and must be of these very weights.
"""

import json
import sys
from pathlib import Path
from typing import Any

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.model.weights import ModelInfo, model_path, read_info, replace_info
from report import markdown, weights_hash


def card(info: ModelInfo, result: dict[str, Any]) -> str:
    """The card: what the model is, what it was made from, how good it is, under which terms."""
    training, architecture = info.training, info.architecture
    data, recipe = training.get("data", {}), training.get("recipe", {})
    classes = "background, cytoplasm, nucleus" if info.classes == 3 else "background, cell"
    widths = "-".join(map(str, architecture.widths))
    minutes = training.get("seconds", 0) / 60
    facts = {
        "Classes": classes,
        "Network": f"U-Net, channels {widths}, input normalised as (rgb - {architecture.input_mean:g}) / "
        f"{architecture.input_std:g}",
        "Working resolution": f"{info.pixel_size:.4g} um/px; images are brought to it",
        "Recipe": f"{info.recipe}: {recipe.get('epochs', '?')} epochs, {training.get('steps', '?')} steps of "
        f"{recipe.get('batch', '?')} windows of {recipe.get('window', '?')} px; weights of epoch "
        f"{training.get('epoch', '?')} by validation score",
        "Training images": _counts(data.get("train", {})),
        "Validation images": _counts(data.get("validation", {})),
        "Split": f"{data.get('split', 'not stated')}, sha256 of the training part {data.get('train_sha256', '?')}",
        "Trained": f"{training.get('date', '?')}, {minutes:.0f} min on {training.get('device', '?')}, "
        f"{training.get('precision', '?')}, seed {training.get('seed', '?')}, "
        f"napari-leukocyte {training.get('plugin_version', '?')}",
        "Licence": info.licence,
    }
    if origin := data.get("started_from"):
        facts["Started from"] = (
            f"an earlier round, {origin.get('name', '?')} (sha256 {origin.get('sha256', '?')}): "
            f"{origin.get('steps', '?')} steps, {origin.get('seconds', 0) / 60:.0f} min, seed {origin.get('seed', '?')}"
        )
    lines = [f"# {info.name}", "", "Segments white blood cells in stained peripheral-blood smears.", ""]
    lines += [f"- **{key}**: {value}" for key, value in facts.items()]
    lines += ["", "## Held-out scores", "", markdown(result), ""]
    lines += ["For research use only. Not for use in diagnostic procedures."]
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{source} {n}" for source, n in counts.items()) or "not stated"


def main(model: str, scores: Path) -> None:
    path = model_path(model)
    result = json.loads(scores.read_text(encoding="utf-8"))
    if result["weights_sha256"] != weights_hash(path):
        raise LeukocyteError(f"{scores} was measured with other weights than those in {path}: measure again.")
    if result["part"] != "test":
        raise LeukocyteError(f"{scores} was measured on the part {result['part']}: a card shows the test part.")
    replace_info(path, scores={key: value for key, value in result.items() if key != "weights_sha256"})
    out = path.with_suffix(".md")
    with atomic_path(out) as temporary:
        temporary.write_text(card(read_info(path), result) + "\n", encoding="utf-8")
    print(out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
