"""The judge's processes: what they answer is what a program on this computer would see."""

from __future__ import annotations

import os

import pytest

from tests.engine.machine.linux.steps import HEAP, PAGE, STACK_TOP, WINDOW
from vmwidgets.real.linux.processes import Linux, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=f"only Linux can say what Linux does. {why_not()}")


@pytest.fixture(scope="module")
def linux():
    with Linux() as started:
        yield started


@pytest.fixture
def task(linux):
    task = linux.first.fork()
    task.ask("exec", HEAP)
    yield task
    task.close()


def zeroes(task, at, pages, rights="rw", words="private"):
    return task.ask("mmap", at, pages * PAGE, rights, words, -1, 0)


def test_a_task_begins_with_nothing(task):
    assert task.mapped == []
    assert task.ask("load", WINDOW, 8) == ("", None)
    assert task.ask("store", WINDOW, b"x") == ("", False)


def test_what_is_written_is_read(task):
    assert zeroes(task, WINDOW, 2) == ""
    assert task.mapped == [(WINDOW, WINDOW + 2 * PAGE, "rw-p", 0, "")]
    assert task.ask("load", WINDOW + 8, 4) == ("rw-p", bytes(4))
    assert task.ask("store", WINDOW + 8, b"here") == ("rw-p", True)
    assert task.ask("load", WINDOW + 7, 6) == ("rw-p", b"\0here\0")


def test_rights_that_are_missing_are_told_and_what_is_there_is_found(task):
    zeroes(task, WINDOW, 1)
    task.ask("store", WINDOW, b"here")
    assert task.ask("mprotect", WINDOW, PAGE, "none") == ""
    assert task.ask("load", WINDOW, 4) == ("---p", b"here")
    assert task.ask("store", WINDOW, b"x") == ("---p", False)
    assert task.mapped[0][2] == "---p"
    assert task.ask("mprotect", WINDOW, 2 * PAGE, "r") == "ENOMEM"


def test_the_end_of_a_file_is_told_from_a_hole(linux, task):
    linux.fill("a", b"a" * 5000)
    assert task.ask("mmap", WINDOW, 3 * PAGE, "rw", "shared", linux.files["a"], 0) == ""
    assert task.ask("load", WINDOW + 4999, 2) == ("rw-s", b"a\0")
    assert task.ask("load", WINDOW + 2 * PAGE, 1) == ("rw-s", None)
    assert task.ask("store", WINDOW + 2 * PAGE, b"x") == ("rw-s", False)
    task.ask("store", WINDOW + 1, b"here")
    assert os.pread(linux.files["a"], 6, 0) == b"aherea"


def test_a_child_has_a_copy_and_shares_what_is_shared(task):
    zeroes(task, WINDOW, 1)
    zeroes(task, WINDOW + PAGE, 1, words="shared")
    task.ask("store", WINDOW, b"parent's")
    child = task.fork()
    assert child.mapped == task.mapped
    child.ask("store", WINDOW, b"child's!")
    child.ask("store", WINDOW + PAGE, b"both's")
    assert task.ask("load", WINDOW, 8)[1] == b"parent's"
    assert task.ask("load", WINDOW + PAGE, 6)[1] == b"both's"
    child.exit()
    assert task.ask("load", WINDOW, 8)[1] == b"parent's"


def test_a_stack_grows_by_an_access(task):
    zeroes(task, STACK_TOP - PAGE, 1, words="private growsdown")
    assert task.ask("store", STACK_TOP - 3 * PAGE, b"deep") == ("rw-p", True)
    assert task.mapped == [(STACK_TOP - 3 * PAGE, STACK_TOP, "rw-p", 0, "")]


def test_a_limit_holds_for_mappings_heap_and_stack(task):
    zeroes(task, STACK_TOP - PAGE, 1, words="private growsdown")
    task.ask("limit", 3 * PAGE)
    assert zeroes(task, WINDOW, 3) == "ENOMEM"
    assert zeroes(task, WINDOW, 1) == ""
    assert task.ask("brk", HEAP + 2 * PAGE) == "ENOMEM"
    assert task.ask("store", STACK_TOP - 3 * PAGE, b"x") == ("", False)
    assert task.ask("brk", HEAP + PAGE) == ""
    assert task.ask("store", STACK_TOP - 2 * PAGE, b"x") == ("", False)


def test_a_heap_does_not_grow_over_what_is_there(task):
    zeroes(task, HEAP + PAGE, 1)
    assert task.ask("brk", HEAP + 2 * PAGE) == "EEXIST"
    assert task.ask("brk", HEAP + 100) == ""
    assert [span[:2] for span in task.mapped] == [(HEAP, HEAP + 2 * PAGE)]


def test_exec_unmaps_all(task):
    zeroes(task, WINDOW, 1)
    task.ask("brk", HEAP + 1)
    task.ask("exec", HEAP)
    assert task.mapped == []
