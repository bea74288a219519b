"""Sentences of fork, mmap, files, swap space and failures: cause and effect, one way to say each."""

from __future__ import annotations

from contextlib import suppress

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.story.moment import Moment


def headline(machine: vm.Machine) -> tuple[str, str]:
    caption = Moment(machine.journal.last).story.headline
    return caption.text, caption.reason


def steps(machine: vm.Machine) -> list[str]:
    return [step.sentence for step in Moment(machine.journal.last).story.steps]


def begun() -> tuple[vm.Machine, Task, int]:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    start = task.mmap("16 KiB")
    return machine, task, int(start)


def test_a_write_after_a_fork_says_what_was_copied_and_why() -> None:
    machine, task, start = begun()
    task.write(start, b"one")
    task.write(start + 4096, b"one")
    child = task.fork()
    assert headline(machine) == (
        "fork created init.1 with 1 entry of init; no page was copied.",
        "They share every page until one of them writes to it.",
    )
    child.write(start, b"two")
    assert headline(machine) == (
        "write stored 3 bytes at 0x1_0000 in init.1.",
        "It took 1 page fault: page 0 was copied because init has it too.",
    )
    said = steps(machine)
    assert "There is a new memory object: memory 2, a shadow in front of memory 1." in said
    searched = [text for text in said if "page 0" in text and ("search" in text or "in memory" in text)]
    assert searched == [
        "memory 2 does not have page 0: the search continues in the object behind it.",
        "memory 1 has page 0 in memory.",
    ]
    assert sum("frame" in text.casefold() and "Page 0 of memory 1 is copied" in text for text in said) == 1


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
        "It took 1 page fault: page 0 was copied because init and 1 other task have it too.",
        "It took 1 page fault: page 0 was copied because init has it too.",
        "It took 1 page fault: page 0 was copied because memory 1 is not the task's alone.",
    ]
    children[2].write(start, b"z" * 4097)
    assert headline(machine)[1] == "It took 2 page faults; pages copied: 2, because memory 1 is not the task's alone."
    machine.cpus[0].run(task.fork())
    machine.cpus[0].load(start + 4096, 1, user=True)
    machine.cpus[0].store(start + 4096, b"y", user=True)
    assert headline(machine)[1].endswith("is not the task's alone."), "whose processor it is, is not said"


def test_a_fork_that_copies_at_once_says_so() -> None:
    machine, task, start = begun()
    task.write(start, b"one")
    task.map.wire(start, size="4 KiB")
    task.fork()
    text, reason = headline(machine)
    assert text == "fork created init.1 with 2 entries of init."
    assert reason == "1 page was copied immediately: it is shared in its object, or wired."


def test_a_page_that_came_back_to_be_copied_is_not_one_that_both_have() -> None:
    machine = vm.boot("x86-64", layout="small", fork="counted")
    machine.swap_on("64 KiB")
    task = machine.task("init")
    start = task.mmap("4 KiB", "rw", "shared")
    task.write(start, b"x")
    task.map.inherit(start, size="4 KiB", inherit="copy")
    task.page_out(start)
    task.fork()
    assert headline(machine)[1] == "1 page was copied immediately: it is shared in its object, or wired."


def test_the_descriptors_of_a_fault_are_one_step() -> None:
    machine, task, start = begun()
    task.write(start, b"one")
    assert [text for text in steps(machine) if "descriptor" in text] == [
        f"4 descriptors for 0x1_0000 are written, the last of them {task.walk(start).steps[-1].value & ~0x60:#x}."
    ]


def test_a_page_that_a_pager_supplies_is_said_once() -> None:
    machine, task, start = begun()
    task.write(start, b"one")
    assert [text for text in steps(machine) if "memory 1" in text and "allocated" not in text] == [
        f"The pager supplies the page at memory 1+0x0: frame {(task.walk(start).pa or 0) >> 12:#x}."
    ]


def test_pages_that_are_read_ahead_are_said() -> None:
    machine, task, _ = begun()
    machine.read_ahead(2)
    file = machine.file("motd", b"x" * 20_000)
    start = task.mmap("20 KiB", "r", "shared", file)
    task.read(start)
    ahead = [text for text in steps(machine) if "is added to the pages" in text]
    assert [text.partition(":")[0] for text in ahead] == [
        "Page 1 is added to the pages of file motd", "Page 2 is added to the pages of file motd"
    ]  # fmt: skip


@pytest.mark.parametrize("signal", ["SIGSEGV", "SIGBUS"])
def test_a_signal_is_said_in_the_headline_and_as_a_step(signal: str) -> None:
    machine, task, _ = begun()
    file = machine.file("motd", b"x")
    gone = task.mmap("4 KiB", "rw", "shared", file)
    file.vanish()
    with suppress(vm.KernelError):
        task.read(0x10 if signal == "SIGSEGV" else gone)
    assert headline(machine)[1].endswith(f"Task init got {signal}.")
    assert any(text.startswith(f"Task init gets {signal} for its access to 0x") for text in steps(machine))


def test_the_task_that_is_killed_is_named() -> None:
    machine, task, start = begun()
    task.write(start, b"x" * 9000)
    other = machine.task("other")
    at = other.mmap("4 KiB")
    machine.kill_when_out_of_memory()
    with machine.inject("page_alloc", times=1):
        other.write(at, b"x")
        reason = headline(machine)[1]
    assert reason == "It took 1 page fault: no frame was left, and task init was killed."


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
    assert headline(machine)[0] == "One request in 2 at point page_alloc fails from now on."
    with suppress(vm.KernelError):
        task.write(start, b"x" * 12_000)
    assert "Injected failure: request 2 at point page_alloc fails." in steps(machine)
    failed = asked.stop()
    assert headline(machine)[0].startswith("Requests succeed again; ")
    assert str(failed) in headline(machine)[0]


def test_swap_space_and_files_say_where_pages_go() -> None:
    machine, task, start = begun()
    machine.swap_on("64 KiB")
    assert headline(machine)[0] == "Swap space is 64 KiB."
    task.write(start, b"x")
    task.page_out(start)
    assert headline(machine)[0] == "1 page was evicted: 1 to swap space, 0 to files."
    assert any("is paged out to swap slot 0" in text for text in steps(machine))
    task.read(start)
    kept = "Page 0 of memory 1 is read from swap slot 0, which keeps the page until it is written."
    assert kept in steps(machine)
    task.page_out(start)
    assert any("Swap space already has the contents" in text for text in steps(machine))
    task.write(start, b"y")
    assert "Swap slot 0, which held page 0 of memory 1, is free again." in steps(machine)
    file = machine.file("motd", b"hello")
    at = task.mmap("4 KiB", "rw", "shared", file)
    task.write(at, b"J")
    assert "Page 0 of file motd is now dirty: it has to be written back." in steps(machine)
    task.msync(at, "4 KiB")
    assert headline(machine)[0] == "msync wrote 1 page back."
    task.write(at, b"K")
    file.truncate(0)
    assert "Page 0 of file motd was dirty: what was written there is lost." in steps(machine)


def test_when_the_parent_ends_its_pages_go_to_the_object_in_front() -> None:
    machine, task, start = begun()
    task.write(start, b"x" * 9000)
    task.fork().write(start, b"y")
    task.exit()
    assert "memory 2 absorbs memory 1, which nothing else referred to; nothing is now behind it." in steps(machine)
    assert "Memory object memory 1 is gone: the object in front of it now has its pages." in steps(machine)
    assert headline(machine)[0] == "exit ended init."
