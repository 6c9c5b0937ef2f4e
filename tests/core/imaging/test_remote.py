"""Images behind URLs, in a file system of fsspec that lies in memory."""

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_leukocyte as nl
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging import remote
from napari_leukocyte.core.imaging.image_list import BrokenImage, sources_from_files
from napari_leukocyte.core.imaging.read import find_images, read_image, stated_pixel_size
from napari_leukocyte.core.results.listing import content_of

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def bucket(tmp_path, picture):
    """Two images and a stack behind memory://bucket, and the same beside each other on the disk."""
    system = fsspec.filesystem("memory")
    here = tmp_path / "here"
    here.mkdir()
    # noise, so that a file is larger than the head that is fetched first
    noise = np.random.default_rng(0).integers(0, 255, (200, 210, 3), np.uint8)
    Image.fromarray(noise).save(here / "10.png", dpi=(254000, 254000))
    Image.fromarray(picture(2)).save(here / "2.png")
    tifffile.imwrite(here / "stack.tif", np.stack([picture(1), picture(2)]), photometric="rgb")
    (here / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    for path in [*here.iterdir(), here / "notes.txt"]:
        system.pipe(f"/bucket/{path.name}", path.read_bytes() if path.exists() else b"no image")
    yield here
    system.rm("/bucket", recursive=True)


@pytest.fixture
def picture():
    return lambda seed: np.random.default_rng(seed).integers(150, 255, (40, 48, 3), np.uint8)


def test_a_url_is_a_path_that_tells_it_again():
    for url in ("s3://bucket/a b/c.png", "https://host:80/x.tif?token=1", "gs://b/c.png"):
        assert remote.url_of(remote.path_of(url)) == url
    for path in ("a.png", "/data/a.png", "C:/data/a.png", "x:/y", "scheme:a.png", "data/s3:/a.png"):
        assert remote.url_of(path) is None


def test_folders_patterns_and_files_behind_urls(bucket):
    everything = [f"memory://bucket/{name}" for name in ("2.png", "10.png", "stack.tif", "torn.jpg")]
    assert [remote.url_of(path) for path in find_images("memory://bucket")] == everything
    assert [path.name for path in find_images("memory://bucket/*.png")] == ["2.png", "10.png"]
    assert [path.name for path in find_images(["memory://bucket/gone.png"])] == ["gone.png"]
    assert find_images(f"file://{bucket}/2.png") == [bucket / "2.png"]
    with pytest.raises(LeukocyteError, match=r"no image behind memory://bucket/\*\.bmp"):
        find_images("memory://bucket/*.bmp")
    with pytest.raises(LeukocyteError, match=r"nowhere cannot be read .*it is not there"):
        find_images("memory://nowhere")


def test_they_are_read_as_files_are(bucket):
    for name in ("2.png", "10.png", "stack.tif"):
        path = remote.path_of(f"memory://bucket/{name}")
        np.testing.assert_array_equal(read_image(path).array, read_image(bucket / name).array)
        assert stated_pixel_size(path) == stated_pixel_size(bucket / name)
        assert content_of(path) == content_of(bucket / name) != ""
    paths = find_images("memory://bucket")
    listed = list(sources_from_files(paths, by_heads=True))
    assert [(one.name, getattr(one, "shape", None)) for one in listed] == [
        ("2.png", (40, 48)),
        ("10.png", (200, 210)),
        ("stack.tif", (40, 48)),
        ("stack.tif", (40, 48)),
        ("torn.jpg", None),
    ]
    assert isinstance(listed[-1], BrokenImage)
    assert "memory://bucket/torn.jpg is damaged" in listed[-1].reason
    moved = listed[1].portable()
    assert remote.url_of(moved.path) == "memory://bucket/10.png"
    np.testing.assert_array_equal(moved.read(), read_image(bucket / "10.png").array)


def test_what_is_wrong_is_said_of_the_url():
    with pytest.raises(LeukocyteError, match=r"^memory://bucket/gone\.png cannot be read \(it is not there\)"):
        read_image("memory://bucket/gone.png")
    with pytest.raises(LeukocyteError, match=r"^nosuch://bucket/a\.png cannot be read .*driver"):
        read_image("nosuch://bucket/a.png")
    assert content_of(remote.path_of("memory://bucket/gone.png")) == ""


def test_few_copies_are_kept(bucket, monkeypatch):
    copies = remote._Copies()
    found = [copies.get(f"memory://bucket/{name}") for name in ("2.png", "10.png", "stack.tif", "torn.jpg")]
    assert [path.exists() for path in found] == [False, True, True, True]
    assert copies.get("memory://bucket/10.png") == found[1]
    head = copies.get("memory://bucket/2.png", head=True)
    assert head.read_bytes() == (bucket / "2.png").read_bytes()


def test_a_segmentation_of_them_is_that_of_the_files(bucket, model):
    loaded = nl.load_model(model, device="cpu", engine="torch")
    far = list(nl.segment_many("memory://bucket/*.png", model=loaded))
    near = list(nl.segment_many(str(bucket / "*.png"), model=loaded))
    assert [(one.name, one.pixel_size) for one in far] == [(one.name, one.pixel_size) for one in near]
    for one, other in zip(far, near, strict=True):
        np.testing.assert_array_equal(one.classes, other.classes)
