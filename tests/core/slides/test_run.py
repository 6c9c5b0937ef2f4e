"""A whole run: what is skipped, what is written, how it goes on after a stop, and what it refuses."""

import json

import numpy as np
import pytest
import tifffile
import zarr
from drawn_slides import UM, draw, parameters, run, scattered, slide_of, table
from PIL import Image
from slide_files import write_ome_tiff, write_plain_tiff, write_svs, write_zarr

from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.exchange.ome_zarr import read_ome_zarr
from napari_leukocyte.core.exchange.results_folder import results_in
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.results.cell_table import CellTable
from napari_leukocyte.core.results.protocol import protocol_of
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.segmentation.active_contour import ActiveContour
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.slides.film import Place
from napari_leukocyte.core.slides.folder import SlideFolder, slide_in
from napari_leukocyte.core.slides.opening import open_slide
from napari_leukocyte.core.slides.run import LookedOver, SlideStep, segment_slide

SHAPE = (900, 2000)
THICK = slice(0, 500)  # columns


@pytest.fixture(scope="module")
def network(model):
    return Predictor(model, device="cpu")


@pytest.fixture(scope="module")
def picture():
    """White cells all over, in front of red cells that lie on each other on the left; nothing on the right."""
    picture = draw(SHAPE, [place for place in scattered(SHAPE, 60) if place[1] < 1000])
    drawn = draw(SHAPE, [], red_cells=700, seed=3)
    drawn[:, THICK] = 185
    drawn[:, 1050:] = 245
    return np.where(picture == 245, drawn, picture)


@pytest.fixture(scope="module")
def done(tmp_path_factory, picture, network):
    """A run with crops, its folder and its events."""
    folder = tmp_path_factory.mktemp("slide") / "out"
    return folder, run(slide_of(picture, levels=2), folder, network, windows=1, crops=True)


def test_thick_film_and_glass_are_skipped_and_the_map_says_so(done, picture):
    folder, events = done
    looked = next(event for event in events if isinstance(event, LookedOver))
    assert looked.windows[0] < looked.windows[1]
    places = looked.overview
    assert places.place_at(450, 200) == Place.THICK
    assert places.place_at(450, 1700) == Place.GLASS
    assert places.place_at(450, 800).single_layer
    rows = table(folder)
    assert rows
    assert all(row["place"] in ("monolayer", "feathered edge") for row in rows)
    assert all(float(row["x"]) > 500 - 64 / UM for row in rows)
    with Image.open(folder / "overview.png") as picture_of_map:
        assert picture_of_map.size[0] >= 600
    assert "one pixel off" in " ".join(looked.notes)  # said before the network begins
    stages = [event.stage for event in events if isinstance(event, SlideStep)]
    order = ["pixel size", "overview", "network", "cells", "measures", "files", "crops"]
    assert list(dict.fromkeys(stages)) == [stage for stage in order if stage in stages]
    assert set(order[:4]) <= set(stages)


def test_with_the_whole_film_thick_places_have_their_cells_and_say_so(tmp_path, picture, network, done):
    run(slide_of(picture), tmp_path / "out", network, whole_film=True)
    rows = table(tmp_path / "out")
    assert {"thick", "monolayer"} <= {row["place"] for row in rows}
    assert len(rows) > len(table(done[0]))


def test_the_table_has_slide_coordinates_in_px_and_um(done):
    folder, _ = done
    labels = zarr.open_group(str(folder / "cells.ome.zarr"), mode="r")["labels/cells/0"][:]
    rows = table(folder)
    assert [int(row["cell"]) for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        y, x = np.nonzero(labels == int(row["cell"]))
        assert (float(row["y"]), float(row["x"])) == pytest.approx((y.mean(), x.mean()))
        assert (float(row["y_um"]), float(row["x_um"])) == pytest.approx((y.mean() * UM, x.mean() * UM))
    assert json.loads((folder / "cells.json").read_text())["looked_at"] == "single layer, in focus"


def test_the_record_has_the_slide_and_what_made_it(done):
    folder, _ = done
    record = read_record(folder)
    image = slide_in(record)
    assert (image.image.label, image.class_map) == ("drawn.tif", "")
    assert image.settings.engine == "torch"
    assert image.settings.model_sha256 == image.planes[0].provenance["model_sha256"]
    assert image.planes[0].pixel_size.source == "test"
    assert image.planes[0].provenance["precision"] == image.settings.precision
    keys = table(folder)[0].keys()
    assert [{name: row.get(name, "") for name in keys} for row in record.table().rows] == table(folder)
    assert protocol_of(folder).settings == image.settings
    with pytest.raises(LeukocyteError, match="whole slide: its cells"):
        results_in([folder])


def test_the_label_pyramid_is_ome_zarr_that_is_read_again(done):
    folder, events = done
    (read,) = read_ome_zarr(folder / "cells.ome.zarr", lambda *_: None)
    assert read.cell_map.cells.max() == events[-1].cells
    assert read.cell_map.pixel_size.um == pytest.approx(UM)
    root = zarr.open_group(str(folder / "cells.ome.zarr"), mode="r")
    for group in (root, root["labels/cells"], root["labels/nuclei"]):
        datasets = group.attrs["multiscales"][0]["datasets"]
        assert [one["path"] for one in datasets] == ["0", "1"]
        assert np.array_equal(group["1"][:], group["0"][::2, ::2])
    with pytest.raises(LeukocyteError, match="results of this program"):
        open_slide(folder / "cells.ome.zarr")


def test_a_crop_shows_its_cell_alone_at_its_pixel_size(done, picture):
    folder, events = done
    labels = zarr.open_group(str(folder / "cells.ome.zarr"), mode="r")["labels/cells/0"][:]
    crops = sorted((folder / "crops").glob("cell_*_classes.png"))
    assert len(crops) == events[-1].cells
    for path in crops[:5]:
        number = int(path.name.split("_")[1])
        classes = read_image(path).array[..., 0] if read_image(path).array.ndim == 3 else read_image(path).array
        crop = read_image(path.with_name(f"cell_{number:06d}.png"))
        assert crop.array.shape[:2] == classes.shape
        assert crop.pixel_size == pytest.approx(UM, rel=1e-3)
        with Image.open(path) as numbers:
            assert np.count_nonzero(np.asarray(numbers)) == np.count_nonzero(labels == number)


def test_an_interrupted_run_goes_on_and_ends_as_if_nothing_had_been(tmp_path, picture, network, done):
    folder = tmp_path / "out"
    asked = parameters(windows=1, crops=True)
    job = segment_slide(slide_of(picture, levels=2), folder, asked, network)
    for event in job:
        if isinstance(event, SlideStep) and event.stage == "network" and event.done > 3:
            break
    job.close()
    with (folder / ".work" / "tiles.jsonl").open("a") as file:
        file.write("[1, ")  # a kill in the middle of a line
    before = len((folder / ".work" / "tiles.jsonl").read_text().splitlines())
    assert before > 2
    events = run(slide_of(picture, levels=2), folder, network, windows=1, crops=True, resume=True)
    looked = next(event for event in events if isinstance(event, LookedOver))
    steps = [event for event in events if isinstance(event, SlideStep) and event.stage == "network"]
    assert steps[-1].total < looked.windows[0]  # not all of them again
    assert table(folder) == table(done[0])
    assert not (folder / ".work").exists()
    again = run(slide_of(picture, levels=2), folder, network, windows=1, crops=True, resume=True)
    assert len(again) == 1
    assert again[0].again
    assert again[0].cells == events[-1].cells


def test_a_full_disk_ends_a_run_in_a_sentence_and_the_next_goes_on(tmp_path, picture, network, done, monkeypatch):
    folder = tmp_path / "out"
    noted = SlideFolder.note_tile
    calls = iter(range(100))

    def full(self, key):
        if next(calls) == 2:
            raise OSError(28, "No space left on device")
        noted(self, key)

    def no_room(*_):
        raise LeukocyteError("cells.csv could not be written: no space left on the device.")

    with monkeypatch.context() as patched:
        patched.setattr(SlideFolder, "note_tile", full)
        with pytest.raises(LeukocyteError, match="no space left on the device; what was done is kept"):
            run(slide_of(picture, levels=2), folder, network, windows=1, crops=True)
    assert len((folder / ".work" / "tiles.jsonl").read_text().splitlines()) == 3
    with monkeypatch.context() as patched:  # and again when all but the table is done
        patched.setattr(CellTable, "write", no_room)
        with pytest.raises(LeukocyteError, match="no space left"):
            run(slide_of(picture, levels=2), folder, network, windows=1, crops=True, resume=True)
    run(slide_of(picture, levels=2), folder, network, windows=1, crops=True, resume=True)
    assert table(folder) == table(done[0])


def test_what_is_half_done_with_other_choices_is_begun_anew(tmp_path, picture, network):
    job = segment_slide(slide_of(picture), tmp_path / "out", parameters(windows=1), network)
    for event in job:
        if isinstance(event, SlideStep) and event.stage == "network" and event.done > 3:
            break
    job.close()
    events = run(slide_of(picture), tmp_path / "out", network, windows=1, whole_film=True, resume=True)
    looked = next(event for event in events if isinstance(event, LookedOver))
    steps = [event for event in events if isinstance(event, SlideStep) and event.stage == "network"]
    assert steps[-1].total >= looked.windows[0]


def test_results_of_other_choices_are_not_gone_on_with(tmp_path, network):
    small = draw((400, 400), [(200, 200, 18)], red_cells=60)
    run(slide_of(small), tmp_path / "out", network)
    with pytest.raises(LeukocyteError, match=r"made in another way \(--whole-film differs\)"):
        run(slide_of(small), tmp_path / "out", network, whole_film=True, resume=True)
    other = draw((400, 420), [(200, 200, 18)], red_cells=60)
    with pytest.raises(LeukocyteError, match=r"--mode, the slide|the slide, --mode"):
        run(slide_of(other), tmp_path / "out", network, mode="binary", resume=True)
    run(slide_of(small), tmp_path / "out", network, whole_film=True)  # our own, which nobody touched
    with pytest.raises(LeukocyteError, match="--whole-film"):
        run(slide_of(small), tmp_path / "out", network, resume=True)


def test_what_others_or_a_hand_made_is_not_replaced(tmp_path, picture, network):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    small = draw((400, 400), [(200, 200, 18)], red_cells=60)
    with pytest.raises(LeukocyteError, match=r"notes\.txt"):
        run(slide_of(small), folder, network)
    run(slide_of(small), folder, network, overwrite=True)
    assert (folder / "notes.txt").read_text() == "mine"
    run(slide_of(small), folder, network)  # our own, untouched
    (folder / "cells.csv").write_text("mine")
    for resume in (False, True):
        with pytest.raises(LeukocyteError, match=r"cells\.csv was changed"):
            run(slide_of(small), folder, network, resume=resume)
    assert (folder / "cells.csv").read_text() == "mine"
    for damaged, words in (("{", "damaged"), ('{"format": "napari-leukocyte slide", "version": 2}', "newer")):
        (folder / "slide.json").write_text(damaged)
        with pytest.raises(LeukocyteError, match=words):
            run(slide_of(small), folder, network)


def test_cells_at_the_edge_of_the_slide_go_with_keep_whole(tmp_path, network):
    small = draw((400, 500), [(5, 200, 18), (200, 250, 18)], red_cells=80)
    run(slide_of(small), tmp_path / "all", network)
    run(slide_of(small), tmp_path / "whole", network, keep="whole")
    assert ["cut_by_edge" in row["flags"] for row in table(tmp_path / "all")] == [True, False]
    assert [row["cell"] for row in table(tmp_path / "whole")] == ["1"]
    with pytest.raises(LeukocyteError, match="no cell in its centre"):
        parameters(keep="centre")


def test_an_area_in_which_no_cells_can_be_told_is_left_out_and_said(tmp_path, network):
    clump = draw((1200, 1200), [(600, 600, 470)])
    events = run(slide_of(clump), tmp_path / "out", network, whole_film=True)
    assert events[-1].cells == 0
    assert any("too large" in note for note in events[-1].notes)
    assert table(tmp_path / "out") == []


def test_a_slide_without_film_ends_with_a_word_and_no_cells(tmp_path, network):
    glass = np.full((700, 700, 3), 245, np.uint8)
    glass[0, 0] = 240
    events = run(slide_of(glass), tmp_path / "out", network)
    assert events[-1].cells == 0
    assert any("nothing was looked at" in note for note in events[-1].notes)
    with pytest.raises(LeukocyteError, match="same colour"):
        run(slide_of(np.full((700, 700, 3), 245, np.uint8)), tmp_path / "flat", network)


def test_what_was_never_scanned_is_no_light_and_no_film(tmp_path, network):
    drawn = draw((1400, 600), scattered((1400, 600), 60, seed=4), red_cells=600)
    alpha = np.full((1400, 600, 1), 255, np.uint8)
    alpha[:, 160:] = 0
    rgba = np.concatenate([np.where(alpha > 0, drawn, 0), alpha], axis=-1).astype(np.uint8)
    with open_slide(write_zarr(tmp_path / "a.zarr", rgba, um=UM)) as slide:
        *_, result = run(slide, tmp_path / "out", network)
    assert result.cells > 5
    assert all(float(row["x"]) < 160 for row in table(tmp_path / "out"))
    assert not any("overexposed" in note or "missing" in note for note in result.notes)


def test_binary_mode_has_whole_cells(tmp_path, network):
    small = draw((400, 400), [(200, 200, 18)], red_cells=60)
    run(slide_of(small), tmp_path / "out", network, mode="binary")
    (row,) = table(tmp_path / "out")
    assert (row["nucleus_px"], row["cnr"]) == ("0", "")
    assert zarr.open_group(str(tmp_path / "out" / "cells.ome.zarr"), mode="r")["0"][:].max() == 1


def test_the_active_contour_is_for_images(tmp_path, picture):
    with pytest.raises(LeukocyteError, match="for single images"):
        run(slide_of(picture), tmp_path / "out", ActiveContour())


def test_a_file_that_is_damaged_in_its_middle_stops_the_run_in_a_sentence(tmp_path, network):
    small = draw((640, 640), [(200, 200, 18)], red_cells=150)
    path = write_svs(tmp_path / "a.svs", small, mpp=UM)
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        offset, count = page.dataoffsets[55], page.databytecounts[55]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\0" * count)
    with open_slide(path) as slide, pytest.raises(LeukocyteError, match=r"a\.svs cannot be read at rows"):
        run(slide, tmp_path / "out", network, whole_film=True)


def test_formats_without_loss_give_the_same_cells(tmp_path, network):
    small = draw((520, 640), scattered((520, 640), 14, seed=4), red_cells=200)
    found = []
    for name, write in (
        ("a.svs", lambda path: write_svs(path, small, mpp=UM, compression="zlib")),
        ("b.ome.tif", lambda path: write_ome_tiff(path, small, um=UM)),
        ("c.tif", lambda path: write_plain_tiff(path, small, um=UM)),
        ("d.zarr", lambda path: write_zarr(path, small, version="0.4", um=UM)),
        ("e.zarr", lambda path: write_zarr(path, small, version="0.5", um=UM)),
    ):
        out = tmp_path / f"out-{name}"
        with open_slide(write(tmp_path / name)) as slide:
            run(slide, out, network)
        root = zarr.open_group(str(out / "cells.ome.zarr"), mode="r")
        maps = [root[part][:] for part in ("0", "labels/cells/0", "labels/nuclei/0")]
        rows = [{k: v for k, v in row.items() if k not in ("image", "pixel_size_source")} for row in table(out)]
        found.append((rows, maps))
    (rows, maps), *others = found
    assert rows
    for other_rows, other_maps in others:
        assert other_rows == rows
        assert all(map(np.array_equal, other_maps, maps))


def test_labels_of_a_region_are_those_that_an_image_would_get(done, picture):
    """What the table's row brings up can be corrected as any image can."""
    folder, _ = done
    root = zarr.open_group(str(folder / "cells.ome.zarr"), mode="r")
    classes, cells = root["0"][:], root["labels/cells/0"][:]
    assert np.array_equal(classes > 0, cells > 0)
    again = label_cells(classes, pixel_size=UM)
    assert np.array_equal(again, cells)
