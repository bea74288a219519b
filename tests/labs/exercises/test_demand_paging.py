from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.files import MachineFile
from vmwidgets.engine.machine.tasks import Task

PAGE = vm.PAGE
AT = 0x40_0000


def points(name: str, target: object) -> list[int]:
    return [criterion.points for criterion in lab.check(name, target).criteria]


# ---- 08/family -----------------------------------------------------------------------------------


@pytest.fixture
def home() -> Machine:
    return vm.boot("x86-64", layout="small")


def three(machine: Machine, pages: int, flags: str = "private") -> list[Task]:
    """A task with so many pages that were written, and two children that have read all of them."""
    init = machine.task("init")
    init.mmap(pages * PAGE, flags=flags, at=AT)
    init.write(AT, b"x" * pages * PAGE)
    children = [init.fork("left"), init.fork("right")]
    for child in children:
        child.read(AT, pages * PAGE)
    return [init, *children]


def test_two_pages_written_by_one_each_and_a_new_one_are_all_of_it(home: Machine) -> None:
    init, left, right = three(home, 6)
    left.write(AT, b"l")
    right.write(AT + PAGE, b"r")
    init.write(init.mmap(PAGE), b"own")
    assert lab.check("08/family", home).passed


def test_grandchildren_and_a_file_that_all_read_will_do(home: Machine) -> None:
    init = home.task("init")
    film = home.file("film", b"x" * 4 * PAGE)
    init.mmap(4 * PAGE, "rw", "private", film, at=AT)
    init.mmap(2 * PAGE, at=2 * AT)
    init.write(2 * AT, b"x" * 2 * PAGE)
    child = init.fork()
    grandchild = child.fork()
    for task in init, child, grandchild:
        task.read(AT, 4 * PAGE)
        task.write(task.mmap(PAGE, at=4 * AT), b"own")
    child.read(2 * AT, 2 * PAGE)
    assert lab.check("08/family", home).passed


def test_nothing_done_is_nothing_earned(home: Machine) -> None:
    home.task("init")
    assert points("08/family", home) == [0, 0, 0, 0, 0]


def test_what_a_child_did_not_touch_is_not_in_its_tables(home: Machine) -> None:
    init = home.task("init")
    init.write(init.mmap(9 * PAGE), b"x" * 9 * PAGE)
    init.fork()
    init.fork()
    assert points("08/family", home) == [1, 0, 0, 0, 1]


def test_each_number_counts_alone(home: Machine) -> None:
    _, left, _ = three(home, 6)
    left.write(AT, b"l")
    left.write(AT + PAGE, b"l")
    assert points("08/family", home) == [1, 2, 1, 0, 1]
    left.write(left.mmap(PAGE), b"own")
    left.write(left.mmap(PAGE), b"one too many")
    assert points("08/family", home) == [1, 2, 1, 0, 1]


def test_shared_memory_is_no_copy(home: Machine) -> None:
    init, left, right = three(home, 4, "shared")
    for child in left, right:
        child.write(child.mmap(PAGE), b"own")
    init.write(init.mmap(PAGE), b"own")
    assert points("08/family", home) == [1, 2, 0, 1, 0]
    assert "0x40_0000 is shared" in lab.check("08/family", home).criteria[4].actual


def test_shared_memory_that_was_only_read_is_shared_too(home: Machine) -> None:
    init = home.task("init")
    init.mmap(PAGE, "r", "shared", at=AT)
    for task in init, init.fork(), init.fork():
        task.read(AT)
    assert points("08/family", home)[4] == 0


def test_a_frame_that_a_task_reaches_twice_is_reached_by_one(home: Machine) -> None:
    init = home.task("init")
    film = home.file("film", b"x" * 3 * PAGE)
    init.fork()
    init.fork()
    for at in AT, 2 * AT:
        init.mmap(3 * PAGE, "r", "private", film, at=at)
        init.read(at, 3 * PAGE)
    assert points("08/family", home) == [1, 0, 0, 1, 1]


def test_tasks_of_two_families_are_none(home: Machine) -> None:
    init = home.task("init")
    init.fork()
    home.task("other")
    assert points("08/family", home)[0] == 0


# ---- 08/survivor ---------------------------------------------------------------------------------


@pytest.fixture
def paper(home: Machine) -> MachineFile:
    return home.file("paper", b"text" * 3 * 1024)


@pytest.fixture
def reader(home: Machine, paper: MachineFile) -> Task:
    reader = home.task("reader")
    reader.mmap(3 * PAGE, "rw", "private", paper, at=AT)
    return reader


def fails(task: Task, address: int) -> None:
    with pytest.raises(vm.KernelError):
        task.read(address)


def test_an_own_page_one_of_the_file_and_one_that_is_gone(reader: Task, paper: MachineFile) -> None:
    reader.write(AT + PAGE, b"mine")
    paper.truncate(PAGE)
    fails(reader, AT + 2 * PAGE + 5)
    assert points("08/survivor", reader) == [2, 2, 0]
    reader.read(AT)
    assert lab.check("08/survivor", reader).passed


def test_the_pages_may_lie_otherwise_and_the_file_be_longer(reader: Task, paper: MachineFile) -> None:
    reader.write(AT + 2 * PAGE, b"mine")
    reader.read(AT + PAGE)
    paper.truncate(10)
    fails(reader, AT + PAGE)
    reader.read(AT)
    assert lab.check("08/survivor", reader).passed


def test_without_a_write_nothing_outlives_the_file(reader: Task, paper: MachineFile) -> None:
    reader.read(AT, 3 * PAGE)
    paper.truncate(10)
    fails(reader, AT + 2 * PAGE)
    assert points("08/survivor", reader) == [2, 0, 1]


def test_a_write_that_comes_too_late_is_the_signal(reader: Task, paper: MachineFile) -> None:
    paper.truncate(10)
    with pytest.raises(vm.KernelError):
        reader.write(AT + PAGE, b"mine")
    assert points("08/survivor", reader) == [2, 0, 0]


def test_another_signal_at_the_end_is_another_end(reader: Task, paper: MachineFile) -> None:
    reader.write(AT + PAGE, b"mine")
    paper.truncate(10)
    fails(reader, AT + 2 * PAGE)
    fails(reader, 0)
    assert points("08/survivor", reader)[0] == 0


def test_a_disk_that_fails_is_a_sigbus_and_cuts_nothing(home: Machine, reader: Task) -> None:
    reader.write(AT + PAGE, b"mine")
    with home.inject("pager_read"):
        fails(reader, AT + 2 * PAGE)
    assert points("08/survivor", reader) == [1, 0, 0]


def test_a_file_that_is_gone_has_no_pages(reader: Task, paper: MachineFile) -> None:
    reader.write(AT + PAGE, b"mine")
    reader.read(AT)
    paper.vanish()
    fails(reader, AT)
    assert points("08/survivor", reader) == [1, 0, 0]


def test_nothing_done_there_is_nothing_earned(reader: Task) -> None:
    assert points("08/survivor", reader) == [0, 0, 0]


def test_what_was_mapped_beside_the_file_is_not_the_files(reader: Task, paper: MachineFile) -> None:
    reader.write(reader.mmap(PAGE), b"mine")
    paper.truncate(10)
    fails(reader, AT + 2 * PAGE)
    assert points("08/survivor", reader) == [2, 0, 0]
