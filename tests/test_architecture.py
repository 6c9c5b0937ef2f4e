"""The shape of the house: what may import what, in the source as it is written (imports for types only, too)."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import napari_leukocyte

PACKAGE = Path(napari_leukocyte.__file__).parent
NAME = PACKAGE.name
# Lowest first: a room knows those before it, and none of those behind it.
ROOMS_OF_CORE = (
    ("errors", "text", "colours", "bins", "difficulty"),
    ("files",),
    ("imaging",),
    ("cells",),
    ("results",),
    ("scoring",),
    ("synthetic",),
    ("model",),
    ("segmentation",),
    ("training_set",),
    ("fine_tuning",),
)
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


def test_core_knows_nobody_who_uses_it():
    upwards = [
        (name, other)
        for name in MODULES
        if name.split(".")[0] == "core"
        for other in IMPORTS[name]
        if other.split(".")[0] != "core"
    ]
    assert upwards == []


def test_no_room_of_core_imports_one_behind_it():
    level = {room: i for i, rooms in enumerate(ROOMS_OF_CORE) for room in rooms}
    assert {name.split(".")[1] for name in MODULES if name.startswith("core.")} == set(level)
    upwards = [
        (name, other)
        for name in MODULES
        if name.startswith("core.")
        for other in IMPORTS[name]
        if level[other.split(".")[1]] > level[name.split(".")[1]]
    ]
    assert upwards == []


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
