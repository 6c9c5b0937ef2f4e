"""What a fresh interpreter loads."""

import subprocess
import sys
from pathlib import Path

import napari_leukocyte

PACKAGE = Path(napari_leukocyte.__file__).parent
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


def test_docks_open_without_what_only_edits_and_results_need():
    """It takes half a second to load, and is loaded beside the window."""
    names = ("session", "cnr_text", "segment.segment_job", "measure.canvas_tools", "measure.cell_table", "gestures.bar")
    modules = [f"napari_leukocyte.plugin.{name}" for name in (*names, "compare.comparison", "correct.corrections")]
    slow = ("skimage.segmentation", "skimage.morphology", "scipy.spatial", "scipy.linalg", "matplotlib", "torch")
    needed = loaded_after("import scipy.ndimage", *slow)  # newer ones load scipy.linalg themselves
    assert loaded_after(f"import {', '.join(modules)}", *slow, modules[0]) == [*needed, modules[0]]
