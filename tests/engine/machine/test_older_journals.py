"""Journals of format 1: they load, or the error says at which operation machines do something else now, and why."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.grading.judge import judged
from vmwidgets.labs.exercise import exercises

FOLDER = Path(__file__).parents[2] / "data" / "journals"
"""Written by the version of format 1: lives of tasks, and the work of each exercise (practice 2), as graded then."""


def text(name: str) -> str:
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt") as file:
        return file.read()


WORKS = [json.loads(line) for line in text("works").splitlines()]

SINCE = "the file has format 1, and since then"


@pytest.mark.parametrize("name", ["plain", "walks"])
def test_a_journal_in_which_nothing_changed_loads(name: str, tmp_path: Path) -> None:
    m = vm.load_journal(FOLDER / f"{name}.jsonl.gz")
    m.check()
    m.journal.save(tmp_path / "again.jsonl.gz")
    assert vm.load_journal(tmp_path / "again.jsonl.gz").journal.marks == m.journal.marks


def test_what_was_undone_can_still_be_redone() -> None:
    m = vm.load_journal(FOLDER / "plain.jsonl.gz")
    start = m.tasks["t"].brk() - 4 * vm.PAGE
    assert m.tasks["t"].peek(start) == b"x"
    m.redo()
    assert m.tasks["t"].peek(start) == b"z"


@pytest.mark.parametrize(
    ("name", "operation", "why"),
    [
        ("hole", r"operation 3, task:t.madvise", "a range with a hole ends with NOMEM after the rest was done"),
        ("rights", r"operation 4, task:t.touch", "a task's tables forbid what its entry does not allow"),
        ("panic", r"operation 3, task:t/map.enter", "a task without memory for an entry or a table gets NOMEM"),
        (
            "thread",
            r"operation 4, machine.run",
            "in threads, write and touch now have an effect; before, they did nothing",
        ),
        ("life", r"operation 9, task:t1.madvise", "a range with a hole ends with NOMEM after the rest was done"),
    ],
)
def test_one_sentence_says_where_a_machine_does_something_else_now_and_why(name: str, operation: str, why: str) -> None:
    with pytest.raises(vm.Refused, match=rf"line \d+: {operation}, has another result .*; {SINCE} {why}"):
        vm.load_journal(FOLDER / f"{name}.jsonl.gz")


FUNCTIONS = ("11/policy",)
"""Exercises that took a function, which is not run any longer: staff reads it."""

ASKED = [one for one in WORKS if one["exercise"] in exercises() and one["exercise"] not in FUNCTIONS]


@pytest.mark.parametrize("one", ASKED, ids=[one["exercise"] for one in ASKED])
def test_graded_work_earns_what_it_earned(one) -> None:
    again = judged(one["exercise"], "practice 2", one["work"])
    then = one["data"]
    assert (again.get("points"), again.get("of"), again.get("problem", "")) == (then["points"], then["of"], "")
    assert [found["met"] for found in again["criteria"]] == [found["met"] for found in then["criteria"]]


@pytest.mark.parametrize("one", [one for one in WORKS if one["exercise"] in FUNCTIONS])
def test_a_function_of_earlier_work_is_not_run(one) -> None:
    again = judged(one["exercise"], "practice 2", one["work"])
    assert again["points"] == 0
    assert again["problem"]


def test_a_journal_that_names_no_way_to_fork_forked_by_shadows(tmp_path: Path) -> None:
    """It was made when that was the default: a task forked, and its child wrote the first of four pages."""
    m = vm.load_journal(FOLDER / "no-way-to-fork.jsonl.gz")
    parent, child = m.tasks["init"], m.tasks["init.1"]
    start = parent.map.entries()[0].start
    assert [child.walk(start + page * vm.PAGE).pa is None for page in range(4)] == [False, True, True, True]
    m.journal.save(tmp_path / "again.jsonl.gz")
    assert '"fork":"shadow"' in gzip.decompress((tmp_path / "again.jsonl.gz").read_bytes()).decode()


def saved_before(folder: Path, *changes: tuple[str, str], on: int = 1) -> Path:
    """A file of format 2: a task runs on a processor and forks, and its child reads; with these changes of its text."""
    m = vm.boot("x86-64", cpus=2, fork="counted")
    parent = m.task("parent")
    start = parent.mmap("4 KiB")
    m.cpus[on].run(parent)
    m.cpus[on].store(start, b"hello")
    m.cpus.shootdown = "forgotten"
    child = parent.fork("child")
    m.cpus[on].store(start, b"J")
    m.cpus[1 - on].run(child)
    m.cpus[1 - on].load(start, 5)
    place = folder / "before.jsonl.gz"
    m.journal.save(place)
    *lines, _ = gzip.decompress(place.read_bytes()).decode().splitlines(keepends=True)
    body = "".join(lines)
    for old, new in (('"version":3', '"version":2'), *changes):
        assert body.count(old) == 1
        body = body.replace(old, new)
    end = {"end": len(lines), "sha256": hashlib.sha256(body.encode()).hexdigest()}
    with gzip.open(place, "wt") as file:
        file.write(f"{body}{json.dumps(end)}\n")
    return place


def test_a_journal_says_from_which_call_on_another_processor_makes_it(tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match=r"format 2, .* operation 6, task:parent\.fork, ") as warned:
        vm.load_journal(saved_before(tmp_path))
    assert [one.filename for one in warned] == [__file__]


def test_a_journal_whose_calls_were_made_where_they_are_made_now_says_nothing(tmp_path: Path) -> None:
    vm.load_journal(saved_before(tmp_path, on=0)).check()


def test_a_result_that_another_processor_explains_is_refused_with_that_reason(tmp_path: Path) -> None:
    now, then = (f'"result":{{"bytes":"{text.hex()}"}}' for text in (b"hello", b"Jello"))
    place = saved_before(tmp_path, (now, then))
    with pytest.raises(vm.Refused, match=r"operation 9, cpu:0\.load, .*format 2, .* on a processor that runs it"):
        vm.load_journal(place)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    lines = text("plain").replace('"version":1', '"version":4', 1)
    later = tmp_path / "later.jsonl.gz"
    with gzip.open(later, "wt") as file:
        file.write(lines)
    with pytest.raises(vm.Refused, match=r"it has version 4, .*: this vmwidgets reads versions 1 to 3"):
        vm.load_journal(later)


@pytest.mark.parametrize("undone", [False, True])
def test_a_journal_with_a_submap_is_refused_and_says_what_reads_it(undone: bool, tmp_path: Path) -> None:
    """X15 has none, and machines had them once; where it was undone, redo could not do it again."""
    m = vm.boot()
    start = m.kernel_map.enter("64 KiB")
    m.kernel_map.remove(start, size="64 KiB")
    if undone:
        m.undo()
    m.journal.save(tmp_path / "m.jsonl.gz")
    with gzip.open(tmp_path / "m.jsonl.gz", "rt") as file:
        lines = file.read().replace('"name":"remove"', '"name":"submap"').splitlines(keepends=True)[:-1]
    end = {"end": len(lines), "sha256": hashlib.sha256("".join(lines).encode()).hexdigest()}
    with gzip.open(tmp_path / "m.jsonl.gz", "wt") as file:
        file.writelines([*lines, json.dumps(end) + "\n"])
    with pytest.raises(vm.Refused, match=r"line \d: kernel_map.submap: X15's maps have no submaps.* reads it$"):
        vm.load_journal(tmp_path / "m.jsonl.gz")
