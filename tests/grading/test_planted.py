"""Nothing that lies in a folder of submissions is imported, run or believed, wherever the one who grades stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

import vmwidgets
from vmwidgets import __version__
from vmwidgets.engine.base.errors import Refused
from vmwidgets.grading import cluster, grade, processes, read_course
from vmwidgets.grading.workers import Worker

from .synthetic import COURSE, seed_of, solved, written

ROOT = Path(__file__).parents[2]

SCRIPT = "import sys\nfrom vmwidgets.cli import main\nsys.exit(main())\n"
"""What an installer writes as the command."""

EVERYTHING = """
import sys
from vmwidgets.cli import main
main(["grade", *sys.argv[1:4], "--to", sys.argv[4], "--jobs", "1"])
import vmwidgets.grading.checkoff.kinds
from vmwidgets.grading.judge import judged
print(*sorted({name.partition(".")[0] for name in sys.modules} - {"__main__"}))
"""
"""Prints the modules that the command, and the processes that judge have after their work."""

EARLY = "import sys; print(*{name.partition('.')[0] for name in sys.modules} - {'__main__'})"
"""Prints what Python itself imports."""


@dataclass(frozen=True)
class Folder:
    """A folder of submissions; a file in it that is run leaves its name in `marks`."""

    path: Path
    course: Path
    script: Path
    marks: Path

    def grade(self, to: Path, where: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Grade it by the command, from the folder `where`."""
        folder = os.path.relpath(self.path, where)
        command = [str(self.script), "grade", folder, "--course", str(self.course), "--to", str(to), "--jobs", "1"]
        return self.run(where, *options, *command, **variables)

    def run(self, where: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the folder `where`."""
        given = {"PYTHONPATH": str(ROOT)} | variables
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=where, env=os.environ | given, check=False, capture_output=True, text=True, timeout=120,
        )  # fmt: skip  # a call

    def ran(self) -> str:
        """The planted files that were run."""
        return self.marks.read_text() if self.marks.exists() else ""

    def plant(self, name: str) -> None:
        """Put a file there that leaves its mark when it is run."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(self.marks)!r}, 'a').write({name!r} + ' ')\n")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Two who solved an exercise; one of them by a function."""
    made = Folder(tmp_path / "in", tmp_path / "course.toml", tmp_path / "bin" / "vmwidgets", tmp_path / "marks")
    made.course.write_text(f'course = "{COURSE}"\nexercises = ["01/guard", "11/policy"]\n')
    made.script.parent.mkdir()
    made.script.write_text(SCRIPT)
    written(made.path / "ada.ipynb", "ada", "01", solved("01/guard", "ada"))
    written(made.path / "bert.ipynb", "bert", "11", solved("11/policy", "bert"))
    return made


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """All that could be imported: what the standard library has, and what is imported when all is done."""
    root = tmp_path_factory.mktemp("modules")
    (root / "course.toml").write_text(f'course = "{COURSE}"\nexercises = ["01/guard"]\n')
    written(root / "in" / "ada.ipynb", "ada", "01", solved("01/guard", "ada"))
    arguments = (str(root / "in"), "--course", str(root / "course.toml"), str(root / "out"))
    command = [sys.executable, "-c", EVERYTHING, *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = set(done.stdout.splitlines()[-1].split())
    assert {"vmwidgets", "traitlets", "argparse"} <= found
    return {name for name in found | set(sys.stdlib_module_names) if name.isidentifier()}


def table(to: Path) -> dict[str, str]:
    """Who has how many points."""
    rows = (line.split(",") for line in (to / "students.csv").read_text().splitlines()[1:])
    return {row[0]: row[1] for row in rows}


POINTS = {"ada": "5", "bert": "6"}


def plant(folder: Folder, names: Iterable[str], form: str) -> None:
    """Plant modules with these names: as files, packages or libraries, with what Python runs when it starts."""
    for name in {*names, "sitecustomize", "usercustomize"}:
        if form == "library":
            (folder.path / f"{name}.so").write_bytes(b"\x7fELF")
        else:
            folder.plant(f"{name}/__init__.py" if form == "package" else f"{name}.py")
    for name in ("easy-install.pth", "vmwidgets.pth"):
        (folder.path / name).write_text(f"import sys; open({str(folder.marks)!r}, 'a').write('{name} ')\n")


@pytest.mark.parametrize("form", ["file", "package", "library"])
def test_no_module_in_the_folder_is_imported(folder: Folder, modules: set[str], tmp_path: Path, form: str) -> None:
    plant(folder, modules, form)
    there = folder.grade(tmp_path / "there", folder.path)
    elsewhere = folder.grade(tmp_path / "elsewhere", tmp_path)
    assert folder.ran() == ""
    assert (there.returncode, there.stderr) == (elsewhere.returncode, elsewhere.stderr)
    assert table(tmp_path / "there") == POINTS
    for name in "grades.csv", "students.csv", "grades.json":
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "elsewhere" / name).read_bytes()


def test_no_module_is_imported_by_questions_at_the_desk(folder: Folder, modules: set[str], tmp_path: Path) -> None:
    plant(folder, modules, "file")
    there = folder.run(folder.path, str(folder.script), "grade", "ada.ipynb", "--ask")
    elsewhere = folder.run(tmp_path, str(folder.script), "grade", str(folder.path / "ada.ipynb"), "--ask")
    assert folder.ran() == ""
    assert there.returncode in (0, 1), there.stderr
    assert (there.returncode, there.stdout) == (elsewhere.returncode, elsewhere.stdout)


@pytest.fixture
def late(folder: Folder, modules: set[str], tmp_path: Path) -> Folder:
    """The folder with all modules planted but those that Python imports before any code of ours."""
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe" / "__init__.py").write_text(EARLY)
    (tmp_path / "probe" / "__main__.py").touch()
    early = folder.run(tmp_path, "-m", "probe").stdout.split()
    assert "runpy" in early
    for name in modules - {*early, "vmwidgets", "__future__"}:
        folder.plant(f"{name}.py")
    return folder


REFUSED = "vmwidgets: Python imports modules from the current folder or from the submissions, "


@pytest.mark.parametrize("more", [[], ["--ask"]])
def test_the_module_is_refused_as_a_program_in_the_folder(late: Folder, tmp_path: Path, more: list[str]) -> None:
    for options in (["-m"], ["-Bm"]):
        done = late.run(late.path, *options, "vmwidgets", "grade", ".", "--course", str(late.course), *more)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(REFUSED)
        assert "call 'vmwidgets grade …'" in done.stderr
        assert done.stderr.count("\n") == 1
    assert late.ran() == ""


@pytest.mark.parametrize("path", [f"{ROOT}:", f"{ROOT}:.", f".:{ROOT}", f"{ROOT}:../in", f"{ROOT}::/nowhere"])
def test_relative_entries_of_the_path_are_refused_in_the_folder(late: Folder, tmp_path: Path, path: str) -> None:
    done = late.grade(tmp_path / "out", late.path, PYTHONPATH=path.replace(":", os.pathsep))
    assert (done.returncode, done.stdout, done.stderr.startswith(REFUSED)) == (2, "", True), done.stderr
    assert late.ran() == ""


def test_absolute_entries_of_the_path_that_lie_in_the_folder_are_refused(late: Folder, tmp_path: Path) -> None:
    (late.path / "lib").mkdir()
    for inside in late.path, late.path / "lib":
        done = late.grade(tmp_path / "out", tmp_path, PYTHONPATH=os.pathsep.join([str(ROOT), str(inside)]))
        assert (done.returncode, done.stdout, done.stderr.startswith(REFUSED)) == (2, "", True), done.stderr
        notebook = str(late.path / "ada.ipynb")
        path = os.pathsep.join([str(ROOT), str(late.path)])
        for ask in ("--ask", "--as"):
            assert late.run(tmp_path, str(late.script), "grade", notebook, ask, PYTHONPATH=path).returncode == 2
    assert late.ran() == ""


def test_a_program_that_imports_from_the_folder_grades_nothing(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a notebook does that stands in it; but Python's own folders may lie anywhere."""
    course = read_course(folder.course)
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder.path / "lib")])
    with pytest.raises(Refused, match=r"imports modules from '.*/in/lib', in the folder of submissions"):
        grade(folder.path, course, jobs=1)
    monkeypatch.setattr(sys, "prefix", str(folder.path / "lib"))
    assert len(grade(folder.path, course, jobs=1).files) == 2


def test_the_module_is_a_program_elsewhere(folder: Folder, tmp_path: Path) -> None:
    """In a clone, and anywhere for commands that read nobody else's files."""
    arguments = ("grade", str(folder.path), "--course", str(folder.course), "--to", str(tmp_path / "out"))
    done = folder.run(ROOT, "-m", "vmwidgets", *arguments, "--jobs", "1")
    assert (done.returncode, table(tmp_path / "out")) == (0, POINTS), done.stderr
    assert folder.run(tmp_path, "-m", "vmwidgets", "questions", "--help").returncode == 0


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no -P")
def test_the_module_is_a_program_with_a_safe_path(folder: Folder, modules: set[str], tmp_path: Path) -> None:
    plant(folder, modules, "file")
    arguments = ("grade", ".", "--course", str(folder.course), "--to", str(tmp_path / "out"), "--jobs", "1")
    done = folder.run(folder.path, "-P", "-m", "vmwidgets", *arguments)
    assert (done.returncode, folder.ran(), table(tmp_path / "out")) == (1, "", POINTS), done.stderr


def test_a_process_that_judges_is_safe_whatever_starts_it_there(
    folder: Folder, modules: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of a cluster may have been started in the folder, with any path."""
    plant(folder, modules, "file")
    monkeypatch.chdir(folder.path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", str(folder.path), "../in"]))
    monkeypatch.setenv("PYTHONSTARTUP", str(folder.path / "traitlets.py"))
    monkeypatch.setenv("HOME", str(folder.path))
    course = read_course(folder.course)
    try:
        graded = [
            cluster.judge(__version__, name, Path(name).read_bytes(), course) for name in ("ada.ipynb", "bert.ipynb")
        ]
    finally:
        cluster.rest()
    assert [(row.student, row.points, row.says) for one in graded for row in one.rows] == [
        ("ada", 5, ""), ("bert", 6, ""),
    ]  # fmt: skip  # one list
    worker = Worker("vmwidgets.grading.checkoff.kinds")
    try:
        work = solved("01/guard", "ada")
        (data,) = work.values()
        asking = {"work": data["work"], "drawn_from": "x", "modules": []}
        assert worker.ask("01/guard", seed_of("ada", "01"), asking)["questions"]
    finally:
        worker.close()
    assert folder.ran() == ""


LOOKS = """
import json, os, sys
from vmwidgets.grading.judge import main
here = os.getcwd()
import vmwidgets
package = [vmwidgets.__file__, vmwidgets.__version__]
found = {"package": package, "path": sys.path, "here": here, "files": os.listdir(here), "variables": dict(os.environ)}
main(lambda *_question: found)
"""


def test_a_process_that_judges_has_an_empty_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "looks.py").write_text(LOOKS)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    entries = [str(tmp_path), "", ".", "in", str(tmp_path / "in"), str(tmp_path / "lib")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entries))
    monkeypatch.setenv("SECRET", "of the grader")
    monkeypatch.setattr(processes, "__version__", "9.9")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "looks.py").write_text(LOOKS)
    worker = Worker("looks", submissions=tmp_path / "in")
    try:
        found = worker.ask("", "", None)
    finally:
        worker.close()
    assert found["path"][0] == str(tmp_path / "lib"), "an absolute folder elsewhere stays"
    assert [one for one in found["path"] if not Path(one).is_absolute()] == []
    assert {str(tmp_path), str(tmp_path / "in"), found["here"]}.isdisjoint(found["path"])
    assert found["files"] == []
    assert found["package"] == [vmwidgets.__file__, "9.9"]
    assert found["here"] != str(tmp_path)
    assert found["variables"]["HOME"] == found["here"]
    assert "SECRET" not in found["variables"]


def test_settings_in_the_folder_are_not_read(folder: Folder, tmp_path: Path) -> None:
    """matplotlib reads one in the current folder, and it can name a module that is run."""
    folder.plant("backend.py")
    rc = "backend: module://backend\nsavefig.dpi: nonsense\n"
    for name in "matplotlibrc", ".matplotlib/matplotlibrc", ".config/matplotlib/matplotlibrc":
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text(rc)
    for name in "dask.yaml", ".dask/dask.yaml", ".config/dask/dask.yaml", "distributed.yaml":
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text("no: [yaml")
    for name in "pip.conf", "setup.cfg", "pyproject.toml", ".ipython/profile_default/startup/00.py", ".env":
        folder.plant(name)
    done = folder.grade(tmp_path / "out", folder.path)
    assert (folder.ran(), done.stderr, table(tmp_path / "out")) == ("", "", POINTS)


# ---- results -------------------------------------------------------------------------------------


def forged(folder: Folder, to: Path) -> bytes:
    """The state of a run, in which ada has all points of an exercise that she did not do."""
    grade(folder.path, read_course(folder.course), state=to / "state.jsonl", jobs=1)
    lines = [json.loads(line) for line in (to / "state.jsonl").read_text().splitlines()]
    for line in lines:
        line["graded"]["rows"][0]["points"] = 1000
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def test_a_state_in_the_folder_is_not_believed(folder: Folder, tmp_path: Path) -> None:
    state = forged(folder, tmp_path / "first")
    for name in "state.jsonl", "grades/state.jsonl", "out/state.jsonl":
        (folder.path / name).parent.mkdir(exist_ok=True)
        (folder.path / name).write_bytes(state)
    (folder.path / "grades" / "overrides.csv").write_text("student,exercise,points,reason\nada,01/guard,1000,mine\n")
    assert folder.grade(tmp_path / "out", folder.path).returncode == 1
    assert table(tmp_path / "out") == POINTS
    default = folder.run(folder.path, str(folder.script), "grade", ".", "--course", str(folder.course))
    assert (default.returncode, default.stdout) == (2, "")
    assert default.stderr == (
        "vmwidgets: results can't be written to 'grades', in the folder of submissions: name a folder outside of it, "
        f"such as --to {tmp_path / 'in-grades'}\n"
    )


def test_a_state_that_was_changed_is_believed_where_results_are(folder: Folder, tmp_path: Path) -> None:
    """Which is why the folder of results is never one that others can write to."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "state.jsonl").write_bytes(forged(folder, tmp_path / "first"))
    (row, *_) = grade(folder.path, read_course(folder.course), state=tmp_path / "out" / "state.jsonl", jobs=1).rows
    assert row.points == 1000


@pytest.mark.skipif(os.name == "nt", reason="Windows has other links")
@pytest.mark.parametrize("results", ["in", "in/grades", "in/a/b", "link", "link/grades", "up", "other/../in/grades"])
def test_results_never_lie_among_the_submissions(folder: Folder, tmp_path: Path, results: str) -> None:
    (tmp_path / "link").symlink_to(folder.path)
    (tmp_path / "other").mkdir()
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "feedback").symlink_to(folder.path)
    before = sorted(folder.path.rglob("*"))
    for seen in folder.path, tmp_path / "link":
        with pytest.raises(Refused, match="in the folder of submissions: name a folder outside of it"):
            grade(seen, read_course(folder.course), state=tmp_path / results / "state.jsonl", jobs=1)
    assert sorted(folder.path.rglob("*")) == before
