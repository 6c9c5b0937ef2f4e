import hashlib
import http.server
import socket
import threading
from functools import partial

import npe2
import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.planes import plane_count
from napari_leukocyte.plugin import sample_data
from napari_leukocyte.plugin.canvas.layers import pixel_size_of

PX_PER_UM = 10.2


@pytest.fixture
def viewer(npe2pm):
    npe2pm.register(npe2.PluginManifest.from_distribution("napari-leukocyte"))
    return ViewerModel()


class TestSynthetic:
    @pytest.mark.parametrize(
        ("key", "shape"), [("cell", (480, 480, 3)), ("field", (1000, 1500, 3)), ("stack", (8, 300, 300, 3))]
    )
    def test_it_opens_from_the_menu(self, viewer, key, shape):
        (layer,) = viewer.open_sample("napari-leukocyte", key)
        assert layer.data.shape == shape
        assert layer.data.dtype == np.uint8
        assert layer.rgb
        assert pixel_size_of(layer).um == pytest.approx(1 / PX_PER_UM)
        assert plane_count(layer.data.shape, rgb=layer.rgb) == (8 if key == "stack" else 1)

    def test_a_sample_is_always_the_same(self):
        ((first, _, _),), ((second, _, _),) = sample_data.synthetic_cell(), sample_data.synthetic_cell()
        np.testing.assert_array_equal(first, second)

    def test_the_planes_of_the_stack_are_different_cells(self, viewer):
        (layer,) = viewer.open_sample("napari-leukocyte", "stack")
        assert len({plane.tobytes() for plane in layer.data}) == 8
        # the first axis counts cells, and is no depth in um
        assert layer.scale[0] == 1
        assert str(layer.units[0]) == "pixel"


class Server:
    """A folder served on this machine, and the paths that were asked for."""

    def __init__(self, folder):
        self.folder, self.asked = folder, []
        server = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                server.asked.append(self.path)
                super().do_GET()

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


SIZES = [(120, 120), (104, 116), (112, 96)]


@pytest.fixture
def zheng(tmp_path, monkeypatch):
    """Three made-up images and masks in the layout of Zheng set 1, with a registry of their own."""
    folder = tmp_path / "server" / "Dataset 1"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, size in enumerate(SIZES, start=1):
        Image.fromarray(rng.integers(0, 250, (*size, 3), np.uint8)).save(folder / f"{number:03d}.bmp")
        mask = np.zeros(size, np.uint8)
        mask[20:60, 20:60] = 128
        mask[30:50, 30:50] = 255
        if number == 3:
            mask[mask == 128] = 0  # a bare nucleus
        Image.fromarray(mask).save(folder / f"{number:03d}.png")
    lines = ["# made up"]
    lines += [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  Dataset 1/{p.name}" for p in sorted(folder.iterdir())]
    registry = tmp_path / "registry.txt"
    registry.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(sample_data, "_REGISTRY", registry)
    monkeypatch.setenv("NAPARI_LEUKOCYTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def server(zheng, monkeypatch):
    served = Server(zheng.parent)
    monkeypatch.setenv("NAPARI_LEUKOCYTE_ZHENG_URL", served.url)
    yield served
    served.close()


def read(path):
    with Image.open(path) as image:
        return np.array(image)


class TestZheng:
    def test_images_and_truth_in_two_stacks_of_one_size(self, viewer, server, zheng):
        image, truth = viewer.open_sample("napari-leukocyte", "zheng1")
        assert image.data.shape == (3, 120, 120, 3)
        assert image.rgb
        assert truth.data.shape == (3, 120, 120)
        assert truth.data.dtype == np.uint8
        assert truth.name == "truth"
        assert not truth.visible
        assert truth.colormap.map(0)[3] == 0
        for index, (height, width) in enumerate(SIZES):
            pixels, mask = read(zheng / f"{index + 1:03d}.bmp"), read(zheng / f"{index + 1:03d}.png")
            np.testing.assert_array_equal(image.data[index, :height, :width], pixels)
            expected = np.select([mask == 128, mask == 255], [1, 2])
            np.testing.assert_array_equal(truth.data[index, :height, :width], expected)
            # beyond a smaller image: white, and background
            outside = np.ones((120, 120), bool)
            outside[:height, :width] = False
            assert (image.data[index][outside] == 255).all()
            assert (truth.data[index][outside] == 0).all()

    def test_the_licence_and_the_names_come_with_them(self, server, zheng):
        (_, image, _), (_, truth, _) = sample_data.zheng_set_1()
        assert "GPL-3.0" in image["metadata"]["licence"]
        assert "GPL-3.0" in truth["metadata"]["licence"]
        assert image["metadata"]["files"] == [f"Dataset 1/00{number}.bmp" for number in (1, 2, 3)]
        assert truth["metadata"]["files"] == [f"Dataset 1/00{number}.png" for number in (1, 2, 3)]
        # no pixel size was published, and none is made up
        assert "scale" not in image

    def test_each_file_is_asked_for_once(self, server, zheng, tmp_path):
        sample_data.zheng_set_1()
        assert len(server.asked) == 6
        assert all(path.startswith("/Dataset%201/00") for path in server.asked)
        sample_data.zheng_set_1()
        assert len(server.asked) == 6
        assert len(list((tmp_path / "cache" / "Dataset 1").iterdir())) == 6

    def test_what_is_in_the_cache_needs_no_connection(self, server, zheng, monkeypatch):
        first = sample_data.zheng_set_1()
        monkeypatch.setenv("NAPARI_LEUKOCYTE_ZHENG_URL", "http://127.0.0.1:1/")
        np.testing.assert_array_equal(sample_data.zheng_set_1()[0][0], first[0][0])

    def test_only_the_first_are_fetched(self, server, zheng, monkeypatch):
        monkeypatch.setattr(sample_data, "_SHOWN", 2)
        image, truth = sample_data.zheng_set_1()
        assert image[0].shape == (2, 120, 120, 3)
        assert truth[0].shape == (2, 120, 120)
        assert len(server.asked) == 4

    def test_another_content_than_published_is_thrown_away(self, server, zheng, tmp_path):
        (zheng / "002.bmp").write_bytes((zheng / "001.bmp").read_bytes())
        with pytest.raises(LeukocyteError, match=r"Dataset 1/002\.bmp came from .* with another content") as caught:
            sample_data.zheng_set_1()
        assert server.url in str(caught.value)
        assert not (tmp_path / "cache" / "Dataset 1" / "002.bmp").exists()

    def test_a_file_damaged_in_the_cache_is_fetched_again(self, server, zheng, tmp_path):
        sample_data.zheng_set_1()
        kept = tmp_path / "cache" / "Dataset 1" / "001.bmp"
        kept.write_bytes(b"half")
        sample_data.zheng_set_1()
        assert kept.read_bytes() == (zheng / "001.bmp").read_bytes()
        assert server.asked.count("/Dataset%201/001.bmp") == 2

    def test_a_file_that_is_gone(self, server, zheng):
        (zheng / "003.png").unlink()
        with pytest.raises(LeukocyteError, match=r"the server answered 404.*check the internet connection"):
            sample_data.zheng_set_1()

    def test_no_connection(self, viewer, zheng, monkeypatch):
        with socket.socket() as taken:  # bound, but nobody listens
            taken.bind(("127.0.0.1", 0))
            monkeypatch.setenv("NAPARI_LEUKOCYTE_ZHENG_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
            with pytest.raises(LeukocyteError, match=r"not be fetched .*\(ConnectionError\).*connection"):
                viewer.open_sample("napari-leukocyte", "zheng1")
        assert len(viewer.layers) == 0

    def test_no_place_to_keep_them(self, server, zheng, tmp_path):
        (tmp_path / "cache").write_text("a file is where the folder should be")
        with pytest.raises(LeukocyteError, match=r"could not be kept in .*cache"):
            sample_data.zheng_set_1()
        assert server.asked == []


def test_the_registry_lists_an_expert_mask_for_every_image():
    registry = sample_data._read_registry()
    images = {path for path in registry if path.endswith(".bmp")}
    assert {path.removesuffix(".bmp") + ".png" for path in images} == set(registry) - images
    counts = [sum(path.startswith(f"Dataset {number}/") for path in images) for number in (1, 2)]
    assert counts == [300, 100]
    digests = [value.removeprefix("sha256:") for value in registry.values()]
    assert all(len(digest) == 64 and int(digest, 16) >= 0 for digest in digests)
