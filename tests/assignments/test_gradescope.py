"""Gradescope's autograder: what is in the archive, and what its programs write for each kind of submission."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

import vmwidgets
import vmwidgets as vm
from tests.grading.earlier import result
from tests.grading.synthetic import COURSE as NAME
from tests.grading.synthetic import Recipe, solved, written
from tests.labs.test_sheets import SOLVED
from vmwidgets import __version__, lab
from vmwidgets.build import GRADING
from vmwidgets.cli import TOOLS, main
from vmwidgets.cli.autograder import results as results_of
from vmwidgets.cli.gradescope import course_file
from vmwidgets.grading import Course, read_course

COURSE = 'course = "os-2026"\nexercises = { "01/guard" = 10, "01/gaps" = 4, "02/no-rotation" = 3 }\npredictions = 1\n'
KEY = "a course's own key"
ROSTER = "login,name,email address\nada,Ada,Ada.Lovelace@uni.example\nbert,Bert,bert@uni.example\n"
HERE = Path(vmwidgets.__file__).parent
CALLED = f"vmwidgets-{__version__}-py3-none-any.whl"

ADA, BERT, EVE = "ada.lovelace@uni.example", "bert@uni.example", "eve@uni.example"


def a_wheel(path: Path, *names: str) -> Path:
    """An archive with these files in it, that is called as a wheel."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("course.toml").write_text(COURSE)
    Path("roster.csv").write_text(ROSTER)
    a_wheel(Path(CALLED), "vmwidgets/__init__.py")
    return tmp_path


def archive(*more: str, place: str = "autograder.zip") -> int:
    """What the command ends with."""
    arguments = ["--course", "course.toml", "--wheel", CALLED, *more]
    return main(["assignment", "--for", "gradescope", place, *arguments], TOOLS)


# ---- the archive -----------------------------------------------------------------------------------


def test_the_archive_has_what_gradescope_runs_and_what_that_needs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("course.toml").write_text(COURSE + f'key = "{KEY}"\n')
    assert archive("--labs", "01", "--roster", "roster.csv") == 0
    assert capsys.readouterr().out == "autograder.zip: lab 01, 14 points\n"
    assert stat.S_IMODE(Path("autograder.zip").stat().st_mode) == 0o600, "the key is in it"
    with zipfile.ZipFile("autograder.zip") as made:
        modes = {entry.filename: entry.external_attr >> 16 for entry in made.infolist()}
        made.extract("course.toml", "opened")
        assert made.read(CALLED) == Path(CALLED).read_bytes()
        settings = json.loads(made.read("autograder.json"))
    assert modes == {"setup.sh": 0o755, "run_autograder": 0o755, "autograder.json": 0o644, "course.toml": 0o644,
                     CALLED: 0o644}  # fmt: skip
    course = read_course(Path("opened", "course.toml"))
    assert course == Course("os-2026", {"01/guard": 10, "01/gaps": 4}, 1, key=KEY), "of lab 01 alone"
    assert settings == {
        "labs": ["01"],
        "people": {"ada": "ada", "ada.lovelace@uni.example": "ada", "bert": "bert", "bert@uni.example": "bert"},
    }, "ids and addresses, and no names"


def test_the_same_course_has_the_same_bytes(folder: Path) -> None:
    assert archive() == archive(place="again.zip") == 0
    assert Path("autograder.zip").read_bytes() == Path("again.zip").read_bytes()


@pytest.mark.parametrize(
    ("place", "arguments", "says"),
    [
        ("new.zip", ["--course", "course.toml"], "there is no release of vmwidgets to install"),
        ("new.zip", ["--wheel", CALLED], "needs --course FILE"),
        ("new.zip", ["--course", "course.toml", "--wheel", "missing.whl"], "is not a wheel of vmwidgets"),
        ("new.zip", ["--course", "course.toml", "--wheel", f"none/{CALLED}"], "can't be read"),
        ("new.zip", ["--course", "course.toml", "--wheel", f"empty/{CALLED}"], "does not contain vmwidgets"),
        ("new.zip", ["--course", "course.toml", "--wheel", f"cut/{CALLED}"], "is not a wheel"),
        ("new.zip", ["--course", "course.toml", "--wheel", "vmwidgets-9.9-py3-none-any.whl"], "is version 9.9"),
        ("new", ["--course", "course.toml", "--wheel", CALLED], "must end in .zip"),
        ("there.zip", ["--course", "course.toml", "--wheel", CALLED], "already exists"),
        (
            "new.zip",
            ["--course", "course.toml", "--wheel", CALLED, "--labs", "06"],
            "lab 06 has no exercise of the course: leave it out",
        ),
        ("new.zip", ["--course", "course.toml", "--wheel", CALLED, "--labs", "66"], "unknown lab '66'"),
        ("new.zip", ["--course", "course.toml", "--wheel", CALLED, "--roster", "course.toml"], "course.toml"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str, arguments: list[str], says: str
) -> None:
    Path("empty").mkdir()
    a_wheel(Path("empty", CALLED), "other/__init__.py")
    Path("cut").mkdir()
    Path("cut", CALLED).write_bytes(b"PK")
    Path("vmwidgets-9.9-py3-none-any.whl").touch()
    Path("there.zip").touch()
    before = sorted(folder.rglob("*"))
    assert main(["assignment", "--for", "gradescope", place, *arguments], TOOLS) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err
    assert sorted(folder.rglob("*")) == before


def test_a_wheel_of_another_build_of_this_version_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would judge in another way than this command, under the same number."""
    for extra, status in ("", 0), ("#", 2):
        with zipfile.ZipFile(CALLED, "w") as wheel:
            wheel.writestr("vmwidgets/__init__.py", "")
            for name in GRADING:
                for file in (HERE / name).rglob("*"):
                    if file.is_file():
                        wheel.write(file, f"vmwidgets/{file.relative_to(HERE).as_posix()}")
            if extra:
                wheel.writestr("vmwidgets/labs/more.py", extra)
        assert archive(place=f"{status}.zip") == status
    assert "was not built from this vmwidgets" in capsys.readouterr().err


@pytest.mark.parametrize("labs", ["06", "01,06", "66", "", "01,,02", " 1"])
def test_labs_are_refused_as_for_other_systems(folder: Path, capsys: pytest.CaptureFixture[str], labs: str) -> None:
    said = []
    for place, *more in (["new.zip", "--for", "gradescope", "--wheel", CALLED], ["new", "--for", "otter"]):
        status = main(["assignment", place, *more, "--course", "course.toml", "--labs", labs], TOOLS)
        said.append((status, capsys.readouterr().err))
    assert said[0] == said[1]
    assert said[0][0] == (0 if labs == "" else 2)


def test_options_for_gradescope_are_refused_for_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assignment", "--for", "otter", "new", "--wheel", CALLED], TOOLS) == 2
    assert capsys.readouterr().err == "vmwidgets: --wheel is for --for gradescope only: leave it out\n"


# ---- its programs ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """What setup.sh makes, but with the packages of this environment: setup.sh itself is run in tests/hosts."""
    made = tmp_path_factory.mktemp("gradescope") / "venv"
    venv.create(made, symlinks=True)
    version = "python{}.{}".format(*sys.version_info[:2])
    packages = made / "lib" / version / "site-packages"
    (packages / "this.pth").write_text(f"{root}\n{sysconfig.get_path('purelib')}\n")
    return made


class Gradescope:
    """Gradescope's folder, from an archive."""

    def __init__(self, root: Path, environment: Path) -> None:
        self.root = root
        root.mkdir()
        (root / "venv").symlink_to(environment)
        with zipfile.ZipFile("autograder.zip") as made:
            made.extractall(root / "source")
        shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
        (root / "submission").mkdir()
        (root / "results").mkdir()

    def uploaded_by(self, *users: Any) -> Gradescope:
        """The same, with a submission that these users uploaded."""
        people = [{"email": one, "id": 7, "name": "A Student"} if isinstance(one, str) else one for one in users]
        metadata = {"id": 1, "users": people, "previous_submissions": []}
        (self.root / "submission_metadata.json").write_text(json.dumps(metadata))
        return self

    def run(self) -> dict[str, Any]:
        """What results.json has after the program has run as Gradescope runs it; it is checked against the format."""
        variables = {**os.environ, "AUTOGRADER_ROOT": str(self.root)}
        command = ["bash", str(self.root / "run_autograder")]
        cwd = self.root / "submission"
        subprocess.run(command, cwd=cwd, env=variables, check=True, capture_output=True, timeout=300)
        results: dict[str, Any] = json.loads((self.root / "results" / "results.json").read_text())
        return self.checked(results)

    def here(self) -> dict[str, Any]:
        """The same results without the program around them, in this process."""
        return self.checked(results_of(self.root))

    def checked(self, results: dict[str, Any]) -> dict[str, Any]:
        """The results, if they are of Gradescope's format and say nothing of this computer."""
        assert set(results) <= {"score", "tests", "output", "visibility"}
        assert isinstance(results["score"], (int, float))
        assert isinstance(results["output"], str)
        assert results["output"]
        assert str(self.root) not in json.dumps(results)
        assert "Traceback" not in json.dumps(results)
        for test in results.get("tests", ()):
            assert set(test) <= {"name", "score", "max_score", "output"}
        return results

    def holds(self, name: str, student: str, lab: str = "01", **recipes: Recipe | None) -> None:
        """Put a notebook of a student into the submission: "guard" and "gaps" are solved by these recipes."""
        outputs = [solved(f"{lab}/{one}", student, recipe) for one, recipe in recipes.items()]
        written(self.root / "submission" / name, student, lab, *outputs)


@pytest.fixture
def gradescope(folder: Path, environment: Path) -> Gradescope:
    assert archive("--labs", "01", "--roster", "roster.csv") == 0
    return Gradescope(folder / "autograder", environment)


def test_one_notebook_has_the_points_that_grade_gives(gradescope: Gradescope) -> None:
    gradescope.holds("01-maps.ipynb", "ada", guard=None, gaps=SOLVED["01/gaps"].spoilt[0])
    results = gradescope.uploaded_by(ADA).run()
    courses = gradescope.root / "source" / "course.toml"
    assert main(["grade", str(gradescope.root / "submission"), "--course", str(courses), "--to", "out"]) == 0
    graded = json.loads(Path("out", "gradescope", "ada.json").read_text())
    assert results == {**graded, "output": "01-maps.ipynb: this notebook was graded."}
    assert {one["name"]: one["max_score"] for one in results["tests"]} == {"01/guard": 10, "01/gaps": 4}
    assert results["score"] >= 10


def test_of_two_notebooks_the_most_points_of_each_exercise_count(gradescope: Gradescope) -> None:
    gradescope.holds("01-maps.ipynb", "ada", guard=SOLVED["01/guard"].spoilt[0], gaps=None)
    gradescope.holds("deep/01-maps.download", "ada", guard=None)
    results = gradescope.uploaded_by(ADA).here()
    assert {one["name"]: one["score"] for one in results["tests"]} == {"01/guard": 10, "01/gaps": 4}
    assert results["score"] == 14
    graded = ["01-maps.ipynb: this notebook was graded.", "deep/01-maps.download: this notebook was graded."]
    assert sorted(results["output"].splitlines()) == graded


@pytest.mark.parametrize(
    ("ids", "user"),
    [
        (["ada", ADA], ADA),
        (["ada", ADA.upper()], {"email": "ada@elsewhere.example", "sid": "ADA"}),
        (["7", EVE], {"email": EVE, "sid": "7"}),
        (["ada+bert", ADA], ADA),
    ],
    ids=["roster", "number", "unknown", "pair"],
)
def test_ids_of_one_person_are_one_students(gradescope: Gradescope, ids: list[str], user: Any) -> None:
    """Each exercise was solved under another id: as in a table of all ids, the best of both counts."""
    gradescope.holds("a.ipynb", ids[0], guard=None)
    gradescope.holds("b.ipynb", ids[1], gaps=None)
    results = gradescope.uploaded_by(user).here()
    assert {one["name"]: one["score"] for one in results["tests"]} == {"01/guard": 10, "01/gaps": 4}
    assert results["score"] == 14


def test_what_is_suspicious_is_printed_for_instructors_only(
    gradescope: Gradescope, capsys: pytest.CaptureFixture[str]
) -> None:
    lied = {result.MIME: {**solved("01/gaps", "ada", SOLVED["01/gaps"].spoilt[0])[result.MIME], "points": 4}}
    written(gradescope.root / "submission" / "a.ipynb", "ada", "01", lied)
    results = gradescope.uploaded_by(ADA).here()
    assert "forged" not in json.dumps(results)
    assert "a.ipynb, 01/gaps: forged: the notebook claims 4 points, and its journal gives 0" in capsys.readouterr().out


def test_an_empty_submission(gradescope: Gradescope) -> None:
    results = gradescope.uploaded_by(ADA).run()
    assert results["score"] == 0
    assert results["output"] == (
        "There is no notebook in this submission. Upload the file that ends in .ipynb. The submission is empty."
    )


def test_other_files_are_named(gradescope: Gradescope) -> None:
    (gradescope.root / "submission" / "lab.html").write_text("<html>")
    (gradescope.root / "submission" / "list.json").write_text("{}")
    (gradescope.root / "submission" / ".DS_Store").touch()
    results = gradescope.uploaded_by(ADA).here()
    assert (results["score"], results["output"].partition("ipynb. ")[2]) == (0, "You uploaded: lab.html, list.json.")


def test_what_is_odd_is_a_sentence_and_takes_nothing_from_a_good_notebook(gradescope: Gradescope) -> None:
    submission = gradescope.root / "submission"
    gradescope.holds("good.ipynb", "ada", guard=None)
    gradescope.holds("bert.ipynb", "bert", guard=None, gaps=None)
    gradescope.holds("two.ipynb", "ada", "02", **{"no-rotation": None})
    gradescope.holds("whose.ipynb", "", guard=None)
    written(submission / "course.ipynb", "ada", "01", solved("01/gaps", "ada"), course="os-1999")
    (submission / "cut.ipynb").write_text((submission / "good.ipynb").read_text()[:300])
    (submission / "link.ipynb").symlink_to(gradescope.root / "source" / "course.toml")
    (submission / "evil.py").write_text("raise SystemExit")
    (submission / "json.py").write_text("raise SystemExit")
    results = gradescope.uploaded_by(ADA).run()
    assert results["score"] == 10
    said = dict(line.split(": ", 1) for line in results["output"].splitlines())
    assert said["good.ipynb"] == "this notebook was graded."
    assert (
        said["bert.ipynb"] == f"this notebook was begun as bert, and was uploaded by {ADA}, so it has no points here."
    )
    assert said["two.ipynb"] == "this is lab 02, and lab 01 is graded here."
    assert said["whose.ipynb"].startswith("this notebook was begun without an id")
    assert "os-1999" in said["course.ipynb"]
    assert said["cut.ipynb"].startswith("not a notebook")
    assert said["link.ipynb"] == "this is a link: upload the notebook itself."
    assert len(said) == 7


@pytest.mark.parametrize(
    ("users", "points"),
    [
        ([ADA.upper()], 10),
        ([{"email": "ada@elsewhere.example", "sid": "ADA"}], 10),
        ([EVE], 0),
        ([BERT], 0),
        ([ADA, EVE], 0),
        ([{"email": None, "name": "ada"}], 0),
        ([ADA, {"name": "Eve"}], 0),
        ([], 0),
    ],
)
def test_a_notebook_counts_for_those_who_began_it(gradescope: Gradescope, users: list[Any], points: int) -> None:
    gradescope.holds("01-maps.ipynb", "ada", guard=None)
    assert gradescope.uploaded_by(*users).here()["score"] == points


@pytest.mark.parametrize("users", [[ADA], [BERT], [ADA, BERT]])
def test_a_pairs_notebook_counts_for_each_of_them(gradescope: Gradescope, users: list[str]) -> None:
    """Also where one of them did more alone."""
    gradescope.holds("pair.ipynb", "ada+bert", guard=None)
    gradescope.holds("alone.ipynb", "ada", gaps=None)
    assert gradescope.uploaded_by(*users).here()["score"] == (14 if users == [ADA] else 10)


def test_without_a_roster_ids_are_those_that_gradescope_has(folder: Path, environment: Path) -> None:
    assert archive() == 0
    gradescope = Gradescope(folder / "autograder", environment)
    gradescope.holds("01-maps.ipynb", BERT, guard=None)
    assert gradescope.uploaded_by(BERT).here()["score"] == 10
    assert gradescope.uploaded_by({"email": EVE, "sid": BERT}).here()["score"] == 10
    assert gradescope.uploaded_by(ADA).here()["score"] == 0


@pytest.mark.parametrize("metadata", [None, "", "{", "[]", '{"users": 7}', '{"users": [7]}', "[" * 100_000])
def test_metadata_that_says_nothing_is_a_sentence(gradescope: Gradescope, metadata: str | None) -> None:
    gradescope.holds("01-maps.ipynb", "ada", guard=None)
    if metadata is not None:
        (gradescope.root / "submission_metadata.json").write_text(metadata)
    results = gradescope.here()
    assert (results["score"], "Ask your instructor." in results["output"]) == (0, True)


OWN = """
from vmwidgets import lab, Machine

@lab.author.exercise("desk/small", "A small machine", points=2, takes=Machine)
def small(machine):
    yield lab.author.criterion(2, machine.ram_bytes <= 8 << 20, "it is small", "it is large")
"""


def test_a_courses_own_exercises_are_graded(folder: Path, environment: Path) -> None:
    """Those that the course's file names, and those of the command line, but no module that a student uploads."""
    Path("mine.py").write_text(OWN)
    Path("more.py").write_text(OWN.replace("desk/small", "desk/tiny"))
    course = f'modules = ["mine.py"]\ncourse = "{NAME}"\nexercises = ["desk/small", "desk/tiny", "01/gaps"]\n'
    Path("course.toml").write_text(course)
    assert archive("--exercises", "more.py", "--labs", "desk") == 0
    gradescope = Gradescope(folder / "autograder", environment)
    check = {result.MIME: lab.check("desk/small", vm.boot(ram="4 MiB")).data()}
    written(gradescope.root / "submission" / "own.ipynb", BERT, "desk", check)
    (gradescope.root / "submission" / "mine.py").write_text("raise SystemExit")
    results = gradescope.uploaded_by(BERT).run()
    assert {one["name"]: one["score"] for one in results["tests"]} == {"desk/small": 2, "desk/tiny": 0}


@pytest.mark.parametrize("name", ["os", 'ö"\\', "a\x7fb\u2028", "tab\there"])
def test_a_courses_file_has_what_the_course_has(tmp_path: Path, name: str) -> None:
    course = Course(name, {"01/gaps": 4, "01/guard": 2.5, "02/no-rotation": 0}, 0.25, key=name * 16)
    (tmp_path / "course.toml").write_text(course_file(course, course.exercises), encoding="utf-8")
    assert read_course(tmp_path / "course.toml") == course


@pytest.mark.parametrize("broken", ["source/course.toml", "source/autograder.json", "venv"])
def test_a_broken_autograder_is_a_sentence_too(gradescope: Gradescope, broken: str) -> None:
    gradescope.holds("01-maps.ipynb", "ada", guard=None)
    (gradescope.root / broken).unlink()
    results = gradescope.uploaded_by(ADA).run()
    assert (results["score"], "Ask your instructor." in results["output"]) == (0, True)


def test_a_course_with_codes_is_graded_and_its_key_is_in_no_results(folder: Path, environment: Path) -> None:
    Path("course.toml").write_text(COURSE + f'key = "{KEY}"\n')
    assert archive() == 0
    gradescope = Gradescope(folder / "autograder", environment)
    coded = solved("01/guard", BERT, key=KEY)
    written(gradescope.root / "submission" / "coded.ipynb", BERT, "01", coded, key=KEY)
    gradescope.holds("without.ipynb", BERT, gaps=None)
    results = gradescope.uploaded_by(BERT).here()
    assert results["score"] == 10, "the work without a code has no points"
    assert "without.ipynb: it was begun without a code" in results["output"]
    assert KEY not in json.dumps(results)
