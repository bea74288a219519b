"""What views are given: a wrong target or option is refused where the view is made, in one sentence."""

from __future__ import annotations

import gc
import re
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances

import vmwidgets as vm
from vmwidgets.engine.base.errors import shown


class Raising:
    """Whatever it is asked, it raises."""

    def __index__(self) -> int:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot("x86-64")


def refused(view: Any, target: Any, **options: Any) -> str:
    with pytest.raises(vm.Refused) as caught:
        view(target, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert 10 < len(message) < 300
    return message


VIEWS = (vm.Map, vm.Tree, vm.EntryList, vm.Ribbon, vm.Dashboard, vm.Kentry, vm.Walk)
KERNEL_MEMORY = (vm.Kmem, vm.Threads, vm.Frames, vm.Slabs)


@pytest.mark.parametrize("view", [*VIEWS, *KERNEL_MEMORY])
@pytest.mark.parametrize("target", [5, None, "kernel_map", [], Raising(), object, 10**5000], ids=shown)
def test_what_is_no_part_of_a_machine(view: Any, target: Any) -> None:
    assert refused(view, target).startswith(f"{view.__name__} shows ")


def test_parts_of_a_machine_that_a_view_does_not_show(machine: vm.Machine) -> None:
    task, target, walk = machine.task("t"), machine.object("o"), machine.walk(0)
    for thing in (task, machine.kernel_map, walk, target):
        assert "machine.kentry, not " in refused(vm.Kentry, thing)
    for part in (machine.kernel_map, machine.kentry):
        assert "task.walk(address)" in refused(vm.Walk, part)
    for other in (machine.kentry, walk, target):
        assert "Map shows a map" in refused(vm.Map, other)


def test_a_walk_whose_machine_is_gone() -> None:
    walk = vm.boot("x86-64").walk(0)
    gc.collect()
    assert walk.machine is None
    assert "the machine that was walked is gone" in refused(vm.Walk, walk)


def test_the_kentry_area_of_a_machine(machine: vm.Machine) -> None:
    assert vm.Kentry(machine).target is machine.kentry
    assert vm.Kentry(machine).scene() == vm.Kentry(machine.kentry).scene()


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("find", "0x1g", "find='0x1g', but it must be an address, as an integer or a text such as '0x40_1000' or None"),
        ("find", str(2**64), "find='18446744073709551616', but it must be an address"),
        ("find", 1.5, "find=1.5"),
        ("whole", 0, "whole=0, but it must be an int, at least 1"),
        ("whole", -(10**5000), "whole=a number of 16610 bits"),
        ("whole", Raising(), "whole=a Raising"),
        ("whole", None, "whole=None"),
        ("step", -2, "step=-2, but it must be an int, at least -1"),
        ("selection", 5, "selection=5, but it must be a unicode string"),
        ("layout", 5, "layout=5"),
        ("layout", {"width": 5}, "layout={'width': 5}"),
    ],
    ids=shown,
)
def test_values_that_an_option_does_not_take(machine: vm.Machine, option: str, value: Any, wanted: str) -> None:
    before = len(_instances)
    message = refused(vm.Map, machine.kernel_map, **{option: value})
    assert message.startswith("Map: " + wanted)
    assert len(_instances) <= before + 2, "the hub and its layout may be made; the view is not"


def test_addresses_are_written_as_calls_take_them(machine: vm.Machine) -> None:
    start = machine.kernel_map.start
    by_text, by_number = (vm.Map(machine.kernel_map, find=find) for find in (str(start), int(start)))
    assert by_text.find == by_number.find == start
    assert by_text.scene() == by_number.scene()
    by_text.find = "ffff 8080 0000 1000"
    assert by_text.find == start + vm.PAGE
    assert vm.Walk(machine.walk(0), address="0x4000_0000").address == 1 << 30
    assert vm.Tables(machine, address="1 MiB").address == 1 << 20


def test_options_of_a_walk(machine: vm.Machine) -> None:
    walk = machine.walk(0)
    most = f"at least 0 and at most {2**64 - 1:#x}"
    assert most in refused(vm.Walk, walk, address=-1)
    assert most in refused(vm.Walk, walk, address=2**64)
    assert "access='reed', but it must be any of ['read', 'write', 'execute']" in refused(vm.Walk, walk, access="reed")
    assert "user='yes'" in refused(vm.Walk, walk, user="yes")


def test_values_that_options_take(machine: vm.Machine) -> None:
    view = vm.Map(machine.kernel_map, find=machine.kernel_map.start, whole=5, step=0, layout={"width": "50%"})
    assert (view.find, view.whole, view.step, view.layout.width) == (machine.kernel_map.start, 5, 0, "50%")
    assert vm.Map(machine.kernel_map, find=None).find is None


@pytest.mark.parametrize(("name", "value"), [("find", "zz"), ("whole", 0), ("scale", 9), ("scale", "x"), ("step", -2)])
def test_an_option_that_is_set_later_is_refused_as_at_the_beginning(name, value):
    m = vm.boot()
    view = vm.Map(m.kernel_map)
    before = getattr(view, name)
    with pytest.raises(vm.Refused) as at_first:
        vm.Map(m.kernel_map, **{name: value})
    with pytest.raises(vm.Refused) as later:
        setattr(view, name, value)
    assert str(later.value) == str(at_first.value)
    assert getattr(view, name) == before


def test_a_second_thing_is_refused_and_the_first_says_what_is_right(machine: vm.Machine) -> None:
    walk: Any = vm.Walk
    fault: Any = vm.Fault
    with pytest.raises(vm.Refused, match=r"^Walk shows the result of a walk, not <machine"):
        walk(machine, 0x1000)
    with pytest.raises(vm.Refused, match=r"^Fault shows one thing, here <task 'init'.*, and not 3 too; an option"):
        fault(machine.task("init"), 3)


def test_an_option_of_the_constructor_alone_is_named_too(machine: vm.Machine) -> None:
    assert refused(vm.Dashboard, machine, pane="tlb").endswith("did you mean 'panes'?")
    assert refused(vm.Dashboard, machine, ak=True).endswith("did you mean 'ask'?")
    options = refused(vm.Dashboard, machine, colour="red").partition("it has ")[2].split(", ")
    assert {"ask", "panes", "whole", "width"} <= {*options}
    assert "machine" not in options


def test_an_option_of_the_constructor_alone_is_not_set_later(machine: vm.Machine) -> None:
    dashboard: Any = vm.Dashboard(machine)
    with pytest.raises(vm.Refused, match="panes can't be changed: make the picture again, with panes="):
        dashboard.panes = "tlb"


def test_beside_what_is_no_picture_says_what_to_write(machine: vm.Machine) -> None:
    sharing: Any = vm.Sharing(machine)
    again = machine.again(fork="counted")
    with pytest.raises(vm.Refused, match=r"^beside: an Again is not a picture; .* vm\.Sharing\(again\.machine\)$"):
        sharing.beside(again)
    assert sharing.beside(vm.Sharing(again.machine)).machines == (machine, again.machine)


@pytest.mark.parametrize("name", ["m", "task", "domain", "tables", "paper"])
def test_the_call_that_a_refusal_of_a_walk_names_shows_the_walk(name: str) -> None:
    m = vm.boot("x86-64")
    task, domain = m.task("init"), m.domain("hello")
    paper = vm.paper(va=14, pa=12, page=64).map({0xF: 0xD})
    there: dict[str, Any] = {"m": m, "task": task, "domain": domain, "tables": task.tables, "paper": paper}
    with pytest.raises(vm.Refused) as refused:
        vm.Walk(there[name], address=0x3D7)
    (call,) = re.findall(r"write vm\.Walk\((.*)\)$", str(refused.value))
    assert vm.Walk(eval(call, {}, there)).address == 0x3D7  # the sentence is a line of Python
