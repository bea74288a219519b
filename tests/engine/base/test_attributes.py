"""What is said of an attribute that a machine or a part of it does not have; asking for one stays cheap."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.base import attributes
from vmwidgets.engine.base.attributes import Unsettable
from vmwidgets.engine.base.operations import Door
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.kernel.map.core import MapCore
from vmwidgets.engine.machine.history import History
from vmwidgets.engine.machine.system import System


@pytest.fixture
def machine() -> vm.Machine:
    machine = vm.boot()
    machine.task("init")
    machine.domain("self")
    machine.file("motd", b"x")
    machine.object("shared", 1)
    return machine


PARTS: list[tuple[str, str, str]] = [
    ("m", "branhc", "branch"),
    ("m", "objcts", "objects"),
    ("m.kernel_map", "entr", "enter"),
    ("m.tasks['init']", "wlak", "walk"),
    ("m.tasks['init'].map", "wirte", "wire"),
    ("m.tasks['init'].tables", "descriptr_at", "descriptor_at"),
    ("m.domains['self']", "mapp", "map"),
    ("m.cpus[0]", "flsh", "flush"),
    ("m.frames", "ownr", "owner"),
    ("m.files['motd']", "szie", "size"),
    ("m.objects['shared']", "resdent", "resident"),
    ("m.kmem", "exec_mp", "exec_map"),
    ("m.threads", "tikcs", "ticks"),
    ("m.journal", "lats", "last"),
]


@pytest.mark.parametrize(("part", "wrong", "right"), PARTS)
def test_a_misspelt_attribute_gets_the_nearest_name(machine: vm.Machine, part: str, wrong: str, right: str) -> None:
    thing: Any = eval(part, {"m": machine})
    assert right in dir(thing)
    with pytest.raises(AttributeError, match=rf" has no {wrong}; did you mean {right}\?"):
        getattr(thing, wrong)


@pytest.mark.parametrize(
    ("part", "name", "place"),
    [
        ("m", "enter", "m.kernel_map.enter"),
        ("m.tasks['init']", "enter", "task.map.enter"),
        ("m", "fork", "m.tasks[...].fork"),
        ("m.kernel_map", "walk", "m.walk"),
        ("m.tasks['init'].map", "kmem", "m.kmem"),
    ],
)
def test_what_a_part_or_the_machine_has_is_looked_up_there(
    machine: vm.Machine, part: str, name: str, place: str
) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(eval(part, {"m": machine}), name)
    assert str(caught.value).endswith(f": {place}")


def test_a_key_is_no_attribute(machine: vm.Machine) -> None:
    for wrong in ("init", "inti"):
        with pytest.raises(AttributeError, match=rf"has no {wrong}; write a key in brackets: \['init'\]"):
            getattr(machine.tasks, wrong)


def test_asking_finds_nothing_and_makes_no_sentence(machine: vm.Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attributes, "_sentence", lambda *_: pytest.fail("a sentence that nobody reads"))
    for thing in (machine, machine.kernel_map, machine.tasks["init"], machine.tasks, machine.journal):
        assert not hasattr(thing, "wlak")
        assert getattr(thing, "wlak", 3) == 3
        assert not hasattr(thing, "_repr_html_")
        assert not hasattr(thing, "__wrapped__")


def test_copies_and_properties_fail_as_before(machine: vm.Machine) -> None:
    for thing in (machine, machine.kernel_map, machine.tasks["init"]):
        for way in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(vm.Refused, match="can't be copied"):
                way(thing)
    assert copy.copy(machine.tasks) == machine.tasks

    class Broken(attributes.Suggesting):
        @property
        def inner(self) -> int:
            return [].inner  # type: ignore[attr-defined, no-any-return]  # it fails so

    with pytest.raises(AttributeError, match="'list' object has no attribute 'inner'"):
        _ = Broken().inner


def test_the_error_travels_as_its_sentence(machine: vm.Machine) -> None:
    with pytest.raises(AttributeError) as caught:
        machine.tasks["init"].wlak  # type: ignore[attr-defined]  # noqa: B018
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("said", "use"),
    [
        ("module 'vmwidgets' has no attribute 'Tabels'; did you mean Tables?", lambda: vm.Tabels),
        ("module 'vmwidgets' has no attribute 'SHARING'; did you mean Sharing?", lambda: vm.SHARING),
        ("module 'vmwidgets' has no attribute 'PAGES'; did you mean PAGE?", lambda: vm.PAGES),
        ("module 'vmwidgets' has no attribute 'walk'; a task has it: task.walk", lambda: vm.walk),
        ("module 'vmwidgets' has no attribute 'undo'; a machine has it: m.undo", lambda: vm.undo),
        ("module 'vmwidgets' has no attribute 'predict'; lab has it: vm.lab.predict", lambda: vm.predict),
        ("module 'lab' has no attribute 'hints'; did you mean hint?", lambda: lab.hints),
        ("module 'lab' has no attribute 'criterion'; lab.author has it: lab.author.criterion", lambda: lab.criterion),
        ("module 'lab' has no attribute 'qwerty'; dir() lists what it has", lambda: lab.qwerty),
    ],
)
def test_a_name_that_a_module_lacks_leads_to_the_right_one(said: str, use: Any) -> None:
    with pytest.raises(AttributeError) as caught:
        use()
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wait", r"exit\(\) ends a task"),
        ("open", r"m\.file\(name, bytes\)"),
        ("malloc", r"mmap\(size\)"),
        ("kill", r"exit\(\)"),
    ],
)
def test_calls_that_people_know_from_elsewhere_lead_to_ours_or_to_none(name: str, said: str) -> None:
    task = vm.boot("x86-64").task("init")
    with pytest.raises(AttributeError, match=said) as caught:
        getattr(task, name)
    assert "did you mean" not in str(caught.value)


def test_what_is_not_alike_is_not_suggested() -> None:
    with pytest.raises(AttributeError, match=r"has no waits; dir\(\) lists what it has"):
        getattr(vm.boot("x86-64").task("init"), "waits")  # noqa: B009  a type checker knows that there is none


def test_an_attribute_that_cant_be_set_says_so_in_one_sentence() -> None:
    with pytest.raises(Unsettable, match="cpus can't be set: cpus is a part of it"):
        setattr(vm.boot("x86-64"), "cpus", 2)  # noqa: B010  a type checker knows that it can't be set


def test_completion_lists_what_a_learner_uses_and_not_how_it_is_built() -> None:
    machine = vm.boot("x86-64")
    task, domain = machine.task("init"), machine.domain("hello")
    for thing in (machine, task, task.map, machine.kernel_map, machine.kmem, machine.cpus, machine.frames, domain):
        names = [name for name in dir(thing) if not name.startswith("_")]
        built = [name for name in names if isinstance(getattr(thing, name), (System, Recorder, Door, History, MapCore))]
        assert built == []
        assert {"read", "write"} <= {*names} or not hasattr(thing, "read")
        assert not {"made_by", "path", "absent", "inside"} & {*names}


def test_completion_of_a_picture_lists_each_way_to_a_moment() -> None:
    names = dir(vm.Map(vm.boot("x86-64")))
    assert {"jump", "find", "moment", "step"} <= {*names}
