"""Every snippet of README and of docs/python.md runs as it stands, in a folder with drawn images."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
import typer
from PIL import Image
from typer.testing import CliRunner

from napari_leukocyte.cli import app
from napari_leukocyte.core.synthetic.smear import draw_cell

ROOT = Path(__file__).parents[1]
# hours of training, or data that only the maintainers have: their options are checked, and no more
NOT_RUN = ("train",)


def blocks(page, *languages):
    text = (ROOT / page).read_text(encoding="utf-8")
    return [body for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S) if language in languages]


def command_lines(page):
    lines = [line for block in blocks(page, "", "bash", "sh", "console") for line in block.splitlines()]
    return [line.partition("  #")[0] for line in lines if line.startswith("napari-leukocyte ")]


@pytest.fixture
def drawn_folder(tmp_path, monkeypatch):
    """A folder with the images that the pages name; it is the current one."""
    monkeypatch.chdir(tmp_path)
    for folder in ("smears", "SMEARS", "EXPERTS"):
        (tmp_path / folder).mkdir(exist_ok=True)
    for number in (1, 2):
        smear = draw_cell(seed=number, size=(160, 200), px_per_um=6)
        for name in ("smears", "SMEARS"):
            Image.fromarray(smear.image).save(tmp_path / name / f"{number}.png")
        Image.fromarray(smear.classes).save(tmp_path / "EXPERTS" / f"{number}.png")
    (tmp_path / "smears" / "broken.png").touch()
    Image.fromarray(smear.image).save("smear.png")
    tifffile.imwrite(
        "smear.svs", smear.image, tile=(64, 64), photometric="rgb", resolution=(6e4, 6e4), resolutionunit=3
    )
    Image.fromarray(np.roll(smear.classes, 1, axis=0)).save("smear_classes.png")
    Image.fromarray(smear.classes).save("smear_expert.png")
    return tmp_path


def test_the_python_snippets_of_the_readme_run(drawn_folder, capsys):
    _, said = run_snippets("README.md", capsys)
    assert "broken.png is empty" in said
    assert "<Scores of 1 image" in said


def test_the_python_snippets_of_their_page_run(drawn_folder, capsys):
    names, said = run_snippets("docs/python.md", capsys)
    assert "broken.png is empty" in said
    assert "no-such-file.png does not exist" in said
    assert set(names["cells"]["image"]) == {"1.png", "2.png"}
    assert set(names["table"]["place"]) <= {"monolayer", "feathered edge"}
    assert len(names["table"]) == len(names["slide"])


def run_snippets(page, capsys):
    """Run them one after the other; what they have defined in the end, and what they have printed."""
    names = {}
    for snippet in blocks(page, "python"):
        exec(compile(snippet, f"{page}: {snippet.splitlines()[0]}", "exec"), names)
    return names, capsys.readouterr().out


def test_the_command_lines_of_the_readme_run(drawn_folder, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")  # the demo writes files then
    lines = command_lines("README.md")
    assert len({line.split()[1] for line in lines}) > 4
    for line in lines:
        arguments = shlex.split(re.sub(r"--n \d+", "--n 2", line))[1:]
        if arguments[0] in NOT_RUN:
            check_options(arguments)
            continue
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == (1 if "broken.png" in done.output else 0), f"{line}\n{done.output}"


def check_options(arguments):
    """Parse a command line without running it; an option that is not there raises."""
    program = typer.main.get_command(app)
    name, command, rest = program.resolve_command(typer.Context(program), arguments)
    command.make_context(name, rest)


def test_an_option_that_is_not_there_would_be_found():
    with pytest.raises(Exception, match="No such option"):
        check_options(["train", "--data", "X", "--no-such-option"])
