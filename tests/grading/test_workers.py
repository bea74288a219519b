"""A process that judges: one that is late is replaced, and limits hold for each piece of work on its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labs.test_sheets import SOLVED
from vmwidgets.grading import Course, judge
from vmwidgets.grading.processes import SECONDS
from vmwidgets.grading.workers import Worker

from .synthetic import COURSE, checked, solved, written

WORK = checked("01/gaps", "default", SOLVED["01/gaps"].right[0])["work"]


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


def test_one_that_is_late_is_replaced(worker: Worker) -> None:
    assert worker.ask("01/gaps", "default", WORK, seconds=0)["problem"] == "judging took longer than 0 seconds"
    assert worker.ask("01/gaps", "default", WORK)["passed"]


def test_what_one_that_is_ended_left_on_the_disk_is_deleted(worker: Worker) -> None:
    worker.ask("01/gaps", "default", WORK)
    assert worker._folder is not None
    left = Path(worker._folder.name, "journal")
    left.touch()
    worker.ask("01/gaps", "default", WORK, seconds=0)
    assert not left.exists()


def test_one_that_dies_is_replaced(worker: Worker) -> None:
    assert worker.ask("01/gaps", "default", WORK)["passed"]
    assert worker._process is not None
    worker._process.kill()
    assert worker.ask("01/gaps", "default", WORK).get("passed") or worker.ask("01/gaps", "default", WORK)["passed"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limits on resources")
def test_the_next_work_has_all_of_its_time_on_a_processor() -> None:
    """The system counts for the process, which judges the work of a whole class."""
    code = """
import resource, time
from vmwidgets.grading.judge import limit
from vmwidgets.grading.processes import SECONDS
used = time.process_time()
limit()
print(resource.getrlimit(resource.RLIMIT_CPU)[0] >= used + SECONDS)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


BOMB = """
import dataclasses
import os
from vmwidgets.grading import judge

def judged(exercise, sheet, work, judged=judge.judged):
    with open({marks!r}, "a") as file:
        file.write(exercise + "\\n")
    if exercise in {bombs!r}:
        os._exit(1)
    return judged(exercise, sheet, work)

judge.judged = judged
judge.main()
"""
"""A process that judges, and that some works take down."""


@pytest.mark.parametrize("bombs", [["01/gaps"], ["01/guard"], ["01/gaps", "01/guard"]])
def test_what_ends_the_process_is_one_row_and_the_others_are_judged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bombs: list[str]
) -> None:
    marks = tmp_path / "marks"
    (tmp_path / "bomb.py").write_text(BOMB.format(marks=str(marks), bombs=bombs))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    path = written(tmp_path / "ada.ipynb", "ada", "01", solved("01/gaps", "ada"), solved("01/guard", "ada"))
    worker = Worker("bomb")
    course = Course(COURSE, {"01/gaps": 4, "01/guard": 5})
    try:
        graded = worker.grade("ada.ipynb", path, course)
    finally:
        worker.close()
    ended = "not judged: judging ended early: the process that judges ended"
    assert [(row.exercise, row.points, row.says) for row in graded.rows] == [
        (name, 0 if name in bombs else of, ended if name in bombs else "") for name, of in course.exercises.items()
    ]
    assert graded.stopped
    assert not graded.finding
    assert marks.read_text().split() == ["01/gaps", "01/guard"]


MUCH = "takes more memory than 3,072 MiB, or than this computer has"
"""The limit of a process that judges, 3 GiB, in words."""

HUNGRY = """
import os, signal
from vmwidgets.engine.kernel.x15 import vm_map
from vmwidgets.grading import judge

def judged(exercise, sheet, work, judged=judge.judged):
    if exercise == "01/gaps":
        {does}
    return judged(exercise, sheet, work)

def fails(*given, **named):
    raise MemoryError

judge.judged = judged
judge.main()
"""
"""A process that judges, and that one work leaves without memory."""


@pytest.mark.parametrize(
    "does",
    [
        "bytearray(1 << 50)", "vm_map.X15Map.enter = fails", "os.kill(os.getpid(), signal.SIGKILL)",
        "x = []\n        while True: x.append(bytes(1 << 26))",
    ],
)  # fmt: skip  # a list of lines
def test_a_process_without_memory_is_one_row_with_the_limit_however_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    """An error of Python, the same error inside a machine, which panics of it, a system that kills; and the limit."""
    (tmp_path / "hungry.py").write_text(HUNGRY.format(does=does))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    path = written(tmp_path / "ada.ipynb", "ada", "01", solved("01/gaps", "ada"), solved("01/guard", "ada"))
    worker = Worker("hungry")
    try:
        graded = worker.grade("ada.ipynb", path, Course(COURSE, {"01/gaps": 4, "01/guard": 5}))
    finally:
        worker.close()
    assert [(row.student, row.exercise, row.points, row.says) for row in graded.rows] == [
        ("ada", "01/gaps", 0, f"not judged: judging {MUCH}"), ("ada", "01/guard", 5, ""),
    ]  # fmt: skip  # a table
    assert graded.stopped


@pytest.mark.parametrize(
    "work",
    [
        {"kind": "MemoryError"},
        {"kind": "nothing", "why": "MemoryError: no"},
        {"kind": "value", "text": "-" * 9000 + "MemoryError"},
        {"kind": "value", "text": "the check stopped: MemoryError: "},
        {"kind": "strace", "text": "MemoryError"},
    ],
)
def test_a_students_words_are_no_lack_of_memory(work: dict[str, str]) -> None:
    result = judge.judged("00/walk", "default", work)
    assert (result["points"], result["unmade"]) == (0, True)
    assert result["problem"]


LACKS = """
import dataclasses, json, sys
from vmwidgets.grading import judge
from vmwidgets.labs import checking
exercise, sheet = checking.asked("01/gaps")
def judged(*_):
    raise MemoryError
    yield
greedy = dataclasses.replace(exercise, judge=judged)
checking.asked = lambda *_: (greedy, dataclasses.replace(sheet, exercise=greedy))
try:
    judge.judged("01/gaps", "default", json.load(sys.stdin))
except MemoryError:
    print("no memory")
"""


def test_a_judge_that_lacks_memory_is_no_result() -> None:
    command = [sys.executable, "-c", LACKS]
    done = subprocess.run(command, input=json.dumps(WORK), capture_output=True, text=True, check=True)
    assert done.stdout == "no memory\n"


READER = """
import os, time
from vmwidgets.grading import judge

judge.content_of = lambda path, most: {does}
judge.main()
"""


@pytest.mark.parametrize(
    ("does", "says", "unread"),
    [
        ("os._exit(1)", "not graded: reading the file ended early: the process that judges ended", True),
        ("time.sleep(1000)", "not graded: reading the file took longer than 1 seconds", True),
        ("bytearray(1 << 50)", f"not graded: reading the file {MUCH}", True),
        ("b'{'", "not a notebook: the file is not valid JSON, is cut off, or is nested too deeply", False),
    ],
)
def test_a_file_that_can_not_be_read_to_its_end_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, says: str, unread: bool
) -> None:
    (tmp_path / "reader.py").write_text(READER.format(does=does))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    worker = Worker("reader")
    limit = 1 if "sleep" in does else SECONDS
    try:
        worker.ask("01/gaps", "default", WORK)  # started before, so that the seconds are for reading
        graded = worker.grade("ada.ipynb", tmp_path / "ada.ipynb", Course(COURSE, {"01/gaps": 4}), seconds=limit)
    finally:
        worker.close()
    assert (graded.says, graded.unread, graded.stopped) == (says, unread, unread)


def test_a_closed_worker_starts_no_process(worker: Worker, tmp_path: Path) -> None:
    worker.close()
    graded = worker.grade("ada.ipynb", tmp_path / "ada.ipynb", Course(COURSE, {"01/gaps": 4}))
    assert graded.says == "not graded: reading the file ended early: grading was stopped"
    assert worker._process is None


def test_another_module_may_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo.py").write_text(
        "from vmwidgets.grading.judge import main\nmain(lambda *question: {'asked': question})\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    worker = Worker("echo")
    try:
        assert worker.ask("01/gaps", "default", [1]) == {"asked": ["01/gaps", "default", [1]]}
    finally:
        worker.close()
