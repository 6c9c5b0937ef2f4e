import numpy as np
import pytest

from napari_leukocyte.core.cells.boxes import changed_box
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.scoring import live_score
from napari_leukocyte.core.scoring.live_score import LiveScore
from napari_leukocyte.core.scoring.metrics import count_image


def blobs(rng, shape=(60, 75)):
    coarse = rng.integers(0, 3, (shape[0] // 12 + 1, shape[1] // 12 + 1))
    return np.kron(coarse, np.ones((12, 12), int))[: shape[0], : shape[1]].astype(np.uint8)


@pytest.mark.parametrize("whole_cell", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_random_edits_give_the_whole_count(seed, whole_cell):
    rng = np.random.default_rng(seed)
    truth, now = blobs(rng), blobs(rng)
    border_px = float(rng.choice([0, 2, 4, 7.3]))
    live = LiveScore(truth, border_px=border_px, whole_cell=whole_cell)
    assert live.counts(now) == count_image(now, truth, border_px=border_px, whole_cell=whole_cell)
    for _ in range(60):
        before = now.copy()
        y, x = rng.integers(0, 60), rng.integers(0, 75)
        now[y : y + rng.integers(1, 20), x : x + rng.integers(1, 20)] = rng.integers(0, 3)
        box = changed_box(before, now)
        if box is None or rng.random() < 0.2:
            box = (slice(0, 60), slice(0, 75))  # a box may be larger than the edit
        found = live.update(before[box], now[box], box)
        assert found == count_image(now, truth, border_px=border_px, whole_cell=whole_cell)


def test_no_more_than_the_box_is_counted(monkeypatch):
    rng = np.random.default_rng(0)
    truth, now = blobs(rng), blobs(rng)
    live = LiveScore(truth, border_px=4)
    live.counts(now)
    counted = []
    real = live_score.count_pixels

    def watched(prediction, true, bands):
        counted.append((prediction.size, true.size, bands.cell.size, bands.classes.size))
        return real(prediction, true, bands)

    monkeypatch.setattr(live_score, "count_pixels", watched)
    box = (slice(3, 7), slice(10, 15))
    live.update(now[box], now[box] * 0, box)
    assert counted == [(20,) * 4] * 2


def test_a_slip_of_the_brush_counts_as_nucleus():
    truth = np.array([[0, 1, 2, 2]])
    live = LiveScore(truth, border_px=0)
    assert live.counts([[0, 1, 2, 7]]).correct == 4
    assert live.update([[1]], [[300]], (slice(0, 1), slice(1, 2))).correct == 3


def test_misuse():
    live = LiveScore(np.zeros((4, 5), int), border_px=4)
    box = (slice(0, 2), slice(0, 2))
    with pytest.raises(ValueError, match="whole prediction"):
        live.update(np.zeros((2, 2)), np.zeros((2, 2)), box)
    with pytest.raises(LeukocyteError, match="same size"):
        live.counts(np.zeros((4, 4), int))
    live.counts(np.zeros((4, 5), int))
    with pytest.raises(ValueError, match=r"\(2, 2\) pixels"):
        live.update(np.zeros((4, 5)), np.zeros((4, 5)), box)
