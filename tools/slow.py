"""Measure which tests are too slow for the fast tier: `make slow` runs all of its folders three times.

Writes tests/slow.txt: the test functions with a case that takes longer than the limit, in the quickest of the runs.
The quickest function of each file is in the tier always, so that no file is tested by nobody.  Ends with 1 if the tier
takes longer than it may; then `make slow LIMIT=0.2` takes less into it.  Run it on a computer that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest

from tests.tiers import APART, SLOW, function_of

ROOT = SLOW.parents[1]
LIMIT = 0.3
"""Seconds of a case."""

ALLOWED = 240
"""Seconds of one processor that the tier may take: two minutes for two."""

KEPT = "VMWIDGETS_TIMES"
"""Names the file that a run writes its times to, when pytest loads this module as a plugin."""

Times = dict[str, float]
"""Seconds by the name of a case, with what it sets up."""

_took: Times = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the time of a part of a test: its set-up, its call, its end."""
    _took[report.nodeid] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the times down; of the workers' reports the first process hears."""
    if not hasattr(session.config, "workerinput"):
        Path(os.environ[KEPT]).write_text(json.dumps(_took))


def measured() -> Times:
    """Run all tests that may be in the tier once; return how long each case took."""
    apart = [f"--ignore=tests/{name}" for name in APART]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "times.json")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "tools.slow"]
        command += ["-m", "not sweep and not kernel"]
        done = subprocess.run([*command, "tests", *apart], cwd=ROOT, env={**os.environ, KEPT: str(file)}, check=False)
        if done.returncode:
            raise SystemExit("a test fails: mend it, then measure")
        times: Times = json.loads(file.read_text())
    return times


def lowest(runs: list[Times]) -> Times:
    """Return the quickest run of each case."""
    return {name: min(run[name] for run in runs if name in run) for name in set().union(*runs)}


def slow_functions(times: Times, limit: float) -> list[str]:
    """Return the functions with a case slower than the limit; never the quickest of a file."""
    functions: Times = defaultdict(float)
    for name, seconds in times.items():
        functions[function_of(name)] = max(functions[function_of(name)], seconds)
    quickest: dict[str, str] = {}
    for name in sorted(functions, key=lambda name: (functions[name], name)):
        quickest.setdefault(name.partition("::")[0], name)
    return sorted(name for name, took in functions.items() if took > limit and name not in quickest.values())


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the list, and say what the tier takes."""
    parser = argparse.ArgumentParser(prog="tools.slow", description=__doc__.partition("\n")[0])
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"seconds of a case ({LIMIT})")
    parser.add_argument("--runs", type=int, default=3, help="how often each test is run (3)")
    given = parser.parse_args(arguments)
    times = lowest([measured() for _ in range(given.runs)])
    slow = slow_functions(times, given.limit)
    SLOW.write_text("".join(f"{name}\n" for name in slow))
    left_out = set(slow)
    fast = [seconds for name, seconds in times.items() if function_of(name) not in left_out]
    print(f"{len(slow)} slow functions; the tier has {len(fast):,} of {len(times):,} cases, {sum(fast):.0f} of")
    print(f"{sum(times.values()):.0f} seconds of one processor")
    if sum(fast) > ALLOWED:
        print(f"The fast tier takes more than the {ALLOWED} s that it may: measure again with a lower limit.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
