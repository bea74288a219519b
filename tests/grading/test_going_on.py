"""What a run leaves for the next: stopped, on a full disk, with files that can't be read, and two runs at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.labs.test_sheets import SOLVED
from vmwidgets.cli import main
from vmwidgets.grading import Grades, grade, read_course, run
from vmwidgets.grading.places import File, Here
from vmwidgets.labs.saved import NOTEBOOK_BYTES

from .following import command, lines, until
from .synthetic import COURSE, slow, solved, written

STUDENTS = ("ada", "bert", "cleo", "dan", "eve", "fay")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six who solved an exercise, two of them in part."""
    folder = tmp_path_factory.mktemp("in")
    for number, student in enumerate(STUDENTS):
        recipe = SOLVED["01/guard"].spoilt[0] if number % 3 == 2 else None
        written(folder / f"{student}.ipynb", student, "01", solved("01/guard", student, recipe))
    return folder


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("course") / "course.toml"
    path.write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "10/stack"]\n')
    return path


@pytest.fixture(scope="module")
def whole(folder: Path, course: Path) -> Grades:
    """All of them, graded in one go."""
    return graded(folder, course)


def graded(folder: Path, course: Path, **options: Any) -> Grades:
    return grade(folder, read_course(course), **{"jobs": 2, **options})


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_goes_on(folder: Path, course: Path, whole: Grades, tmp_path: Path, how: int) -> None:
    state, larger = tmp_path / "state.jsonl", tmp_path / "larger"
    shutil.copytree(folder, larger)
    slow(larger / "bess.ipynb", "bess")
    run = subprocess.Popen([*command(larger, course, tmp_path), "--jobs", "2"], stderr=subprocess.PIPE, text=True)
    until(lambda: lines(state) == len(STUDENTS))  # all others: what is done is kept, not only what is done in order
    run.send_signal(how)
    _, error = run.communicate(timeout=60)
    if how == signal.SIGINT:
        assert run.returncode == 130
        assert error == "\nvmwidgets: stopped; finished grades are kept: run the same command to continue\n"
    before = state.read_bytes()
    assert graded(folder, course, state=state) == whole
    assert state.read_bytes() == before, "what was graded is not graded again"


ENDED = "not graded: reading the file ended early: the process that judges ended"


def test_a_file_that_ends_its_process_is_judged_in_three_runs(
    folder: Path, course: Path, whole: Grades, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state.jsonl"
    with monkeypatch.context() as context:
        context.setattr(run, "Here", Here)
        context.setattr(sys, "executable", "false")  # a process that judges ends at once
        said = [{row.says for row in graded(folder, course, state=state).rows} for _ in range(3)]
    last = f"{ENDED} (3 times; only --only STUDENT tries again)"
    assert said == [{ENDED}, {ENDED}, {last}]
    before = state.read_bytes()
    assert {row.says for row in graded(folder, course, state=state).rows} == {last}, "it is judged a fourth time"
    assert state.read_bytes() == before
    assert graded(folder, course, state=state, only="ada") == whole
    assert graded(folder, course, state=state) == whole


def test_a_run_that_comes_to_the_end_counts_after_two_that_did_not(
    folder: Path, course: Path, whole: Grades, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state.jsonl"
    with monkeypatch.context() as context:
        context.setattr(run, "Here", Here)
        context.setattr(sys, "executable", "false")
        for _ in range(2):
            graded(folder, course, state=state)
    assert graded(folder, course, state=state) == whole


def test_a_file_that_can_not_be_read_is_read_again(course: Path, tmp_path: Path) -> None:
    folder, state = tmp_path / "in", tmp_path / "state.jsonl"
    folder.mkdir()
    (folder / "ada.ipynb").symlink_to("missing")
    (row,) = graded(folder, course, state=state).rows
    assert row.says == "the file can't be read: No such file or directory"
    assert lines(state) == 0


def test_a_file_that_is_too_large_is_not_read_whole(course: Path, tmp_path: Path) -> None:
    folder, state = tmp_path / "in", tmp_path / "state.jsonl"
    folder.mkdir()
    with (folder / "large.ipynb").open("wb") as file:
        file.truncate(1 << 40)
    for size in 1 << 40, NOTEBOOK_BYTES + 1:
        os.truncate(folder / "large.ipynb", size)
        (row,) = graded(folder, course, state=state).rows
        assert row.says == f"the file has more than {NOTEBOOK_BYTES >> 20} MiB"
    assert lines(state) == 1


FULL = """
import resource, sys
from vmwidgets.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""
"""The command, where a file can have only so many bytes; the system's word for that is another than for a full disk."""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limits on resources")
def test_a_full_disk_is_one_sentence_and_what_was_graded_is_kept(
    folder: Path, course: Path, whole: Grades, tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    graded(folder, course, state=state)
    room = state.stat().st_size // 2
    state.unlink()
    arguments = [*command(folder, course, tmp_path)[3:], "--jobs", "1"]
    full = subprocess.run(
        [sys.executable, "-c", FULL, str(room), *arguments], check=False, capture_output=True, text=True
    )
    assert (full.returncode, full.stderr) == (2, f"vmwidgets: {str(state)!r} can't be written: File too large\n")
    kept = lines(state)
    assert 0 < kept < len(STUDENTS)
    assert graded(folder, course, state=state) == whole
    good = [line for line in state.read_text().splitlines() if line.endswith("}")]
    assert len(good) == len(STUDENTS), "what was graded is not graded again"


def test_a_state_that_is_none_is_graded_over(folder: Path, course: Path, whole: Grades, tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    state.write_bytes(b'\xff\xfe\n{"key": 1}\n[]\n\n{"key": "a", "graded": {"rows": [{"path": 1}]}}')
    assert graded(folder, course, state=state) == whole


def test_a_state_that_can_not_be_is_one_sentence(
    folder: Path, course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "b" / "state.jsonl").mkdir(parents=True)
    for out, problem in ("a", "can't be written"), ("b", "is a folder"):
        assert main([*command(folder, course, tmp_path / out)[3:], "--jobs", "1"]) == 2
        error = capsys.readouterr().err
        assert problem in error
        assert error.count("\n") == 1


@pytest.mark.sweep
def test_two_runs_at_once_only_do_the_work_twice(folder: Path, course: Path, whole: Grades, tmp_path: Path) -> None:
    runs = [
        subprocess.Popen([*command(folder, course, tmp_path), "--jobs", "1"], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert said[0] == said[1]
    state = tmp_path / "state.jsonl"
    assert {json.loads(line)["graded"]["path"] for line in state.read_text().splitlines()} == {
        f"{student}.ipynb" for student in STUDENTS
    }
    assert graded(folder, course, state=state) == whole


def test_a_place_that_is_closed_ends_what_it_judges(folder: Path, course: Path) -> None:
    """Also a process that judges: nothing is left behind."""
    place = Here(1)
    judge = place._judges
    future = place.submit(File("ada.ipynb", folder / "ada.ipynb"), read_course(course))
    until(lambda: bool(judge._all and judge._all[0]._process))
    process = judge._all[0]._process
    place.close()
    assert process.poll() is not None
    assert future.result(timeout=60).path == "ada.ipynb"
