"""The reference has all that a learner can call, and the tour the keys that they can press."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vmwidgets as vm
from tools.site import reference
from vmwidgets.engine.base.event import EVENTS

ROOT = Path(__file__).resolve().parents[2]
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TOUR.splitlines() if line.startswith("|")]
MARKED = {word for row in ROWS for word in re.findall(r"`([^`]+)`", row[0])}


def test_a_learner_sees_what_is_offered_and_no_more() -> None:
    assert [name for name in dir(vm) if not name.startswith("__")] == sorted(vm.__all__)
    assert dir(vm.lab) == sorted(vm.lab.__all__), "names of authors are in lab.author"


def test_each_kind_of_event_is_behind_one_name() -> None:
    """What an operation did are classes of `vm.events`."""
    machine = vm.boot(layout="tiny")
    machine.kmem_alloc_wait("64 KiB")
    machine.spawn(machine.kmem_alloc_wait, "4 KiB", name="sleeper")
    machine.run()
    kinds = {type(event) for operation in machine.journal for event in operation.events}
    assert {"TreeLinked", "MapLocked", "ThreadSlept"} <= {kind.__name__ for kind in kinds}
    assert [kind.__name__ for kind in kinds if getattr(vm.events, kind.__name__, None) is not kind] == []
    assert set(EVENTS) <= set(dir(vm.events))
    assert [name for name in dir(vm.events) if not name[0].isupper()] == []


def test_each_part_that_a_machine_hands_out_has_its_page() -> None:
    machine = vm.boot("x86-64")
    task, domain = machine.task("t"), vm.boot("armv7").domain("d")
    parts = (
        machine.kernel_map, task, task.map, task.tables, machine.file("f", b"x"), machine.object("o"), machine.tables,
        machine.cpus, machine.cpus[0], machine.kentry, machine.frames, machine.kmem, machine.kmem.exec_map,
        machine.pagedaemon, machine.threads, domain, domain.frame("4 KiB"), domain.anonymous("4 KiB"),
        machine.unchecked, machine.journal,
    )  # fmt: skip
    assert {type(part) for part in parts} == set(reference.PARTS.values())


def test_each_public_name_has_its_entry(tmp_path: Path) -> None:
    reference.write(tmp_path, lambda _name: "")
    text = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.rst"))
    entries = set(re.findall(r"::(?: py:module::)? (?:\w+\.)*(\w+)(?:\(|$)", text, re.MULTILINE))
    assert {*vm.__all__, *vm.lab.__all__} - entries == set()


@pytest.mark.parametrize("kind", [vm.Machine, *reference.PARTS.values()], ids=lambda kind: kind.__name__)
def test_each_operation_says_what_it_does(kind: type) -> None:
    offered = {name: getattr(kind, name) for name in dir(kind) if not name.startswith("_")}
    operations = {name: call for name, call in offered.items() if getattr(call, "is_operation", False)}
    assert [name for name, call in operations.items() if not call.__doc__] == []


def test_the_options_of_the_views_are_all_told() -> None:
    kinds = (vm.Map, vm.Tree, vm.Dashboard, vm.Kentry, vm.Walk, vm.Frames, vm.Domain, vm.Locality, vm.References)
    told = {name for kind in kinds for name, trait in kind.class_traits().items() if trait.metadata.get("public")}
    assert {*told, "layout"} <= MARKED


def test_the_keys_are_those_of_the_front_end() -> None:
    source = (ROOT / "js" / "src" / "figure.ts").read_text(encoding="utf-8")
    pressed = set(re.findall(r'case "([^"]+)":', source)) | {"Home", "End"}
    arrows = {" ": "Space", "ArrowLeft": "←", "ArrowRight": "→", "ArrowUp": "↑", "ArrowDown": "↓"}
    told = {word.strip("`,") for row in ROWS for word in row[0].split()}
    assert {arrows.get(key, key) for key in pressed} - told == set()
