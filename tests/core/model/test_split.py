import json
import re
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.split import PARTS, read_split, split_by_group

RECORDED = Path(__file__).parents[3] / "benchmarks" / "split.json"


def example(seed=0, n=400):
    rng = np.random.default_rng(seed)
    groups = [int(g) for g in rng.integers(n // 3, size=n)]
    strata = [f"type {g % 4}" for g in groups]
    return [f"{i}.png" for i in range(n)], groups, strata


@pytest.mark.parametrize("seed", range(4))
def test_groups_stay_together_and_shares_are_met(seed):
    names, groups, strata = example(seed)
    split = split_by_group(names, groups, strata, seed=seed)
    assert sorted(chain(*split.values())) == sorted(names)
    part = {name: p for p, chosen in split.items() for name in chosen}
    assert all(len({part[n] for n, g in zip(names, groups, strict=True) if g == group}) == 1 for group in set(groups))
    for stratum in set(strata):
        own = [part[n] for n, s in zip(names, strata, strict=True) if s == stratum]
        shares = [own.count(p) / len(own) for p in PARTS]
        assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.04)


def test_the_split_depends_on_the_seed_alone():
    names, groups, strata = example()
    first, again, other = (split_by_group(names, groups, strata, seed=s) for s in (3, 3, 4))
    assert first == again
    assert first != other


def test_one_image_trains():
    assert split_by_group(["a"], ["g"], ["x"]) == {"train": ["a"], "validation": [], "test": []}


def test_read_split_takes_what_was_written(tmp_path):
    names, groups, strata = example(n=30)
    split = split_by_group(names, groups, strata)
    path = tmp_path / "split.json"
    path.write_text(json.dumps(split))
    assert read_split(path, [*names, "new.png"]) == split


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is damaged .*: give a split"),
        ("[]", "is damaged .*: give a split"),
        ('"text"', "is damaged .*: give a split"),
        ('{"train": [], "test": []}', "does not state 'validation'"),
        ('{"train": [["a"]], "validation": [], "test": []}', "as 'train', which should be a list of texts"),
        ('{"train": 3, "validation": [], "test": []}', "states 3 as 'train'"),
        ('{"train": ["a", "z"], "validation": [], "test": []}', "lists 1 images that the data lack, z first"),
        ('{"train": ["a"], "validation": ["a"], "test": []}', "more than once"),
        ('{"train": ["a", "a"], "validation": [], "test": []}', "more than once"),
    ],
)
def test_a_wrong_split_is_refused_in_words(tmp_path, content, sentence):
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(LeukocyteError, match=sentence):
        read_split(path, ["a", "b"])


def test_a_missing_or_binary_split_is_refused_in_words(tmp_path):
    with pytest.raises(LeukocyteError, match="does not exist"):
        read_split(tmp_path / "none.json", [])
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LeukocyteError, match="is damaged or no text"):
        read_split(tmp_path / "bytes.json", [])


def test_the_recorded_split_covers_every_image_once():
    split = json.loads(RECORDED.read_text())
    listed = list(chain(*(split[p] for p in PARTS)))
    assert len(listed) == len(set(listed)) == 1296
    counts = {"zheng1": 240, "zheng2": 70, "bcisc": 209, "bccd": 297, "krd": 480}
    assert Counter(name.split("/")[0] for name in listed) == counts
    shares = [len(split[p]) / 1296 for p in PARTS]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.02)


def test_no_recorded_slide_or_known_pair_straddles_parts():
    split = json.loads(RECORDED.read_text())
    parts = {}
    for part in PARTS:
        for name in split[part]:
            if name.startswith("bcisc/"):
                slide = re.fullmatch(r"([a-z]+_\d+)-\d+_\d+", Path(name).stem).group(1)
                parts.setdefault(slide, set()).add(part)
    assert len(parts) > 20
    assert [slide for slide, where in parts.items() if len(where) > 1] == []
    part_of = {name: part for part in PARTS for name in split[part]}
    for pair in ((51, 73), (70, 72), (19, 75), (56, 92), (112, 139), (60, 90), (30, 86), (26, 89), (166, 171)):
        first, second = (part_of.get(f"zheng1/images/{i:03d}.png") for i in pair)
        assert first == second
