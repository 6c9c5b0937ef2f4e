"""The names that ``import napari_leukocyte`` offers."""

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import napari_leukocyte as nl


def test_every_public_name_is_there_and_comes_from_where_type_checkers_are_told():
    tree = ast.parse(Path(nl.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    told = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {*told, "__version__"} == set(nl.__all__)
    for name, module in told.items():
        assert getattr(nl, name) is getattr(importlib.import_module(module), name)
    assert set(nl.__all__) <= set(dir(nl))


def test_public_names_say_what_they_are():
    for name in nl.__all__:
        value = getattr(nl, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert inspect.getdoc(value), name


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'sgment'"):
        nl.sgment  # noqa: B018
    assert not hasattr(nl, "no_such_thing")


def test_every_error_of_ours_is_offered():
    from napari_leukocyte.core.errors import LeukocyteError

    def below(cls):
        return {cls}.union(*map(below, cls.__subclasses__()))

    for module in pkgutil.walk_packages(nl.core.__path__, "napari_leukocyte.core."):
        importlib.import_module(module.name)
    ours = {cls for cls in below(LeukocyteError) if cls.__module__.startswith("napari_leukocyte.")}
    assert {cls.__name__ for cls in ours} <= set(nl.__all__)


def test_the_version_stands_in_one_place_and_the_citation_agrees():
    root = Path(__file__).parents[1]
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert re.search(r"^version: (\S+)$", (root / "CITATION.cff").read_text(encoding="utf-8"), re.M)[1] == version
    written = [path for path in (root / "src").rglob("*.py") if f'"{version}"' in path.read_text(encoding="utf-8")]
    assert written == []  # the program asks its metadata
