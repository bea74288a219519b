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

LATER = dict.fromkeys(("tasks", "back", "pictures"), "2812765e")
"""What :data:`COMMIT` did not have is measured beside a later one: from before words of descriptors were kept."""

HERE = Path(__file__).parent.parent

AIMS = (
    ("as operations", 1 / 3), ("kmem_malloc and kmem_free", 0.4), ("each further page", 1 / 5),
    ("a domain's map of 256", 1 / 3), ("first write of a page", 0.5), ("copy on write", 0.5), ("misses the TLB", 0.4),
    ("bytes of all copies", 0.1), ("undo after", 100_000 / 13_000),
)  # fmt: skip
"""By a part of the name: how much of the earlier time it may take (undo: 100 ms); all else as long as it did."""

NOISE = 0.05
"""By how much a ratio of two times may be off."""


def exported(commit: str) -> Path:
    """The sources of a commit, in the cache of this checkout."""
    place = HERE / ".cache" / "against" / commit
    if not place.exists():
        made = subprocess.run(["git", "archive", commit], cwd=HERE, capture_output=True, check=True)
        with open_tar(fileobj=BytesIO(made.stdout)) as archive:
            archive.extractall(place, filter="data")
    return place


def measure(
    parts: Sequence[str] = tuple(measured.PARTS), turns: int = 3, earlier: Path | None = None
) -> dict[str, tuple[float, float]]:
    """Microseconds (or bytes) by name: then, in the tree `earlier` or at the part's commit, and now; the best turns."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for part in parts:
        then = earlier or exported(LATER.get(part, COMMIT))
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
    header = ["microseconds", "then", "now", "ratio", "aim", ""]
    title = (
        f"Beside commit {COMMIT}, tasks, going back and pictures beside {LATER['tasks']}, in turns, the best of each"
    )
    return table(title, header, rows)
