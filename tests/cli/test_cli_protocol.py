"""A protocol holds all that is measured after it to its choices."""

import json

import pytest
from PIL import Image


@pytest.fixture
def protocol(run, tmp_path, model, picture):
    """A protocol of results that were made with a model of the user's own, and the arguments that fit it."""
    Image.fromarray(picture(1)).save(tmp_path / "P1_1.png")
    fitting = ("segment", tmp_path / "P1_1.png", "--model", model)
    done = run(*fitting, "--out", tmp_path / "first", "--pixel-size", 0.5, "--keep", "whole")
    assert done.exit_code == 0, done.output
    done = run("protocol", tmp_path / "first", "--out", tmp_path / "p.json", "--groups", "{patient}_{slide}")
    assert done.exit_code == 0, done.output
    return tmp_path / "p.json", fitting


def test_segment_takes_what_was_not_given_and_refuses_what_differs(run, tmp_path, protocol):
    path, fitting = protocol
    done = run(*fitting, "--out", tmp_path / "second", "--protocol", path)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "second" / "cells.csv").read_text() == (tmp_path / "first" / "cells.csv").read_text()
    done = run(*fitting, "--out", tmp_path / "third", "--protocol", path, "--keep", "auto", "--pixel-size", 0.4)
    assert done.exit_code == 1
    assert "--keep auto instead of whole" in done.output
    assert "--pixel-size 0.4 instead of 0.5" in done.output
    assert not (tmp_path / "third").exists()


def test_report_takes_the_groups_and_refuses_other_models(run, tmp_path, protocol):
    path, _ = protocol
    done = run("report", tmp_path / "first", "--out", tmp_path / "report", "--protocol", path)
    assert done.exit_code == 0, done.output
    assert ",P1,1," in (tmp_path / "report" / "cells.csv").read_text()
    table = tmp_path / "first" / "cells.csv"
    own = "bfloat16" if "bfloat16" in table.read_text() else "float32"  # as the processor has it
    table.write_text(table.read_text().replace(own, "float16"))
    done = run("report", tmp_path / "first", "--out", tmp_path / "report", "--protocol", path)
    assert (done.exit_code, "another model or precision" in done.output) == (1, True)


def test_a_protocol_is_locked_and_is_never_replaced(run, tmp_path, protocol):
    path, fitting = protocol
    done = run("protocol", tmp_path / "first", "--out", path)
    assert (done.exit_code, "a protocol does not change" in done.output) == (1, True)
    content = json.loads(path.read_text())
    for change, said in (
        ({"settings": {**content["settings"], "keep": "all"}}, "was changed since it was saved"),
        ({"program": "0.0.1"}, "was changed since it was saved"),
        ({"format": 99}, "newer napari-leukocyte"),
    ):
        path.write_text(json.dumps(content | change))
        done = run(*fitting, "--out", tmp_path / "o", "--protocol", path)
        assert (done.exit_code, said in done.output) == (1, True), done.output
    done = run("protocol", tmp_path, "--out", tmp_path / "q.json")
    assert (done.exit_code, "no results whose choices are known" in done.output) == (1, True)
