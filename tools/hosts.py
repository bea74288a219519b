"""Sets up what the tests of hosts need: `python -m tools.hosts lite`; without a name, all of them.

Everything comes from locks with hashes and is kept in .cache/hosts; the tests themselves download nothing.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import hatch_build
from tools import environment

FOLDER = environment.ROOT / ".cache" / "hosts"
ROOT = environment.ROOT
NPM = ROOT / "tests" / "hosts"
"""Where the lock of npm's packages is: Pyodide, a hub's proxy, and what drives Firefox."""

WHEELS = FOLDER / "wheels"
PYODIDE = FOLDER / "node_modules" / "pyodide"
LOCK = ROOT / "tools" / "requirements" / "page.txt"
PAGE = ("--platform", "any", "--implementation", "py", "--abi", "none", "--python-version", "3.14")
"""What pip takes for a page: wheels of Python alone."""

NAMES = ("lite", "notebook", "voila", "marimo", "nbgrader", "otter", "dask", "hub", "binder", "firefox")


def python_of(name: str) -> Path:
    """The Python of a host's environment, as it was set up."""
    python = FOLDER / name / "bin" / "python"
    if not python.exists():
        raise RuntimeError(f"the host {name} is not set up: run `make hosts`, or `python -m tools.hosts {name}`")
    return python


def set_up(name: str) -> None:
    """Make a host's environment what its lock says; Firefox is the system's own, and npm has what drives it."""
    if name == "firefox":
        fetch_packages()
        return
    environment.beside(FOLDER / name, environment.PYTHON, name)
    if name == "lite":
        fetch_wheels()
    if name in ("lite", "hub"):
        fetch_packages()


def fetch_wheels() -> None:
    """Download the wheels that a page installs, each checked against its hash."""
    kept = WHEELS / LOCK.name
    if kept.is_file() and kept.read_bytes() == LOCK.read_bytes():
        return
    print("vmwidgets: fetching tools/requirements/page.txt into .cache/hosts/wheels", file=sys.stderr)
    shutil.rmtree(WHEELS, ignore_errors=True)
    command = [str(environment.PYTHON), *["-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]]
    environment.run(*command, "--only-binary=:all:", *PAGE, "--dest", WHEELS, *environment.from_lock("page"))
    shutil.copy2(LOCK, WHEELS)


def fetch_packages() -> None:
    """Install npm's packages, checked against their lock."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy2(NPM / name, FOLDER)
    hatch_build.install_packages(FOLDER)


def main(names: list[str]) -> int:
    """Set up the named hosts, or all."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"there is no host {unknown[0]}; the hosts are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in names or NAMES:
        set_up(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
