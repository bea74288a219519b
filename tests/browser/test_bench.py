"""The parts of the bench that need a browser run to their end; no time is looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.benchmarks.laptops import LABS, MOST
from tools.benchmarks.paint import SHOWN

ROOT = Path(__file__).parents[2]


def run(part: str) -> dict[str, float]:
    """The figures of a part.  It has a process of its own: it starts Playwright, which this one may have started."""
    command = [sys.executable, "-m", "tools.benchmarks", "--short", "--rows", part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: value for name, value, *_ in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.sweep
def test_pictures_are_measured_in_a_notebook() -> None:
    found = run("paint")
    for shown in SHOWN:
        assert 0 < found[f"{shown}, 31 entries, half of the operations"] <= found[f"{shown}, 31 entries, 95 %"]
    assert found["a step while the kernel is busy, script and layout, 95 %"] > 0
    assert found["bytes before the first picture"] > 10_000
    assert found["the first picture"] > 0


@pytest.mark.sweep
def test_a_page_of_a_lab_fits_a_weak_laptop() -> None:
    found = run("laptops")
    assert 100 < found[f"{LABS[0]} in JupyterLab, the page"] <= MOST
    assert 30 < found[f"{LABS[0]} in JupyterLab, its kernel"] < MOST
