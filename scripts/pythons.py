"""Finds the oldest and the newest Python of this machine that vmwidgets supports, for `make unit`.

`python -m scripts.pythons` says which they are.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

MINORS = range(10, 15)
"""The minor versions of Python 3 that are looked for; later ones have no packages in the locks yet."""

PROBE = """
import sys, sysconfig
plain = sys.version_info.releaselevel == "final" and not sysconfig.get_config_var("Py_GIL_DISABLED")
if sys.implementation.name == "cpython" and plain:
    print(*sys.version_info[:3])
"""
"""Run by a candidate; only a released CPython of the usual kind answers."""


class Python(NamedTuple):
    """A Python that runs; they order by version."""

    version: tuple[int, int, int]
    program: Path

    @property
    def name(self) -> str:
        """Its version as text: "3.10.13"."""
        return ".".join(map(str, self.version))


def candidates(home: Path) -> Iterator[Path]:
    """Programs that may be a supported Python; some, such as the shims of pyenv, may not run."""
    for folder in os.get_exec_path():
        for minor in MINORS:
            yield Path(folder) / f"python3.{minor}"
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for root in (Path(os.environ.get("PYENV_ROOT") or home / ".pyenv") / "versions", managed):
        yield from sorted(root.glob("*/bin/python3"))


def running(programs: Iterable[Path]) -> list[Python]:
    """Those that run and are supported, the first of each version, the oldest first."""
    found: dict[tuple[int, int, int], Python] = {}
    for program in programs:
        if not os.access(program, os.X_OK):
            continue
        try:
            answer = subprocess.run([program, "-c", PROBE], capture_output=True, text=True, check=False)
        except OSError:
            continue
        said = re.fullmatch(r"3 (\d+) (\d+)\n", answer.stdout)
        if said and answer.returncode == 0 and int(said[1]) in MINORS:
            version = (3, int(said[1]), int(said[2]))
            found.setdefault(version, Python(version, program))
    return sorted(found.values())


def oldest_and_newest(pythons: list[Python]) -> dict[str, Python]:
    """Those two by what they are here; where there is one version, that alone."""
    if len(pythons) == 1:
        return {"the only one here": pythons[0]}
    return {"oldest here": pythons[0], "newest here": pythons[-1]} if pythons else {}


def here(own: Path) -> dict[str, Python]:
    """The Pythons of this machine to test on; `own`, that of .venv, comes before others of its version."""
    return oldest_and_newest(running([own, *candidates(Path.home())]))


if __name__ == "__main__":
    for which, python in here(Path(sys.executable)).items():
        print(f"{python.name} ({which}): {python.program}")
