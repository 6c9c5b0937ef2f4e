"""Scores as text: a table for the terminal, Markdown for cards."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from napari_leukocyte.core.scoring.figures import share
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES

HEAD = [
    *("", "images"),
    *(f"{name} {score}" for name in CLASS_NAMES for score in ("IoU", "IoU_b", "scored")),
    *("CNR error", "bias", "coverage", "false cells", "missed cells"),
]


def weights_hash(path: Path) -> str:
    """sha256 over names and values of the weights alone: it stays when the header gets its scores."""
    digest = hashlib.sha256()
    for key, value in sorted(load_file(path).items()):
        digest.update(key.encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


def rows(result: dict[str, Any]) -> Iterator[list[str]]:
    """One row for each source, then one for each of its cell types."""
    for source, scores in result["sources"].items():
        yield _row(source, scores["all"])
        for cell_type, figures in scores["cell_types"].items():
            yield _row(f"  {cell_type}", figures)


def _row(label: str, figures: dict[str, Any]) -> list[str]:
    cells = [label, str(figures["images"])]
    for name in CLASS_NAMES:
        scores = figures.get(name)
        if scores:
            cells += [_interval(scores["iou"]), _interval(scores["iou_b"]), _percent(scores["scored"]["mean"])]
        else:
            cells += [""] * 3
    cnr = figures.get("cnr", {})
    cells += [_percent(cnr.get("median_error")), _percent(cnr.get("bias"), sign=True), _percent(cnr.get("coverage"))]
    for kind in ("false_cells", "missed_cells"):
        cells.append("{after_keep:.2f} (before keep {before_keep:.2f})".format(**figures[kind]))
    return cells


def _interval(score: dict[str, Any]) -> str:
    if score["mean"] is None:
        return "n/a"
    return ("{mean:.3f}" if score["low"] is None else "{mean:.3f} ({low:.3f}-{high:.3f})").format(**score)


def _percent(value: float | None, *, sign: bool = False) -> str:
    return "" if value is None else share(value, signed=sign)


def _conditions(result: dict[str, Any]) -> str:
    keep = ", ".join(f"{source}: {rule}" for source, rule in result["keep"].items())
    text = f"Part {result['part']} of {result['split'] or 'the data'}; native resolution, pixel size "
    text += f"{result['pixel_size']}, images {result['images']}; cells kept: {keep}. "
    text += "IoU and IoU_b are means over images with 95 % bootstrap intervals (slides are resampled where known); "
    text += "scored is the share of the truth outside the border band (0.39 um); false and missed cells are per image."
    if result["pixel_size"] == "estimated":
        for source, scores in result["sources"].items():
            ratio = scores["all"]["pixel_size_ratio"]
            text += f" Estimated / known pixel size of {source}: median {ratio['median']:.2f}, "
            text += f"within 30 % for {100 * ratio['within_30_percent']:.0f} % of the images."
    return text


def table(result: dict[str, Any]) -> str:
    """Columns of even width, without those that are empty everywhere."""
    lines = [HEAD, *rows(result)]
    columns = [c for c in zip(*lines, strict=True) if any(c[1:])]
    widths = [max(map(len, column)) for column in columns]
    printed = [
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in zip(*columns, strict=True)
    ]
    return "\n".join([f"{result['model']} on {result['device']}", _conditions(result), "", *printed])


def markdown(result: dict[str, Any]) -> str:
    """The same as a Markdown table."""
    lines = [HEAD, *rows(result)]
    columns = [c for c in zip(*lines, strict=True) if any(c[1:])]
    body = ["| " + " | ".join(line) + " |" for line in zip(*columns, strict=True)]
    body.insert(1, "|" + "---|" * len(columns))
    return "\n".join([_conditions(result), "", *body])
