"""The recorded split keeps what it has dealt when a source is added."""

import json
from itertools import chain

import numpy as np
import pytest
from PIL import Image

from split import main


@pytest.fixture
def data(tmp_path):
    """Two sources of noise pictures, no two alike."""
    rng = np.random.default_rng(0)
    lines = ["source,image,mask,px_per_um"]
    for source in ("old", "new"):
        (tmp_path / source).mkdir()
        for i in range(20):
            Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)).save(tmp_path / source / f"{i}.png")
            lines.append(f"{source},{source}/{i}.png,{source}/m{i}.png,6")
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def only(data, source):
    lines = (data / "index.csv").read_text().splitlines()
    (data / "index.csv").write_text("\n".join([lines[0], *(one for one in lines if one.startswith(source))]) + "\n")


def of(split, source):
    return {part: [name for name in names if name.startswith(source)] for part, names in split.items()}


def test_a_new_source_is_dealt_and_the_others_keep_their_parts(data):
    out, all_rows = data / "split.json", (data / "index.csv").read_text()
    only(data, "old")
    main(data, out)
    before = json.loads(out.read_text())
    assert len(before["train"]) == 14
    # as no seed would deal them: kept because they stand there
    before = {"train": before["test"], "validation": before["train"], "test": before["validation"]}
    out.write_text(json.dumps(before))
    (data / "index.csv").write_text(all_rows)
    main(data, out)
    after = json.loads(out.read_text())
    assert of(after, "old") == before
    assert [len(names) for names in of(after, "new").values()] == [14, 3, 3]
    assert sorted(chain(*after.values())) == sorted(f"{s}/{i}.png" for s in ("old", "new") for i in range(20))


def test_once_all_is_dealt_nothing_changes(data):
    out = data / "split.json"
    main(data, out)
    before = out.read_bytes()
    main(data, out)
    assert out.read_bytes() == before


def test_pictures_of_one_place_go_to_one_part(data):
    same = (data / "new" / "0.png").read_bytes()
    for i in range(1, 4):
        (data / "new" / f"{i}.png").write_bytes(same)
    main(data, data / "split.json")
    split = json.loads((data / "split.json").read_text())
    parts = {part for part, names in split.items() for i in range(4) if f"new/{i}.png" in names}
    assert len(parts) == 1
