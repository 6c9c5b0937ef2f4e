"""The shape of the house: what may import what, in the source as it is written (imports for types only, too)."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import napari_leukocyte

PACKAGE = Path(napari_leukocyte.__file__).parent
NAME = PACKAGE.name
# Lowest first: a room knows those before it, and none of those behind it; CONTRIBUTING.md has the same map.
ROOMS = (
    (
        "core.errors",
        "core.text",
        "core.safe_text",
        "core.colours",
        "core.bins",
        "core.difficulty",
        "core.waiting",
        "core.freed_memory",
        "core.packed",
    ),
    ("core.sorting",),
    *(
        ("core.files", "core.outputs"),
        ("core.schema", "core.table"),
        ("core.imaging",),
        ("core.cells",),
        ("core.results",),
        ("core.exchange",),
        ("core.scoring",),
        ("core.study",),
        ("core.synthetic",),
    ),
    *(
        ("core.model",),
        ("core.segmentation",),
        ("core.slides",),
        ("core.interactive",),
        ("core.training_set",),
        ("core.fine_tuning",),
    ),
    *(("api",), ("plugin.parts",), ("plugin",), ("plugin.dock",), ("plugin.demo",), ("cli",)),
)
DOCKS = ("segment", "measure", "compare", "correct", "train")
MOST_LINES = 400


def modules():
    """Each module's file by its name, without the package in front."""
    files = {path.relative_to(PACKAGE).with_suffix("").parts: path for path in sorted(PACKAGE.rglob("*.py"))}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for parts, path in files.items()}


MODULES = modules()


def imported(name):
    """The modules of the package that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            folder = [NAME, *MODULES[name].relative_to(PACKAGE).parent.parts]
            above = folder[: len(folder) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            names = [f"{source}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for full in names:
            parts = full.split(".")
            if parts[0] == NAME:
                inner = ".".join(parts[1:])
                # what is imported from a module is no module
                found.add(inner if inner in MODULES else ".".join(parts[1:-1]))
    return found - {name, ""}


IMPORTS = {name: imported(name) for name in MODULES}


def test_the_search_sees_imports_of_all_kinds():
    assert "core.errors" in IMPORTS["core.files"]  # at the top
    assert "core.synthetic.shapes" in IMPORTS["core.synthetic.camera"]  # relative
    assert "plugin" in {other.split(".")[0] for other in IMPORTS["cli.demo"]}  # in a function
    assert len(MODULES) > 200
    assert all(other in MODULES for others in IMPORTS.values() for other in others)


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' -> '.join(error.args[1])}")


def room_of(name):
    parts = name.split(".")
    if parts[0] == "core":
        return ".".join(parts[:2])
    if parts[0] == "plugin" and len(parts) > 1 and parts[1] in ("parts", "demo"):
        return ".".join(parts[:2])
    return "plugin.dock" if parts[0] == "plugin" and len(parts) > 1 and parts[1] in DOCKS else parts[0]


def test_no_import_runs_upwards():
    level = {room: i for i, rooms in enumerate(ROOMS) for room in rooms}
    inside = [name for name in MODULES if name.split(".")[0] in ("core", "api", "plugin", "cli") and name != "core"]
    assert {room_of(name) for name in inside} == set(level)
    upwards = [
        f"{name} imports {other}"
        for name in inside
        for other in IMPORTS[name]
        if other in inside and level[room_of(other)] > level[room_of(name)]
    ]
    assert upwards == []


def test_docks_know_nothing_of_each_other():
    between = [
        f"{name} imports {other}"
        for name in MODULES
        for other in IMPORTS[name]
        if room_of(name) == room_of(other) == "plugin.dock" and name.split(".")[1] != other.split(".")[1]
    ]
    assert between == []


@pytest.mark.parametrize("room", ["core", "cli", "api", "plugin"])
def test_no_file_is_too_long_to_read_at_once(room):
    lines = {
        name: len(path.read_text(encoding="utf-8").splitlines())
        for name, path in MODULES.items()
        if name.split(".")[0] == room
    }
    assert {name: number for name, number in lines.items() if number > MOST_LINES} == {}


def test_one_place_starts_work_beside_the_window():
    """But for downloads side by side, for which napari itself waits."""
    starters = ("Thread", "ThreadPoolExecutor", "create_worker", "thread_worker", "QThread", "QThreadPool", "QRunnable")
    found = {
        name
        for name, path in MODULES.items()
        if name.startswith("plugin.")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} & set(starters)
    }
    assert found == {"plugin.background", "plugin.sample_data"}


def test_what_all_docks_share_knows_no_dock_and_no_session():
    shared = [name for name in MODULES if name.startswith(("plugin.parts.", "plugin.canvas.", "plugin.background"))]
    known = {other for name in shared for other in IMPORTS[name] if other.startswith("plugin.")}
    rooms = ("plugin.parts", "plugin.canvas", "plugin.settings", "plugin.image_state")
    assert {other for other in known if not other.startswith(rooms)} == set()
