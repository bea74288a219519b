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

COMMIT = "9c98af6"
"""From before the engine was rebuilt."""

HERE = Path(__file__).parent.parent

AIMS = (
    ("as operations", 1 / 3), ("kmem_malloc and kmem_free", 0.4), ("each further page", 1 / 5),
    ("a domain's map of 256", 1 / 3),
)  # fmt: skip
"""By a part of the name: how much of the earlier time it may take; all else may take as long as it did."""

NOISE = 0.05
"""By how much a ratio of two times may be off."""


def exported() -> Path:
    """The sources of :data:`COMMIT`, in the cache of this checkout."""
    place = HERE / ".cache" / "against" / COMMIT
    if not place.exists():
        made = subprocess.run(["git", "archive", COMMIT], cwd=HERE, capture_output=True, check=True)
        with open_tar(fileobj=BytesIO(made.stdout)) as archive:
            archive.extractall(place, filter="data")
    return place


def measure(
    parts: Sequence[str] = tuple(measured.PARTS), turns: int = 3, earlier: Path | None = None
) -> dict[str, tuple[float, float]]:
    """Microseconds by name: then, in the tree `earlier` or at :data:`COMMIT`, and now; the best of all turns."""
    then = earlier or exported()
    found: dict[str, tuple[list[float], list[float]]] = {}
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
    rows = []
    for name, (then, now) in found.items():
        aim = next((value for part, value in AIMS if part in name), 1 + NOISE)
        rows.append(
            [name, f"{then:,.1f}", f"{now:,.1f}", f"{now / then:.2f}", f"{aim:.2f}", verdict(now / then <= aim)]
        )
    header = ["microseconds", f"at {COMMIT}", "now", "ratio", "aim", ""]
    return table(f"Beside commit {COMMIT}, in turns, the best of each", header, rows)
