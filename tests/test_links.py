"""Every link of README and the documentation leads somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "src/**/*.md", ".github/**/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(\s*<?([^)>\s]+)|<(?:img|a)\b[^>]*?(?:src|href)=\"([^\"]+)\"|^\[[^\]]+\]:\s*(\S+)", re.M)
OURS = re.compile(r"https://(?:github\.com/[^/]+/napari-leukocyte/(?:blob|raw|tree)|raw\.githubusercontent\.com/[^/]+/"
                  r"napari-leukocyte)/(?:main|HEAD)/(.+)")  # fmt: skip
PROSE = re.compile(r"(?<![\w/])docs/[\w/-]+\.(?:md|png)")


def without_code(text):
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.M | re.S)


def anchors(page):
    """What a heading is called in a link: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(
        r"^#+\s+(.*?)\s*$", re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S), re.M
    )
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"[`*]|\]\([^)]*\)", "", heading)).strip().lower().replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    here = ROOT / page
    for groups in LINK.findall(without_code(here.read_text(encoding="utf-8"))):
        link = next(filter(None, groups))
        own = OURS.fullmatch(link)
        if own is None and re.match(r"[a-z]+:", link):
            continue  # another site, which a test must not ask
        path, _, anchor = unquote(own[1] if own else link).partition("#")
        target = (ROOT if own else here.parent) / path if path else here
        assert target.exists(), f"{page} links to {link}"
        assert ROOT in target.resolve().parents or target.resolve() == ROOT, (
            f"{page} links out of the repository: {link}"
        )
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page} links to {link}, where there is no such heading"


def test_pages_that_are_named_in_code_and_prose_are_there():
    files = [path for folder in ("src", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py")]
    for path in [*files, *(ROOT / page for page in PAGES)]:
        for name in PROSE.findall(path.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{path.relative_to(ROOT)} names {name}"


def test_every_page_is_in_the_index_and_every_picture_on_a_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")} - {"README.md"}
    assert {name for name in pages if f"]({name})" not in index} == set()
    prose = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    assert {path.name for path in (ROOT / "docs" / "images").iterdir() if path.name not in prose} == set()
