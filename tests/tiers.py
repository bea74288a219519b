"""Which tests `make test` runs, and which `make check` runs in addition.

The fast tier is every unit test but the functions in slow.txt, which `make slow` measures, and what is marked
`essential`: the students' notebooks but the longest, and a dozen browser tests.  `make check` also runs a sample of the
kernels in QEMU, where QEMU is; `make real` runs all of them.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
SLOW = HERE / "slow.txt"

APART = ("benchmarks", "browser", "hosts", "packaging", "site")
"""Folders of which the fast tier has only what is essential."""

ALIKE = (
    "comparisons", "docs", "given", "on_paper", "questions", "reference_strings", "sources", "views",
    "engine/kernel", "engine/memory", "engine/mmu", "engine/selfpaging",
)  # fmt: skip  # a table
"""Folders whose tests compute sentences, pictures and exams, read files, or count in bits and lists: the same on each
Python.  What an older Python lacks, mypy finds there."""

LEFT_OUT = "VMWIDGETS_LEFT_OUT"
"""Names the file to which each run of pytest adds what it left out, for the last lines of `make test`."""


def function_of(nodeid: str) -> str:
    """Return the test function of a case: `tests/cli/test_cli.py::test_help[lab]` without its parameters."""
    return nodeid.partition("[")[0]


def folder_of(nodeid: str) -> str:
    """Return the folder below tests/ that a test is in."""
    return nodeid.removeprefix("tests/").partition("/")[0]


def is_alike(nodeid: str) -> bool:
    """Return whether a test answers the same on each Python."""
    return nodeid.startswith(tuple(f"tests/{name}/" for name in ALIKE))


def is_fast(item: pytest.Item, slow: frozenset[str]) -> bool:
    """Return whether `make test` runs a test."""
    if item.get_closest_marker("kernel"):
        return False
    if item.get_closest_marker("essential"):
        return True
    return folder_of(item.nodeid) not in APART and function_of(item.nodeid) not in slow


def chosen(items: list[pytest.Item], tier: str) -> list[pytest.Item]:
    """Return the tests of a tier: "fast"; "rest", which is all others; "beside", for another Python than .venv's.

    The last is the rest, and of the fast tier what a Python may answer otherwise than another.  Of the tests that start
    a kernel in QEMU only the essential ones are in a tier.
    """
    items = [item for item in items if item.get_closest_marker("essential") or not item.get_closest_marker("kernel")]
    slow = frozenset(SLOW.read_text().split())
    fast = {item for item in items if is_fast(item, slow)}
    if tier == "fast":
        return [item for item in items if item in fast]
    again: set[pytest.Item] = set()
    if tier == "beside":
        again = {item for item in fast if not item.get_closest_marker("once") and not is_alike(item.nodeid)}
    return [item for item in items if item not in fast or item in again]


def leave_out(sentence: str) -> NoReturn:
    """Skip a test for lack of a program; the last lines of `make test` name what was left out.  CI has these."""
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


def program(name: str) -> str:
    """Return the path of strace, valgrind or firefox; without it, leave the test out."""
    found = subprocess.run([HERE.parent / "tools" / "program", name], capture_output=True, text=True, check=False)
    if found.returncode:
        leave_out(found.stderr.strip().removeprefix("vmwidgets: "))
    return found.stdout.strip()


def note_left_out(reports: list[pytest.TestReport | pytest.CollectReport]) -> None:
    """Add the reasons of skipped tests, each with their number, to the file that the environment names."""
    path = os.environ.get(LEFT_OUT)
    if not path or not reports:
        return
    counts: dict[str, int] = {}
    for report in reports:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = f"{folder_of(report.nodeid)}: {reason.removeprefix('Skipped: ')}"
        counts[reason] = counts.get(reason, 0) + 1
    Path(path).parent.mkdir(exist_ok=True)
    with Path(path).open("a") as file:
        file.writelines(f"{count} of tests/{reason}\n" for reason, count in sorted(counts.items()))
