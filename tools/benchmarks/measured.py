"""What all parts of the bench share: rows with an aim, the fastest of many calls, and an earlier commit beside this.

A part is a module with `rows(short)`, which yields its figures; `short` is the least of everything, to see that it
runs.  Less is better in each row, so that a row can be compared with the same row of another commit.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path
from tarfile import open as open_tar
from time import process_time
from typing import Any, NamedTuple

HERE = Path(__file__).parents[2]
NOISE = 0.05
"""By how much a ratio of two times may be off."""

TURNS = 3
"""The number of turns in which two trees are measured, one after the other."""


class Row(NamedTuple):
    """A figure: its name, its value in `unit`, and the most that it should be."""

    name: str
    value: float
    unit: str = "µs"
    aim: float = float("inf")


def rows_of(part: str, short: bool) -> list[Row]:
    """Measure a part."""
    found: Iterator[Row] = import_module(f"{__package__}.{part}").rows(short)
    return list(found)


def titled(part: str) -> str:
    """Return what a part measures: the first line of its module."""
    return (import_module(f"{__package__}.{part}").__doc__ or "").partition("\n")[0].rstrip(".")


def fastest(call: Callable[[], object], times: int = 100, rounds: int = 20) -> float:
    """Microseconds of processor time a call, in the best of many rounds: the one that nothing else disturbed."""
    found = float("inf")
    for _ in range(rounds):
        begun = process_time()
        for _ in range(times):
            call()
        found = min(found, process_time() - begun)
    return found / times * 1e6


def spent(call: Callable[[], object]) -> float:
    """Seconds of processor time of one call."""
    return fastest(call, 1, 1) / 1e6


def quantile(times: Sequence[float], share: float) -> float:
    """The time that `share` of them stayed below; no number for none."""
    ordered = sorted(times)
    return ordered[round(share * (len(ordered) - 1))] if ordered else float("nan")


APART = """
import json, resource
from {module} import {name}
print()
print(json.dumps([{name}(*{arguments!r}), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def apart(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Call a function in an interpreter of its own: its result, and the most MiB that the interpreter had."""
    program = APART.format(module=function.__module__, name=function.__name__, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    result, peak = json.loads(done.stdout.splitlines()[-1])
    return result, peak


def peak(process: int | str = "self") -> float:
    """The most MiB of memory that a process has had in RAM (`VmHWM` in Linux's proc(5))."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


# ---- an earlier commit beside this tree ----------------------------------------------------------


def exported(commit: str, built: bool) -> Path:
    """The sources of a commit with this bench, and with their front end if asked; kept in this checkout's cache."""
    git = ["git", "-C", str(HERE)]
    named = subprocess.run([*git, "rev-parse", "--verify", f"{commit}^{{commit}}"], capture_output=True, check=False)
    if named.returncode:
        raise SystemExit(f"commit {commit} is not in this clone: fetch the whole history, git fetch --unshallow")
    place = HERE / ".cache" / "against" / named.stdout.decode().strip()
    if not place.exists():
        packed = subprocess.run([*git, "archive", named.stdout.decode().strip()], capture_output=True, check=True)
        with open_tar(fileobj=BytesIO(packed.stdout)) as archive:
            archive.extractall(place)  # of our own history
    bench = place / "tools" / "benchmarks"
    shutil.rmtree(bench, ignore_errors=True)
    shutil.copytree(HERE / "tools" / "benchmarks", bench)
    if built:
        subprocess.run([sys.executable, "hatch_build.py"], cwd=place, check=True)
    return place


def rows_in(tree: Path, part: str, short: bool) -> list[Row]:
    """Measure a part in a tree of sources, in a process of its own; raises :class:`RuntimeError` if it does not run."""
    command = [sys.executable, "-m", __package__, part, "--rows", *(["--short"] if short else [])]
    variables = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=tree, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
    return [Row(*row) for row in json.loads(done.stdout.splitlines()[-1])]


def beside(part: str, commit: str, short: bool, built: bool) -> str:
    """The table of a part at a commit and now, in turns: the best of each.  A sentence, if it does not run then."""
    then, now = exported(commit, built), HERE
    found: dict[Path, list[list[Row]]] = {then: [], now: []}
    for _ in range(1 if short else TURNS):
        try:
            found[then].append(rows_in(then, part, short))
        except RuntimeError as error:
            return f"{titled(part)}: this does not run at commit {commit} ({error})"
        found[now].append(rows_in(now, part, short))
    before, after = (
        {row[0].name: min(one.value for one in row) for row in zip(*found[tree], strict=True)} for tree in (then, now)
    )
    listed = []
    for row in found[now][0]:
        if row.name in before:
            share = after[row.name] / before[row.name]
            values = said(before[row.name]), said(after[row.name]), row.unit, f"{share:.2f}"
            listed.append([row.name, *values, verdict(share <= 1 + NOISE)])
    return table(f"{titled(part)}, beside commit {commit}", ["", "then", "now", "", "ratio", ""], listed)


# ---- tables --------------------------------------------------------------------------------------


def alone(part: str, short: bool) -> str:
    """The table of a part, with its aims."""
    listed = [
        [
            row.name,
            said(row.value),
            row.unit,
            *([f"at most {said(row.aim)}", verdict(row.value <= row.aim)] if row.aim < float("inf") else ["", ""]),
        ]
        for row in rows_of(part, short)
    ]
    return table(titled(part), ["", "measured", "", "aim", ""], listed)


def said(value: float) -> str:
    """A value with two digits that count.

    >>> said(2_345.67), said(23.4567), said(0.23456)
    ('2,346', '23.5', '0.23')
    """
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def verdict(holds: bool) -> str:
    """Return whether an aim is reached."""
    return "reached" if holds else "MISSED"


def table(title: str, header: Sequence[str], listed: Sequence[Sequence[str]]) -> str:
    """The table as text: columns as wide as they need, numbers to the right.

    >>> print(table("Speed", ["what", "per second"], [["a map", "1,000"]]))
    Speed
      what   per second
      a map       1,000
    """
    every = [header, *listed]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in every
    ]
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)])
