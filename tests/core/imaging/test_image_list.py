import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging import image_list
from napari_leukocyte.core.imaging import tiff as tiff_module
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_array, sources_from_files
from napari_leukocyte.core.imaging.masks import open_mask
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.imaging.read import find_images


def picture(value, shape=(20, 30)):
    image = np.full((*shape, 3), value, np.uint8)
    image[0, 0] = 0
    return image


class Counting:
    """An array that, like dask's and zarr's, is read by indexing; it remembers what was asked for."""

    def __init__(self, array):
        self.array, self.asked = array, []
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, index):
        self.asked.append(index)
        return self.array[index]

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("read as a whole")


def test_one_image():
    (source,) = sources_from_array(picture(7), name="layer", pixel_size=PixelSize(0.1, "typed"))
    assert (source.name, source.plane, source.planes, source.label) == ("layer", 0, 1, "layer")
    assert source.pixel_size == PixelSize(0.1, "typed")
    np.testing.assert_array_equal(source.read(), picture(7))


def test_the_planes_of_a_stack():
    stack = np.stack([picture(v) for v in (10, 20, 30)])
    sources = sources_from_array(stack, name="stack", rgb=True)
    assert [s.label for s in sources] == ["stack [0]", "stack [1]", "stack [2]"]
    assert [s.planes for s in sources] == [3] * 3
    assert [s.pixel_size.um for s in sources] == [None] * 3
    for source, plane in zip(sources, stack, strict=True):
        np.testing.assert_array_equal(source.read(), plane)


def test_gray_stack_and_the_rgb_flag():
    stack = np.zeros((7, 20, 3), np.uint8)
    assert len(sources_from_array(stack, name="s", rgb=False)) == 7
    assert len(sources_from_array(stack, name="s", rgb=True)) == 1
    with pytest.raises(LeukocyteError, match="can be read as"):
        sources_from_array(np.zeros((3, 20, 30), np.uint8), name="s")


def test_lazy_arrays_are_read_plane_by_plane_when_asked():
    lazy = Counting(np.stack([picture(v) for v in range(1, 9)]))
    sources = sources_from_array(lazy, name="zarr", rgb=True)
    assert lazy.asked == []
    np.testing.assert_array_equal(sources[5].read(), picture(6))
    assert lazy.asked == [5]


def test_dask_computes_one_plane_only():
    da = pytest.importorskip("dask.array")
    computed = []

    def plane(block, block_info=None):
        if block_info:  # dask tries the function on nothing first
            computed.append(block_info[0]["chunk-location"][0])
        return block + 1

    stack = da.zeros((6, 20, 30, 3), dtype=np.uint8, chunks=(1, 20, 30, 3)).map_blocks(plane, dtype=np.uint8)
    sources = sources_from_array(stack, name="dask", rgb=True)
    computed.clear()
    read = sources[4].read()
    assert isinstance(read, np.ndarray)
    assert (read == 1).all()
    assert computed == [4]


def test_a_folder_with_garbage(tmp_path):
    Image.fromarray(picture(50)).save(tmp_path / "2.png")
    Image.fromarray(picture(60, (15, 15))).save(tmp_path / "10.png", dpi=(25400 * 10, 25400 * 10))
    (tmp_path / "1.png").write_bytes(b"this is no image")
    (tmp_path / "3.png").write_bytes((tmp_path / "2.png").read_bytes()[:60])
    (tmp_path / "4.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no image, and not called one")
    tifffile.imwrite(tmp_path / "5.tif", np.stack([picture(v) for v in (1, 2)]), photometric="rgb")
    items = list(sources_from_files([*find_images(tmp_path), tmp_path / "gone.png"]))
    assert [(type(i).__name__, i.name) for i in items] == [
        ("BrokenImage", "1.png"),
        ("ImageSource", "2.png"),
        ("BrokenImage", "3.png"),
        ("BrokenImage", "4.jpg"),
        ("ImageSource", "5.tif"),
        ("ImageSource", "5.tif"),
        ("ImageSource", "10.png"),
        ("BrokenImage", "gone.png"),
    ]
    for item in items:
        if isinstance(item, BrokenImage):
            assert item.reason.endswith(".")
            assert item.name in item.reason
            assert item.path.name == item.name
    sources = [i for i in items if isinstance(i, ImageSource)]
    assert [s.label for s in sources] == ["2.png", "5.tif [0]", "5.tif [1]", "10.png"]
    assert [int(s.read()[5, 5, 0]) for s in sources] == [50, 1, 2, 60]
    assert sources[0].pixel_size == PixelSize(None)
    assert sources[3].pixel_size.um == pytest.approx(0.1, rel=0.01)
    assert not sources[3].pixel_size.estimated


def test_files_are_read_one_after_the_other_and_not_kept(tmp_path, monkeypatch):
    for name in "abc":
        Image.fromarray(picture(ord(name))).save(tmp_path / f"{name}.png")
    read, read_image = [], image_list.read_image
    monkeypatch.setattr(image_list, "read_image", lambda path: (read.append(path.name), read_image(path))[1])
    items = sources_from_files([tmp_path / f"{name}.png" for name in "abc"])
    assert read == []
    first = next(items)
    assert read == ["a.png"]
    Image.fromarray(picture(5)).save(tmp_path / "a.png")
    assert int(first.read()[5, 5, 0]) == 5  # as it is on the disk now
    assert read == ["a.png"] * 2


def test_a_damaged_block_of_a_large_file_costs_only_that_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff_module, "_LAZY_BYTES", 1)
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    tifffile.imwrite(path, noise, photometric="rgb", compression="zlib", tile=(16, 16))
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[-1]
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 50)
    Image.fromarray(picture(7)).save(tmp_path / "b.png")
    damaged, good = sources_from_files([path, tmp_path / "b.png"])
    with pytest.raises(LeukocyteError, match=r"a\.tif cannot be read \(.*decompress.*\): it is damaged"):
        damaged.read()
    np.testing.assert_array_equal(good.read(), picture(7))
    with pytest.raises(LeukocyteError, match=r"The mask .*a\.tif cannot be read"):
        open_mask(path)


def test_a_file_whose_folder_leads_nowhere_by_now_is_said(tmp_path):
    (tmp_path / "folder").mkdir()
    Image.fromarray(picture(7)).save(tmp_path / "folder" / "a.png")
    (source,) = sources_from_files([tmp_path / "folder" / "a.png"])
    (tmp_path / "folder").rename(tmp_path / "elsewhere")
    (tmp_path / "folder").symlink_to("long" * 99)  # the system refuses even to look whether that is there
    with pytest.raises(LeukocyteError, match=r"a\.png (cannot be read|does not exist)"):
        source.read()


def test_an_estimate_never_stands_for_an_area():
    assert PixelSize(0.1, "typed").for_areas == 0.1
    assert PixelSize(0.1, "estimated from 3 cells", estimated=True).for_areas is None
    assert PixelSize(None).for_areas is None
    assert str(PixelSize(None)) == "unknown"
    assert "0.1" in str(PixelSize(0.1, "typed"))
    assert "typed" in str(PixelSize(0.1, "typed"))


def test_a_list_of_crops_is_decoded_once(tmp_path, monkeypatch):
    for name in "abc":
        Image.fromarray(picture(ord(name))).save(tmp_path / f"{name}.png")
    read, read_image = [], image_list.read_image
    monkeypatch.setattr(image_list, "read_image", lambda path: (read.append(path.name), read_image(path))[1])
    sources = list(sources_from_files([tmp_path / f"{name}.png" for name in "abc"]))
    for _ in range(2):  # the look at pixel sizes, and the segmentation
        assert [int(source.read()[5, 5, 0]) for source in sources] == [ord(name) for name in "abc"]
    assert read == ["a.png", "b.png", "c.png"]
    monkeypatch.setattr(image_list, "_KEPT_BYTES", 0)  # of large ones only the last is kept
    read.clear()
    for source in (*sources, sources[2]):
        source.read()
    assert read == ["b.png", "c.png"]


def test_the_files_that_were_read_last_are_kept_up_to_so_many_bytes(tmp_path, monkeypatch):
    sizes = {"a": 10, "b": 20, "c": 30, "d": 40, "e": 90}
    for name, height in sizes.items():
        Image.fromarray(picture(ord(name), (height, 10))).save(tmp_path / f"{name}.png")
    read, read_image = [], image_list.read_image
    monkeypatch.setattr(image_list, "read_image", lambda path: (read.append(path.stem), read_image(path))[1])
    monkeypatch.setattr(image_list, "_recent", image_list._Recent())
    monkeypatch.setattr(image_list, "_KEPT_BYTES", 70 * 10 * 3)
    sources = dict(
        zip(sizes, sources_from_files([tmp_path / f"{name}.png" for name in sizes], by_heads=True), strict=True)
    )
    kept: list[str] = []
    for name in np.random.default_rng(0).choice(list(sizes), 300):
        before = list(read)
        assert sources[name].read()[5, 5, 0] == ord(name)
        assert (read == before) == (name in kept)
        kept = [*(other for other in kept if other != name), name]
        while len(kept) > 1 and sum(sizes[one] for one in kept) > 70:
            kept.pop(0)


def test_a_long_list_is_told_by_heads_and_torn_pixels_when_they_are_read(tmp_path, monkeypatch):
    for name in "abc":
        Image.fromarray(picture(ord(name))).save(tmp_path / f"{name}.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:60])
    (tmp_path / "c.png").write_bytes(b"none")
    read, read_image = [], image_list.read_image
    monkeypatch.setattr(image_list, "read_image", lambda path: (read.append(path.name), read_image(path))[1])
    a, b, c = sources_from_files([tmp_path / f"{name}.png" for name in "abc"], by_heads=True)
    assert read == []
    np.testing.assert_array_equal(a.read(), picture(ord("a")))
    assert (a.shape, a.rgb, a.planes, b.shape) == ((20, 30), True, 1, (20, 30))
    with pytest.raises(LeukocyteError, match=r"b\.png is damaged"):
        b.read()
    assert isinstance(c, BrokenImage)
