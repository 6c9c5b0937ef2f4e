"""What mkdocs does to a page: links out of docs lead to the repository, and some pages take their text from it.

A line ``<!-- from README.md, Install -->`` is replaced by that section of the file, ``<!-- from CHANGELOG.md -->`` by
the whole of it. On the repository's own pages the line is a comment, and the link beside it leads there.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://github.com/napari-leukocyte/napari-leukocyte/blob/main/"
_LINK = re.compile(r"(\]\()([^)\s#]+)([^)]*\))")
_FROM = re.compile(r"^<!-- from (\S+?)(?:, (.+?))? -->\n(?:.+\n)*", re.M)
_CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.M | re.S)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put in what a page takes from elsewhere, and mend its links."""
    folder = posixpath.dirname(page.file.src_uri)
    markdown = _FROM.sub(lambda match: _taken(match[1], match[2] or "", folder), markdown)
    parts = _CODE.split(markdown)
    parts[::2] = [
        _LINK.sub(lambda match: f"{match[1]}{_target(match[2], folder)}{match[3]}", text) for text in parts[::2]
    ]
    return "".join(parts)


def _target(link: str, folder: str) -> str:
    """A link as the site has it: pages of docs as they are, all else of the repository on its pages."""
    if re.match(r"[a-z]+:", link):
        return link
    path = posixpath.normpath(posixpath.join("docs", folder, link))
    inside = path.startswith("docs/") and not path.endswith(".py")
    return link if inside else REPOSITORY + path


def _taken(name: str, section: str, folder: str) -> str:
    """The text of a file of the repository, or of one section, with links that are right on this page."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if section:
        match = re.search(rf"^(#+) {re.escape(section)}\n(.*?)(?=^#{{1,2}} |\Z)", text, re.M | re.S)
        if match is None:
            raise ValueError(f"{name} has no section {section}")
        text = match[2]
    else:
        text = text.partition("\n")[2]  # the page has a title of its own

    def moved(match: re.Match[str]) -> str:
        link = match[2]
        if re.match(r"[a-z]+:", link):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
        own = posixpath.relpath(path, posixpath.join("docs", folder))
        return f"{match[1]}{own}{match[3]}"

    parts = _CODE.split(text)
    parts[::2] = [_LINK.sub(moved, part) for part in parts[::2]]
    return "".join(parts).strip("\n") + "\n"
