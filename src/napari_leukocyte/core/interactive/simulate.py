"""A simulated annotator for training: windows with a map as it might be, and gestures on what is wrong in it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.interactive.damage import CELL, another_opinion, damage_cell, false_cell
from napari_leukocyte.core.interactive.encode import stroke_channels
from napari_leukocyte.core.interactive.stroke import Kind, Stroke

__all__ = ["Scene", "draw_scene", "gesture_at", "largest_error", "next_stroke", "truth_of"]

Map = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_EIGHT = np.ones((3, 3), bool)
_NAMES: tuple[Kind, Kind, Kind, Kind] = ("background", "cytoplasm", "nucleus", "cell")
_ELSEWHERE = 0.4  # weight of what lies far from the cell that was touched: the result does not take it
_NEAR = 12  # px
_OFF = 2.0  # px that a hasty click is off
_LEAST_ERROR = 6  # px: less is no error that anyone corrects


@dataclass
class Scene:
    """A window while it is corrected, at the network's resolution.

    Attributes
    ----------
    image, target
        (3, Y, X) and (4, Y, X), 0-1, as `augment` gives them; the target is what the annotator wants.
    truth, known
        The wanted class map (Y, X), 3 where only "cell" is known, and where anything is known.
    classes
        The present map (Y, X), of the same values.
    focus
        (Y, X): the cell that the gestures are about; empty where nothing is.
    thin_rims
        Whether outlines differ by a thin rim more often, and hasty clicks lie beside it.
    """

    image: NDArray[np.float32]
    target: NDArray[np.float32]
    truth: Map
    known: Mask
    classes: Map
    focus: Mask
    strokes: list[Stroke] = field(default_factory=list)
    thin_rims: bool = False

    def channels(self, pixel_size: float) -> NDArray[np.float32]:
        """What the network sees, (9, Y, X)."""
        either = 0.5 * (self.classes == CELL)
        parts = np.stack([(self.classes == 1) + either, (self.classes == 2) + either]).astype(np.float32)
        discs = stroke_channels(self.strokes, (0, 0), self.truth.shape, pixel_size=pixel_size)
        return np.concatenate([self.image, parts, discs])

    def weighted_target(self) -> NDArray[np.float32]:
        """The target, which says less of what is far from the cell in focus."""
        if not self.focus.any():
            return self.target
        near = ndimage.distance_transform_edt(~self.focus) <= _NEAR
        weighted: NDArray[np.float32] = self.target * np.where(near, 1, _ELSEWHERE).astype(np.float32)
        return weighted


def truth_of(target: NDArray[np.float32]) -> tuple[Map, Mask]:
    """Class map of shares (4, Y, X), 3 where only "cell" is known, and where anything is known."""
    classes = np.where(target[0] < 0.5, 1 + target[1:].argmax(axis=0), 0).astype(np.uint8)
    known: Mask = target.sum(axis=0) > 0.5
    classes[~known] = 0
    return classes, known


def draw_scene(
    image: NDArray[np.float32],
    target: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    pixel_size: float,
    thin_rims: bool = False,
) -> Scene:
    """Draw a present map for a window, and the first gesture on it.

    The cell in focus is missing, or damaged, or falsely there, or right; ``thin_rims``: see `Scene`.
    """
    truth, known = truth_of(target)
    cells = label_cells(np.where(truth == CELL, 1, truth), pixel_size=pixel_size)
    scene = Scene(image, target, truth, known, _others_kept(truth, cells, rng), np.zeros(truth.shape, np.bool_))
    scene.thin_rims = thin_rims
    numbers = np.unique(cells)[1:]
    chance = rng.random()
    if not len(numbers) or chance < 0.1:
        return _with_false_cell(scene, rng)
    number = _central(cells, numbers) if rng.random() < 0.85 else int(rng.choice(numbers))
    scene.focus = cells == number
    if chance < 0.15:
        return _deleted(scene, rng)
    if chance < 0.5:
        scene.classes[scene.focus] = 0
        scene.strokes.append(_first_gesture(scene, rng))
        return scene
    scene.classes[scene.focus] = truth[scene.focus]
    if chance < 0.55:  # right as it is: a gesture that says nothing new changes nothing
        scene.strokes.append(_first_gesture(scene, rng))
        return scene
    if chance < (0.74 if thin_rims else 0.67):
        return _contradicted(scene, rng)
    scene.classes = damage_cell(scene.classes, scene.focus, rng)
    stroke = next_stroke(scene, rng) if rng.random() < 0.8 else None
    scene.strokes.append(stroke or _first_gesture(scene, rng))
    return scene


def _others_kept(truth: Map, cells: NDArray[np.int32], rng: np.random.Generator) -> Map:
    """The true map with all cells, with some, or with none."""
    chance = rng.random()
    if chance < 0.5:
        return truth.copy()
    if chance < 0.75:
        return np.zeros_like(truth)
    kept = rng.random(int(cells.max()) + 1) < 0.5
    some: Map = np.where(kept[cells], truth, 0).astype(np.uint8)
    return some


def _central(cells: NDArray[np.int32], numbers: NDArray[np.int32]) -> int:
    """The cell nearest to the middle of the window, where people's gestures put it."""
    y, x = np.indices(cells.shape)
    distance = (y - cells.shape[0] / 2) ** 2 + (x - cells.shape[1] / 2) ** 2
    return int(numbers[int(np.argmin(ndimage.minimum(distance, cells, numbers)))])


def _first_gesture(scene: Scene, rng: np.random.Generator) -> Stroke:
    """A click on a cell: anywhere in its nucleus or its cytoplasm, seldom said to be that."""
    part = scene.focus
    kind: Kind = "cell"
    value = int(rng.choice([1, 2, 2]))
    if ((scene.truth == value) & scene.focus).any() and rng.random() < 0.75:
        part = (scene.truth == value) & scene.focus
        if rng.random() < 0.2:
            kind = _NAMES[value]
    return gesture_at(part, kind, rng, hasty=scene.thin_rims)


def _with_false_cell(scene: Scene, rng: np.random.Generator) -> Scene:
    scene.classes, scene.focus = false_cell(scene.classes, scene.image, rng)
    scene.focus &= scene.known
    if scene.focus.any():
        scene.strokes.append(gesture_at(scene.focus, "background", rng, hasty=scene.thin_rims))
    return scene


def _deleted(scene: Scene, rng: np.random.Generator) -> Scene:
    """Whoever clicks "background" on the middle of a cell does not want it, whatever it looks like."""
    scene.classes[scene.focus] = scene.truth[scene.focus]
    depth = ndimage.distance_transform_edt(scene.focus)
    scene.strokes.append(gesture_at(depth > 0.6 * depth.max(), "background", rng, hasty=scene.thin_rims))
    scene.target = scene.target.copy()
    scene.target[:, scene.focus] = np.array([1, 0, 0, 0], np.float32)[:, np.newaxis]
    scene.truth = np.where(scene.focus, 0, scene.truth).astype(np.uint8)
    return scene


def _contradicted(scene: Scene, rng: np.random.Generator) -> Scene:
    """The map shows what the picture shows, and the annotator wants something else: gestures outweigh the picture."""
    wanted = another_opinion(scene.truth, scene.focus, rng, thin_rims=scene.thin_rims)
    moved = (wanted != scene.truth) & scene.known
    scene.target = scene.target.copy()
    scene.target[:, moved] = np.eye(4, dtype=np.float32)[wanted[moved]].T
    scene.truth = np.where(scene.known, wanted, 0).astype(np.uint8)
    scene.focus = scene.focus | moved
    stroke = next_stroke(scene, rng)
    scene.strokes.append(stroke or _first_gesture(scene, rng))
    return scene


def largest_error(classes: Map, truth: Map, known: Mask, focus: Mask) -> tuple[int, Mask] | None:
    """The largest connected error about the cell in focus, by its true class; None where there is hardly any.

    Errors about a cell lie in it, or in what the map has grown together with it; other cells are not looked at.
    """
    about = focus.copy()
    grown, _ = ndimage.label(classes > 0, structure=_EIGHT)
    touching = np.unique(grown[focus])
    about |= np.isin(grown, touching[touching > 0]) & (truth == 0)
    wrong = about & known & (classes != truth)
    wrong &= ~((truth == CELL) & (classes > 0))
    best: tuple[int, Mask] | None = None
    largest = _LEAST_ERROR - 1
    for value in range(4):
        parts, count = ndimage.label(wrong & (truth == value))
        if count:
            sizes = np.bincount(parts.ravel())[1:]
            if sizes.max() > largest:
                largest = int(sizes.max())
                best = value, parts == int(sizes.argmax()) + 1
    return best


def next_stroke(scene: Scene, rng: np.random.Generator) -> Stroke | None:
    """The gesture on the largest error; None where nothing is left to do."""
    error = largest_error(scene.classes, scene.truth, scene.known, scene.focus)
    if error is None:
        return None
    value, area = error
    kind = _NAMES[value]
    if value in (1, 2) and not (scene.classes[area] > 0).any() and rng.random() < 0.3:
        kind = "cell"
    return gesture_at(area, kind, rng, hasty=scene.thin_rims)


def gesture_at(area: Mask, kind: Kind, rng: np.random.Generator, *, hasty: bool = False) -> Stroke:
    """A click in an area, often at its innermost point, or a short wavering stroke through it; imprecise by 2-3 px.

    Who is hasty clicks half of the time beside a thin rim.
    """
    radius = 2.0 if rng.random() < 0.8 else float(rng.uniform(1, 6))
    depth = ndimage.distance_transform_edt(area)
    ys, xs = np.nonzero(area)
    if rng.random() < 0.5:
        at = np.array(np.unravel_index(int(depth.argmax()), area.shape), np.float64)
    else:
        i = int(rng.integers(len(ys)))
        at = np.array([ys[i], xs[i]], np.float64)
    reach = min(3.0, float(depth.max()))  # who corrects a thin rim looks more closely
    if hasty and rng.random() < 0.5:
        reach = max(reach, _OFF)
    at += rng.uniform(-1, 1, 2) * reach * (0.7 if rng.random() < 0.8 else 1)
    at = np.clip(at, 0, np.array(area.shape) - 1)
    if rng.random() < 0.7:
        return Stroke(kind, at[np.newaxis], radius)
    near = np.hypot(ys - at[0], xs - at[1]) < 30
    if not near.any():
        return Stroke(kind, at[np.newaxis], radius)
    i = int(rng.choice(np.flatnonzero(near)))
    steps = np.linspace(0, 1, int(rng.integers(2, 6)))[:, np.newaxis]
    line = at + (np.array([ys[i], xs[i]]) - at) * steps + rng.normal(0, 0.8, (len(steps), 2))
    inside = line.round().astype(int).clip(0, np.array(area.shape) - 1)
    if area[inside[:, 0], inside[:, 1]].mean() < 0.7:
        return Stroke(kind, at[np.newaxis], radius)
    return Stroke(kind, line, radius)
