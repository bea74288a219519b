"""Which tests find a change: each change in a fresh fork of this process, against the tests that run its line.

`python -m tools.finders` measures first: it runs all unit tests once, on a Python of 3.12 or newer, and keeps in
.cache/reach.pickle for each case its seconds of processor time, and which lines of the package it runs.  It takes about
as long as the tests: Python's monitoring reports a line once a test.

`judge` then tries changes (tools/mutants.py): two at a time, each in a copy of the checkout and in a fork that has
imported pytest and what the package needs, but no line of the package, so that a change costs what its tests cost.
"""

from __future__ import annotations

import importlib
import os
import pickle
import resource
import shutil
import signal
import subprocess
import sys
import time
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import numpy as np
import pytest

from tests.tiers import APART, function_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "vmwidgets"
REACH = ROOT / ".cache" / "reach.pickle"

NEAR = 40
"""The most tests that a change is tried against, at a time."""

SECONDS = 60.0
"""How long the tests of one change may take; a change that makes them hang is counted apart."""

DEAR = 4.0
"""The most seconds of processor time that the tests near a change take without it."""

KEPT = "VMWIDGETS_REACH"
"""Names the file to which a measured run writes, when pytest loads this module as a plugin."""

PRELOADED = ("hypothesis", "IPython", "anywidget", "ipywidgets", "nbformat", "numpy", "graphviz", "jsonschema", "xdist")


@dataclass
class Reach:
    """What a run of all unit tests measured."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds of processor time by case, with what it sets up and what it starts."""

    lines: dict[tuple[str, int], int] = field(default_factory=dict)
    """The number of each line of the package that ran, by file and line."""

    ran: dict[str, array[int]] = field(default_factory=dict)
    """The numbers of the lines that each case ran, in order."""

    def add(self, other: Reach) -> None:
        """Add what another process measured."""
        self.seconds |= other.seconds
        here = {number: self.lines.setdefault(line, len(self.lines)) for line, number in other.lines.items()}
        for case, numbers in other.ran.items():
            self.ran[case] = array("I", sorted(here[number] for number in numbers))

    @cached_property
    def _flat(self) -> tuple[Any, Any]:
        """All numbers of all cases, one after the other; and where each case's begin."""
        lengths = np.asarray([len(numbers) for numbers in self.ran.values()], dtype=np.intp)
        flat = np.frombuffer(b"".join(numbers.tobytes() for numbers in self.ran.values()), dtype=np.uint32)
        return flat, np.concatenate([[0], np.cumsum(lengths)])

    def near(self, path: str, line: int, among: Iterable[str], times: int = 1) -> list[str]:
        """Return at most NEAR cases near a line: a case of each function first, and those that run little but the file.

        With `times`, so many times as many, which take as many times as long.

        Where no test runs the line itself (it runs while modules are loaded, or is within a longer statement), it is
        the line before it in the file that a test runs, or else the cases that run most of the file.  A case of the
        file's own room counts twice.
        """
        flat, begins = self._flat
        cases, chosen_from = [*self.ran], {*among}
        here = {at: number for (name, at), number in self.lines.items() if name == path}
        inside = np.zeros(len(self.lines) + 1)
        inside[[*here.values()]] = 1
        total = np.concatenate([[0], np.cumsum(inside[flat])])
        of_file, of_all = total[begins[1:]] - total[begins[:-1]], np.diff(begins)
        met: list[int] = []
        for at in sorted((at for at in here if line - 12 < at <= line), reverse=True):
            places = np.searchsorted(begins, np.flatnonzero(flat == here[at]), side="right") - 1
            if met := [place for place in places.tolist() if cases[place] in chosen_from]:
                break
        if not met:
            some = [place for place in np.argsort(-of_file, kind="stable").tolist() if of_file[place]]
            met = [place for place in some if cases[place] in chosen_from][: 2 * NEAR]
        own = room_of(path)
        share = {cases[place]: of_file[place] / of_all[place] * (1 + (room_of(cases[place]) == own)) for place in met}
        turn: dict[str, int] = defaultdict(int)
        ranked = []
        for case in sorted(share, key=lambda case: (-share[case], self.seconds[case], case)):
            function = function_of(case)
            ranked.append((turn[function], -share[case], self.seconds[case], case))
            turn[function] += 1
        chosen: list[str] = []
        took = 0.0
        for _, _, seconds, case in sorted(ranked):
            if len(chosen) < times * NEAR and took + seconds <= times * DEAR:
                chosen.append(case)
                took += seconds
        return chosen


def room_of(path: str) -> str:
    """Return the room of a file of the package or of a test: `engine/mmu`, `views`."""
    parts = Path(path.partition("::")[0]).parts[1:-1]
    return "/".join(parts[:2] if parts[:1] == ("engine",) else parts[:1])


# What pytest does in a measured run.

_reach = Reach()
_now: set[tuple[str, int]] = set()
_failed: set[str] = set()
_MONITORED = 3  # the number of a tool that no debugger and no profiler uses


def _spent() -> float:
    """Return the seconds of processor time of this process and of those that it started and that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def _heard(code: Any, line: int) -> object:
    """Note a line of the package; it is reported no more in this test."""
    if code.co_filename.startswith(f"{PACKAGE}{os.sep}"):
        _now.add((code.co_filename, line))
    return sys.monitoring.DISABLE  # type: ignore[attr-defined]  # Python 3.12


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen."""
    if KEPT in os.environ:
        monitoring = sys.monitoring  # type: ignore[attr-defined]  # Python 3.12
        monitoring.use_tool_id(_MONITORED, "vmwidgets")
        monitoring.register_callback(_MONITORED, monitoring.events.LINE, _heard)
        monitoring.set_events(_MONITORED, monitoring.events.LINE)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Measure one case."""
    _now.clear()
    sys.monitoring.restart_events()  # type: ignore[attr-defined]  # Python 3.12
    before = _spent()
    result = yield
    _reach.seconds[item.nodeid] = _spent() - before
    numbers = (_reach.lines.setdefault(line, len(_reach.lines)) for line in _now)
    _reach.ran[item.nodeid] = array("I", sorted(numbers))
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Forget a case that fails: it can judge no change."""
    if report.failed:
        _failed.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what this worker measured."""
    for case in _failed & _reach.ran.keys():
        del _reach.ran[case], _reach.seconds[case]
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if KEPT in os.environ and _reach.seconds:
        _reach.lines = {(os.path.relpath(path, ROOT), line): at for (path, line), at in _reach.lines.items()}
        Path(f"{os.environ[KEPT]}.{worker}").write_bytes(pickle.dumps(_reach))


def measure(python: Path) -> None:
    """Run all unit tests once, and keep what they reach, but not those that fail."""
    REACH.parent.mkdir(exist_ok=True)
    for old in REACH.parent.glob(f"{REACH.name}.*"):
        old.unlink()
    apart = [f"--ignore=tests/{name}" for name in (*APART, "notebooks")]
    command: list[str | Path] = [python, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "tools.finders"]
    command += ["-p", "no:cacheprovider", "--tier", "every", "-m", "not sweep and not kernel", "tests", *apart]
    subprocess.run(command, cwd=ROOT, env={**os.environ, KEPT: str(REACH)}, check=False)
    whole = Reach()
    for part in sorted(REACH.parent.glob(f"{REACH.name}.*")):
        whole.add(pickle.loads(part.read_bytes()))
        part.unlink()
    REACH.write_bytes(pickle.dumps(whole))
    print(f"{len(whole.seconds):,} cases take {sum(whole.seconds.values()):.0f} s of processor time", end="")
    print(f" and run {len(whole.lines):,} lines of the package: {REACH.relative_to(ROOT)}")


def main() -> int:
    """Measure on the newest Python of this computer."""
    from tools import unit

    found = unit.pythons()
    newest = max(found)
    if newest < 12:
        raise SystemExit(f"Python 3.12 or newer reports the lines that run; the newest here is 3.{newest}")
    measure(unit.python_for(newest, found[newest]))
    return 0


def reached() -> Reach:
    """Read what was measured."""
    if not REACH.is_file():
        raise SystemExit("no run has been measured yet: `make reach` does")
    reach = pickle.loads(REACH.read_bytes())
    assert isinstance(reach, Reach)
    return reach


# What judges changes.


@dataclass(frozen=True)
class Change:
    """A file as it would be: its path below the checkout, and the whole changed text."""

    path: str
    source: str


@dataclass
class Verdict:
    """What the tests said of a change."""

    found: list[str]
    """The cases that fail, in the order in which they ran."""

    ended: bool
    """Whether the tests came to their end in time."""


@dataclass
class _Running:
    place: int
    process: int
    told: Path
    copy: Path
    change: Change
    kept: bytes
    until: float


def judge(changes: Sequence[tuple[Change, list[str]]], at_once: int = 2) -> Iterator[tuple[int, Verdict]]:
    """Try each change against its tests; yield the place of each and its verdict, as they end.

    A change without tests is alive.
    """
    for name in PRELOADED:
        importlib.import_module(name)
    free = [_copy(number) for number in range(at_once)]
    waiting = list(enumerate(changes))[::-1]
    running: list[_Running] = []
    while waiting or running:
        while waiting and free:
            place, (change, tests) = waiting.pop()
            if tests:
                running.append(_begun(place, change, tests, free.pop()))
            else:
                yield place, Verdict([], ended=True)
        time.sleep(0.02)
        for one in [*running]:
            process, _ = os.waitpid(one.process, os.WNOHANG)
            late = time.monotonic() > one.until
            if not process and not late:
                continue
            if not process:
                os.killpg(one.process, signal.SIGKILL)
                os.waitpid(one.process, 0)
            _put(one.copy / one.change.path, one.kept)
            running.remove(one)
            free.append(one.copy)
            yield one.place, _verdict(one, changes[one.place][1])


def _begun(place: int, change: Change, tests: list[str], copy: Path) -> _Running:
    path, told = copy / change.path, copy / ".cache" / "told"
    kept = path.read_bytes()
    _put(path, change.source.encode())
    told.parent.mkdir(exist_ok=True)
    told.write_text("")
    sys.stdout.flush()
    process = os.fork()
    if not process:
        _run_tests(copy, tests, told)
    return _Running(place, process, told, copy, change, kept, time.monotonic() + SECONDS)


def _put(path: Path, content: bytes) -> None:
    """Write a file of the copy, and forget what it was compiled to: a changed digit changes no size."""
    path.write_bytes(content)
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


class _Telling:
    """Tells of each failure as it comes: what comes after it may hang."""

    def __init__(self, told: Path) -> None:
        self.file = told.open("a", buffering=1)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell of a case that fails."""
        if report.failed:
            print(report.nodeid, file=self.file)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of a file that can't be loaded."""
        if report.failed:
            print(report.nodeid, file=self.file)


def _run_tests(copy: Path, tests: list[str], told: Path) -> NoReturn:
    """Be the tests of one change, in a process of its own."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "tools", "vmwidgets")]:
            del sys.modules[name]
        os.chdir(copy)
        sys.path[:] = [str(copy), *(one for one in sys.path if Path(one or ".").resolve() not in (ROOT, copy))]
        os.environ["PYTHONPATH"] = str(copy)
        plain = ["-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", ""]
        plain += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # what is imported before is no test's
        code = pytest.main([*plain, *tests], plugins=[_Telling(told)])
        with told.open("a") as file:
            print(f"= {int(code)}", file=file)
    finally:
        os._exit(0)


def _verdict(one: _Running, tests: list[str]) -> Verdict:
    """Read what the tests told: a file that can't be loaded fails with all its cases, and so does the whole session."""
    told = one.told.read_text().split("\n")[:-1]
    ended = bool(told) and told[-1].startswith("= ")
    code = int(told.pop()[2:]) if ended else 0
    files = {name: [test for test in tests if test.startswith(f"{name}::")] for name in told}
    found = dict.fromkeys(test for name, inside in files.items() for test in inside or [name])
    if code in (3, 4) or (code == 2 and not found):
        found = dict.fromkeys(tests)
    return Verdict([*found], ended)


def sound(cases: Iterable[str]) -> set[str]:
    """Return those cases that pass without a change, in the same surroundings."""
    ordered = sorted(cases)
    nothing = Change("README.md", (ROOT / "README.md").read_text())
    parts = [ordered[at : at + NEAR] for at in range(0, len(ordered), NEAR)]
    failing = {case for _, verdict in judge([(nothing, part) for part in parts]) for case in verdict.found}
    return {case for case in ordered if case not in failing}


@cache
def _folder() -> TemporaryDirectory[str]:
    """Return the folder of the copies, which goes when this process ends."""
    REACH.parent.mkdir(exist_ok=True)
    return TemporaryDirectory(dir=REACH.parent, prefix="mutants-")


@cache
def _copy(number: int) -> Path:
    """Copy what git knows, what it was compiled to, and the built bundle, to where a change lives."""
    copy = Path(_folder().name, str(number))
    known = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(known, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0")
    made = [*(PACKAGE / "static").rglob("*"), *PACKAGE.rglob("*.pyc"), *(ROOT / "tests").rglob("*.pyc")]
    for name in filter(None, [*names, *(path.relative_to(ROOT).as_posix() for path in made)]):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    for programs in (".venv", "js/node_modules"):  # Node.js and Graphviz, for tests of its layout
        (copy / programs).symlink_to(ROOT / programs)
    return copy


if __name__ == "__main__":
    from tools import finders  # what is kept names its class by this module

    sys.exit(finders.main())
