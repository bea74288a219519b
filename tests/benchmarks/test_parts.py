"""Each part of the bench runs to its end and has its rows; no time is looked at."""

from __future__ import annotations

import subprocess
import sys
from math import isfinite
from pathlib import Path

import pytest

from tools.benchmarks.__main__ import PARTS
from tools.benchmarks.measured import Row, rows_of

ROOT = Path(__file__).parents[2]

IN_A_BROWSER = ("paint", "laptops")
"""They need Chromium: tests/browser/test_bench.py runs them."""


def figures(rows: list[Row]) -> dict[str, float]:
    """The values by name; each is one, and finite."""
    found = {row.name: row.value for row in rows}
    assert len(found) == len(rows)
    assert all(value > 0 and isfinite(value) for value in found.values()), found
    return found


@pytest.mark.parametrize("part", [part for part in PARTS if part not in IN_A_BROWSER])
def test_a_part_runs_to_its_end(part: str) -> None:
    assert len(figures(rows_of(part, True))) >= 5


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_commit_is_measured_beside_this_tree() -> None:
    done = run("kmem", "--short", "--beside", "HEAD")
    assert done.returncode == 0, done.stderr
    title, header, *rows = done.stdout.splitlines()[2:]
    assert title.endswith("beside commit HEAD")
    assert header.split() == ["then", "now", "ratio"]
    names = {row.name for row in rows_of("kmem", True)}
    assert {row.partition("   ")[0].strip() for row in rows} == names
    for row in rows:
        *_, ratio, verdict = row.split()
        if ratio != "1.05":  # it may be a little more or less
            assert verdict == ("reached" if float(ratio) < 1.05 else "MISSED"), row


def test_an_unknown_part_or_commit_is_refused() -> None:
    done = run("speed")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no part 'speed'; there are footprint, pairs" in done.stderr
    done = run("kmem", "--short", "--beside", "no-such-commit")
    assert done.returncode != 0
    assert "commit no-such-commit is not in this clone" in done.stderr
