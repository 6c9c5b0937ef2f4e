"""One file gives the same picture, pixel size and numbers by File > Open, Open folder, command line and Python."""

import csv

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.imaging.convert import to_rgb
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.plugin.canvas.layers import pixel_size_of


def picture(shape=(120, 140)):
    """Light ground, a reddish cell with a dark nucleus: what the hand-made network knows."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(y - 60, x - 70)
    grey = np.where(distance <= 15, 20, np.where(distance <= 30, 140, 250))
    return np.stack([np.minimum(grey + 5, 250), grey, grey], axis=-1).astype(np.uint8)


RGB = picture()
GREY = RGB[..., 0]
EXTRA = np.dstack([RGB, np.zeros(GREY.shape, np.uint8)])


def palette(path):
    image = Image.fromarray(RGB).quantize(8)
    image.save(path)


def tiff(array=RGB, **options):
    return lambda path: tifffile.imwrite(path, array, **{"photometric": "rgb", "metadata": None} | options)


FILES = {
    "plain.png": lambda path: Image.fromarray(RGB).save(path),
    "dpi.png": lambda path: Image.fromarray(RGB).save(path, dpi=(84667, 84667)),
    "dpi.jpg": lambda path: Image.fromarray(RGB).save(path, dpi=(84667, 84667), quality=95),
    "palette.png": palette,
    "palette.tif": palette,
    "planar.tif": tiff(np.moveaxis(RGB, -1, 0), planarconfig="separate"),
    "extra.tif": tiff(EXTRA, extrasamples=(0,)),
    "turned.tif": tiff(extratags=[(274, "H", 1, 6, True)]),
    "white is zero.tif": tiff(255 - GREY, photometric="miniswhite"),
    "tag.tif": tiff(resolution=(1e4 / 0.3, 1e4 / 0.3), resolutionunit="CENTIMETER"),
    "imagej.tif": tiff(imagej=True, resolution=(1 / 0.3, 1 / 0.3), metadata={"unit": "um"}),
    "a.ome.tif": tiff(ome=True, metadata={"PhysicalSizeX": 0.3, "PhysicalSizeY": 0.3}),
    "planar.ome.tif": tiff(
        np.moveaxis(RGB, -1, 0),
        ome=True,
        planarconfig="separate",
        metadata={"PhysicalSizeX": 0.3, "PhysicalSizeY": 0.3},
    ),
    "stack.tif": tiff(np.stack([RGB] * 3), imagej=True, resolution=(1 / 0.3, 1 / 0.3), metadata={"unit": "um"}),
}


@pytest.fixture
def open_as_napari_does(viewer):
    """File > Open by napari's own reader."""
    from npe2 import PluginManager

    manager = PluginManager.instance()
    if "napari" not in manager:
        manager.discover()

    def open_file(path):
        (layer,) = viewer.open(path, plugin="napari")
        return layer

    return open_file


@pytest.mark.parametrize("name", FILES)
def test_file_open_and_open_folder_see_the_same(tmp_path, session, open_as_napari_does, name):
    path = tmp_path / name
    FILES[name](path)
    layer = open_as_napari_does(path)
    session.open_layer(layer)
    wanted = list(sources_from_files([path]))
    assert [source.planes for source in session.images] == [source.planes for source in wanted]
    for ours, theirs in zip(session.images, wanted, strict=True):
        assert ours.pixel_size == theirs.pixel_size
        np.testing.assert_array_equal(
            to_rgb(ours.read(), rgb=ours.rgb).image, to_rgb(theirs.read(), rgb=theirs.rgb).image
        )
    assert (session.images[0].pixel_size.um is None) == (
        not any(word in name for word in ("dpi", "tag", "ome", "j.", "stack"))
    )


@pytest.mark.parametrize("name", ["planar.ome.tif", "imagej.tif", "extra.tif", "white is zero.tif", "dpi.png"])
def test_all_doors_give_the_same_numbers(tmp_path, session, open_as_napari_does, model, name):
    from typer.testing import CliRunner

    import napari_leukocyte
    from napari_leukocyte.cli.app import app
    from napari_leukocyte.core.segmentation.parameters import SegmentParameters
    from napari_leukocyte.core.segmentation.segment import method_of, segment_plane

    path = tmp_path / name
    FILES[name](path)
    session.open_layer(open_as_napari_does(path))
    parameters = SegmentParameters(model=str(model), default_pixel_size=0.3)
    *_, result = segment_plane(session.images[0], parameters, method_of(parameters))
    session.put(0, result)
    (cell,) = session.states[0].measures
    assert session.classes_layer.data.shape == GREY.shape

    (source,) = sources_from_files([path])
    *_, folder = segment_plane(source, parameters, method_of(parameters))
    np.testing.assert_array_equal(folder.classes, result.classes)

    options = {"--out": tmp_path / "out", "--model": model, "--default-pixel-size": 0.3}
    arguments = ["segment", str(path), *(str(part) for option in options.items() for part in option)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    with (tmp_path / "out" / "cells.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["cnr"]) == pytest.approx(cell.cnr, rel=1e-6)
    assert float(row["cytoplasm_um2"]) == pytest.approx(cell.cytoplasm_um2, rel=1e-6)
    assert (int(row["cytoplasm_px"]), int(row["nucleus_px"])) == (cell.cytoplasm_px, cell.nucleus_px)

    if folder.pixel_size.um != 0.3 or "default" not in folder.pixel_size.source:  # Python knows no default pixel size
        (plane,) = napari_leukocyte.segment(path, model=str(model)).planes
        assert plane.measure() == [cell]


def test_a_scale_without_a_unit_is_said_and_the_file_goes_before_it(tmp_path, viewer, open_as_napari_does):
    layer = viewer.add_image(RGB, scale=(0.25, 0.25))
    size = pixel_size_of(layer)
    assert size.um is None
    assert "scale of 0.25 has no unit" in size.source
    FILES["imagej.tif"](tmp_path / "a.tif")
    layer = open_as_napari_does(tmp_path / "a.tif")
    layer.scale = (0.25, 0.25)
    assert pixel_size_of(layer).um == pytest.approx(0.3)
    layer.units = "um"
    assert (pixel_size_of(layer).um, pixel_size_of(layer).source) == (0.25, "layer scale")


def test_an_array_that_somebody_worked_on_is_left_as_it_is(tmp_path, viewer, session, open_as_napari_does):
    FILES["planar.tif"](tmp_path / "a.tif")
    layer = open_as_napari_does(tmp_path / "a.tif")
    changed = viewer.add_image(np.moveaxis(layer.data, 0, -1).copy(), rgb=True)
    session.open_layer(changed)
    np.testing.assert_array_equal(session.images[0].read(), RGB)
    FILES["white is zero.tif"](tmp_path / "b.tif")
    layer = open_as_napari_does(tmp_path / "b.tif")
    layer.data = layer.data / np.float32(255)  # no more the file's numbers
    session.open_layer(layer)
    np.testing.assert_array_equal(session.images[0].read(), layer.data)
