"""The site of the documentation: every page has its place, what the code tells is up to date, and it builds."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from napari_leukocyte.core.cells.flags import Flag

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def load(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Page:
    """What the hook asks of a page."""

    def __init__(self, name):
        self.file = self
        self.src_uri = name


def test_every_page_has_its_place_in_the_site():
    nav = re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    assert sorted(nav) == PAGES  # a new page: put it into the nav of mkdocs.yml


def test_columns_and_flags_are_those_of_the_code():
    written = load("reference_pages")
    assert set(written.limits()) == set(Flag)
    assert written.page() == written.PAGE.read_text(encoding="utf-8")  # run docs/reference_pages.py


def test_links_out_of_docs_lead_to_the_repository_and_code_stays():
    hook = load("site_hooks").on_page_markdown
    text = "[a](../NOTICE) [b](cnr.md#x) [c](https://a.b) `[d](../x)`\n```\n[e](../y)\n```\n"
    found = hook(text, Page("trust.md"))
    base = "https://github.com/napari-leukocyte/napari-leukocyte/blob/main/"
    assert found == text.replace("(../NOTICE)", f"({base}NOTICE)")
    assert hook("[a](../accuracy.md)", Page("development/touching.md")) == "[a](../accuracy.md)"


def test_pages_take_their_text_from_the_repository():
    hook = load("site_hooks").on_page_markdown
    install = hook((DOCS / "install.md").read_text(encoding="utf-8"), Page("install.md"))
    assert "pip install" in install
    assert "(speed.md)" in install
    assert "All other ways" not in install
    assert "For research use only" in install
    notes = hook((DOCS / "release-notes.md").read_text(encoding="utf-8"), Page("release-notes.md"))
    assert "### Added" in notes


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "segment_many" in (tmp_path / "site" / "reference" / "python" / "index.html").read_text(encoding="utf-8")
