"""What a page is told of all operations, for the strip of a slider."""

from __future__ import annotations

from signal import SIGINT, raise_signal
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.pictures.timeline import PIECE, names, stamp, timeline
from vmwidgets.widgets.host.packing import unpack
from vmwidgets.widgets.host.pictures import cell_ends


def lived() -> vm.Machine:
    """A machine with all kinds of operations, of which some failed."""
    machine = vm.boot("x86-64")
    task = machine.task("init")
    address = task.mmap("64 KiB")
    task.write(address, b"x")
    task.write(address, b"y")
    with pytest.raises(vm.VMError):
        task.write(0x10, b"z")
    machine.kernel_map.protect(machine.kernel_map.enter("8 KiB"), size="4 KiB", prot="r")
    task.munmap(address, "8 KiB")
    return machine


def test_each_operation_has_its_kind_its_end_and_how_many_events_it_had() -> None:
    machine = lived()
    told = timeline(machine.journal)
    assert (told["first"], told["kinds"], told["ends"]) == (0, "nnnfafncg", ".....e...")
    assert told["sizes"] == [len(operation.records) for operation in machine.journal]


def test_what_a_page_has_is_not_told_again() -> None:
    machine = lived()
    whole = timeline(machine.journal)
    count = len(machine.journal)
    assert timeline(machine.journal, count, whole["serial"])["kinds"] == ""
    before = stamp(machine.journal)
    machine.kernel_map.enter("4 KiB")
    assert stamp(machine.journal) != before
    assert timeline(machine.journal, count, whole["serial"])["kinds"] == "n"


def test_after_an_undo_a_page_is_told_what_is_there_instead() -> None:
    machine = lived()
    before = timeline(machine.journal)
    machine.undo(2)
    machine.task("other")
    told = timeline(machine.journal, len(before["kinds"]) - 1, machine.journal[7].serial - 1)
    assert told["first"] == 0
    assert told["kinds"] == before["kinds"][:7] + "n"
    machine.undo()
    machine.redo()
    assert timeline(machine.journal)["kinds"] == told["kinds"]


def test_counts_and_faults_stay_when_events_are_dropped_and_when_a_journal_is_loaded(tmp_path: Any) -> None:
    machine = lived()
    before = timeline(machine.journal)
    for _ in range(600):
        machine.kernel_map.remove(machine.kernel_map.enter("4 KiB"), size="4 KiB")
    assert not machine.journal[3].records
    after = timeline(machine.journal)
    for what in ("kinds", "ends", "sizes"):
        assert after[what][: len(before[what])] == before[what]
    machine.journal.save(tmp_path / "x.jsonl.gz")
    loaded = vm.load_journal(tmp_path / "x.jsonl.gz")
    for what in ("kinds", "ends", "sizes"):
        assert timeline(loaded.journal)[what] == after[what]
    branch = machine.branch(5)
    assert timeline(branch.journal)["kinds"] == before["kinds"][:6]


def test_groups_are_the_outermost_and_marks_say_where_they_are() -> None:
    machine = vm.boot("x86-64")
    with machine.group("outer"):
        machine.task("a")
        with machine.group("inner"):
            machine.task("b")
            machine.task("c")
    machine.mark("<b>end</b>\n")
    with machine.group("empty"):
        pass
    machine.task("d")
    told = timeline(machine.journal)
    assert told["groups"] == [[1, 3, "outer"]]
    assert told["marks"] == [[3, "<b>end</b>␊"]]
    machine.undo(2)
    assert (timeline(machine.journal)["groups"], timeline(machine.journal)["marks"]) == ([], [])


def test_a_panic_and_an_operation_that_was_stopped_are_told() -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    for place in range(4):
        space.enter("4 KiB", prot="rw" if place % 2 else "r")
    unmap = space.vm_map.unmap

    def interrupted(*args: Any) -> Any:
        result = unmap(*args)
        raise_signal(SIGINT)
        return result

    space.vm_map.unmap = interrupted
    with pytest.raises(KeyboardInterrupt):
        space.remove(space.start, space.end)
    with pytest.raises(vm.KernelPanic):
        machine.unchecked.vm_map_enter(machine.kernel_map, 0, 123, 0, 0x277)
    told = timeline(machine.journal)
    assert (told["kinds"][-2:], told["ends"][-2:]) == ("gn", "ip")
    assert [name.rpartition(" ✗ ")[2] for name in names(machine.journal, 6)] == ["stopped", "panic"]


def test_names_come_in_pieces() -> None:
    machine = vm.boot("x86-64")
    for _ in range(PIECE):
        machine.kernel_map.enter("4 KiB")
    assert len(names(machine.journal, 0)) == PIECE
    assert names(machine.journal, PIECE) == [f"{PIECE} · enter 4 KiB at {machine.journal.last.result}, of kernel_map"]
    assert names(machine.journal, 10 * PIECE) == []


def test_a_page_asks_and_is_told() -> None:
    machine = lived()
    view = vm.Tree(machine.kernel_map)
    view.open()
    told: list[Any] = []
    view.send = lambda content, buffers=None: told.append((content, buffers))
    for first in (-1, 0):
        content = {"type": "operations", "have": 0, "serial": -1, "first": first}
        view._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    assert [reply for reply, _ in told] == [{"type": "operations"}] * 2
    assert [unpack(columns) for _, (columns,) in told] == [
        {**timeline(machine.journal), "names": [-1, []]},
        {**timeline(machine.journal), "names": [0, names(machine.journal, 0)]},
    ]


def test_a_mark_reaches_the_page_when_its_cell_is_done() -> None:
    machine = lived()
    view = vm.Tree(machine.kernel_map)
    view.open()
    before = view._choice.model.reached[1]
    machine.mark("here")
    cell_ends()
    assert view._choice.model.reached[1] not in (before, 0)
    assert view._choice.model.reached[1] == stamp(machine.journal)


def test_what_is_asked_is_not_given_away_by_a_mark() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    with pytest.raises(vm.KernelError):
        task.read(0x1000)
    open_, held = timeline(machine.journal), timeline(machine.journal, asks=True)
    assert (open_["kinds"][2], open_["ends"][2]) == ("f", "e")
    assert (held["kinds"][2], held["ends"][2], held["sizes"][2]) == ("a", ".", 1)
    assert held["kinds"][:2] == open_["kinds"][:2]
    assert "✗" in names(machine.journal, 0)[2]
    assert "✗" not in names(machine.journal, 0, asks=True)[2]
