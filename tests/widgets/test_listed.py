"""The package's pictures are listed by module, so that a notebook imports only those that it shows."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest

import vmwidgets as vm
from vmwidgets.pictures import registry
from vmwidgets.pictures.listed import FIRST_FOR, MODULE_OF, PICTURES

PACKAGE = "vmwidgets"

FIRST = """
import IPython, json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import vmwidgets as vm
m = vm.boot("x86-64")
shown = []
vm.widgets.host.show.show_widget = shown.append
shell.display_formatter.format(m.kernel_map)
print(json.dumps([[type(one).__name__ for one in shown], sorted(sys.modules)]))
"""
"""A first picture in a notebook: a cell that ends with a map."""


def own(kind: type) -> bool:
    """Whether it is the package's, not one that another test has added."""
    return kind.__module__.startswith("vmwidgets.")


def test_each_picture_is_listed_with_its_module() -> None:
    found: dict[str, set[str]] = {}
    for name, kind in registry.known_pictures().items():
        if own(kind):
            found.setdefault(kind.__module__.removeprefix(f"{PACKAGE}."), set()).add(name)
    assert {module: set(names) for module, names in PICTURES.items()} == found


def test_each_kind_of_objects_is_listed_with_its_picture() -> None:
    found: dict[str, dict[str, str]] = {}
    for kind, drawn in registry.kinds_shown().items():
        if own(kind) and own(drawn):
            found.setdefault(kind.__module__, {})[kind.__name__] = drawn.__module__.removeprefix(f"{PACKAGE}.")
    assert found == FIRST_FOR


def test_a_first_picture_imports_its_own_module_alone() -> None:
    ran = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)
    shown, modules = json.loads(ran.stdout.splitlines()[-1])
    assert shown == ["Map"]
    assert [name for name in PICTURES if f"{PACKAGE}.{name}" in modules] == ["pictures.maps"]


@pytest.mark.parametrize("name", MODULE_OF)
def test_a_picture_is_found_by_its_name(name: str) -> None:
    drawn = registry.picture_named(name)
    assert drawn is not None
    assert drawn.__module__ == f"{PACKAGE}.{MODULE_OF[name]}"
    assert issubclass(getattr(vm, name), drawn)


ADDED = """
import vmwidgets as vm
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.pictures.registry import picture_of
from vmwidgets.views.scene.kit import scene
from vmwidgets.views.scene.model import Caption, Table

@picture_of(first_for=MachineMap, name="Map")
def draw(at):
    return scene("numbers", "mine", "", [], caption=Caption(""), table=Table((), ()))

m = vm.boot()
vm.Tree(m.kernel_map), vm.Domain
print(vm.picture(m.kernel_map).scene().title, vm.Map(m.kernel_map).scene().title)
"""


def test_a_picture_that_replaces_one_of_the_package_stays() -> None:
    ran = subprocess.run([sys.executable, "-c", ADDED], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["mine", "mine"]


def test_a_listed_class_is_where_the_list_says() -> None:
    for module, kinds in FIRST_FOR.items():
        for name in kinds:
            assert isinstance(getattr(import_module(module), name), type)
