"""When a test runs: `make test` runs the fast tier, `make check` the rest, and `make sweep` what both leave out.

Four things decide:

1. The folder: the tests of folders that are apart (browsers, hosts, the wheel) have targets of their own, and are not
   in the fast tier; those of folders that are alike on each Python run on one.
2. A row of tiers.txt, which `make tiers` writes: which of a function's cases are in the fast tier, and which run at all
   before `make sweep`.  A function without a row runs with all its cases, at once.
3. The mark `sweep`: long searches, and browser tests of details.
4. The mark `kernel`: the test starts a kernel in QEMU.  `make check` runs those that a row names, `make real` all.
"""

from __future__ import annotations

import os
import subprocess
import zlib
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
TIERS = HERE / "tiers.txt"

APART = ("benchmarks", "browser", "hosts", "packaging", "site")
"""Folders of which the fast tier has only what a row names."""

ALIKE = (
    "comparisons", "docs", "given", "on_paper", "questions", "reference_strings", "sources", "views", "yesterday",
    "engine/kernel", "engine/memory", "engine/mmu", "engine/selfpaging",
)  # fmt: skip  # a table
"""Folders that `make check` leaves out on the oldest Python: what they read and compute is the same on each, or was
saved by another.  What an older Python lacks, mypy finds there."""

NONE, FIRST, ALL = 0, -1, 1
"""Shares of a function's cases, beside one in so many: none, the first alone, all."""

WORDS = {"-": NONE, "first": FIRST, "all": ALL}
"""How tiers.txt writes them; `1/3` is one case in three."""

LEFT_OUT = "VMWIDGETS_LEFT_OUT"
"""Names the file to which each run of pytest adds what it left out, for the last lines of `make test`."""


def function_of(nodeid: str) -> str:
    """Return the test function of a case: `tests/cli/test_cli.py::test_help[lab]` without its parameters."""
    return nodeid.partition("[")[0]


def folder_of(nodeid: str) -> str:
    """Return the folder below tests/ that a test is in."""
    return nodeid.removeprefix("tests/").partition("/")[0]


def share_of(word: str) -> int:
    """Read a share: `-`, `first`, `1/3` or `all`."""
    return WORDS[word] if word in WORDS else int(word.removeprefix("1/"))


@cache
def rows() -> dict[str, tuple[int, int]]:
    """Read tiers.txt: by function, the shares of its cases that are in the fast tier, and that run before the sweep."""
    lines = [line.split("\t") for line in TIERS.read_text().splitlines() if line and not line.startswith("#")]
    return {name: (share_of(fast), share_of(check)) for name, fast, check in lines}


def usual(nodeid: str, *, starts_a_kernel: bool = False) -> tuple[int, int]:
    """Return the shares of a function without a row."""
    return (NONE, NONE) if starts_a_kernel else (NONE, ALL) if folder_of(nodeid) in APART else (ALL, ALL)


def is_chosen(case: str, share: int, *, first: bool) -> bool:
    """Return whether a case is in its function's share.

    The first always is; the others by a checksum of their name, as a stride may omit a parameter.
    """
    return share != NONE and (first or (share != FIRST and zlib.crc32(case.encode()) % share == 0))


def split(items: list[pytest.Item]) -> dict[str, list[pytest.Item]]:
    """Return the tests of each tier: "fast", "rest" and "sweep", in their order."""
    tiers: dict[str, list[pytest.Item]] = {"fast": [], "rest": [], "sweep": []}
    seen: set[str] = set()
    for item in items:
        test = function_of(item.nodeid)
        first = test not in seen
        seen.add(test)
        shares = rows().get(test) or usual(test, starts_a_kernel=item.get_closest_marker("kernel") is not None)
        fast, check = (is_chosen(item.nodeid, share, first=first) for share in shares)
        is_long = item.get_closest_marker("sweep") is not None
        tiers["sweep" if is_long or not (fast or check) else "fast" if fast else "rest"].append(item)
    return tiers


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
