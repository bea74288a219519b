"""What the recipe of lab 08a in course/ does not say: which signals and ends count."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.machine.handles.files import MachineFile
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises.demand_paging import FILE_PAGES, FILES, OWN, SIGNAL, SurvivorSheet, survivor

PAGE = vm.PAGE
AT = 0x40_0000
CUT = SurvivorSheet(PAGE + 10, (FILES, OWN, OWN, SIGNAL, "unused", "unused", "unused"))


def survivors(task: Task) -> list[int]:
    return [criterion.points for criterion in survivor(task, CUT)]


@pytest.fixture
def reader() -> Task:
    task = CUT.start()
    task.mmap(FILE_PAGES * PAGE, "rw", "private", task.machine.files["paper"], at=AT)
    return task


@pytest.fixture
def paper(reader: Task) -> MachineFile:
    file: MachineFile = reader.machine.files["paper"]
    return file


def fails(task: Task, page: int) -> None:
    with pytest.raises(vm.KernelError):
        task.read(AT + page * PAGE)


def test_a_write_that_comes_too_late_is_the_signal(reader: Task, paper: MachineFile) -> None:
    paper.truncate(CUT.size)
    with pytest.raises(vm.KernelError):
        reader.write(AT + 2 * PAGE, b"mine")
    *_, own, _ = survivor(reader, CUT)
    assert own.points == 0
    assert own.mistake is not None
    assert own.mistake.name == "copied too late"
    assert survivors(reader) == [1, 0, 0, 0], "any read there gives a signal"


def test_a_page_that_the_file_still_has_was_not_written_too_late(reader: Task, paper: MachineFile) -> None:
    reader.write(AT + 2 * PAGE, b"mine")
    paper.truncate(CUT.size)
    fails(reader, 3)
    *_, own, _ = survivor(reader, CUT)
    assert own.points == 0
    assert own.mistake is None


def test_a_segmentation_fault_is_another_end(reader: Task, paper: MachineFile) -> None:
    paper.truncate(CUT.size)
    fails(reader, FILE_PAGES + 1)
    _, signal, *_ = survivor(reader, CUT)
    assert signal.points == 0
    assert signal.mistake is not None
    assert signal.mistake.name == "SIGSEGV for SIGBUS"


def test_pages_may_be_mapped_one_by_one_and_read_early(reader: Task, paper: MachineFile) -> None:
    other = reader.mmap(2 * PAGE, "rw", "private", paper, offset=PAGE)
    reader.read(AT)
    reader.write(other, b"mine")
    reader.write(other + PAGE, b"mine")
    paper.truncate(CUT.size)
    fails(reader, 3)
    assert survivors(reader) == [1, 2, 2, 1]


def test_a_file_that_is_gone_has_no_pages(reader: Task, paper: MachineFile) -> None:
    reader.write(AT + PAGE, b"mine")
    reader.read(AT)
    paper.vanish()
    fails(reader, 3)
    assert survivors(reader) == [0, 0, 0, 0]


def test_what_was_mapped_beside_the_file_is_not_the_files(reader: Task) -> None:
    reader.write(reader.mmap(PAGE), b"mine")
    assert survivors(reader) == [0, 0, 0, 0]


def test_each_sheet_has_a_page_of_each_kind_behind_and_before_the_end() -> None:
    for number in range(50):
        sheet = SurvivorSheet.drawn(Draws(str(number)))
        kept = -(-sheet.size // PAGE)
        assert {OWN, FILES} <= set(sheet.fates[:kept])
        assert {OWN, SIGNAL} <= set(sheet.fates[kept:])
        assert len(sheet.fates) == FILE_PAGES
