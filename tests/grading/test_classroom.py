"""A class of three hundred is graded to the table of what it must give: in one go, and stopped in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading import Grades, grade, read_course
from vmwidgets.grading.files import names_of
from vmwidgets.grading.notebook import read_notebook
from vmwidgets.grading.processes import SECONDS
from vmwidgets.grading.report import SECRET
from vmwidgets.grading.submission import graded_file
from vmwidgets.grading.workers import Worker
from vmwidgets.labs.saved import NOTEBOOK_BYTES

from .classroom.hanging import HANGING
from .classroom.kinds import Rows
from .classroom.students import MANY, course, everyone, made, sample, wrong
from .earlier import renewed

ZERO = 3
"""The exit code where students have nothing, and not because their work is wrong."""


class Class(NamedTuple):
    """A folder of what was handed in, and the rows that it must give."""

    root: Path
    rows: Rows

    def command(self, to: Path, jobs: int) -> list[str]:
        """The command that grades it."""
        given = [str(self.root / "in"), "--course", str(self.root / "course.toml"), "--to", str(to)]
        return [sys.executable, "-m", "vmwidgets", "grade", *given, "--jobs", str(jobs)]

    def graded(self, to: Path, jobs: int) -> dict[str, bytes]:
        """What the command writes, by name; with pseudonyms that do not change."""
        keyed(to)
        done = subprocess.run(self.command(to, jobs), capture_output=True, text=True, check=False)
        assert done.returncode == ZERO, done.stderr
        return results(to)


def keyed(to: Path) -> None:
    """A folder for results, with the secret of its pseudonyms."""
    to.mkdir(exist_ok=True)
    (to / SECRET).write_text("s" * 64)


def results(to: Path) -> dict[str, bytes]:
    """All that was written but the state, which has the order in which files were done."""
    return {
        path.relative_to(to).as_posix(): path.read_bytes()
        for path in sorted(to.rglob("*"))
        if path.is_file() and path.name != "state.jsonl"
    }


def judged(to: Path) -> list[str]:
    """The files in a state, in the order in which they were judged; without a line that has no end."""
    lines = (to / "state.jsonl").read_bytes().split(b"\n")[:-1]
    return [json.loads(line)["graded"]["path"] for line in lines if line.endswith(b"}")]


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """A sample with each group of kinds."""
    root = tmp_path_factory.mktemp("class")
    course(root / "course.toml")
    return Class(root, made(root / "in", sample()))


@pytest.fixture(scope="module")
def in_one_go(some: Class) -> dict[str, bytes]:
    """What the command writes of the sample."""
    return some.graded(some.root / "once", jobs=2)


def of(members: Class, to: Path) -> Grades:
    """The grades that are in a folder of results; nothing is judged again."""
    return grade(members.root / "in", read_course(members.root / "course.toml"), state=to / "state.jsonl", jobs=1)


def test_each_kind_of_submission_gets_its_rows(some: Class, in_one_go: dict[str, bytes]) -> None:
    assert {kind.group for kind in sample()} == {kind.group for kind in everyone()}
    assert not wrong(of(some, some.root / "once"), some.rows)
    table = in_one_go["grades.csv"].decode()
    assert table.count("\n") == len(some.rows) + 1, "a row is a line, whatever is in it"
    assert all(path.count("/") <= 1 for path in in_one_go), "no id made a folder"
    json.loads(in_one_go["grades.json"], parse_constant=pytest.fail)  # NaN is not JSON


def test_killed_and_begun_again_it_writes_the_same(some: Class, in_one_go: dict[str, bytes], tmp_path: Path) -> None:
    state = killed(some, tmp_path, after=20)
    before = judged(tmp_path)
    mark(state)
    written = some.graded(tmp_path, jobs=1)
    files = json.loads(written.pop("grades.json"))
    assert [file["path"] for file in files if file["hints"].pop(MARK, 0)] == sorted(before), "judged again"
    assert files == json.loads(in_one_go["grades.json"])
    assert written == {name: content for name, content in in_one_go.items() if name != "grades.json"}
    after = judged(tmp_path)
    assert len(set(after)) == len(after)


def killed(members: Class, to: Path, after: int) -> Path:
    """The state of a run that was killed when so many files were graded."""
    keyed(to)
    state = to / "state.jsonl"
    process = subprocess.Popen(members.command(to, jobs=1), start_new_session=True)
    while process.poll() is None and not (state.exists() and state.read_bytes().count(b"\n") >= after):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before"
    return state


MARK = "no exercise"


def mark(state: Path) -> None:
    """A hint more in each line that was kept: what is judged again does not have it."""
    *lines, last = state.read_text().split("\n")
    kept = [json.loads(line) for line in lines]
    for one in kept:
        one["graded"]["hints"][MARK] = 1
    state.write_text("\n".join([*map(json.dumps, kept), last]))


def test_what_hangs_is_stopped_and_the_next_is_judged(tmp_path: Path) -> None:
    """With a limit of seconds for what hangs, and the usual one for what is right."""
    rows = made(tmp_path / "in", HANGING)
    given = read_course(course(tmp_path / "course.toml"))
    (path,) = (tmp_path / "in").iterdir()
    worker = Worker()

    def ask(exercise: str, sheet: str, work: Any) -> dict[str, Any]:
        return worker.ask(exercise, sheet, work, seconds=2 if exercise == "01/gaps" else SECONDS)

    try:
        assert not wrong(Grades(given, (graded_file(path.name, path.read_bytes(), given, ask),)), rows)
    finally:
        worker.close()


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="Windows has other rights")
def test_what_can_not_be_read_is_a_row() -> None:
    """A file, and a folder; as another user, where tests run as root."""
    user = os.geteuid()
    with TemporaryDirectory() as name:  # pytest's own folders are open for root only
        folder = Path(name)
        file, closed = folder / "ada.ipynb", folder / "closed"
        file.touch()
        closed.mkdir()
        for path, mode in (folder, 0o755), (file, 0), (closed, 0):
            path.chmod(mode)
        os.seteuid(user or 65534)
        try:
            assert names_of(folder) == ["ada.ipynb", "closed"]
            problems = [read_notebook(path).finding for path in (file, closed)]
            with pytest.raises(Refused, match="can't be read: Permission denied"):
                names_of(closed)
        finally:
            os.seteuid(user)
    assert [one and one.staff for one in problems] == ["the file can't be read: Permission denied"] * 2


@pytest.mark.sweep
def test_two_thousand_are_graded_to_the_table_twice(tmp_path: Path) -> None:
    """The second time after a kill, and by another number of processes."""
    members = Class(tmp_path, made(tmp_path / "in", everyone(MANY + MANY // 8)))
    assert len(list((tmp_path / "in").iterdir())) >= MANY
    course(tmp_path / "course.toml")
    one = members.graded(tmp_path / "one", jobs=2)
    assert wrong(of(members, tmp_path / "one"), members.rows, crowded=True) == []
    killed(members, tmp_path / "four", after=700)
    assert members.graded(tmp_path / "four", jobs=4) == one


def test_notebooks_in_the_form_of_today_give_the_same_rows(some: Class, tmp_path: Path) -> None:
    """What tests hand in has the form of commit 05f3a873; the same with one record in each output, and its tag."""
    before, today, changed = tmp_path / "before", tmp_path / "today", 0
    before.mkdir()
    today.mkdir()
    for path in (some.root / "in").iterdir():
        if path.is_symlink() or not path.is_file() or path.stat().st_size > NOTEBOOK_BYTES:
            continue
        content = path.read_bytes()
        (before / path.name).write_bytes(content)
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError):
            content = json.dumps(renewed(json.loads(content))).encode()
            changed += 1
        (today / path.name).write_bytes(content)
    assert changed > len([*today.iterdir()]) / 2
    given = read_course(some.root / "course.toml")
    rows = [
        {(row.path, row.exercise): (row.points, row.says) for row in grade(folder, given, jobs=2).rows}
        for folder in (before, today)
    ]
    assert rows[0] == rows[1]
