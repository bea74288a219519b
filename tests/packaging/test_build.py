"""Which build runs: one digest for one code, however it is kept; and the commit of a clone, without git."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import vmwidgets
from vmwidgets.build import GRADING, JUDGING, TEXTS, code

HERE = Path(vmwidgets.__file__).parent
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folders that count, with all that Python and editors leave behind in them."""
    copy = tmp_path_factory.mktemp("copy") / "vmwidgets"
    for name in GRADING:
        shutil.copytree(HERE / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "__init__.py").touch()
    shutil.copy(HERE / "build.py", copy)
    shutil.copy(HERE / "launched.py", copy)
    return copy


def test_one_code_has_one_digest_wherever_it_is(package: Path, tmp_path: Path) -> None:
    """In Windows' line ends, in a zip archive in another order, and beside what Python and editors write."""
    assert code() == code(package=package) != ""
    other = tmp_path / "vmwidgets"
    files = sorted((one for one in package.rglob("*") if one.is_file()), reverse=True)
    with zipfile.ZipFile(tmp_path / "made.whl", "w") as wheel:
        for file in files:
            name = file.relative_to(package)
            wheel.write(file, f"vmwidgets/{name.as_posix()}")
            (other / name).parent.mkdir(parents=True, exist_ok=True)
            text = file.name.endswith(TEXTS)
            (other / name).write_bytes(file.read_bytes().replace(b"\n", b"\r\n") if text else file.read_bytes())
    (other / "labs" / ".ipynb_checkpoints").mkdir()
    (other / "labs" / ".ipynb_checkpoints" / "lab-checkpoint.py").write_text("x = 1\n")
    compileall.compile_dir(other / "labs", quiet=1)
    assert code(package=other) == code()
    with zipfile.ZipFile(tmp_path / "made.whl") as wheel:
        assert code(package=zipfile.Path(wheel, "vmwidgets/")) == code()
        assert code(GRADING, zipfile.Path(wheel, "vmwidgets/")) == code(GRADING)


@pytest.mark.parametrize("folder", JUDGING)
def test_another_byte_of_what_judges_is_another_digest(package: Path, tmp_path: Path, folder: str) -> None:
    other = shutil.copytree(package, tmp_path / "vmwidgets")
    with next((other / folder).rglob("*.py")).open("a") as file:
        file.write("#\n")
    assert code(package=other) not in ("", code())


def test_without_sources_nothing_is_claimed(package: Path, tmp_path: Path) -> None:
    """Two builds that have only compiled files must not be taken for one."""
    other = shutil.copytree(package, tmp_path / "vmwidgets")
    compileall.compile_dir(other, quiet=1, legacy=True)
    for one in other.rglob("*.py"):
        one.unlink()
    assert code(package=other) == ""


def test_sources_that_changed_under_a_running_process_are_not_its_code(package: Path, tmp_path: Path) -> None:
    """As after an update of the package below an open notebook, whose kernel still runs the code of before."""
    other = shutil.copytree(package, tmp_path / "vmwidgets")
    asked = "import vmwidgets.build as build, {more}; print([build.code()])"
    does = f"pathlib; pathlib.Path({str(other / 'labs' / 'sheet.py')!r}).write_text('x = 1')"
    for more, known in (("os", True), (does, False), ("os", True)):
        command = [sys.executable, "-c", asked.format(more=more)]
        there = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(command, cwd=tmp_path, env=there, check=True, capture_output=True, text=True)
        assert (done.stdout != "['']\n") is known


def test_a_package_in_a_zip_archive_knows_its_code(package: Path, tmp_path: Path) -> None:
    place = shutil.make_archive(str(tmp_path / "all"), "zip", package.parent)
    asked = "import vmwidgets.build as build; print(build.code(), build.commit())"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, env={**os.environ, "PYTHONPATH": place}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip  # one call
    assert done.stdout == f"{code()} \n"


# ---- the commit --------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path) -> str:
    """What the package in this folder says, without git on its path."""
    asked = "import vmwidgets.build as build; print(build.commit())"
    return subprocess.run(
        [sys.executable, "-c", asked], cwd=folder, env={"PYTHONPATH": str(folder), "PATH": ""}, check=True,
        capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip  # one call


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    clone = tmp_path / "clone"
    (clone / "vmwidgets").mkdir(parents=True)
    for name in "build.py", "launched.py":
        shutil.copy(HERE / name, clone / "vmwidgets")
    (clone / "vmwidgets" / "__init__.py").touch()
    (clone / "pyproject.toml").write_text('[project]\nname = "vmwidgets"\n')
    git(clone, "init")
    git(clone, "add", ".")
    git(clone, "commit", "-m", "one")
    return clone


def test_a_clone_knows_its_commit_on_a_branch_packed_detached_and_in_a_worktree(clone: Path) -> None:
    first = git(clone, "rev-parse", "HEAD")
    assert commit(clone) == first
    git(clone, "branch", "side")
    git(clone, "commit", "--allow-empty", "-m", "two")
    second = git(clone, "rev-parse", "HEAD")
    assert commit(clone) == second != first
    git(clone, "worktree", "add", "../tree", "side")
    assert commit(clone.parent / "tree") == first
    git(clone, "tag", "-a", "v1", "-m", "a tag, whose packed line is followed by another")
    git(clone, "pack-refs", "--all")
    assert (commit(clone), commit(clone.parent / "tree")) == (second, first)
    git(clone, "checkout", "--detach", first)
    assert commit(clone) == first


def test_only_a_clone_of_its_own_repository_has_a_commit(clone: Path) -> None:
    """A wheel has none, nor a package that lies in the repository of something else."""
    (clone / "pyproject.toml").write_text('[project]\nname = "an-os-course"\n')
    assert commit(clone) == ""
    (clone / "pyproject.toml").write_text('[project]\nname = "vmwidgets"\n')
    (clone / ".git" / "HEAD").write_text("ref: refs/heads/nowhere\n")
    assert commit(clone) == ""
    shutil.rmtree(clone / ".git")
    assert commit(clone) == ""
