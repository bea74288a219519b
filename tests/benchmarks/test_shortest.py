"""Each part of the bench runs to its end and makes its tables; no time is looked at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HERE = (
    "footprint", "maps", "kmem", "walks", "faults", "texts",
    "references", "traces",
    "grading", "against", "hub",
)  # fmt: skip  # read as a list

ELSEWHERE = {"laptops", "paint", "paint-beside", "stepping"}
"""They need a browser, a wheel, an emulator, Dask: `tests/browser/`, `tests/packaging/`, `tests/real/` and
`tests/hosts/` run them, most of those of browsers and `cluster` in `make sweep`."""


def is_report(text: str) -> None:
    """A title, a header, and rows with figures."""
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) >= 3, text
    assert any(char.isdigit() for line in lines[2:] for char in line), text


def test_each_part_is_run_by_a_test() -> None:
    from tools.benchmarks.__main__ import PARTS
    from tools.benchmarks.shortest import SHORTEST

    assert set(SHORTEST) == set(PARTS) == {*HERE, *ELSEWHERE}


@pytest.mark.parametrize("part", HERE)
def test_a_part_runs_to_its_end(part: str) -> None:
    from tools.benchmarks.shortest import SHORTEST

    is_report(SHORTEST[part]())


def test_the_command_runs_a_part() -> None:
    command = [sys.executable, "-m", "tools.benchmarks", "--shortest", "kmem"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    is_report(done.stdout.partition("\n\n")[2])
