"""The Pythons that the unit tests run on: found where they may be, the oldest and the newest taken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import pythons
from scripts.pythons import Python


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any Python, and a PATH of one empty folder, `bin`."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("XDG_DATA_HOME", "UV_PYTHON_INSTALL_DIR", "PYENV_ROOT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def stand_in(program: Path, says: str, code: int = 0) -> Path:
    """A program that answers the probe."""
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    program.chmod(0o755)
    return program


def found(home: Path) -> list[str]:
    """The versions that are found, the oldest first."""
    return [python.name for python in pythons.running(pythons.candidates(home))]


def test_the_python_that_runs_this_is_one() -> None:
    (python,) = pythons.running([Path(sys.executable)])
    assert python == (sys.version_info[:3], Path(sys.executable))


def test_path_pyenv_and_uv_are_looked_at(home: Path) -> None:
    stand_in(home / "bin/python3.11", "3 11 2")
    stand_in(home / ".pyenv/versions/3.13.0/bin/python3", "3 13 0")
    stand_in(home / ".local/share/uv/python/cpython-3.14.2-linux/bin/python3", "3 14 2")
    assert found(home) == ["3.11.2", "3.13.0", "3.14.2"]


def test_their_own_variables_say_where_they_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(home / "elsewhere"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(home / "managed"))
    stand_in(home / "elsewhere/versions/3.10.1/bin/python3", "3 10 1")
    stand_in(home / "managed/cpython-3.12/bin/python3", "3 12 0")
    assert found(home) == ["3.10.1", "3.12.0"]


def test_versions_order_as_numbers(home: Path) -> None:
    for version in ("3.10.13", "3.10.4", "3.12.1"):
        stand_in(home / f".pyenv/versions/{version}/bin/python3", version.replace(".", " "))
    assert found(home) == ["3.10.4", "3.10.13", "3.12.1"]


@pytest.mark.parametrize(
    ("says", "code"),
    [("3 9 18", 0), ("3 15 0", 0), ("2 7 18", 0), ("", 0), ("3 12 1", 127), ("pyenv: not found", 0)],
    ids=["too old", "too new", "Python 2", "no plain CPython", "a shim that does not run", "nonsense"],
)
def test_others_are_none(home: Path, says: str, code: int) -> None:
    stand_in(home / "bin/python3.12", says, code)
    assert found(home) == []


def test_what_is_no_program_is_none(home: Path) -> None:
    (home / "bin/python3.11").write_text("no interpreter for this")
    (home / "bin/python3.12").mkdir()
    (home / "bin/python3.13").write_text("no program at all")
    (home / "bin/python3.13").chmod(0o755)
    assert found(home) == []


def test_the_first_of_a_version_is_taken(home: Path) -> None:
    own = stand_in(home / "venv/bin/python", "3 11 2")
    stand_in(home / "bin/python3.11", "3 11 2")
    (python,) = pythons.running([own, *pythons.candidates(home)])
    assert python.program == own


def test_the_oldest_and_the_newest_are_chosen() -> None:
    every = [Python((3, minor, 0), Path("python")) for minor in (10, 11, 13)]
    assert pythons.oldest_and_newest(every) == {"oldest here": every[0], "newest here": every[2]}
    assert pythons.oldest_and_newest(every[:1]) == {"the only one here": every[0]}
    assert pythons.oldest_and_newest([]) == {}
