"""The evaluation of docs/development/gesture-protocol.md."""

import numpy as np
import pytest

from napari_leukocyte.core.cells.origin import Origin
from napari_leukocyte.core.imaging.write import write_class_png
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.training_set.records import Correction
from napari_leukocyte.core.training_set.training_set import TrainingSet
from protocol import main


@pytest.fixture
def drawn(tmp_path, maps):
    (tmp_path / "drawn" / "masks").mkdir(parents=True)
    for number in range(4):
        write_class_png(tmp_path / "drawn" / "masks" / f"{number:05}.png", maps()[0], provenance={})
    return tmp_path / "drawn"


def session(folder, pixels, maps, strokes, numbers):
    opened = TrainingSet.create(folder)
    classes, cells = maps()
    for number in numbers:
        image = opened.add_image(pixels(number), name=f"{number:05}.png")
        facts = MaskFacts(made_with=Origin({}, strokes))
        opened.accept(image, Correction(classes, cells, facts, makers=np.zeros(classes.shape, np.uint8)))
    return str(folder)


def test_it_counts_strokes_cell_by_cell_and_without_the_first(tmp_path, drawn, pixels, maps, capsys):
    sets = [
        session(tmp_path / "A-odd-brush", pixels, maps, {"brush": 12}, (1, 2, 3)),
        session(tmp_path / "B-odd-gestures", pixels, maps, {"gesture": 2, "brush": 1}, (1, 2, 3)),
    ]
    main([str(drawn), *sets])
    text = capsys.readouterr().out
    assert ["A", "brush", "2", "0", "12", "1.000", "1.000", "+0.0", "%"] in [line.split() for line in text.splitlines()]
    assert "strokes: 4.0 times as many by brush (4.0 to 4.0)" in text
    main([str(drawn), *sets, "--without", "00002"])
    assert "brush     1" in capsys.readouterr().out
