"""The parts of the bench that need a browser run to their end; no time is looked at."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.benchmarks.laptops import MOST
from tools.benchmarks.paint import MOST_BEFORE

ROOT = Path(__file__).parents[2]


def run(part: str) -> str:
    """What a part prints.  It has a process of its own: it starts Playwright, which this one may have started."""
    command = [sys.executable, "-m", "tools.benchmarks", "--shortest", part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.sweep
def test_steps_are_measured_while_the_kernel_is_busy() -> None:
    rows = [line.split() for line in run("stepping").splitlines() if " entries  " in line]
    assert [row[2] for row in rows] == ["step", "scrub", "painted"], rows
    assert all(float(figure) > 0 for row in rows for figure in row[3:6])


@pytest.mark.sweep
def test_pictures_are_measured_in_a_notebook() -> None:
    printed = run("paint")
    for shown in ("tree", "map: tree, list, ribbon", "dashboard"):
        (row,) = [line for line in printed.splitlines() if line.strip().startswith(shown)]
        drawn, asked = row.split()[-1].split("/")
        assert 0 < int(drawn) <= int(asked) == 4, row  # a busy computer may miss one: that is what the bench says
    (first,) = [line for line in printed.splitlines() if "bytes before the first picture, in a fresh kernel" in line]
    assert 0 < int(first.split()[-1].replace(",", "")) < MOST_BEFORE, first


@pytest.mark.sweep  # it builds another version of the package: two minutes
def test_pictures_are_measured_beside_themselves() -> None:
    printed = run("paint-beside")
    for measured in ("tree", "map: tree, list, ribbon", "dashboard", "first picture, bytes", "first picture at"):
        (row,) = [line for line in printed.splitlines() if line.strip().startswith(measured)]
        assert all(int(figure.replace(",", "")) > 0 for figure in re.findall(r"[\d,]+(?=  )", row)[:2]), row


@pytest.mark.sweep
def test_a_page_of_a_lab_fits_a_weak_laptop() -> None:
    (row,) = [line for line in run("laptops").splitlines() if line.strip().startswith("01-maps")]
    assert 100 < int(row.split()[1]) <= MOST, row
