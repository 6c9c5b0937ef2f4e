"""What is said of cells goes from the screen into a draft and comes back."""

from datetime import UTC, datetime

import numpy as np

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.training_set.draft import Draft
from napari_leukocyte.plugin.correct.read_back import from_draft
from napari_leukocyte.plugin.image_state import ImageState


def test_unsure_blurred_edited_and_marked_cells_are_told_again():
    classes, cells = np.zeros((60, 260), np.uint8), np.zeros((60, 260), np.int32)
    for number in range(1, 6):
        place = slice(20, 40), slice(50 * number - 40, 50 * number - 10)
        cells[place], classes[place] = number, 1
        classes[25:35, 50 * number - 30 : 50 * number - 20] = 2
    size = PixelSize(0.2, "typed")
    fresh = Segmentation(
        *(classes, cells, False, size, "all", (), {}),
        unsure_cells=frozenset({1, 2}),
        blurred_cells=frozenset({2, 3}),
        marks={4: Flag.NOT_A_WBC_SMUDGE},
        edited_cells=frozenset({5}),
        types={2: "basophil", 4: "smudge"},
    )
    state = ImageState(fresh)
    assert state.remarks == fresh.remarks
    draft = Draft(classes, cells, state.facts(None), datetime(2026, 1, 1, tzinfo=UTC))
    back = from_draft(draft, PixelSize(None))
    assert ImageState(back).remarks == back.remarks == fresh.remarks
    assert back.blurred_cells == {2, 3}
    assert ImageState(back).types == back.types == fresh.types
