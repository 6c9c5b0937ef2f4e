"""The workers of a dask cluster segment, and one program writes."""

import os
import pickle
import signal
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_leukocyte as nl
from local_cluster import local_cluster
from napari_leukocyte.core.errors import LeukocyteError, UnreadableError
from napari_leukocyte.core.imaging.image_list import sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.record_file import read_record
from napari_leukocyte.core.segmentation import on_cluster
from napari_leukocyte.core.segmentation.in_jobs import can_share_work
from napari_leukocyte.core.segmentation.list_pixel_sizes import SizeDecision
from napari_leukocyte.core.segmentation.on_cluster import Cluster, connected
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.segment import ImageSegmented, method_of

pytest.importorskip("distributed")


# without semaphores between processes dask's workers cannot start
pytestmark = pytest.mark.skipif(not can_share_work(), reason="no semaphores between processes here")


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler with two workers, which come again when they are killed."""
    with local_cluster(2) as address:
        yield address


@pytest.fixture
def client(scheduler):
    with connected(scheduler) as found:
        found.wait_for_workers(2)
        yield found


@pytest.fixture
def folder(tmp_path, picture):
    """Crops of two sizes, a stack, and a file that is no image."""
    made = tmp_path / "in"
    made.mkdir()
    for i in range(6):
        Image.fromarray(picture(i, size=(40 + i % 2, 48))).save(made / f"{i}.png")
    tifffile.imwrite(made / "stack.tif", np.stack([picture(i) for i in range(3)]), photometric="rgb")
    (made / "torn.png").write_bytes(b"\x89PNG")
    return made


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "results.jsonl"}


def test_files_and_table_are_those_of_a_run_without(scheduler, folder, tmp_path, run, model):
    given = ("--model", model, "--pixel-size", 0.5, "--keep", "all", "--engine", "torch")
    plain = run("segment", folder, "--out", tmp_path / "plain", *given)
    shared = run("segment", folder, "--out", tmp_path / "shared", *given, "--scheduler", scheduler)
    assert (plain.exit_code, shared.exit_code) == (1, 1), shared.output
    assert "7 images of 8 segmented" in shared.stdout
    assert f"2 workers at {scheduler}" in shared.stdout
    assert plain.stderr == shared.stderr
    assert contents(tmp_path / "plain") == contents(tmp_path / "shared")
    one, other = (read_record(tmp_path / name) for name in ("plain", "shared"))
    assert {stem: (image.input_sha256, image.settings, image.reason) for stem, image in one.images.items()} == {
        stem: (image.input_sha256, image.settings, image.reason) for stem, image in other.images.items()
    }
    again = run("segment", folder, "--out", tmp_path / "shared", *given, "--scheduler", scheduler, "--resume")
    assert "Nothing of 8 images was segmented, 7 done before" in again.stdout


def test_from_python_in_order(client, folder, model, picture):
    images = [*sorted(folder.iterdir()), picture(9), np.stack([picture(1), picture(2)]), folder / "gone.png"]
    loaded = nl.load_model(model, device="cpu", engine="torch")
    plain = list(nl.segment_many(images, model=loaded, keep="all"))
    shared = list(nl.segment_many(iter(images), model=loaded, keep="all", client=client))
    assert [type(one) for one in shared] == [type(one) for one in plain]
    for one, other in zip(plain, shared, strict=True):
        if isinstance(one, nl.Failed):
            assert one == other
        else:
            np.testing.assert_array_equal(one.classes, other.classes)
            assert one.table().equals(other.table())
            assert (one.path, one.notes, one.pixel_size) == (other.path, other.notes, other.pixel_size)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_workers_that_are_killed_lose_nothing(client, tmp_path, model, picture):
    for i in range(30):
        Image.fromarray(picture(i)).save(tmp_path / f"{i}.png")
    sources = list(sources_from_files(sorted(tmp_path.glob("*.png"))))
    parameters = SegmentParameters(model=str(model), device="cpu", pixel_size=0.5)
    cluster = Cluster(client, method_of(parameters), parameters)
    decisions = {i: SizeDecision(PixelSize(0.5, "typed")) for i in range(30)}
    events = cluster.segment(sources, decisions)
    found = [next(events)]
    for process in client.run(os.getpid).values():  # all that there are
        os.kill(process, signal.SIGKILL)
    found += events
    assert all(isinstance(event, ImageSegmented) for event in found)
    assert sorted(event.index for event in found) == list(range(30))
    assert client.run(lambda dask_worker: [name for name in dask_worker.plugins if "leukocyte" in name]) == {
        address: [] for address in client.nthreads()
    }


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_scheduler_that_dies_is_one_sentence_and_resume_goes_on(tmp_path, run, model, picture):
    images, out = tmp_path / "in", tmp_path / "out"
    images.mkdir()
    for i in range(40):
        Image.fromarray(picture(i)).save(images / f"{i}.png")
    given = ("segment", images, "--out", out, "--model", model, "--pixel-size", 0.5, "--engine", "torch")
    with local_cluster(1) as address, connected(address) as client:
        scheduler = client.run_on_scheduler(os.getpid)

        def kill_it():
            while not (out / "0_cells.tif").exists():
                if over.wait(0.01):
                    return
            os.kill(scheduler, signal.SIGKILL)

        over = threading.Event()
        killer = threading.Thread(target=kill_it)
        killer.start()
        died = run(*given, "--scheduler", address)
        over.set()
        killer.join()
    assert died.exit_code == 1, died.output
    assert "does not answer any more" in died.stderr
    assert "Traceback" not in died.output
    done = len(read_record(out).done)
    assert 1 <= done < 40
    again = run(*given, "--resume")
    assert again.exit_code == 0, again.output
    assert f"{done} done before" in again.stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it may come while Pillow opens a file
def test_ctrl_c_leaves_the_cluster_idle_and_the_folder_whole(
    scheduler, client, tmp_path, run, model, picture, interrupt_when
):
    images, out = tmp_path / "in", tmp_path / "out"
    images.mkdir()
    for i in range(60):
        Image.fromarray(picture(i)).save(images / f"{i}.png")
    given = ("segment", images, "--out", out, "--model", model, "--pixel-size", 0.5, "--scheduler", scheduler)
    interrupt_when(out / "0_cells.tif")
    stopped = run(*given)
    assert stopped.exit_code == 130, stopped.output
    done = read_record(out).done
    assert 1 <= len(done) < 60
    assert not any(client.processing().values())
    again = run(*given, "--resume")
    assert again.exit_code == 0, again.output
    assert f"{len(done)} done before" in again.stdout
    assert len(read_record(out).table().rows) == len(read_record(out).done) == 60


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", "127.0.0.1:no"])
def test_an_address_where_no_scheduler_is(tmp_path, run, model, picture, monkeypatch, address):
    monkeypatch.setattr(on_cluster, "_CONNECT_S", 0.2)
    Image.fromarray(picture()).save(tmp_path / "a.png")
    given = ("segment", tmp_path / "a.png", "--out", tmp_path / "out", "--model", model)
    result = run(*given, "--scheduler", address)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"No dask scheduler answers at {address} (")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
    both = run(*given, "--scheduler", address, "--jobs", 2)
    assert both.exit_code == 1
    assert "give one of the two" in both.stderr


def test_workers_of_another_version_are_refused(model):
    parameters = SegmentParameters(model=str(model), device="cpu", engine="torch")

    def made(answer):
        said = {"tcp://w:1": answer}
        fake = SimpleNamespace(
            wait_for_workers=lambda n: None, nthreads=lambda: said, run=lambda *given, workers, on_error: said
        )
        return Cluster(fake, method_of(parameters), parameters)

    with pytest.raises(LeukocyteError, match=r"worker tcp://w:1 has napari-leukocyte 0\.0\.1, and this is"):
        made("0.0.1")
    with pytest.raises(LeukocyteError, match=r"worker tcp://w:1 has no napari-leukocyte \(No package"):
        made(ModuleNotFoundError("No package metadata was found"))


@pytest.mark.parametrize(("version", "said"), [("0.0.1", r"has napari-leukocyte 0\.0\.1"), (None, "has no napari-le")])
def test_a_worker_that_comes_later_without_this_version_stops_the_run(client, tmp_path, model, picture, version, said):
    class Late:
        """The client, to whom a worker comes when the run has begun."""

        def __getattr__(self, name):
            return getattr(client, name)

        def nthreads(self):
            return {**client.nthreads(), **({"tcp://late:1": 1} if begun else {})}

        def run(self, function, *given, workers=None, on_error="raise"):
            if workers == ["tcp://late:1"]:
                return {"tcp://late:1": version or ModuleNotFoundError("No package metadata was found")}
            return client.run(function, *given, workers=workers, on_error=on_error)

    begun = []
    Image.fromarray(picture()).save(tmp_path / "0.png")
    sources = list(sources_from_files([tmp_path / "0.png"])) * 2
    parameters = SegmentParameters(model=str(model), device="cpu", pixel_size=0.5)
    cluster = Cluster(Late(), method_of(parameters), parameters)
    begun.append(True)
    with pytest.raises(LeukocyteError, match=said):
        list(cluster.segment(sources, dict.fromkeys(range(2), SizeDecision(PixelSize(0.5, "typed")))))
    assert not any(client.processing().values())


def test_all_workers_compute_in_one_way(model, monkeypatch):
    from napari_leukocyte.core.segmentation.cluster_worker import Offer

    monkeypatch.setattr(on_cluster, "is_installed", lambda: True)
    old, new, gpu = Offer(True, False, True), Offer(True, True, True), Offer(False, True, False)
    assert on_cluster._common("auto", [new, new]) == ("torch", True)
    assert on_cluster._common("auto", [old, new]) == ("fast", False)
    assert on_cluster._common("auto", [old, gpu]) == ("torch", False)
    assert on_cluster._common("fast-int8", [old]) == ("fast-int8", False)
    predictor = method_of(SegmentParameters(model=str(model), device="cpu"))
    for bfloat16, precision in ((True, "bfloat16"), (False, "float32")):
        held = predictor.held_to("torch", bfloat16=bfloat16)
        assert (held.provenance["engine"], held.provenance["precision"]) == ("torch", precision)
    assert held is not predictor


def test_maps_go_over_the_network_without_their_background(segmentation, disc_map):
    from napari_leukocyte.core.segmentation.cluster_worker import Done

    made = segmentation(disc_map((480, 480), (200, 240, 60, 30), (300, 100, 40, 20)))
    sent = pickle.dumps(Done(made, made.measure(), "hash"))
    assert len(sent) < 10_000
    back = pickle.loads(sent)
    assert (back.measures, back.content) == (made.measure(), "hash")
    assert back.result.provenance == made.provenance
    for name in ("classes", "cells"):
        found, expected = getattr(back.result, name), getattr(made, name)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_why_an_image_failed():
    from distributed import KilledWorker

    assert on_cluster._reason(UnreadableError("a.png cannot be read.")) == "a.png cannot be read."
    assert "memory" in on_cluster._reason(KilledWorker("task", None, 3))
    assert "3 attempts (KeyError: 'x')" in on_cluster._reason(KeyError("x"))
