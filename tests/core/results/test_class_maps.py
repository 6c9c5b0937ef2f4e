"""Measuring class maps from files."""

import numpy as np

from napari_leukocyte.core.imaging.write import write_cells_tiff, write_class_png
from napari_leukocyte.core.results import map_file
from napari_leukocyte.core.results.class_maps import measure_class_maps


def test_what_a_file_says_of_itself_is_read_once(tmp_path, monkeypatch):
    classes = np.zeros((40, 40), np.uint8)
    classes[5:30, 5:30], classes[10:20, 10:20] = 1, 2
    paths = [tmp_path / f"{name}_classes.png" for name in "ab"]
    for path in paths:
        write_class_png(path, classes, provenance={"image": path.stem, "mode": "three-class"}, palette=False)
        write_cells_tiff(map_file.labels_path(path), (classes > 0).astype(np.int32), provenance={"mode": "three-class"})
    asked, read_provenance = [], map_file.read_provenance
    monkeypatch.setattr(map_file, "read_provenance", lambda path: (asked.append(path.name), read_provenance(path))[1])
    measured = list(measure_class_maps(paths))
    assert [(one.image, len(one.measures)) for one in measured] == [("a_classes", 1), ("b_classes", 1)]
    assert sorted(asked) == ["a_cells.tif", "a_classes.png", "b_cells.tif", "b_classes.png"]
