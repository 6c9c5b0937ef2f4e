"""The tested set in constraints.txt fits what pyproject.toml asks for, on every Python and system."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
ASKED = [
    Requirement(text)
    for texts in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in texts
    if not text.startswith(PROJECT["name"])
]


def pins(python: str, system: str) -> dict[str, str]:
    """The version of each package on one Python and one system."""
    environment = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": system}
    valid = [pin for pin in PINS if pin.marker is None or pin.marker.evaluate(environment)]
    names = [canonicalize_name(pin.name) for pin in valid]
    assert len(names) == len(set(names))  # one version each
    return {name: str(pin.specifier).removeprefix("==") for name, pin in zip(names, valid, strict=True)}


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_every_requirement_has_a_pin_that_meets_it(python, system):
    chosen = pins(python, system)
    for requirement in ASKED:
        assert chosen[canonicalize_name(requirement.name)] in requirement.specifier


def test_every_build_of_torch_fits():
    assert not [pin.name for pin in PINS if pin.name.startswith(("nvidia", "cuda", "triton"))]
    assert not [pin for pin in PINS if "+" in str(pin.specifier)]
