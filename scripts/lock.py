"""Writes the locks in requirements/ from pyproject.toml, every package with its hashes; `--check` compares.

`lock.py` keeps the versions that are locked and still allowed; `lock.py --upgrade` takes the newest, and `lock.py
--upgrade-package NAME` the newest of one package alone.
Each lock opens with the hash of what it was made from, so that `lock.py --check` needs no network.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
MARK = "# Made from: sha256:"
UV = ("uv>=0.7",)
PEERS = ("graphviz-anywidget>=0.8", "ipycytoscape>=1.3", "memory-graph>=0.3")
"""What draws trees in notebooks too: `make bench` measures it beside this package."""

SITE = ("furo>=2024.8.6", "myst-nb>=1.1", "sphinx>=8.1")
"""What the pages of the site are made with."""

APART = ("test", "site")
"""Locks with versions of their own: of the widest the others take theirs, and Sphinx's readers need older ones."""

PYODIDE = ("--python-version", "3.14", "--python-platform", "wasm32-pyodide2024")
"""What the wheels of a page are resolved for; the others are for every supported Python and platform."""


def wanted() -> dict[str, tuple[str, ...]]:
    """What each lock is made from; a later one takes its versions from the first, the widest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    base = tuple(project["project"]["dependencies"])
    extras: dict[str, Any] = project["project"]["optional-dependencies"]
    build = tuple(project["build-system"]["requires"])
    lab = (*base, *extras["lab"], *build)
    return {
        "test": (*lab, *extras["unit"], *extras["test"], *extras["bench"], *UV),
        "lab": lab,
        "unit": (*base, *extras["unit"]),
        "base": base,
        "build": build,
        "uv": UV,
        "peers": (*base, *extras["lab"], *PEERS),
        "site": (*base, *SITE),
        **{f"hosts/{name}": (*base, *requirements) for name, requirements in hosts().items()},
    }


def hosts() -> dict[str, list[str]]:
    """What the environment of each host is made from, beside what the package itself needs."""
    made_of: dict[str, list[str]] = tomllib.loads((FOLDER / "hosts.toml").read_text())
    return made_of


def write(name: str, requirements: tuple[str, ...], *options: str) -> None:
    """Resolve `requirements` for every supported Python and platform at once."""
    path = FOLDER / f"{name}.txt"
    path.parent.mkdir(exist_ok=True)
    target = PYODIDE if name == "hosts/pyodide" else ("--universal", "--python-version", "3.10")
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", *target]
    command += ["--generate-hashes", "--quiet", "--no-header", "--output-file", str(path), *options]
    subprocess.run(command, input="\n".join(requirements), text=True, check=True, cwd=ROOT)
    header = f"# Locked by `make locks`; not to be edited.\n{MARK}{digest(requirements)}\n"
    path.write_text(header + path.read_text())


def digest(requirements: tuple[str, ...]) -> str:
    """The hash of what a lock is made from."""
    return hashlib.sha256("\n".join(requirements).encode()).hexdigest()


def stale() -> list[str]:
    """The locks that were made from something else than pyproject.toml now says."""
    return [name for name, requirements in wanted().items() if made_from(name) != digest(requirements)]


def made_from(name: str) -> str:
    """The hash that a lock opens with, or "" without one."""
    path = FOLDER / f"{name}.txt"
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.removeprefix(MARK) for line in lines if line.startswith(MARK)), "")


def main(arguments: list[str]) -> int:
    """Write the locks, or check them."""
    if arguments == ["--check"]:
        for name in stale():
            print(f"requirements/{name}.txt was not made from what pyproject.toml says now; run `make locks`")
        return 1 if stale() else 0
    if arguments not in ([], ["--upgrade"]) and not (len(arguments) == 2 and arguments[0] == "--upgrade-package"):
        print("usage: lock.py [--check | --upgrade | --upgrade-package NAME]", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name, requirements in wanted().items():
        from_widest = () if name in APART else ("--constraint", str(FOLDER / "test.txt"))
        write(name, requirements, *from_widest, *arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
