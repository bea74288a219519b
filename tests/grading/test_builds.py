"""A class whose notebooks were made with two builds of one version: nobody is accused by a number."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import vmwidgets
from tests.grading.earlier import result
from tests.labs.test_sheets import SOLVED
from vmwidgets import __version__, build, lab
from vmwidgets.cli import main
from vmwidgets.grading import Course, grade, read_course, state
from vmwidgets.grading.doctor import diagnosis
from vmwidgets.grading.state import State, key_of
from vmwidgets.labs.records import MIME
from vmwidgets.labs.session import Session

from .synthetic import COURSE, solved, written

ROOT = Path(__file__).parents[2]
OTHER = "another build of"
UNKNOWN = "an unknown build of"
MORE = 12
"""The students of each kind."""

MADE = """
import json, sys
from tests.grading.synthetic import solved
from tests.labs.test_sheets import SOLVED

json.dump([solved("01/guard", student, SOLVED["01/guard"].spoilt[0]) for student in sys.argv[1:]], sys.stdout)
"""


@pytest.fixture(scope="module")
def kinder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Outputs of checks by another build of this version, which gives every point for each criterion."""
    place = tmp_path_factory.mktemp("other")
    package = shutil.copytree(
        Path(vmwidgets.__file__).parent, place / "vmwidgets", ignore=shutil.ignore_patterns("__pycache__")
    )
    judge = package / "labs" / "result.py"
    text = judge.read_text()
    changed = text.replace("sum(criterion.points for", "sum(criterion.of for")
    assert changed != text
    judge.write_text(changed)
    students = [f"h{number:03}" for number in range(MORE)]
    done = subprocess.run(
        [sys.executable, "-c", MADE, *students], cwd=place, check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])},
    )  # fmt: skip  # one call
    return dict(zip(students, json.loads(done.stdout), strict=True))


def changed(output: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {result.MIME: {**output[result.MIME], **members}}


def spoilt(student: str) -> dict[str, Any]:
    return solved("01/guard", student, SOLVED["01/guard"].spoilt[0])


def without(output: dict[str, Any]) -> dict[str, Any]:
    """As notebooks were before claims named their build."""
    return {result.MIME: {name: value for name, value in output[result.MIME].items() if name != "judged_by"}}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    path = tmp_path / "course.toml"
    path.write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    return path


def test_only_who_claims_more_than_the_same_code_gives_has_forged(
    tmp_path: Path, course: Path, kinder: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Honest students of both builds and of earlier ones; and students who edited the points that this build gave."""
    folder = tmp_path / "in"
    found = int(spoilt("any")[result.MIME]["points"])
    claims: dict[str, str] = {}
    for student, output in kinder.items():
        assert output[result.MIME]["points"] == 5 > found, "the other build gave more"
        written(folder / f"{student}.ipynb", student, "01", output)
        claims[student] = f"differs: the notebook claims 5 points, made with {OTHER}"
    for number in range(MORE):
        written(folder / f"n{number}.ipynb", f"n{number}", "01", solved("01/guard", f"n{number}"))
        claims[f"n{number}"] = ""
        written(folder / f"o{number}.ipynb", f"o{number}", "01", without(changed(spoilt(f"o{number}"), points=5)))
        claims[f"o{number}"] = f"differs: the notebook claims 5 points, made with {UNKNOWN}"
        written(folder / f"f{number}.ipynb", f"f{number}", "01", changed(spoilt(f"f{number}"), points=5))
        claims[f"f{number}"] = f"forged: the notebook claims 5 points, and its journal gives {found}"
    given = read_course(course)
    grades = grade(folder, given, jobs=1)
    both = f" vmwidgets {__version__!r}, and its journal gives {found} with vmwidgets {__version__!r}"
    said = {row.student: row.says.partition("the same journal as")[0] for row in grades.rows}
    assert said == {one: f"{says}{both if says.startswith('differs') else ''}" for one, says in claims.items()}
    points = {one: 5.0 if one.startswith("n") else float(found) for one in claims}
    assert grades.students() == points, "the journal decides, whatever the build is"
    main(["grade", str(folder), "--course", str(course), "--to", str(tmp_path / "out"), "--jobs", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert f"  {MORE} notebooks of {OTHER} vmwidgets {__version__!r}, judged by {__version__}" in lines
    assert f"  {MORE} notebooks of {UNKNOWN} vmwidgets {__version__!r}, judged by {__version__}" in lines


def test_a_student_reads_that_another_build_checked(tmp_path: Path, kinder: dict[str, dict[str, Any]]) -> None:
    student, output = next(iter(kinder.items()))
    lines = list(diagnosis(written(tmp_path / "a.ipynb", student, "01", output)).lines())
    assert f"It was made with {OTHER} vmwidgets {__version__!r}; this is {__version__}." in lines
    lines = list(diagnosis(written(tmp_path / "b.ipynb", "ada", "01", solved("01/guard", "ada"))).lines())
    assert not [line for line in lines if "build" in line]


def test_a_check_and_a_submission_name_the_code(tmp_path: Path, course: Path) -> None:
    with Session():
        lab.begin("01", student="ada", course=COURSE)
        spoil = lab.check("01/guard", lab.variant("01/guard").start())
        assert spoil.bundle()[MIME]["judged_by"] == build.code() != ""
        data = lab.submit().data()
    assert data["works"]["01/guard"]["judged_by"] == build.code()
    data["works"]["01/guard"]["points"] = 5
    written(tmp_path / "in" / "ada.ipynb", "ada", "01", {MIME: {"record": "submission", **data}})
    (row,) = grade(tmp_path / "in", read_course(course), jobs=1).rows
    assert row.says.startswith("forged: the notebook claims 5 points")


OWN = """
from vmwidgets import lab, Machine

@lab.author.exercise("own/small", "A small machine", points=2, takes=Machine)
def small(machine):
    yield lab.author.criterion(2, machine.ram_bytes <= {most} << 20, "it is small", "it is large")
"""


@pytest.mark.parametrize(("most", "kind"), [(8, "differs"), (4, "forged")])
def test_an_authors_own_judge_is_a_part_of_the_code(tmp_path: Path, most: int, kind: str) -> None:
    """A teacher mends it between the students' work and the grading, and forgets the edition."""
    course = tmp_path / "course.toml"
    course.write_text(f'course = "{COURSE}"\nmodules = ["mine.py"]\nexercises = ["own/small"]\n')
    (tmp_path / "mine.py").write_text(OWN.format(most=most))
    read_course(course)
    check = lab.check("own/small", vmwidgets.boot(ram="8 MiB")).data()
    written(tmp_path / "in" / "ada.ipynb", "ada", "own", {result.MIME: {**check, "points": 2}})
    (tmp_path / "mine.py").write_text(OWN.format(most=4))
    (row,) = grade(tmp_path / "in", read_course(course), jobs=1).rows
    assert row.says.startswith(f"{kind}: the notebook claims 2 points")
    assert row.points == 0


def test_grades_of_another_build_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run after an update judges again, although the number is the same."""
    course = Course(COURSE, {"01/guard": 5})
    before = key_of("digest", course)
    assert State(None).of("a.ipynb", before) is None
    assert key_of("digest", course) == before
    monkeypatch.setattr(state, "code", lambda _folders: "0123456789abcdef")
    assert key_of("digest", course) != before
