"""A course's own exercises: modules are given by hand, judged like those that ship, and never found in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.grading.earlier import result
from vmwidgets import lab, launched
from vmwidgets.cli import main
from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading import Course, Grades, grade, read_course

from .synthetic import COURSE, written

MODULE = """
from vmwidgets import lab, Machine

@lab.author.exercise("own/small", "A small machine", points=2, takes=Machine)
def small(machine):
    size = machine.ram_bytes
    yield lab.author.criterion(1, size <= 8 << 20, "it is small", "it is large", actual=size)
    yield lab.author.criterion(1, size >= 1 << 20, "it is not too small", "it is too small")
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course's module, which a notebook's process finds when it begins; here it is written while the tests run."""
    monkeypatch.setattr(launched, "AT", float("inf"))
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nmodules = ["mine.py"]\nexercises = ["own/small"]\n')
    return tmp_path


def handed_in(root: Path, student: str, ram: str) -> Path:
    """Checked in a process that has the module, as a notebook beside it has."""
    read_course(root / "course.toml")
    check = {result.MIME: lab.check("own/small", vm.boot(ram=ram)).data()}
    return written(root / "in" / f"{student}.ipynb", student, "own", check)


def graded(root: Path, **options: Any) -> Grades:
    return grade(root / "in", read_course(root / "course.toml"), jobs=1, **options)


def test_they_are_judged_as_those_that_ship(root: Path) -> None:
    handed_in(root, "ada", "4 MiB")
    handed_in(root, "bert", "16 MiB")
    grades = graded(root)
    assert grades.students() == {"ada": 2, "bert": 1}
    assert grades.look == []


def test_another_judge_judges_again(root: Path) -> None:
    """Also where nothing else has changed since an earlier run."""
    handed_in(root, "bert", "16 MiB")
    state = root / "out" / "state.jsonl"
    assert graded(root, state=state).students() == {"bert": 1}
    (root / "mine.py").write_text(MODULE.replace("8 << 20", "16 << 20"))
    assert graded(root, state=state).students() == {"bert": 2}


@pytest.mark.parametrize("where", ["in", "in/deep"])
def test_a_module_among_the_submissions_is_refused(root: Path, where: str) -> None:
    handed_in(root, "ada", "4 MiB")
    (root / where).mkdir(exist_ok=True)
    (root / where / "mine.py").write_text(MODULE)
    (root / "course.toml").write_text(
        f'course = "{COURSE}"\nmodules = ["{where}/mine.py"]\nexercises = ["own/small"]\n'
    )
    with pytest.raises(Refused, match="lies in the folder of submissions"):
        graded(root)


def test_a_module_among_the_submissions_is_refused_before_it_runs(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The course's file names it, by mistake: a student may have put it there."""
    (root / "in").mkdir()
    (root / "in" / "mine.py").write_text(f"open({str(root / 'ran')!r}, 'w').close()")
    (root / "course.toml").write_text((root / "course.toml").read_text().replace("mine.py", "in/mine.py"))
    command = ["grade", str(root / "in"), "--course", str(root / "course.toml"), "--to", str(root / "out")]
    assert main(command) == 2
    assert "lies in the folder of submissions" in capsys.readouterr().err
    assert not (root / "ran").exists()


def test_a_module_that_nobody_named_is_not_run(root: Path) -> None:
    handed_in(root, "ada", "4 MiB")
    for folder in (root, root / "in"):
        (folder / "exercises.py").write_text(f"open({str(root / 'ran')!r}, 'w')")
    graded(root)
    assert not (root / "ran").exists()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = 1\ny = x / 0\n", "mine.py, line 2: ZeroDivisionError: division by zero"),
        ("def broken(:\n", "mine.py, line 1: SyntaxError: "),
        ("import nowhere_to_be_found\n", "mine.py, line 1: ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        (MODULE.replace("own/small", "01/guard"), "exercise '01/guard' ships with vmwidgets: choose another id"),
        (b"\xff\xfe\0", "is not text in UTF-8"),
        ("import sys\nsys.exit(0)\n", "mine.py, line 2: it ends the program: leave sys.exit out of a module"),
        ("class Odd(BaseException): ...\nraise Odd('so')\n", "mine.py, line 2: Odd: so"),
    ],
)
def test_a_module_that_fails_is_one_sentence(root: Path, source: str | bytes, says: str) -> None:
    (root / "mine.py").write_bytes(source if isinstance(source, bytes) else source.encode())
    with pytest.raises(Refused) as caught:
        read_course(root / "course.toml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_module_that_ends_the_program_does_not_end_the_command(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "mine.py").write_text("raise SystemExit(0)\n")
    command = ["grade", str(root / "in"), "--course", str(root / "course.toml"), "--to", str(root / "out")]
    assert main(command) == 2
    assert capsys.readouterr().err.startswith("vmwidgets: mine.py, line 1: it ends the program")


@pytest.mark.parametrize("modules", ['"mine.py"', "[5]", '["missing.py"]', '[""]', '["."]'])
def test_names_of_modules_that_can_not_be_are_refused(root: Path, modules: str) -> None:
    (root / "course.toml").write_text(f'course = "{COURSE}"\nmodules = {modules}\nexercises = ["01/guard"]\n')
    with pytest.raises(Refused):
        read_course(root / "course.toml")


def test_a_course_without_modules_has_none(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    assert read_course(tmp_path / "course.toml") == Course(COURSE, {"01/guard": 5})
