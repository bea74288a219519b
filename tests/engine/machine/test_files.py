"""Files and their pages in memory: read, write and mappings have the same frames."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.map.vm_object import PagerAsked
from vmwidgets.engine.kernel.threads.threads_schema import ThreadSlept

PAGE = vm.PAGE


@pytest.fixture
def machine() -> Any:
    machine = vm.boot("aarch64", layout="small", ram="8 MiB")
    machine.file("motd", b"hello" * 2000)
    return machine


@pytest.fixture
def task(machine: Any) -> Any:
    return machine.task("init")


def test_a_mapping_and_a_read_have_the_same_frame_and_the_file_is_read_once(machine, task):
    start = task.mmap(PAGE, "r", "shared", "motd")
    assert task.read(start, 5) == b"hello"
    motd = machine.files["motd"]
    assert motd.read(5, 5) == b"hello"
    asked = [event.outcome for event in machine.journal.last.events if isinstance(event, PagerAsked)]
    assert asked == ["hit"]
    assert task.walk(start).pa == motd.pages[0] * PAGE
    machine.check()


def test_shared_writes_are_in_the_file_at_once_and_on_disk_when_they_are_written_back(machine, task):
    motd, start = machine.files["motd"], task.mmap(2 * PAGE, "rw", "shared", "motd")
    task.read(start)
    task.write(start, b"J")
    assert (motd.read(0, 5), motd.disk[:5], motd.dirty) == (b"Jello", b"hello", (0,))
    assert task.msync(start, 2 * PAGE) == 1
    assert (motd.disk[:5], motd.dirty) == (b"Jello", ())
    task.write(start + 1, b"E")
    assert motd.dirty == (0,), "after it was written back the next write is noticed again"
    machine.check()


def test_private_writes_are_the_tasks_alone_and_what_it_did_not_write_follows_the_file(machine, task):
    motd, start = machine.files["motd"], task.mmap(2 * PAGE, "rw", "private", "motd")
    task.write(start, b"J")
    motd.write(0, b"XX")
    motd.write(PAGE, b"YY")
    assert (task.read(start, 2), task.read(start + PAGE, 2)) == (b"Je", b"YY")
    assert motd.read(0, 2) == b"XX"
    machine.check()


def test_behind_the_end_of_the_file_there_is_no_page_and_the_task_gets_sigbus(machine, task):
    start = task.mmap(4 * PAGE, "rw", "shared", "motd")
    assert task.read(start + 10_000, 2) == b"\0\0", "the last page goes on with zeroes"
    with pytest.raises(vm.KernelError, match=r"^IO: the file 'motd' has 10,000 bytes"):
        task.read(start + 3 * PAGE)
    assert task.signals[-1].name == "SIGBUS"


def test_a_file_that_shrinks_under_a_mapping(machine, task):
    motd, start = machine.files["motd"], task.mmap(3 * PAGE, "rw", "shared", "motd")
    task.read(start, 3 * PAGE - 4000)
    motd.truncate(PAGE + 10)
    assert task.read(start + PAGE, 12) == (b"hello" * 2000)[PAGE : PAGE + 10] + b"\0\0"
    with pytest.raises(vm.KernelError, match="IO"):
        task.read(start + 2 * PAGE)
    assert task.signals[-1].name == "SIGBUS"
    motd.truncate(3 * PAGE)
    assert task.read(start + 2 * PAGE, 4) == bytes(4)
    machine.check()


def test_a_file_that_grew_is_as_long_on_disk_once_it_is_written_back(machine, task):
    """fsync(2) writes the size that is needed to read the file back, also if no page has changed; so does msync(2)."""
    motd = machine.files["motd"]
    motd.truncate(5 * PAGE)
    assert motd.sync() == 0
    assert motd.disk == (b"hello" * 2000).ljust(5 * PAGE, b"\0")
    machine.undo()
    assert len(machine.files["motd"].disk) == 10_000
    start = task.mmap(5 * PAGE, "rw", "shared", "motd")
    assert task.msync(start, 5 * PAGE) == 0
    assert len(machine.files["motd"].disk) == 5 * PAGE
    machine.check()


def test_a_page_that_was_cut_off_under_a_wiring_may_come_back_with_another_s_access(machine, task):
    start = task.mmap(2 * PAGE, "rw", "shared", "motd")
    task.map.wire(start, size=2 * PAGE)
    file = machine.files["motd"]
    file.truncate(PAGE)
    machine.check()
    file.write(PAGE, b"new")
    machine.check()
    assert task.read(start + PAGE, 4) == b"new\0"
    machine.check()


def test_a_file_that_vanishes_under_a_mapping(machine, task):
    motd, start = machine.files["motd"], task.mmap(PAGE, "rw", "private", "motd")
    task.write(start, b"J")
    other = task.mmap(PAGE, "r", "shared", "motd")
    task.read(other)
    motd.vanish()
    assert task.read(start, 5) == b"Jello", "its own copy is its own"
    with pytest.raises(vm.KernelError, match="IO: the file 'motd' is gone"):
        task.read(other)
    assert task.signals[-1].name == "SIGBUS"
    with pytest.raises(vm.Refused, match="is gone"):
        motd.read()
    machine.check()


def test_a_slow_pager_lets_the_others_run_and_takes_its_ticks(machine, task):
    machine.file("slow", b"x" * PAGE, latency=5)
    start, before = task.mmap(PAGE, "r", "shared", "slow"), machine.threads.ticks
    assert task.read(start) == b"x"
    assert machine.threads.ticks == before + 5
    assert any(isinstance(event, ThreadSlept) for event in machine.journal.last.events)
    task.read(start)
    assert machine.threads.ticks == before + 5
    machine.check()


def test_read_ahead_brings_the_pages_behind_as_far_as_there_are_free_frames(machine, task):
    machine.read_ahead(8)
    start = task.mmap(3 * PAGE, "r", "shared", "motd")
    task.read(start)
    assert sorted(machine.files["motd"].pages) == [0, PAGE, 2 * PAGE]
    machine.check()


def test_a_real_file_is_read_once_and_the_journal_has_its_bytes(machine, tmp_path):
    (tmp_path / "real").write_bytes(b"from outside")
    file = machine.file("real", tmp_path / "real")
    (tmp_path / "real").unlink()
    assert machine.at(len(machine.journal) - 1).files["real"].size == 12
    assert machine.branch().files["real"].read() == b"from outside" == file.read()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (7, "write bytes"),
        ("", "write bytes"),
        ("hello", "not a readable file .*: write bytes, such as b'hello', or the path of a file"),
        (bytes((1 << 20) + 1), "at most 1 MiB"),
    ],
)
def test_what_is_no_content_is_refused(machine, content, why):
    with pytest.raises(vm.Refused, match=why):
        machine.file("other", content)
    assert list(machine.files) == ["motd"]


def test_names_of_files_and_objects_do_not_meet(machine):
    with pytest.raises(vm.Refused, match="there is already an object with this name"):
        machine.object("file motd")
    assert machine.file("motd") is machine.files["motd"]
    with pytest.raises(vm.Refused, match="there is a file called 'motd'"):
        machine.file("motd", b"other")


def test_pages_read_ahead_are_those_that_follow_in_the_file() -> None:
    m = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    m.file("data", b"".join(bytes([65 + page]) * PAGE for page in range(4)) + b"zz")
    m.read_ahead(3)
    t = m.task("t")
    at = t.mmap(5 * PAGE, "rw", "shared", "data")
    assert t.read(at) == b"A"
    before = m.fault_count
    assert [t.peek(at + page * PAGE, 2) for page in range(5)] == [b"AA", b"BB", b"CC", b"DD", b"zz"]
    assert m.fault_count == before
    assert sorted(m.files["data"].pages) == [0, PAGE, 2 * PAGE, 3 * PAGE]


def test_a_page_that_goes_out_is_written_to_its_place_up_to_the_files_end() -> None:
    m = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    content = b"".join(bytes([65 + page]) * PAGE for page in range(2)) + b"zz"
    file, t = m.file("data", content), m.task("t")
    at = t.mmap(3 * PAGE, "rw", "shared", "data")
    t.write(at + PAGE + 9, b"q")
    t.write(at + 2 * PAGE, b"Z")
    assert t.page_out(at, 3 * PAGE) == 2
    assert file.disk == content[: PAGE + 9] + b"q" + content[PAGE + 10 : 2 * PAGE] + b"Zz"
