"""The notebooks of the documentation run from their first cell to their last, in an empty folder."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))


def test_there_is_one():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (content["nbformat"], len({cell["id"] for cell in content["cells"]})) == (4, len(content["cells"]))
    with plt.rc_context({"backend": "agg"}):
        for number, cell in enumerate(content["cells"]):
            if cell["cell_type"] == "code":
                assert cell["outputs"] == []  # none of somebody's images goes into the repository
                exec(compile("".join(cell["source"]), f"cell {number} of {path.name}", "exec"), names)
        plt.close("all")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert len(names["cells"]) >= 12
    assert names["cells"]["cnr"].notna().sum() >= 8
    (compared,) = names["study"].table("comparisons").to_dict("records")
    assert (compared["group"], compared["reference"], compared["patients"]) == ("B", "A", 3)
    assert "Welch" in page
