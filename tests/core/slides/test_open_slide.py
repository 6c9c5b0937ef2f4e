"""Slides of all formats are opened lazily, with their pixel size, and never with their labels."""

import http.server
import threading
from functools import partial

import numpy as np
import pytest
import tifffile
from slide_files import LABEL, MACRO, pyramid, write_ome_tiff, write_plain_tiff, write_svs, write_zarr

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.read import read_image
from napari_leukocyte.core.slides import opening
from napari_leukocyte.core.slides.level import Level
from napari_leukocyte.core.slides.opening import is_slide, open_slide, slide_stem


@pytest.fixture(scope="module")
def picture():
    y, x = np.mgrid[:300, :420]
    colours = np.stack([128 + 100 * np.sin(x / 40), 128 + 100 * np.cos(y / 50), 200 - (x + y) / 8], axis=-1)
    return colours.round().astype(np.uint8)


WRITERS = {
    "a.svs": write_svs,
    "a.ome.tif": write_ome_tiff,
    "old.zarr": lambda path, picture: write_zarr(path, picture, version="0.4", axes="tcyx"),
    "new.ome.zarr": write_zarr,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_levels_and_pixel_size(tmp_path, picture, name):
    path = WRITERS[name](tmp_path / name, picture)
    with open_slide(path) as slide:
        assert [level.shape for level in slide.levels] == [one.shape for one in pyramid(picture)]
        assert slide.pixel_size.um == pytest.approx(0.25)
        assert (slide.shape, slide.rgb, slide.name) == ((300, 420), True, name)
        off = 12 if name.endswith("svs") else 0  # JPEG
        for number, one in enumerate(pyramid(picture)):
            window = slide.read(number, slice(20, 50), slice(30, 100))
            assert np.abs(window.astype(int) - one[20:50, 30:100]).max() <= off
        assert slide.read(0, slice(290, 400), slice(400, 999)).shape == (10, 20, 3)  # clipped
        assert [slide.level_for(factor) for factor in (1, 1.9, 2, 3, 4, 99)] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("name", ["a.svs", "a.ome.tif"])
def test_label_and_macro_are_in_no_level_and_no_image(tmp_path, picture, name, monkeypatch):
    path = WRITERS[name](tmp_path / name, picture)
    read = []
    decode = tifffile.TiffPage.asarray
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda page, *a, **k: read.append(page) or decode(page, *a, **k))
    with open_slide(path) as slide:
        levels = [slide.read(i, slice(None), slice(None)) for i in range(len(slide.levels))]
    levels.append(read_image(path).array)  # the door of ordinary images
    for secret in (LABEL[0, 0], MACRO[0, 0]):
        assert not any((level == secret).all(axis=-1).any() for level in levels)
    assert not [page for page in read if page.shape in (LABEL.shape, MACRO.shape)]


@pytest.mark.parametrize("asides", [("label",), ("macro",), ("label", "macro")])
def test_a_file_of_label_and_macro_alone_is_refused_as_slide_and_as_image(tmp_path, asides):
    path = tmp_path / "a.svs"
    with tifffile.TiffWriter(path) as tiff:
        for name in asides:
            what, kind = {"label": (LABEL, 1), "macro": (MACRO, 9)}[name]
            described = f"Aperio Image Library v11.2.1\r\n{name} {what.shape[1]}x{what.shape[0]}"
            tiff.write(what, photometric="rgb", subfiletype=kind, description=described, metadata=None)
    for read in (open_slide, read_image):
        with pytest.raises(LeukocyteError, match="label or macro alone"):
            read(path)


def test_a_macro_that_is_larger_than_the_scan_is_no_scan(tmp_path, picture):
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tiff:
        tiff.write(np.tile(MACRO, (9, 9, 1)), photometric="rgb", metadata={"axes": "YXS", "Name": "Macro"})
        tiff.write(picture, photometric="rgb", metadata={"axes": "YXS", "Name": "scan"})
    with open_slide(path) as slide:
        assert slide.shape == picture.shape[:2]
    assert read_image(path).array.shape == picture.shape


@pytest.mark.parametrize(("axes", "shape"), [("SYX", (3, 30, 40)), ("TCZYX", (1, 3, 1, 30, 40)), ("YXS", (30, 40, 3))])
def test_colours_come_last_whatever_the_axes(axes, shape):
    array = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    level = Level(array, axes, name="a")
    whole = level[:, :]
    assert level.shape == whole.shape == (30, 40, 3)
    assert np.array_equal(level[2:9, 5:7], whole[2:9, 5:7])
    assert np.array_equal(level[3], whole[3])
    assert np.array_equal(level[3:5, 7], whole[3:5, 7])
    assert np.array_equal(level[3:5, 7:9, 1], whole[3:5, 7:9, 1])


def test_what_is_transparent_is_white():
    array = np.zeros((2, 2, 4), np.uint8)
    array[0, 0] = (10, 20, 30, 255)
    assert Level(array, "YXS", name="a")[:, :].tolist() == [[[10, 20, 30], [255] * 3], [[255] * 3] * 2]


@pytest.mark.parametrize(
    ("shape", "axes", "dtype", "words"),
    [
        ((5, 30, 40), "CYX", np.uint8, "5 channels"),
        ((7, 3, 30, 40), "ZCYX", np.uint8, "the axes ZCYX"),
        ((30, 40), "YX", bool, "no picture"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(shape, axes, dtype, words):
    with pytest.raises(LeukocyteError, match=words):
        Level(np.zeros(shape, dtype), axes, name="a.zarr")


def test_damaged_files_are_refused_in_one_sentence_that_names_them(tmp_path, picture):
    whole = write_svs(tmp_path / "whole.svs", picture).read_bytes()
    made = {
        "missing.svs": None,
        "empty.svs": b"",
        "cut.svs": whole[: len(whole) // 2],
        "text.svs": b"Aperio" * 50,
        "head.tif": whole[:20],
    }
    for name, content in made.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(LeukocyteError, match=name) as caught:
            open_slide(tmp_path / name)
        assert "\n" not in str(caught.value)
    store = write_zarr(tmp_path / "torn.zarr", picture)
    (store / "0" / "zarr.json").write_text("{")
    with pytest.raises(LeukocyteError, match=r"torn\.zarr"):
        open_slide(store)
    (store / "zarr.json").write_text("[]")
    with pytest.raises(LeukocyteError, match=r"torn\.zarr"):
        open_slide(store)
    (tmp_path / "folder").mkdir()
    with pytest.raises(LeukocyteError, match="is a folder, but no OME-Zarr"):
        open_slide(tmp_path / "folder")


@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 7}, {"byteorder": ">"}, {"planarconfig": "separate"}])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_picture_in_one_block_is_read_in_parts(tmp_path, picture, options, kind):
    pixels = picture.astype(kind) * (257 if kind is np.uint16 else 1)
    stored = np.moveaxis(pixels, -1, 0) if "planarconfig" in options else pixels
    path = write_plain_tiff(tmp_path / "a.tif", stored, **options)
    with open_slide(path) as slide:
        assert len(slide.levels) == 1
        assert slide.pixel_size.um == pytest.approx(0.25)
        assert np.array_equal(slide.read(0, slice(20, 50), slice(30, 999)), pixels[20:50, 30:])
    assert np.array_equal(read_image(path).array, pixels)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_blocks_that_are_missing_are_white_and_said(tmp_path, picture, version):
    path = write_zarr(tmp_path / "a.zarr", picture, version=version)
    with open_slide(path) as slide:
        assert slide.notes == ()
    inside = ["c/0/2/3", "c/1/2/3", "c/2/2/3"] if version == "0.5" else ["0.2.3", "1.2.3", "2.2.3"]
    for name in inside[:2]:
        (path / "0" / name).unlink()
    with pytest.raises(LeukocyteError, match="damaged, 1 of its blocks lack a colour"):
        open_slide(path)
    (path / "0" / inside[2]).unlink()
    with open_slide(path) as slide:
        (note,) = slide.notes
        assert note.startswith("1 of 51 blocks of the slide are missing")
        window = slide.read(0, slice(128, 192), slice(192, 256))
    assert (window == 255).all()


def test_transparent_blocks_that_a_writer_leaves_out_are_white_and_no_damage(tmp_path, picture):
    alpha = np.full((300, 420, 1), 255, np.uint8)
    alpha[:128] = 0  # whole blocks
    with open_slide(write_zarr(tmp_path / "a.zarr", np.concatenate([picture, alpha], axis=-1))) as slide:
        assert not (tmp_path / "a.zarr" / "0" / "c" / "3" / "0" / "0").exists()
        assert slide.notes == ()
        whole = slide.read(0, slice(None), slice(None))
    assert (whole[:128] == 255).all()
    assert np.array_equal(whole[128:], picture[128:])


def test_tiles_that_a_tiff_leaves_out_are_white(tmp_path, picture):
    path = tmp_path / "a.tif"
    tiles = [picture[i : i + 64, j : j + 64] for i in (0, 64) for j in (0, 64)]
    with tifffile.TiffWriter(path) as tiff:
        blocks = iter([tiles[0].tobytes(), b"", tiles[2].tobytes(), tiles[3].tobytes()])
        tiff.write(blocks, shape=(128, 128, 3), dtype=np.uint8, tile=(64, 64), photometric="rgb")
    with open_slide(path) as slide:
        whole = slide.read(0, slice(None), slice(None))
    assert (whole[:64, 64:] == 255).all()
    assert np.array_equal(whole[64:], picture[64:128, :128])


def test_a_tile_that_is_damaged_is_said_when_it_is_read(tmp_path, picture):
    path = write_svs(tmp_path / "a.svs", picture)
    with tifffile.TiffFile(path) as tiff:
        offset, count = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\0" * count)
    with open_slide(path) as slide:
        assert slide.read(0, slice(100, 120), slice(100, 120)).shape == (20, 20, 3)
        with pytest.raises(LeukocyteError, match=r"a\.svs cannot be read at rows 0 to 10, columns 0 to 10"):
            slide.read(0, slice(0, 10), slice(0, 10))


def test_a_slide_is_told_from_an_image(tmp_path, picture, monkeypatch):
    ome = write_ome_tiff(tmp_path / "a.ome.tif", picture)
    plain = write_plain_tiff(tmp_path / "plain.tif", picture)
    strips = write_plain_tiff(tmp_path / "strips.tif", picture, compression="zlib", rowsperstrip=16)
    one_strip = write_plain_tiff(tmp_path / "one.tif", picture, compression="zlib", rowsperstrip=300)
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.stack([picture, picture]), photometric="rgb")
    assert is_slide(write_svs(tmp_path / "b.svs", picture))
    assert is_slide(write_zarr(tmp_path / "c.zarr", picture))
    assert is_slide("https://example.org/c.zarr")
    small = (ome, plain, strips, tmp_path, tmp_path / "missing.tif")
    assert not any(map(is_slide, small))  # a small pyramid is a field
    monkeypatch.setattr(opening, "_PYRAMID_PX", 100_000)
    assert is_slide(ome)
    assert not is_slide(plain)
    monkeypatch.setattr(opening, "LARGE_PX", 100_000)
    for module in ("level", "tiff_slides"):
        monkeypatch.setattr(f"napari_leukocyte.core.slides.{module}.LARGEST_BLOCK", 100_000)
    assert is_slide(plain)
    assert is_slide(strips)
    assert not is_slide(one_strip)  # no part of it can be read alone
    assert not is_slide(stack)
    with pytest.raises(LeukocyteError, match=r"one\.tif lies in blocks of .* save it as a tiled TIFF"):
        open_slide(one_strip)


@pytest.mark.parametrize(
    ("mpp", "um"), [(0.2521, 0.2521), ("0.5 ", 0.5), ("", None), ("nan", None), (0, None), (40, None)]
)
def test_aperios_pixel_size_counts_when_a_microscope_can_have_it(tmp_path, picture, mpp, um):
    path = write_svs(tmp_path / "a.svs", picture, mpp=mpp)
    with open_slide(path) as slide:
        assert slide.pixel_size.um == um
    assert read_image(path).pixel_size == um


def test_pixels_that_are_not_square_have_no_size_and_that_is_said(tmp_path, picture):
    path = tmp_path / "a.ome.tif"
    size = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.3, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(path, picture, photometric="rgb", metadata={"axes": "YXS", **size}, ome=True)
    words = "OME metadata of 0.25 x 0.3 µm/px is not used"
    with open_slide(path) as slide:
        assert slide.pixel_size.um is None
        assert slide.pixel_size.source.startswith(words)
    assert read_image(path).pixel_size_source.startswith(words)


def test_a_scale_without_unit_is_no_pixel_size(tmp_path, picture):
    path = write_zarr(tmp_path / "a.zarr", picture, version="0.4")
    attributes = (path / ".zattrs").read_text()
    (path / ".zattrs").write_text(attributes.replace("micrometer", "parsec"))
    with open_slide(path) as slide:
        assert slide.pixel_size.um is None


def test_tiffslide_gives_the_same_pixels_and_no_labels(tmp_path, picture, monkeypatch):
    pytest.importorskip("tiffslide")
    from napari_leukocyte.core.slides import openslide_slides

    path = write_svs(tmp_path / "a.svs", picture)
    with openslide_slides.open_with_openslide(path) as other, open_slide(path) as own:
        assert other.pixel_size.um == own.pixel_size.um
        assert [level.shape for level in other.levels] == [level.shape for level in own.levels]
        for number in range(3):
            part = number, slice(10, 40), slice(20, 60)
            assert np.array_equal(other.read(*part), own.read(*part))
    monkeypatch.setattr(openslide_slides, "_LIBRARIES", ())
    with pytest.raises(LeukocyteError, match="pip install openslide-python openslide-bin"):
        openslide_slides.open_with_openslide(path)


def test_results_are_named_by_the_slide():
    assert [slide_stem(name) for name in ("x/a.svs", "b.ome.tif", "C:\\s\\c.zarr\\")] == ["a", "b", "c"]


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """The address of a folder behind a web server, and the folder."""
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(tmp_path)))
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}", tmp_path
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_is_read_from_a_server(server, picture, version):
    address, folder = server
    write_zarr(folder / "a.zarr", picture, version=version)
    with open_slide(f"{address}/a.zarr") as slide:
        assert (slide.name, slide.shape) == ("a.zarr", (300, 420))
        assert slide.pixel_size.um == pytest.approx(0.25)
        assert np.array_equal(slide.read(0, slice(10, 90), slice(100, 200)), picture[10:90, 100:200])
    with pytest.raises(LeukocyteError, match=r"none\.zarr holds no OME-Zarr picture .*: check the address"):
        open_slide(f"{address}/none.zarr")
