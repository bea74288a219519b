"""docs/guide.md names all that a learner can call, set and press, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.event import EVENTS
from vmwidgets.engine.base.units import binary_size

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "guide.md").read_text()
ROWS = [
    [cell.strip() for cell in line.replace("\\|", "").split("|")[1:-1]]
    for line in TEXT.splitlines()
    if line.startswith("|")
]
MARKED = {word for row in ROWS for word in re.findall(r"`([^`]+)`", row[0])}


def row_of(name: str) -> list[str]:
    """The first row that tells about `name`."""
    return next(row for row in ROWS if f"`{name}" in row[0])


def options_of(view: type[vm.View]) -> set[str]:
    """What the engine of options accepts for `view`."""
    return {name for name, trait in view.class_traits().items() if trait.metadata.get("public")} | {"layout"}


def test_everything_that_the_package_offers_is_named() -> None:
    missing = [name for name in vm.__all__ if not re.search(rf"`?vm\.{name}\b", TEXT)]
    assert missing == ["Machine", "View"]  # what one holds, and never makes


def test_a_learner_sees_what_is_offered_and_no_more() -> None:
    assert [name for name in dir(vm) if not name.startswith("__")] == sorted(vm.__all__)
    assert dir(vm.lab) == sorted(vm.lab.__all__), "names of authors are in lab.author"


def test_each_kind_of_event_is_behind_one_name() -> None:
    """The guide says that what an operation did are classes of `vm.events`."""
    machine = vm.boot(layout="tiny")
    machine.kmem_alloc_wait("64 KiB")
    machine.spawn(machine.kmem_alloc_wait, "4 KiB", name="sleeper")
    machine.run()
    kinds = {type(event) for operation in machine.journal for event in operation.events}
    assert {"TreeLinked", "MapLocked", "ThreadSlept"} <= {kind.__name__ for kind in kinds}
    assert [kind.__name__ for kind in kinds if getattr(vm.events, kind.__name__, None) is not kind] == []
    assert set(EVENTS) <= set(dir(vm.events))
    assert [name for name in dir(vm.events) if not name[0].isupper()] == []


@pytest.mark.parametrize("name", vm.LAYOUTS)
def test_a_layout_is_told_with_its_size_and_room(name: str) -> None:
    layout, machine = vm.LAYOUTS[name], vm.boot(layout=name)
    _, size, room, _ = row_of(name)
    assert size == binary_size(layout.kernel_end - layout.kernel_start)
    assert room == f"{machine.kentry.room:,}"


def test_the_options_of_the_views_are_all_told() -> None:
    told = {name: set(re.findall(r"`(\w+)`", row_of(f"vm.{name}")[2])) for name in ("Map", "Kentry", "Walk")}
    assert told == {name: options_of(getattr(vm, name)) for name in told}
    for name in ("Tree", "EntryList", "Ribbon"):
        assert row_of(f"vm.{name}")[2] == "the same"
        assert options_of(getattr(vm, name)) == told["Map"]
    assert row_of("vm.Dashboard(m)")[2] == "the same"
    assert row_of("vm.Dashboard(t, panes")[2] == "the same, `address`"
    assert options_of(vm.Dashboard) == {*told["Map"], "address"}
    for name in ("Kmem", "Threads", "Frames", "Slabs", "Domain", "Vnodes"):
        assert row_of(f"vm.{name}")[2] == "the same"
        assert options_of(getattr(vm, name)) == told["Kentry"]
    assert {*told["Map"], *told["Walk"]} <= MARKED


@pytest.mark.parametrize(
    "target",
    ["kernel_map", "task", "kentry", "machine", "exec_map", "pagedaemon", "unchecked", "domain", "memobj"],
)
def test_the_operations_are_all_told(target: str) -> None:
    machine = vm.boot()
    domain = machine.domain("d")
    things = {"task": machine.task("t"), "machine": machine, "exec_map": machine.kmem.exec_map, "domain": domain}
    things["domain"] = machine.domain("d")
    things["memobj"] = machine.domain("d").anonymous("4 KiB")
    thing = things[target] if target in things else getattr(machine, target)
    wrapped = [name for name in dir(type(thing)) if getattr(getattr(type(thing), name), "is_operation", False)]
    names = [name for name in wrapped if not name.startswith("_")]
    assert names
    assert [name for name in names if not re.search(rf"\b{name}\(|m\.{name.removeprefix('set_')} =", TEXT)] == []


def test_the_keys_are_those_of_the_front_end() -> None:
    source = (ROOT / "js" / "src" / "figure.ts").read_text()
    pressed = set(re.findall(r'case "([^"]+)":', source)) | {"Home", "End"}
    spelled = {" ": "Space"}
    told = {word.strip("`,") for row in ROWS for word in row[0].split()}
    assert {spelled.get(key, key) for key in pressed} - told == set()
