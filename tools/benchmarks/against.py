"""This tree beside an earlier commit, in one run: both measured in turns, each in processes of its own, by minima."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tarfile import open as open_tar

from . import measured
from .table import table, verdict

COMMIT = "288187fe"
"""The last tree before engine, pictures and page were made lighter: what is changed from then on is measured by it."""

HERE = Path(__file__).parents[2]

NOISE = 0.05
"""By how much a ratio of two times may be off: an aim is to take no longer than then."""


def exported(commit: str) -> Path:
    """The sources of a commit, in the cache of this checkout; :class:`SystemExit` where git doesn't have it."""
    place = HERE / ".cache" / "against" / commit
    if not place.exists():
        made = subprocess.run(["git", "archive", commit], cwd=HERE, capture_output=True, check=False)
        if made.returncode:
            raise SystemExit(f"commit {commit} is not in this clone: fetch the whole history, git fetch --unshallow")
        with open_tar(fileobj=BytesIO(made.stdout)) as archive:
            archive.extractall(place)  # of our own history
    return place


def measure(parts: Sequence[str] = tuple(measured.PARTS), turns: int = 3) -> dict[str, tuple[float, float]]:
    """Microseconds (or bytes) by name: then, at :data:`COMMIT`, and now; the best turns."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    then = exported(COMMIT)
    for part in parts:
        for _ in range(turns):
            for which, tree in enumerate((then, HERE)):
                for name, value in _run(part, tree).items():
                    found.setdefault(name, ([], []))[which].append(value)
    return {name: (min(then), min(now)) for name, (then, now) in found.items()}


def _run(part: str, tree: Path) -> dict[str, float]:
    program = [sys.executable, measured.__file__, part]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
    done = subprocess.run(program, cwd=tree, env=environment, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def report(found: dict[str, tuple[float, float]]) -> str:
    """The table, with the aims."""
    rows = [
        [name, f"{then:,.1f}", f"{now:,.1f}", f"{now / then:.2f}", verdict(now / then <= 1 + NOISE)]
        for name, (then, now) in found.items()
    ]
    return table(
        f"Beside commit {COMMIT}, in turns, the best of each", ["microseconds", "then", "now", "ratio", ""], rows
    )
