"""A model's card: what it is, what it was made from, how good it is, under which terms."""

from collections.abc import Mapping, Sequence

from napari_leukocyte.core.model.weights import ModelInfo

__all__ = ["model_card"]


def model_card(info: ModelInfo, sections: Sequence[tuple[str, str]], more: Mapping[str, str] | None = None) -> str:
    """Write the card in Markdown.

    Parameters
    ----------
    info
        The weight file's header.
    sections
        Titles and Markdown texts, for instance of the held-out scores.
    more
        Facts for the end of the list.
    """
    does = "Segments" if info.architecture.inputs == 3 else "Follows clicks and strokes that correct"
    lines = [f"# {info.name}", "", f"{does} white blood cells in stained peripheral-blood smears.", ""]
    lines += [f"- **{key}**: {value}" for key, value in {**_facts(info), **(more or {})}.items()]
    for title, text in sections:
        lines += ["", f"## {title}", "", text]
    lines += ["", "For research use only. Not for use in diagnostic procedures."]
    return "\n".join(lines)


def _facts(info: ModelInfo) -> dict[str, str]:
    training, architecture = info.training, info.architecture
    data, recipe = training.get("data", {}), training.get("recipe", {})
    widths = "-".join(map(str, architecture.widths))
    minutes = training.get("seconds", 0) / 60
    kept = (
        "averaged weights of the last step"
        if info.recipe == "gestures"
        else f"weights of epoch {training.get('epoch', '?')} by validation score"
    )
    facts = {
        "Classes": "background, cytoplasm, nucleus" if info.classes == 3 else "background, cell",
        "Network": f"U-Net, channels {widths}, input normalised as (rgb - {architecture.input_mean:g}) / "
        f"{architecture.input_std:g}",
        "Working resolution": f"{info.pixel_size:.4g} um/px; images are brought to it",
        "Recipe": f"{info.recipe}: {recipe.get('epochs', '?')} epochs, {training.get('steps', '?')} steps of "
        f"{recipe.get('batch', '?')} windows of {recipe.get('window', '?')} px; {kept}",
        "Training images": _counts(data.get("train", {})),
        "Validation images": _counts(data.get("validation", {})),
        "Split": f"{data.get('split', 'not stated')}, sha256 of the training part {data.get('train_sha256', '?')}",
        "Trained": f"{training.get('date', '?')}, {minutes:.0f} min on {training.get('device', '?')}, "
        f"{training.get('precision', '?')}, seed {training.get('seed', '?')}, "
        f"napari-leukocyte {training.get('plugin_version', '?')}",
        "Licence": info.licence,
    }
    if data.get("drawn"):
        facts["Training images"] += f", drawn smears {data['drawn']}"
    if origin := data.get("started_from"):
        facts["Started from"] = (
            f"{origin.get('name', '?')} (sha256 {origin.get('sha256') or origin.get('weights_sha256', '?')})"
        )
        if "steps" in origin:
            facts["Started from"] = (
                f"an earlier round, {facts['Started from']}: {origin['steps']} steps, "
                f"{origin.get('seconds', 0) / 60:.0f} min, seed {origin.get('seed', '?')}"
            )
        if recipe.get("start_share"):
            facts["Started from"] += f"; {100 * recipe['start_share']:.0f} % of it is in these weights"
    return facts


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{source} {n}" for source, n in counts.items()) or "not stated"
