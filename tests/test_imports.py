import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import napari_leukocyte

PACKAGE = Path(napari_leukocyte.__file__).parent
# From the ground up: no room imports one that comes later; CONTRIBUTING.md has the same map.
ROOMS = (
    *("core", "core.imaging", "core.cells", "core.results", "core.scoring", "core.synthetic", "core.model"),
    *("core.segmentation", "core.training_set", "core.fine_tuning"),
    *("api", "plugin.parts", "plugin", "plugin.dock", "plugin.demo", "cli"),
)
DOCKS = ("segment", "measure", "compare", "correct", "train")
FORBIDDEN = ("napari", "qtpy", "magicgui", "superqt", "vispy", "PyQt5", "PyQt6", "PySide6")


def loaded_after(statement, *names):
    """Which of ``names`` a fresh interpreter has loaded after the statement."""
    code = f"import sys\n{statement}\nprint(*[n for n in {names!r} if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.split()


def modules_of(folder):
    paths = [p for p in (PACKAGE / folder).rglob("*.py") if p.name != "__init__.py"]
    return [".".join(("napari_leukocyte", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in sorted(paths)]


def test_core_never_imports_napari_or_qt():
    modules = modules_of("core")
    assert len(modules) > 30
    assert loaded_after(f"import {', '.join(modules)}", *FORBIDDEN, modules[0]) == [modules[0]]


def test_importing_the_package_is_light():
    assert loaded_after("import napari_leukocyte", "torch", "napari", "skimage", "napari_leukocyte") == [
        "napari_leukocyte"
    ]


def test_the_names_of_the_package_load_when_they_are_used_and_torch_when_something_is_segmented():
    unused = loaded_after("import napari_leukocyte", "numpy", "importlib.metadata", "napari_leukocyte.api")
    used = "import napari_leukocyte as nl\n[getattr(nl, name) for name in nl.__all__]\nnl.score([[1]], [[1]])"
    assert unused == []
    assert loaded_after(used, "torch", "pandas", *FORBIDDEN, "numpy") == ["numpy"]


def test_only_model_segmentation_and_resampling_need_torch():
    modules = [m for part in ("cells", "scoring", "synthetic") for m in modules_of(f"core/{part}")]
    assert loaded_after(f"import {', '.join(modules)}", "torch") == []


@cache
def imports_by_file():
    """For each module the modules of the package that it imports, also within functions and for type checkers."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(("napari_leukocyte", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        nodes = [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)
        ]
        found[module] = {node.module for node in nodes if node.module and node.module.startswith("napari_leukocyte.")}
    return found


def room_of(module):
    parts = module.split(".")[1:]
    if parts == ["plugin", "demo"]:
        return "plugin.demo"  # it opens a dock
    if parts[0] == "plugin" and len(parts) > 2:
        return "plugin.dock" if parts[1] in DOCKS else "plugin.parts" if parts[1] == "parts" else "plugin"
    return ".".join(parts[:2]) if parts[0] == "core" and len(parts) > 2 else parts[0]


def test_no_import_runs_in_a_circle():
    # the package's own names load when they are used
    imports = {module: found for module, found in imports_by_file().items() if module != "napari_leukocyte"}
    assert len(list(TopologicalSorter(imports).static_order())) > 200


def test_no_import_runs_upwards():
    rank = {room: number for number, room in enumerate(ROOMS)}
    imports = {module: found for module, found in imports_by_file().items() if module.count(".") > 1}
    assert {room_of(module) for module in imports} == set(ROOMS)
    upwards = [
        f"{module} imports {other}"
        for module, found in imports.items()
        for other in found
        if rank[room_of(other)] > rank[room_of(module)]
    ]
    assert upwards == []


def test_docks_know_nothing_of_each_other():
    between = [
        f"{module} imports {other}"
        for module, found in imports_by_file().items()
        for other in found
        if module.count(".") > 1 and room_of(module) == room_of(other) == "plugin.dock"
        if module.split(".")[2] != other.split(".")[2]
    ]
    assert between == []
