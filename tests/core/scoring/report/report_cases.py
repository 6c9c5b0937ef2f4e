"""Tiny cases whose scores can be counted by hand, and a reader of the report."""

import re
from html.parser import HTMLParser

import numpy as np

from napari_leukocyte.core.scoring.evaluation import Case

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """A report read back: its tables by title, pictures and text; fails where tags do not match."""

    def __init__(self, source):
        super().__init__()
        self.source, self.tables, self.images = source, {}, []
        self._open, self._cell, self._text = [], None, []
        self.feed(source)
        self.close()
        assert self._open == []
        self.text = re.sub(r"\s+", " ", "".join(self._text))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img":
            self.images.append(attributes)
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "table":
            self._rows = self.tables[attributes["aria-label"]] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._cell = [tag, attributes.get("scope"), "", False]
        elif tag == "strong" and self._cell:
            self._cell[3] = True

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag in ("td", "th"):
            self._rows[-1].append(tuple(self._cell))
            self._cell = None

    def handle_data(self, data):
        if self._open[-1:] == ["style"]:
            return
        self._text.append(data)
        if self._cell:
            self._cell[2] += data

    def rows(self, title):
        """The text of each row of the table whose title starts so; what is in bold has a star."""
        (table,) = (rows for name, rows in self.tables.items() if name.startswith(title))
        return [[text + "*" * bold for _, _, text, bold in row] for row in table]


def truth_map():
    """A cell of 4 x 4 px with a nucleus of 2 x 2 px, in 8 x 8 px: 16, 4 and so 12 px of cytoplasm; CNR 3."""
    truth = np.zeros((8, 8), np.uint8)
    truth[2:6, 2:6] = 1
    truth[3:5, 3:5] = 2
    return truth


def case_of(prediction, name="a", *, truth=None, **options):
    truth = truth_map() if truth is None else truth
    prediction = np.asarray(prediction, np.uint8)
    cells = {"predicted_cells": (prediction > 0).astype(np.int32), "true_cells": (truth > 0).astype(np.int32)}
    return Case(
        name, prediction, truth, **{"binary": False, "whole_cell": False, "pixel_size": None, **cells, **options}
    )


def less_a_pixel():
    """The truth without a pixel of cytoplasm: CNR 11 / 4."""
    prediction = truth_map()
    prediction[2, 2] = 0
    return prediction


def wrong_nucleus():
    """The truth with a pixel of nucleus and one of background taken for cytoplasm: CNR 14 / 3."""
    prediction = truth_map()
    prediction[3, 3] = 1
    prediction[2, 6] = 1
    return prediction
