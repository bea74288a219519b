"""Sentences of fork, mmap, files, swap space and failures: cause and effect, one way to say each."""

from __future__ import annotations

from contextlib import suppress

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.story.moment import Moment


def headline(machine: vm.Machine) -> tuple[str, str]:
    caption = Moment(machine.journal.last).story.headline
    return caption.text, caption.reason


def steps(machine: vm.Machine) -> list[str]:
    return [step.sentence for step in Moment(machine.journal.last).story.steps]


def begun() -> tuple[vm.Machine, Task, int]:
    machine = vm.boot("x86-64", layout="small", fork="shadow")
    task = machine.task("init")
    start = task.mmap("16 KiB")
    return machine, task, int(start)


def test_a_write_after_a_fork_says_what_was_copied_and_why() -> None:
    machine, task, start = begun()
    task.write(start, b"one")
    task.write(start + 4096, b"one")
    child = task.fork()
    assert headline(machine) == (
        saying("object operations: fork", 1, child="init.1", task="init"),
        saying("object operations: fork/reason"),
    )
    child.write(start, b"two")
    assert headline(machine) == (
        saying("map operations: write", 3, address="0x1_0000", who="init.1"),
        saying("map operations: access/copied/one has it", 1, page="0", task="init"),
    )
    said = steps(machine)
    assert saying("object events: ObjectMade/shadow", object="memory 2", behind="memory 1") in said
    searched = [text for text in said if says("object events: ObjectSearched", text)]
    assert searched == [
        saying("object events: ObjectSearched/on", object="memory 2", page="0"),
        saying("object events: ObjectSearched/memory", object="memory 1", page="0"),
    ]
    assert sum(says("object events: PageCopied/here", text) for text in said) == 1


def test_a_copy_names_who_has_the_page_too_and_only_the_object_where_no_task_has_it_mapped() -> None:
    machine, task, start = begun()
    task.write(start, b"x" * 4097)
    children = [task.fork() for _ in range(3)]
    children[0].read(start)
    reasons = []
    for child in (children[1], children[0], task):
        child.write(start, b"y")
        reasons.append(headline(machine)[1])
    assert reasons == [
        saying("map operations: access/copied/more have it", 1, page="0", task="init", others="1 other task"),
        saying("map operations: access/copied/one has it", 1, page="0", task="init"),
        saying("map operations: access/copied", 1, page="0", object="memory 1"),
    ]
    children[2].write(start, b"z" * 4097)
    assert headline(machine)[1] == saying("map operations: access/copied", 2, pages="2", object="memory 1")
    machine.cpus[0].run(task.fork())
    machine.cpus[0].load(start + 4096, 1, user=True)
    machine.cpus[0].store(start + 4096, b"y", user=True)
    assert says("map operations: access/copied", headline(machine)[1]), "whose processor it is, is not said"


def test_a_fork_that_copies_at_once_says_so() -> None:
    machine, task, start = begun()
    task.write(start, b"one")
    task.map.wire(start, size="4 KiB")
    task.fork()
    text, reason = headline(machine)
    assert text == saying("object operations: fork/copied", 2, child="init.1", task="init")
    assert reason == saying("object operations: fork/pages", 1)


def test_a_page_that_came_back_to_be_copied_is_not_one_that_both_have() -> None:
    machine = vm.boot("x86-64", layout="small", fork="counted")
    machine.swap_on("64 KiB")
    task = machine.task("init")
    start = task.mmap("4 KiB", "rw", "shared")
    task.write(start, b"x")
    task.map.inherit(start, size="4 KiB", inherit="copy")
    task.page_out(start)
    task.fork()
    assert headline(machine)[1] == saying("object operations: fork/pages", 1)


def test_the_descriptors_of_a_fault_are_one_step() -> None:
    machine, task, start = begun()
    task.write(start, b"one")
    assert [text for text in steps(machine) if says("kmem events: PteWritten", text)] == [
        saying("kmem events: PteWritten", 4, address="0x1_0000", frame="0x1e1", rights="rw-")
    ]


def test_a_page_that_a_pager_supplies_is_said_once() -> None:
    machine, task, start = begun()
    task.write(start, b"one")
    allocated = "kmem events: PageAllocated"
    assert [text for text in steps(machine) if "memory 1" in text and not says(allocated, text)] == [
        saying("map events: PagerAsked/miss", where="memory 1+0x0", frame=f"{(task.walk(start).pa or 0) >> 12:#x}")
    ]


def test_pages_that_are_read_ahead_are_said() -> None:
    machine, task, _ = begun()
    machine.read_ahead(2)
    file = machine.file("motd", b"x" * 20_000)
    start = task.mmap("20 KiB", "r", "shared", file)
    task.read(start)
    key = "object events: PagesEntered"
    ahead = [fields_of(key, text) for text in steps(machine) if says(key, text)]
    assert [(one["page"], one["object"]) for one in ahead] == [("1", "file motd"), ("2", "file motd")]


@pytest.mark.parametrize("signal", ["SIGSEGV", "SIGBUS"])
def test_a_signal_is_said_in_the_headline_and_as_a_step(signal: str) -> None:
    machine, task, _ = begun()
    file = machine.file("motd", b"x")
    gone = task.mmap("4 KiB", "rw", "shared", file)
    file.vanish()
    with suppress(vm.KernelError):
        task.read(0x10 if signal == "SIGSEGV" else gone)
    assert headline(machine)[1].endswith(saying("object operations: signal", task="init", signal=signal))
    key = "object events: SignalSent"
    assert [fields_of(key, text)["signal"] for text in steps(machine) if says(key, text)] == [signal]


def test_the_task_that_is_killed_is_named() -> None:
    machine, task, start = begun()
    task.write(start, b"x" * 9000)
    other = machine.task("other")
    at = other.mmap("4 KiB")
    machine.kill_when_out_of_memory()
    with machine.inject("page_alloc", times=1):
        other.write(at, b"x")
        reason = headline(machine)[1]
    assert reason == saying("map operations: access/killed", 1, task="init")


def test_without_a_frame_it_is_said_why_no_page_could_go() -> None:
    machine, task, start = begun()
    task.write(start, b"x" * 4097)
    file = machine.file("motd", b"hello")
    machine.take_pages(machine.pages.obtainable_pages)
    why = "of 2 pages in memory none can go: there is no swap space."
    with pytest.raises(vm.KernelError, match="NOMEM"):
        task.write(start + 8192, b"x")
    assert headline(machine)[1] == f"The pager of 'memory 1' has no page for offset 0x2000: {why}"
    with pytest.raises(vm.KernelError, match="NOMEM"):
        file.read()
    assert headline(machine)[1] == f"The pager of 'file motd' has no page for offset 0x0: {why}"
    assert why.capitalize() in steps(machine)


def test_an_injection_says_where_and_how_often() -> None:
    machine, task, start = begun()
    task.write(start, b"x")
    asked = machine.inject("page_alloc", every=2)
    assert headline(machine)[0] == saying("object operations: inject", every="2", point="page_alloc")
    with suppress(vm.KernelError):
        task.write(start, b"x" * 12_000)
    assert saying("object events: Injected", 2, point="page_alloc") in steps(machine)
    failed = asked.stop()
    assert headline(machine)[0] == saying("object operations: stop", failed)


def test_swap_space_and_files_say_where_pages_go() -> None:
    machine, task, start = begun()
    machine.swap_on("64 KiB")
    assert headline(machine)[0] == saying("object operations: swap_on", size="64 KiB")
    task.write(start, b"x")
    task.page_out(start)
    assert headline(machine)[0] == saying("object operations: page_out", 1, swap="1", file="0")
    key = "object events: PageOut/swap"
    assert [fields_of(key, text)["slot"] for text in steps(machine) if says(key, text)] == ["0"]
    task.read(start)
    kept = saying("object events: PageIn", page="0", object="memory 1", slot="0")
    assert kept in steps(machine)
    task.page_out(start)
    assert any(says("object events: PageOut/nowhere/swap", text) for text in steps(machine))
    task.write(start, b"y")
    assert saying("object events: SwapFreed", 1, slot="0", page="0", object="memory 1") in steps(machine)
    file = machine.file("motd", b"hello")
    at = task.mmap("4 KiB", "rw", "shared", file)
    task.write(at, b"J")
    assert saying("object events: PageDirtied", page="0", object="file motd") in steps(machine)
    task.msync(at, "4 KiB")
    assert headline(machine)[0] == saying("object operations: msync", 1)
    task.write(at, b"K")
    file.truncate(0)
    assert saying("object events: PageLost", page="0", object="file motd") in steps(machine)


def test_when_the_parent_ends_its_pages_go_to_the_object_in_front() -> None:
    machine, task, start = begun()
    task.write(start, b"x" * 9000)
    task.fork().write(start, b"y")
    task.exit()
    assert saying("object events: ShadowMoved/collapsed all", object="memory 2", before="memory 1") in steps(machine)
    assert saying("object events: ObjectGone/collapsed", object="memory 1") in steps(machine)
    assert headline(machine)[0] == saying("object operations: exit", task="init")


def test_a_write_that_needs_no_copy_says_which_task_maps_the_frame() -> None:
    machine = vm.boot("x86-64", layout="small", fork="counted")
    parent = machine.task("parent")
    start = parent.mmap("8 KiB", flags="private populate")
    child = parent.fork("child")
    child.write(start, b"y" * 8192)
    parent.write(start, b"z" * 8192)
    key = "map operations: access/faults/no copy"
    assert fields_of(key, vm.Fault(machine).scene().caption) == {"count": "2", "task": "parent"}
    (frame,) = [node for node in vm.Fault(machine).scene().nodes if node.id == "fault/frame"]
    assert frame.thing == f"frame:{(parent.walk(start + vm.PAGE).pa or 0) >> 12}"
    file = machine.file("motd", b"x" * 4096)
    shared = parent.mmap("4 KiB", "rw", "shared", file)
    parent.read(shared)
    parent.write(shared, b"z")
    assert not says("map operations: access/faults/no copy", vm.Fault(machine).scene().caption.reason)
