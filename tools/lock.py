"""Write the locks in tools/requirements/ from pyproject.toml and hosts.toml there, as `uv pip compile` writes them.

`make locks` keeps the versions that are locked and still allowed; `make locks UPGRADE=1` takes the newest.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hatch_build
from tools import environment

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = environment.ROOT / "tools" / "requirements"
UV = ("uv>=0.7",)
SITE = ("furo>=2024.8.6", "myst-nb>=1.1", "sphinx>=8.1")
"""What the pages of the site are made with."""

APART = ("test", "site")
"""Locks with versions of their own: others take theirs from `test`, the widest; Sphinx's readers need older ones."""

EVERYWHERE = ("--universal", "--python-version", "3.10")
"""Every supported Python and platform at once."""

PYODIDE = ("--python-version", "3.14", "--python-platform", "wasm32-pyodide2024")
"""What the wheels of a page are resolved for."""


def wanted() -> dict[str, tuple[str, ...]]:
    """Return what each lock is made from, the widest first."""
    project = tomllib.loads((environment.ROOT / "pyproject.toml").read_text())
    hosts: dict[str, list[str]] = tomllib.loads((FOLDER / "hosts.toml").read_text())
    base = tuple(project["project"]["dependencies"])
    extras: dict[str, Any] = project["project"]["optional-dependencies"]
    groups = {name: tuple(in_group(project["dependency-groups"], name)) for name in project["dependency-groups"]}
    build = (*project["build-system"]["requires"], hatch_build.NODE)
    lab = (*base, *extras["lab"], *build)
    return {
        "test": (*lab, *groups["test"], *UV),
        "lab": lab,
        "unit": (*base, *groups["unit"]),
        "base": base,
        "build": build,
        "uv": UV,
        "site": (*base, *SITE),
        "release": groups["release"],
        **{f"hosts/{name}": (*base, *requirements) for name, requirements in hosts.items()},
    }


def in_group(groups: dict[str, Any], name: str) -> Iterator[str]:
    """Yield the requirements of a dependency group, and of the groups that it includes.

    >>> list(in_group({"a": ["x>=1", {"include-group": "b"}], "b": ["y"]}, "a"))
    ['x>=1', 'y']
    """
    for one in groups[name]:
        if isinstance(one, str):
            yield one
        else:
            yield from in_group(groups, one["include-group"])


def main(options: list[str]) -> int:
    """Write every lock; `options` are those of `uv pip compile`."""
    for name, requirements in wanted().items():
        path: Path = FOLDER / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        command = [environment.uv(), "pip", "compile", "-", *(PYODIDE if name == "hosts/pyodide" else EVERYWHERE)]
        command += [] if name in APART else ["--constraint", "tools/requirements/test.txt"]
        command += ["--generate-hashes", "--quiet", "--custom-compile-command", "make locks", *options]
        command += ["--output-file", str(path.relative_to(environment.ROOT))]
        subprocess.run(command, input="\n".join(requirements), text=True, check=True, cwd=environment.ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
