"""Makes an environment what a lock says: `environment.py lab` or `environment.py test` make .venv.

Runs with any Python 3.10 or newer and nothing installed.  A stamp in the environment holds the hash of what was
installed, so that a second run is over at once.  The test environment holds all of the lab's; one that exists is kept.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WIDER = {"lab": ("lab", "test"), "test": ("test",), "unit": ("unit",)}
"""Which locks will do for a wanted one; for others, only itself."""


def main(name: str) -> None:
    """Bring .venv up to date with the lock called `name`."""
    if up_to_date(VENV, name):
        return
    if not usable():
        create()
    print(f"vmwidgets: installing requirements/{name}.txt into .venv", file=sys.stderr)
    run(PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *locked("uv"))
    install(PYTHON, *locked(name))
    # The bundle of js/ is built on the way; what that needs is in the lock.
    install(PYTHON, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp(VENV, name).write_text(digest(name))


def beside(folder: Path, program: Path, name: str) -> Path:
    """An environment of another Python, made with .venv's uv from the lock called `name`; gives its Python.

    The package itself is not installed: tests take it from the checkout.
    """
    python = folder / "bin" / "python"
    if up_to_date(folder, name) and starts(python):
        return python
    print(f"vmwidgets: installing requirements/{name}.txt into {folder.relative_to(ROOT)}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run(PYTHON, "-m", "uv", "venv", "--quiet", "--python", program, folder, environment=no_downloads())
    install(python, *locked(name))
    stamp(folder, name).write_text(digest(name))
    return python


def usable() -> bool:
    """Whether there is a .venv with a Python that starts, is new enough and has pip."""
    return starts(PYTHON, "import pip, sys; sys.exit(sys.version_info < (3, 10))")


def starts(python: Path, check: str = "") -> bool:
    """Whether a Python is there and runs `check`."""
    return python.exists() and subprocess.run([python, "-c", check], check=False).returncode == 0


def create() -> None:
    """Make .venv anew with the Python that runs this."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        install_debian_venv()
    print(f"vmwidgets: making .venv with Python {sys.version.split()[0]}", file=sys.stderr)
    run(sys.executable, "-m", "venv", "--clear", VENV)


def install_debian_venv() -> None:
    """Debian keeps venv in a package of its own."""
    package = f"python3.{sys.version_info.minor}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(f"vmwidgets: {sys.executable} cannot make environments; install {package}, or choose PYTHON")
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)


def install(python: Path, *arguments: str) -> None:
    """Install into the environment of `python` with .venv's uv, which is locked like everything else."""
    command: list[str | Path] = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    run(*command, *arguments, environment=no_downloads())


def no_downloads() -> dict[str, str]:
    """The variables with which uv asks registries only and downloads no Python."""
    return {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}


def locked(name: str) -> tuple[str, ...]:
    """The arguments that install a lock, each package checked against its hash."""
    return ("--require-hashes", "--requirement", str(ROOT / "requirements" / f"{name}.txt"))


def run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    """Run a command; end with a sentence if it fails."""
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if code:
        raise SystemExit(f"vmwidgets: `{' '.join(map(str, command))}` failed with exit code {code}")


def up_to_date(folder: Path, name: str) -> bool:
    """Whether an environment holds what the lock called `name` says."""
    return any(
        stamp(folder, lock).is_file() and stamp(folder, lock).read_text() == digest(lock)
        for lock in WIDER.get(name, (name,))
    )


def stamp(folder: Path, name: str) -> Path:
    """The file in an environment that says which lock it was made from."""
    return folder / f"vmwidgets-{name.replace('/', '-')}.sha256"


def digest(name: str) -> str:
    """The hash of everything that an environment is made from."""
    total = hashlib.sha256()
    for path in (f"requirements/{name}.txt", "requirements/uv.txt", "pyproject.toml"):
        total.update((ROOT / path).read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    if sys.version_info < (3, 10):  # noqa: UP036  (whatever PYTHON the caller chose)
        raise SystemExit(f"vmwidgets: Python 3.10 or newer is needed, {sys.executable} is {sys.version.split()[0]}")
    if sys.argv[1:] not in (["lab"], ["test"]):
        raise SystemExit("usage: environment.py lab | test")
    main(sys.argv[1])
