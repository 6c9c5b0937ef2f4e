"""The page of the fine-tuning experiment: tables with means and spread over draws, and a plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cnr import fill_in, markdown
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.scoring.metrics import CLASS_NAMES

DOCS = Path(__file__).parents[1] / "docs"
PAGE, PLOT = DOCS / "fine-tuning.md", DOCS / "images" / "fine-tuning.png"
RESULT = ("<!-- written by benchmarks/fine_tuning.py -->", "<!-- end -->")
TRIED = ("<!-- written by benchmarks/fine_tuning.py --search -->", "<!-- end of the search -->")
COLOURS = dict(zip(CLASS_NAMES, ("#0072B2", "#009E73", "#D55E00"), strict=True))  # Okabe and Ito

OLD = {"zheng1": "#CC79A7", "zheng2": "#E69F00", "bcisc": "#56B4E9", "bccd": "#555555", "krd": "#009E73"}

Entries = Mapping[str, Mapping[str, Any]]


def write_page(final: Entries, search: Entries) -> None:
    """Put what is there into the page."""
    if any("draw" in entry for entry in final.values()):
        fill_in(PAGE, result(final), *RESULT)
        draw(final, PLOT)
    if any("draw" in entry for entry in search.values()):
        fill_in(PAGE, tried(search), *TRIED)
    print(PAGE)


def draws(entries: Entries, source: str, n: int, variant: str) -> list[Mapping[str, Any]]:
    """The draws of one source, number of images and variant."""
    return [e for e in entries.values() if (e.get("source"), e.get("n"), e.get("variant")) == (source, n, variant)]


def left_out(entries: Entries) -> list[str]:
    """The sources that images were drawn from."""
    return list(dict.fromkeys(entry["source"] for entry in entries.values() if "draw" in entry))


def counts(entries: Entries, source: str) -> list[int]:
    return sorted({e["n"] for e in entries.values() if e.get("source") == source})


def classes_of(figures: Mapping[str, float]) -> list[str]:
    return [name for name in CLASS_NAMES if f"{name}_iou" in figures]


def points(values: Sequence[float], *, sign: str = "+") -> str:
    """Mean and range over draws, in points (hundredths)."""
    low, mean, high = (100 * float(f(values)) for f in (np.min, np.mean, np.max))
    if len(values) == 1:
        return f"{mean:{sign}.1f}"
    return f"{mean:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"


def changes(entry: Mapping[str, Any], before: Mapping[str, Any], source: str) -> dict[str, float]:
    """For each old source the mean change of IoU over the classes that its masks know, 0-1."""
    return {
        old: float(np.mean([own[f"{c}_iou"] - before[old][f"{c}_iou"] for c in classes_of(own)]))
        for old, own in entry["figures"].items()
        if old != source
    }


def lost(own: Sequence[Mapping[str, Any]], before: Mapping[str, Any], source: str) -> list[str]:
    """What all old sources together lost, and the one that lost most: a mean can hide it."""
    by_draw = [changes(entry, before, source) for entry in own]
    means = {old: float(np.mean([draw[old] for draw in by_draw])) for old in by_draw[0]}
    worst = min(means, key=lambda old: means[old])
    mean = points([float(np.mean(list(draw.values()))) for draw in by_draw])
    return [mean, f"{worst} {points([draw[worst] for draw in by_draw])}"]


def result(entries: Entries) -> str:
    """The gap, what so many images close of it, and what was forgotten."""
    parts = []
    for source in left_out(entries):
        before, everything = (entries[k]["figures"] for k in (f"no-{source}", f"all for {source}"))
        parts += [f"### {source}", "", gains(entries, source, before, everything), ""]
        parts += [f"Old sources after training on images of {source}, change of IoU in points:", ""]
        parts += [losses(entries, source, before), ""]
    return "\n".join(parts).rstrip()


def gains(entries: Entries, source: str, before: Mapping[str, Any], everything: Mapping[str, Any]) -> str:
    head = ["images", "class", "before", "after: mean (range over draws)", "trained on all", "share of the gap closed"]
    rows = []
    for n in counts(entries, source):
        own = draws(entries, source, n, "shipped")
        for name in classes_of(before[source]):
            key = f"{name}_iou"
            start, goal = before[source][key], everything[source][key]
            after = [entry["figures"][source][key] for entry in own]
            gap = goal - start
            # of a gap within the noise of the test images a share says nothing
            closed = f"{(np.mean(after) - start) / gap:.0%} of {100 * gap:.1f} points" if gap > 0.005 else "no gap"
            spread = f"{np.mean(after):.3f}" + (f" ({min(after):.3f}–{max(after):.3f})" if len(own) > 1 else "")
            images = f"{n} ({len(own)} draw{'s' * (len(own) > 1)})"
            rows.append([images, name, f"{start:.3f}", spread, f"{goal:.3f}", closed])
    return markdown(head, rows)


def losses(entries: Entries, source: str, before: Mapping[str, Any]) -> str:
    others = [old for old in before if old != source]
    columns = [(old, name) for old in others for name in classes_of(before[old])]
    rows = []
    for n in counts(entries, source):
        own = draws(entries, source, n, "shipped")
        row = [str(n), *lost(own, before, source)]
        for old, name in columns:
            key = f"{name}_iou"
            row.append(points([entry["figures"][old][key] - before[old][key] for entry in own]))
        rows.append(row)
    return markdown(["images", "mean over sources", "worst source", *(f"{old} {name}" for old, name in columns)], rows)


def tried(entries: Entries) -> str:
    """One row for each variant: what the images gave on validation images, and what it cost."""
    head = ["images", "variant"]
    for source in left_out(entries):
        head += [f"{source}: gain", "of the gap", "old sources", "worst old source"]
    measured = dict.fromkeys((e["n"], e["variant"]) for e in entries.values() if "variant" in e)
    rows = []
    for n, variant in sorted(measured, key=lambda one: one[0]):
        row = [str(n), variant]
        for source in left_out(entries):
            own = draws(entries, source, n, variant)
            if not own:
                row += [""] * 4
                continue
            before, everything = (entries[k]["figures"] for k in (f"no-{source}", f"all for {source}"))
            start, goal = (mean_iou(f[source]) for f in (before, everything))
            gained = [mean_iou(entry["figures"][source]) - start for entry in own]
            row += [points(gained), f"{np.mean(gained) / (goal - start):.0%}" if goal - start > 0.005 else "no gap"]
            row += lost(own, before, source)
        rows.append(row)
    return markdown(head, rows)


def mean_iou(figures: Mapping[str, float]) -> float:
    """Over the classes that a source's masks know."""
    return float(np.mean([figures[f"{name}_iou"] for name in classes_of(figures)]))


def draw(entries: Entries, path: Path) -> None:
    """IoU against the number of images for each source left out, and below it what the old sources lost."""
    sources = left_out(entries)
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(8.4, 5.6), layout="constrained", facecolor="white")
        axes = figure.subplots(2, len(sources), squeeze=False, sharex=True, height_ratios=(3, 2))
        for column, source in enumerate(sources):
            gain_panel(axes[0][column], entries, source)
            loss_panel(axes[1][column], entries, source)
        axes[0][0].set_ylabel("IoU on test images of the new source")
        axes[1][0].set_ylabel("old sources,\nchange of IoU in points")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=200)


def gain_panel(axes: Axes, entries: Entries, source: str) -> None:
    before, everything = (entries[k]["figures"][source] for k in (f"no-{source}", f"all for {source}"))
    numbers = counts(entries, source)
    for name in classes_of(before):
        key, colour = f"{name}_iou", COLOURS[name]
        means = [before[key]]
        for n in numbers:
            after = [entry["figures"][source][key] for entry in draws(entries, source, n, "shipped")]
            means.append(float(np.mean(after)))
            axes.plot([n] * len(after), after, "o", ms=3.5, mfc="white", mec=colour, zorder=3)
        axes.plot([0, *numbers], means, color=colour, lw=1.6, label=name)
        axes.axhline(everything[key], color=colour, lw=1, ls=":")
    axes.set(title=f"{source}: a source the model had not seen", xticks=[0, *numbers])
    axes.plot([], [], color="0.4", lw=1, ls=":", label="trained on all sources")
    axes.legend(frameon=False, loc="lower right")


def loss_panel(axes: Axes, entries: Entries, source: str) -> None:
    before = entries[f"no-{source}"]["figures"]
    numbers = counts(entries, source)
    axes.axhline(0, color="0.5", lw=0.8)
    axes.axhline(-1, color="0.5", lw=0.8, ls="--")
    for old, marker in zip((old for old in before if old != source), "os^Dv", strict=False):
        means = [0.0]
        for n in numbers:
            values = [100 * changes(entry, before, source)[old] for entry in draws(entries, source, n, "shipped")]
            means.append(float(np.mean(values)))
            axes.plot([n] * len(values), values, marker, ms=3.5, mfc="white", mec=OLD[old], zorder=3)
        axes.plot([0, *numbers], means, marker=marker, ms=3.5, color=OLD[old], lw=1.4, label=old)
    axes.set_xlabel("corrected images")
    axes.legend(frameon=False, ncols=3, loc="upper left", fontsize=8)
