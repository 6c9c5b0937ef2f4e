"""What ``./run`` decides about Python and torch, tried on dummy wheels in local folders, without a network."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "run"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="run is a bash script")


def add_wheel(index: Path, version: str) -> str:
    """Add a torch without content to a folder that is laid out like a package index; give the folder's URL."""
    folder = index / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    info = f"torch-{version}.dist-info"
    files = {
        "torch.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}\n"
        for name, text in files.items()
    )
    name = f"torch-{version}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    (folder / "index.html").write_text(
        "".join(f'<a href="{path.name}">{path.name}</a>' for path in folder.glob("*.whl"))
    )
    return index.as_uri()


class Machine:
    """A project folder with the script, and commands that stand in front of the machine's own."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin = folder / "project", folder / "bin"
        self.root.mkdir()
        self.bin.mkdir()
        shutil.copy(RUN, self.root)
        (self.root / "constraints.txt").write_text("torch==2.13.0\n")
        self.venv = self.root / ".venv"
        venv.create(self.venv, symlinks=True)
        # the pip that is here installs there, which is quicker than a pip of its own
        (self.venv / "bin/python").rename(self.venv / "bin/own")
        pip = f'exec "{sys.executable}" -m pip --python "{self.venv}/bin/own" "$@"'
        self.write(
            self.venv / "bin/python",
            f'if [ "$2" = pip ]; then shift 2; {pip}; else exec "$(dirname "$0")/own" "$@"; fi',
        )
        pypi = add_wheel(folder / "pypi", "2.13.0")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "TORCH_"))}
        self.environment = kept | {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": pypi}
        self.has("nvidia-smi", "echo No devices were found; exit 6")
        self.has("uname", "echo Linux")

    def has(self, command: str, script: str) -> None:
        self.write(self.bin / command, script)

    @staticmethod
    def write(path: Path, script: str) -> None:
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def bash(self, script: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["bash", "-c", f'source ./run; PATH="{self.bin}:$PATH"; {script}'],
            cwd=self.root,
            env=self.environment | environment,
            capture_output=True,
            text=True,
        )

    def take_torch(self, cpu_index: str, **environment: str) -> subprocess.CompletedProcess:
        """Do as ``./run`` does before it installs everything else."""
        return self.bash(f'cpu_index="{cpu_index}"; ensure_torch "$(torch_index)"', **environment)

    def torch(self) -> str | None:
        """The version that is installed."""
        found = list(self.venv.glob("lib/python*/site-packages/torch-*.dist-info"))
        return found[0].name.removeprefix("torch-").removesuffix(".dist-info") if found else None


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def cpu_index(tmp_path):
    return add_wheel(tmp_path / "cpu", "2.13.0+cpu")


def test_linux_without_a_gpu_takes_the_cpu_build(machine, cpu_index):
    done = machine.take_torch(cpu_index)
    assert done.returncode == 0, done.stderr
    assert machine.torch() == "2.13.0+cpu"
    assert "no NVIDIA GPU was found" in done.stderr
    assert " GB" not in done.stderr


def test_a_gpu_leaves_torch_to_pypi_and_the_size_is_said(machine, cpu_index):
    machine.has("nvidia-smi", 'echo "GPU 0: NVIDIA T400 (UUID: GPU-1)"')
    done = machine.take_torch(cpu_index)
    assert done.returncode == 0, done.stderr
    assert machine.torch() is None  # it comes with the other packages
    assert "with CUDA: 3.3 GB" in done.stderr


def test_other_systems_have_no_cuda_to_be_spared(machine, cpu_index):
    machine.has("uname", "echo Darwin")
    done = machine.take_torch(cpu_index)
    assert (done.returncode, done.stderr, machine.torch()) == (0, "", None)


def test_an_index_out_of_reach_is_said_with_the_size_of_what_comes_instead(machine, tmp_path):
    machine.has("df", "echo; echo / 0 0 20000000 0% /")
    done = machine.take_torch((tmp_path / "absent").as_uri())
    assert done.returncode == 0, done.stderr
    assert machine.torch() is None
    assert "could not be had from" in done.stderr
    assert "3.3 GB to download" in done.stderr
    assert "No matching distribution found" in done.stderr


def test_a_full_disk_is_said_before_the_large_download(machine, tmp_path):
    machine.has("df", "echo; echo / 0 0 4000000 0% /")
    done = machine.take_torch((tmp_path / "absent").as_uri())
    assert done.returncode == 1
    assert "9 GB of free disk space" in done.stderr
    assert "there are 3 GB" in done.stderr


def test_an_index_of_ones_own_replaces_what_is_there(machine, cpu_index, tmp_path):
    machine.take_torch(cpu_index)
    other = add_wheel(tmp_path / "cu126", "2.13.0+cu126")
    assert machine.take_torch(cpu_index, TORCH_INDEX_URL=other).returncode == 0
    assert machine.torch() == "2.13.0+cu126"
    assert machine.take_torch(cpu_index, TORCH_INDEX_URL="").returncode == 0
    assert machine.torch() == "2.13.0"
    absent = machine.take_torch(cpu_index, TORCH_INDEX_URL=(tmp_path / "absent").as_uri())
    assert absent.returncode == 1
    assert "absent; see above" in absent.stderr


def test_what_is_installed_is_left_alone(machine, cpu_index, tmp_path):
    machine.take_torch(cpu_index)
    shutil.rmtree(tmp_path / "cpu")
    done = machine.take_torch(cpu_index)
    assert (done.returncode, done.stderr, machine.torch()) == (0, "", "2.13.0+cpu")


@pytest.mark.parametrize(("version", "taken"), [("3.10", False), ("3.14", True), ("3.15", False)])
def test_python_is_found_by_what_it_is(machine, version, taken):
    for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3"):
        machine.has(name, "exit 1")
    fake = f"import sys; sys.version_info = ({version.replace('.', ', ')}, 0)"
    machine.has("python3", f'exec "{sys.executable}" -c "{fake}; exec(\'$2\')"')
    done = machine.bash("find_python")
    assert (done.stdout == "python3\n") is taken
    assert (done.returncode == 0) is taken


def test_a_missing_python_names_the_packages_of_debian(machine):
    shutil.rmtree(machine.venv)
    machine.has("apt-get", "exit 1")
    done = machine.bash("find_python() { return 1; }; may_install() { return 1; }; make_venv")
    assert done.returncode == 1
    assert "Python 3.11 to 3.14 is needed" in done.stderr
    assert "apt-get install --no-install-recommends python3 python3-venv" in done.stderr


def test_long_downloads_are_shown(machine):
    said = (
        "Collecting a",
        "  Downloading a-1-py3-none-any.whl (9.5 MB)",
        "  Downloading https://x.y/z/torch-2.whl (526.6 MB)",
        "Downloading b.whl (1.2 GB)",
        "Installing collected packages: a, b",
    )
    done = machine.bash(f"printf '%s\\n' {' '.join(map(repr, said))} | show_progress")
    assert done.stderr.split("\n") == [
        "  downloading torch-2.whl (526.6 MB)",
        "  downloading b.whl (1.2 GB)",
        "  unpacking",
        "",
    ]
