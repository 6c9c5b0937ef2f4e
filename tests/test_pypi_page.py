"""On PyPI README's links lead to the files of the same version on the project's pages."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["metadata"]["hooks"]


def targets(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", text)


def test_on_pypi_every_link_is_absolute():
    shown = README
    for change in HOOK["fancy-pypi-readme"]["substitutions"]:
        shown = re.sub(change["pattern"], change["replacement"], shown)
    assert [target for target in targets(shown) if not target.startswith(("https://", "#"))] == []
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", shown)
    assert pictures
    assert all(target.startswith("https://raw.githubusercontent.com/") for target in pictures)
    assert "https://github.com/napari-leukocyte/napari-leukocyte/blob/v$HFPR_VERSION/docs/tutorial.md" in targets(shown)
