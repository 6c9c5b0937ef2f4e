"""Drawn cells for the tests: discs, ellipses, lobed nuclei, rough outlines. Units: um, made px by px_per_um."""

import numpy as np
from scipy import ndimage as ndi


def disc(shape, centre, radius):
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def ellipse(shape, centre, axes, angle=0.0):
    y, x = np.indices(shape)
    y, x = y - centre[0], x - centre[1]
    u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    return (u / axes[0]) ** 2 + (v / axes[1]) ** 2 <= 1


def lobes(shape, centre, cell_radius, count, angle=0.0):
    """Return ``count`` lobes that do not touch, spread on an arc inside the cell."""
    if count == 1:
        return disc(shape, centre, 0.6 * cell_radius)
    nucleus = np.zeros(shape, bool)
    lobe = 0.9 * 0.5 * cell_radius * np.sin(np.pi / max(count, 3))
    for turn in np.linspace(0, 2 * np.pi, count, endpoint=False) + angle:
        nucleus |= disc(
            shape,
            (centre[0] + 0.5 * cell_radius * np.sin(turn), centre[1] + 0.5 * cell_radius * np.cos(turn)),
            lobe,
        )
    return nucleus


def clump(positions_um, radii_um, lobe_counts, *, px_per_um, squeeze=1.0, margin_um=3.0):
    """Draw cells side by side: (classes, truth labels). Earlier cells lie on top."""
    positions = np.asarray(positions_um, float)
    radii = np.asarray(radii_um, float)
    low = (positions - radii[:, None]).min(axis=0) - margin_um
    size = (positions + radii[:, None]).max(axis=0) + margin_um - low
    shape = tuple(np.ceil(size * px_per_um).astype(int))
    classes, truth = np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    for number, (position, radius, count) in enumerate(zip(positions, radii, lobe_counts, strict=True), start=1):
        centre, r = (position - low) * px_per_um, radius * px_per_um
        body = ellipse(shape, centre, (r, squeeze * r), angle=number) & (truth == 0)
        truth[body] = number
        classes[body] = 1
        classes[body & lobes(shape, centre, squeeze * r, count, angle=number)] = 2
    return classes, truth


def chain(count, *, reach, seed=0):
    """Return positions and radii (um) of ``count`` cells, each in contact with an earlier one."""
    rng = np.random.default_rng(seed)
    radii = rng.uniform(5.0, 7.5, count)
    positions = [np.zeros(2)]
    while len(positions) < count:
        new = radii[len(positions)]
        old = rng.integers(len(positions))
        turn = rng.uniform(0, 2 * np.pi)
        place = positions[old] + reach * (radii[old] + new) * np.array([np.sin(turn), np.cos(turn)])
        gaps = [np.hypot(*(place - p)) / (r + new) for p, r in zip(positions, radii[: len(positions)], strict=True)]
        if min(gaps) >= reach - 1e-9:
            positions.append(place)
    return np.array(positions), radii


def rough(mask, amplitude_px, seed=0):
    """Move the outline in and out by noise of up to about ``amplitude_px``."""
    noise = ndi.gaussian_filter(np.random.default_rng(seed).normal(size=mask.shape), 1.5)
    noise *= amplitude_px / (2 * noise.std())
    signed = ndi.distance_transform_edt(mask) - ndi.distance_transform_edt(~mask)
    return signed + noise > 0


def matched(labels, truth, min_iou=0.75):
    """Count the true cells that have a label of IoU above ``min_iou``."""
    found = 0
    for number in range(1, truth.max() + 1):
        true = truth == number
        best = labels == np.bincount(labels[true]).argmax()
        found += (true & best).sum() / (true | best).sum() > min_iou
    return found
