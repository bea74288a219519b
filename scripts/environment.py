"""Makes .venv what a lock says: `environment.py lab` or `environment.py test`.

Runs with any Python 3.10 or newer and nothing installed.  A stamp in .venv holds the hash of what was installed, so
that a second run is over at once.  The test environment holds all of the lab's; a .venv that exists is kept.
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
WIDER = {"lab": ("lab", "test"), "test": ("test",)}
"""Which environments will do for a wanted one."""


def main(name: str) -> None:
    """Bring .venv up to date with the lock called `name`."""
    if any(stamp(lock).is_file() and stamp(lock).read_text() == digest(lock) for lock in WIDER[name]):
        return
    if not usable():
        create()
    print(f"vmwidgets: installing requirements/{name}.txt into .venv", file=sys.stderr)
    run(PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *locked("uv"))
    install(*locked(name))
    # The bundle of js/ is built on the way; what that needs is in the lock.
    install("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp(name).write_text(digest(name))


def usable() -> bool:
    """Whether there is a .venv with a Python that starts, is new enough and has pip."""
    check = "import pip, sys; sys.exit(sys.version_info < (3, 10))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", check], check=False).returncode == 0


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


def install(*arguments: str) -> None:
    """Install into .venv with uv, which is locked like everything else."""
    # Only registries are asked: no Python is downloaded.
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    run(PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON, *arguments, environment=environment)


def locked(name: str) -> tuple[str, ...]:
    """The arguments that install a lock, each package checked against its hash."""
    return ("--require-hashes", "--requirement", str(ROOT / "requirements" / f"{name}.txt"))


def run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    """Run a command; end with a sentence if it fails."""
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if code:
        raise SystemExit(f"vmwidgets: `{' '.join(map(str, command))}` failed with exit code {code}")


def stamp(name: str) -> Path:
    """The file in .venv that says which lock it was made from."""
    return VENV / f"vmwidgets-{name}.sha256"


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
