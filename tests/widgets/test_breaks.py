"""Pictures jump to events of a kind and to marks, and stand at the first break of a cell."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import says
from tests.widgets.notebook import open_notebook
from tests.widgets.page import HELLO, replies
from vmwidgets.engine.machine.event_kinds import KINDS
from vmwidgets.widgets.host.pictures import pictures_of


def rotated() -> tuple[vm.Machine, list[tuple[int, int]]]:
    """A machine of several insertions, and where rotations are: operation, and events before it."""
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    for place in range(12):
        space.enter("4 KiB", at=0x10_0000 + place * 0x1_0000)
        if place == 5:
            machine.mark("half")
    places = [
        (operation.number, place)
        for operation in list(machine.journal)[1:]
        for place, event in enumerate(operation.events)
        if type(event).__name__ == "TreeRotated"
    ]
    assert len(places) >= 4
    return machine, places


def at(view: Any, machine: vm.Machine) -> tuple[int, int]:
    return machine.journal.number_of(view.moment.operation), view.moment.done


def test_a_picture_jumps_from_rotation_to_rotation_and_back() -> None:
    machine, places = rotated()
    view = vm.Tree(machine.tasks["init"].map)
    view.moment = (machine.journal[0].serial, None)
    seen = []
    for _ in places:
        view.jump("rotation")
        seen.append(at(view, machine))
    assert seen == places
    with pytest.raises(vm.Refused, match="there is no later rotation"):
        view.jump("rotation")
    assert at(view, machine) == places[-1], "it stays"
    back = []
    for _ in places[1:]:
        view.jump("rotation", -1)
        back.append(at(view, machine))
    assert back == places[-2::-1]
    view.jump("rotation", -1)
    assert at(view, machine)[0] == 0, "the boot rotates too"
    for _ in range(2):
        view.jump("rotation", -1)
    with pytest.raises(vm.Refused, match="there is no earlier rotation"):
        view.jump("rotation", -1)


def test_the_next_step_is_the_event() -> None:
    machine, _ = rotated()
    view = vm.Tree(machine.tasks["init"].map)
    view.moment = (machine.journal[0].serial, None)
    view.jump("rotation")
    view.scene()
    before = view.scene().caption.text
    view.step += 1
    assert says("map events: TreeRotated", view.scene().caption.text)
    assert not says("map events: TreeRotated", before)


def test_marks_are_jumped_to() -> None:
    machine, _ = rotated()
    view = vm.Tree(machine.tasks["init"].map)
    view.jump("mark", -1)
    assert view.moment == (machine.journal.marks["half"], None)
    with pytest.raises(vm.Refused, match="no earlier mark"):
        view.jump("mark", -1)
    with pytest.raises(vm.Refused, match="no later mark"):
        view.jump("mark")


def test_a_page_jumps_by_a_message() -> None:
    machine, places = rotated()
    view = vm.Tree(machine.tasks["init"].map)
    view.prepare(view.made_in)
    replies(view, HELLO)
    assert replies(view, {"type": "jump", "to": "rotation", "way": -1}) == []
    assert at(view, machine) == places[-1]
    (reply,) = replies(view, {"type": "jump", "to": "panic", "way": 1})
    assert reply == {"type": "refused", "reason": "jump: there is no later panic"}
    (reply,) = replies(view, {"type": "jump", "to": "nothing", "way": 1})
    assert reply["type"] == "refused"
    assert "kinds: rotation" in reply["reason"]


def test_each_kind_is_found_where_it_happens() -> None:
    machine = vm.boot("x86-64", cpus=2)
    space = machine.task("init").map
    space.enter("16 KiB", prot="rw", at=0x40_0000)
    space.enter("16 KiB", prot="rw", at=0x40_4000)
    space.remove(0x40_1000, size="4 KiB")
    task = machine.tasks["init"]
    page = task.mmap("4 KiB")
    task.write(page, b"x")
    task.fork("child").write(page, b"y")
    picture = vm.picture(vm.Map(space))
    found = {}
    for kind in ("merge", "clip", "fault", "copy", "refill"):
        picture.moment = (machine.journal[0].serial, None)
        picture.jump(kind)
        number, done = at(picture, machine)
        found[kind] = machine.journal[number].name, KINDS[kind](machine.journal.events(number)[done])
    assert found == {
        "merge": ("enter", True), "clip": ("remove", True), "fault": ("write", True), "copy": ("write", True),
        "refill": (found["refill"][0], True),
    }  # fmt: skip


def test_break_on_stands_at_the_first_of_a_cell() -> None:
    with open_notebook() as shell:
        shell.run("import vmwidgets as vm\nv = vm.boot('x86-64')\ns = v.task('init').map")
        shell.run("v.break_on('rotation')\np = vm.Tree(s)")
        shell.run("s.enter('4 KiB', at=0x10_0000)")
        assert shell.user_ns["p"].moment is None, "there was none"
        shell.run("for i in range(1, 8): s.enter('4 KiB', at=0x10_0000 + i * 0x1_0000)")
        machine, view = shell.user_ns["v"], shell.user_ns["p"]
        number, done = at(view, machine)
        assert type(machine.journal[number].events[done]).__name__ == "TreeRotated"
        earlier = [event for one in machine.journal[2:number] for event in one.events]
        assert not any(type(event).__name__ == "TreeRotated" for event in earlier)
        shell.run("v.break_on()\np.moment = None\nfor i in range(8, 16): s.enter('4 KiB', at=0x10_0000 + i * 0x1_0000)")
        assert view.moment is None


def test_a_break_is_found_in_a_cell_that_undoes_its_first_operation() -> None:
    with open_notebook() as shell:
        shell.run(
            "import vmwidgets as vm\nv = vm.boot('x86-64')\nt = v.task('init')\nv.break_on('fault')\np = vm.Fault(v)"
        )
        shell.run("t.mmap('4 KiB')\nv.undo()\na = t.mmap('4 KiB')\nt.write(a, b'x')")
        machine, view = shell.user_ns["v"], shell.user_ns["p"]
        number, done = at(view, machine)
        assert type(machine.journal[number].events[done]).__name__ == "FaultRaised"


@pytest.mark.parametrize("way", [0, 2, True, None])
def test_a_way_is_one_forward_or_one_back(way: Any) -> None:
    machine, _ = rotated()
    view = vm.Tree(machine.tasks["init"].map)
    if way is not True:
        with pytest.raises(vm.Refused, match="way is"):
            view.jump("panic", way)
    view.prepare(view.made_in)
    (reply,) = replies(view, {"type": "jump", "to": "panic", "way": way})
    assert "must be 1 or -1" in reply["reason"]


@pytest.mark.parametrize("name", ["rotations", "", 7, None])
def test_what_is_no_kind_is_refused_with_the_kinds(name: Any) -> None:
    machine = vm.boot()
    with pytest.raises(vm.Refused, match="kinds: rotation, clip"):
        machine.break_on(name)
    assert machine.system.breaks == ()


def test_a_break_is_no_operation_and_no_branch_has_it() -> None:
    machine = vm.boot()
    machine.break_on("fault")
    assert len(machine.journal) == 1
    assert machine.branch().system.breaks == ()


def test_a_later_cell_goes_to_its_own_operation() -> None:
    machine, _ = rotated()
    space = machine.tasks["init"].map
    view = vm.Tree(space)
    pictures = pictures_of(machine)
    machine.break_on("rotation")

    def cell(*addresses: int, looks: int = 0) -> Any:
        pictures.cell_begun()
        for address in addresses:
            space.enter("4 KiB", at=address)
        for _ in range(looks):
            space.lookup(0x10_0000)
        pictures.cell_done()
        return view.moment

    stopped = cell(*range(0x80_0000, 0x90_0000, 0x1_0000))
    assert stopped is not None
    assert cell() == stopped, "nothing was done"
    assert cell(looks=1) is None, "its own operation is shown"
    stopped = cell(*range(0xA0_0000, 0xB0_0000, 0x1_0000))
    view.moment = (stopped.operation, None)  # a reader has stepped to its end
    assert cell(looks=1) is None
    view.moment = (2, None)  # a reader has gone elsewhere
    assert cell() == (2, None)
    assert cell(looks=1) is None


def test_a_search_that_ends_before_the_end_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmwidgets.engine.base.journal.MOST_EVENTS", 50)
    monkeypatch.setattr("vmwidgets.engine.machine.event_kinds.MOST_REMADE", 3)
    machine = vm.boot("x86-64")
    for _ in range(12):
        machine.kernel_map.enter("4 KiB")
    view = vm.Tree(machine.kernel_map)
    first = machine.journal.first_kept - 3
    with pytest.raises(vm.Refused, match=f"none in the operations from {first}. The search ends there"):
        view.jump("panic", -1)
    assert view.moment is None
