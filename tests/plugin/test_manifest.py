import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import npe2
import pytest

import napari_leukocyte

ROOT = Path(__file__).parents[2]
PACKAGE = Path(napari_leukocyte.__file__).parent


@pytest.fixture(scope="module")
def manifest():
    return npe2.PluginManifest.from_distribution("napari-leukocyte")


def python_names(manifest):
    return [str(command.python_name) for command in manifest.contributions.commands]


def test_the_manifest_holds_and_belongs_to_the_distribution(manifest):
    manifest.validate_imports()
    assert manifest.name == "napari-leukocyte"
    assert manifest.display_name == "Leukocyte"
    assert all(command.id.startswith("napari-leukocyte.") for command in manifest.contributions.commands)


@pytest.mark.skipif(not (ROOT / "napari.yaml").exists(), reason="only a checkout has the link")
def test_the_manifest_at_the_root_is_the_one_in_the_package():
    assert (ROOT / "napari.yaml").samefile(PACKAGE / "napari.yaml")


def test_every_command_can_be_called(manifest):
    for name in python_names(manifest):
        module, attribute = name.split(":")
        assert callable(getattr(importlib.import_module(module), attribute)), name


def test_every_command_is_reachable(manifest):
    contributions = manifest.contributions
    used = {
        item.command
        for kind in ("widgets", "readers", "writers", "sample_data")
        for item in getattr(contributions, kind)
    }
    used |= {item.command for items in contributions.menus.values() for item in items}
    assert used == {command.id for command in contributions.commands}


def test_every_key_of_the_class_map_is_a_command_too(manifest):
    from napari_leukocyte.plugin.canvas.class_map_layer import KEYS

    commands = {command.id for command in manifest.contributions.commands}
    assert {f"napari-leukocyte.{name}" for name in KEYS.values()} <= commands


def test_opening_napari_waits_for_no_heavy_library(manifest):
    modules = sorted({name.split(":")[0] for name in python_names(manifest)})
    code = f"""
import sys
import napari_leukocyte, {", ".join(modules)}
print(*[name for name in ("torch", "scipy", "skimage", "matplotlib", "pooch", "PIL") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_napari_finds_the_samples_and_the_writer(npe2pm):
    npe2pm.register(npe2.PluginManifest.from_distribution("napari-leukocyte"))
    samples = {sample.key for name, found in npe2pm.iter_sample_data() for sample in found}
    assert samples == {"cell", "field", "stack", "zheng1", "zheng2"}
    writer = npe2pm.get_writer("x.png", ["labels"])[0]
    assert writer.command == "napari-leukocyte.write_class_map"
    assert npe2pm.get_writer("x.png", ["image"])[0] is None
    assert npe2pm.get_writer("x.png", ["labels", "labels"])[0] is None


def test_the_wheel_has_all_that_is_needed_at_run_time_and_no_more(tmp_path):
    pytest.importorskip("hatchling")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("only a checkout can be built")
    from hatchling.builders.wheel import WheelBuilder

    built = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    names = zipfile.ZipFile(built).namelist()
    for path in PACKAGE.rglob("*"):
        if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in path.parts):
            assert f"napari_leukocyte/{path.relative_to(PACKAGE).as_posix()}" in names
    assert "napari_leukocyte/napari.yaml" in names
    assert "napari_leukocyte/plugin/zheng-registry.txt" in names
    assert any(name.startswith("napari_leukocyte/weights/") and name.endswith(".safetensors") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert tops == {"napari_leukocyte", f"napari_leukocyte-{napari_leukocyte.__version__}.dist-info"}
    assert not [name for name in names if "test" in name.split("/")[-1]]
