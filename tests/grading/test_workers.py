"""A process that judges: one that is late is replaced, and limits hold for each piece of work on its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labs.test_sheets import SOLVED
from vmwidgets.grading.workers import Worker

from .synthetic import checked

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


def test_the_next_work_has_all_of_its_time_on_a_processor() -> None:
    """The system counts for the process, which judges the work of a whole class."""
    pytest.importorskip("resource")
    code = """
import resource, time
from vmwidgets.grading.judge import SECONDS, limit
used = time.process_time()
limit()
print(resource.getrlimit(resource.RLIMIT_CPU)[0] >= used + SECONDS)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


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
