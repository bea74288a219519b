"""Runs the unit tests on the oldest and the newest Python of this machine, with `make unit`.

Tests marked `once` run on the newest alone, which is faster: long random searches, and all cases of a test but the
first (tests/conftest.py).  So do all tests of some folders.

Arguments are pytest's: `python -m scripts.unit -k threads`.  Environments of Pythons other than that of .venv are kept
in .cache/unit, made from requirements/unit.txt.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts import environment, pythons

APART = ("benchmarks", "browser", "hosts", "site", "notebooks", "packaging")
"""Tests that have a target of their own."""

TESTS = ("tests", *(f"--ignore=tests/{name}" for name in APART))

ALIKE = ("docs", "questions", "sources", "views")
"""Folders whose tests compute sentences, pictures and exams, and read files: the same on each Python."""

AGAIN = ("-m", "not sweep and not once", *(f"--ignore=tests/{name}" for name in ALIKE))
"""Leaves out, on each Python but the newest, the tests that find there what they find on that."""


def python_for(python: pythons.Python) -> Path:
    """The Python of an environment with what the unit tests need."""
    if python.program == environment.PYTHON:
        return python.program
    return environment.beside(environment.ROOT / ".cache" / "unit" / python.name, python.program, "unit")


def journals_load(programs: list[Path]) -> bool:
    """Whether each Python loads the journals that each saved."""
    with tempfile.TemporaryDirectory() as folder:
        module = "-W", "ignore", "-m", "tests.engine.machine.journals"
        commands: list[list[str | Path]] = [
            [program, *module, what, folder] for what in ("save", "load") for program in programs
        ]
        return not any(subprocess.run(command, cwd=environment.ROOT, check=False).returncode for command in commands)


def main(arguments: list[str]) -> int:
    """Run the tests on each; 1 if any failed."""
    failed = []
    here = pythons.here(environment.PYTHON)
    newest = list(here)[-1]
    for which, python in here.items():
        program = python_for(python)
        print(f"unit tests on Python {python.name} ({which})", flush=True)
        begun = time.monotonic()
        # A worker keeps its part of the list until the other has none: what a file's tests share is made once.
        chosen = TESTS if which == newest else (*TESTS, *AGAIN)
        command: list[str | Path] = [program, "-m", "pytest", "-n", "2", "--dist", "worksteal", *chosen, *arguments]
        if subprocess.run(command, cwd=environment.ROOT, check=False).returncode:
            failed.append(f"{python.name} ({which})")
        print(f"unit tests on Python {python.name}: {time.monotonic() - begun:.0f} s", flush=True)
    if not arguments and not journals_load([python_for(python) for python in here.values()]):
        failed.append("(a journal that one Python saved was not loaded by another)")
    if failed:
        print(f"unit tests failed on Python {' and '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
