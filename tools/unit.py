"""Run the unit tests on the oldest and the newest Python of this machine: `make unit`, and its part of `make check`.

With `--rest`, which is for `make check`, what can differ of the fast tier (tests/tiers.py) runs on the oldest, and on
the newest what the tier leaves.  With `--on oldest` or `--on newest`, tests run on one of the two Pythons.  Other
arguments are pytest's: `python -m tools.unit -k threads`.  Environments of Pythons other than .venv's are in
.cache/unit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.tiers import ALIKE, APART
from tools import environment
from vmwidgets.real.started import without_make

MINORS = range(10, 15)
"""The minor versions of Python 3 that are supported; later ones have no packages in the locks yet."""

PROBE = """
import sys, sysconfig
usual = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
sys.exit(sys.version_info.releaselevel != "final" or not usual)
"""
"""A released CPython of the usual kind."""

TESTS = ("tests", *(f"--ignore=tests/{name}" for name in (*APART, "notebooks")))


def pythons() -> dict[int, Path]:
    """Find a Python of each supported minor version: .venv's own, on the PATH, among pyenv's or uv's."""
    own = subprocess.run(
        [environment.PYTHON, "-c", "import sys; print(sys.version_info[1])"], stdout=subprocess.PIPE, check=True
    )
    found = {int(own.stdout): environment.PYTHON}
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local" / "share" / "uv" / "python")
    for minor in MINORS:
        name = f"python3.{minor}"
        places = [Path(folder) for folder in os.get_exec_path()]
        places += [program.parent for root in (pyenv, managed) for program in sorted(root.glob(f"*/bin/{name}"))]
        for folder in places:
            if minor not in found and _runs(folder / name):
                found[minor] = folder / name
    return found


def _runs(program: Path) -> bool:
    """Return whether a program is a Python to test on; pyenv's shims are there and may not run."""
    if not os.access(program, os.X_OK):
        return False
    return subprocess.run([program, "-c", PROBE], capture_output=True, check=False).returncode == 0


def python_for(minor: int, program: Path) -> Path:
    """Return the Python of an environment with what the unit tests need."""
    if program == environment.PYTHON:
        return program
    return environment.beside(environment.ROOT / ".cache" / "unit" / f"3.{minor}", program, "unit")


def journals_load(programs: list[Path]) -> bool:
    """Return whether each Python loads the journals that each saved."""
    with tempfile.TemporaryDirectory() as folder:
        module = "-W", "ignore", "-m", "tests.engine.machine.journals"
        commands: list[list[str | Path]] = [
            [program, *module, what, folder] for what in ("save", "load") for program in programs
        ]
        return not any(subprocess.run(command, cwd=environment.ROOT, check=False).returncode for command in commands)


def main(arguments: list[str]) -> int:
    """Run the tests on each Python; return 1 if any failed."""
    parser = argparse.ArgumentParser(description="Run the unit tests on the oldest and the newest Python.")
    parser.add_argument("--rest", action="store_true", help="leave out what `make test` runs")
    parser.add_argument("--on", choices=("oldest", "newest"), help="run them on one of the two")
    options, given = parser.parse_known_args(arguments)
    found = pythons()
    newest = max(found)
    failed = []
    programs = {minor: python_for(minor, found[minor]) for minor in sorted({min(found), newest})}
    for minor, program in programs.items():
        if options.on == ("oldest" if minor == newest else "newest"):
            continue
        own = program == environment.PYTHON
        if own and minor != newest and options.rest:
            continue  # `make test` ran them
        chosen = [f"--tier={'rest' if minor == newest else 'fast'}"] if options.rest else []
        if options.rest and minor != newest:
            chosen += [f"--ignore=tests/{name}" for name in ALIKE]
        if not own:  # where all asserts of all files are not rewritten once more, a failure shows its values so
            chosen += ["--assert=plain", "--showlocals"]
        print(f"unit tests on Python 3.{minor}{' (.venv)' if own else ''}", flush=True)
        begun = time.monotonic()
        # A worker keeps its part of the list until the other has none: what a file's tests share is made once.
        command: list[str | Path] = [program, "-m", "pytest", "-n", "2", "--dist", "worksteal", *TESTS, *chosen, *given]
        if subprocess.run(command, cwd=environment.ROOT, env=without_make(), check=False).returncode:  # tests run make
            failed.append(f"on Python 3.{minor}")
        print(f"unit tests on Python 3.{minor}: {time.monotonic() - begun:.0f} s", flush=True)
    if not given and options.on != "newest" and not journals_load([*programs.values()]):
        failed.append("(a journal that one Python saved was not loaded by another)")
    if failed:
        print(f"unit tests failed {' and '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
