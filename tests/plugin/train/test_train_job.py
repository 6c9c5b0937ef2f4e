"""The worker of the Train dock: a real training of a tiny network, its end, its cancel and its failures in words."""

import errno
import os

import pytest
import torch

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.fine_tuning import fine_tune as core
from napari_leukocyte.core.fine_tuning.decision import decide
from napari_leukocyte.core.fine_tuning.parameters import FineTuneParameters
from napari_leukocyte.core.fine_tuning.progress_file import is_resumable
from napari_leukocyte.core.model.weights import read_info
from napari_leukocyte.plugin.train.resuming import forget_run, interrupted_runs
from napari_leukocyte.plugin.train.train_job import TrainJob, training_threads

LONG = 60_000


@pytest.fixture
def training_set(tmp_path, drawn_set, short_training):
    return drawn_set(tmp_path / "set", 2)


@pytest.fixture
def parameters(training_set, model):
    return FineTuneParameters(
        out=training_set.models_folder / "mine.safetensors", start=str(model), epochs=1, device="cpu"
    )


@pytest.fixture
def job(qtbot):
    job = TrainJob()
    job.told = []
    job.ended.connect(job.told.append)
    yield job
    job.cancel()
    qtbot.waitUntil(lambda: not job.running, timeout=LONG)


def run(job, training_set, parameters, qtbot):
    job.start(training_set.folder, parameters)
    qtbot.waitUntil(lambda: not job.running, timeout=LONG)
    (sentence,) = job.told
    job.told.clear()
    return sentence


def test_a_run_tells_its_stages_and_leaves_a_model(job, training_set, parameters, qtbot):
    epochs, progress = [], []
    job.epoch_done.connect(epochs.append)
    job.progress.connect(lambda *told: progress.append(told))
    threads = torch.get_num_threads()
    assert "mine is trained" in run(job, training_set, parameters, qtbot)
    assert read_info(parameters.out).name == "mine"
    assert [epoch.epoch for epoch in epochs] == [1]  # that of the model, none of the cross-validation's
    texts = [text for *_, text in progress]
    for stage in ("Reading the masks", "Training of the model", "Cross-validation, part 2", "Comparison"):
        assert any(text.startswith(stage) for text in texts), stage
    assert progress[-1][0] == progress[-1][1]
    assert interrupted_runs(training_set.models_folder) == ()
    assert not list(training_set.models_folder.glob("*.run.json"))
    assert torch.get_num_threads() == threads


def test_a_cancelled_run_keeps_its_best_and_goes_on(job, training_set, parameters, qtbot):
    job.epoch_done.connect(lambda _: job.cancel())
    sentence = run(job, training_set, parameters, qtbot)
    assert "best weights so far are kept as mine" in sentence
    assert "Resume" in sentence
    assert read_info(parameters.out).scores == {}
    assert interrupted_runs(training_set.models_folder) == (parameters,)
    job.epoch_done.disconnect()
    assert "mine is trained" in run(job, training_set, parameters, qtbot)
    assert "before_after" in read_info(parameters.out).scores


def test_only_one_run_at_a_time(job, training_set, parameters, qtbot):
    job.start(training_set.folder, parameters)
    with pytest.raises(LeukocyteError, match="running"):
        job.start(training_set.folder, parameters)


def test_a_taken_name_is_refused(job, training_set, parameters):
    parameters.out.write_bytes(b"another model")
    with pytest.raises(LeukocyteError, match="another name"):
        job.start(training_set.folder, parameters)
    assert parameters.out.read_bytes() == b"another model"


def test_a_models_folder_that_cannot_be_written_is_said_at_once(job, training_set, parameters):
    training_set.models_folder.rmdir()
    training_set.models_folder.write_text("in the way")
    with pytest.raises(LeukocyteError, match="models"):
        job.start(training_set.folder, parameters)
    assert not job.running


def test_a_damaged_mask_is_named(job, training_set, parameters, qtbot):
    (version,) = training_set.versions(training_set.image_ids()[0])
    version.path.write_bytes(b"no picture")
    assert str(version.path) in run(job, training_set, parameters, qtbot)


def test_nothing_that_may_train_is_said(job, tmp_path, drawn_set, parameters, qtbot):
    sentence = run(job, drawn_set(tmp_path / "empty", 0), parameters, qtbot)
    assert "no accepted image that may train" in sentence
    assert not is_resumable(parameters.out)
    assert not list(parameters.out.parent.glob("*.run.json"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("a defect"), "unexpected went wrong in the training (RuntimeError: a defect)"),
        (RuntimeError("CUDA out of memory"), "memory is not enough"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "The disk refused"),
    ],
)
def test_what_goes_wrong_becomes_a_sentence(job, training_set, parameters, qtbot, monkeypatch, error, words):
    def fail(items, parameters):
        raise error
        yield

    monkeypatch.setattr(core, "fine_tune", fail)
    sentence = run(job, training_set, parameters, qtbot)
    assert words in sentence
    assert "Traceback" not in sentence


def test_a_cancelled_run_that_is_decided_on_leaves_nothing(job, training_set, parameters, qtbot):
    workers = []  # that napari may keep for a while

    def cancel(_epoch):
        workers.append(job.worker)
        job.cancel()

    job.epoch_done.connect(cancel)
    assert "best weights so far" in run(job, training_set, parameters, qtbot)
    assert is_resumable(parameters.out)
    decide(parameters.out, "rejected")  # the worker that was cancelled holds nothing any more
    forget_run(parameters.out)
    assert sorted(path.name for path in parameters.out.parent.iterdir()) == [
        "mine.decision.json",
        "mine.md",
        "mine.safetensors",
    ]


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (4, 3), (16, 15)])
def test_one_core_is_left_where_there_are_enough(cores, threads):
    assert training_threads(cores) == threads
