"""Choose when each unit test runs: `make tiers` writes the rows of tests/tiers.txt from what was measured.

It needs a measured run (`make reach`) and a matrix of changes (`make mutants MATRIX=FILE COUNT=400`).  Chosen are,
while the tier stays within its seconds of processor time:

1. the cheapest tests that find every change of the matrix that any test finds; a test of the changed file's own room
   before another, so that a failure says where to look;
2. the quickest function of each file, so that no file is tested by nobody;
3. the tests that run the most lines for a second: the second test of a line counts half, the third a quarter, and so
   on, as another test of a line may ask what the first did not.  Each case counts as some lines more, for its data: an
   exercise, a text or a template may be wrong where no line is.

Where a function's cases take long, the fast tier has some of them.  `make check` then gets whole functions, all cases
of each, for its own seconds; what is left runs in `make sweep`.  Nothing is deleted.  EXEMPT are tests that no changed
line of Python can judge: they run as their rows say.
"""

from __future__ import annotations

import argparse
import heapq
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.tiers import ALL, APART, FIRST, NONE, TIERS, WORDS, folder_of, function_of, is_chosen, rows, usual
from tools import finders

FAST, CHECK = 240.0, 250.0
"""Seconds of processor time of the unit tests of `make test`, and of those that `make check` adds."""

EXEMPT = (
    "tests/beside/", "tests/docs/", "tests/notebooks/", "tests/oracles/", "tests/views/oracle/", "tests/yesterday/",
    "tests/engine/machine/linux/", "tests/given/test_runs", "tests/real/", "tests/sources/strace/test_recordings",
    "tests/grading/checkoff/test_command", "tests/grading/test_planted", "tests/labs/test_publishing",
    "tests/engine/base/test_interrupts", "tests/engine/machine/test_listeners", "tests/widgets/test_refresh",
    "tests/widgets/test_tracebacks", "tests/widgets/test_traits",
    "tests/widgets/test_lifetimes",
)  # fmt: skip  # a table: documents, claims and saved files; other systems and recordings; security; threads; exports
"""Tests that no changed line of Python can judge."""

WORTH = 0.5 ** np.arange(8)
"""What a line counts by the number of chosen functions that run it already."""


OF_DATA = 20
"""The lines that a case counts for what it alone asks about."""


@dataclass(frozen=True)
class Part:
    """A function with a share of its cases."""

    function: str
    share: int
    seconds: float
    cases: int
    lines: Any
    """The numbers of the lines that its cases run."""

    finds: frozenset[int]
    """The places of the changes that its cases find."""


def matrix_of(file: Path) -> list[dict[str, Any]]:
    """Read a matrix: of each change its key, and the cases that find it."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def fast_cases(cases: Iterable[str]) -> set[str]:
    """Return those of all cases, in the order of a run, that are in the fast tier."""
    met: set[str] = set()
    fast = set()
    for case in cases:
        function = function_of(case)
        if is_chosen(case, (rows().get(function) or usual(case))[0], first=function not in met):
            fast.add(case)
        met.add(function)
    return fast


def parts_of(reach: finders.Reach, changes: list[dict[str, Any]]) -> dict[str, list[Part]]:
    """Return each function's parts, the smallest first: its first case, one in nine, one in three, and all."""
    cases: dict[str, list[str]] = defaultdict(list)
    for case in reach.seconds:
        cases[function_of(case)].append(case)
    finds: dict[str, set[int]] = defaultdict(set)
    for place, row in enumerate(changes):
        for case in row["found"]:
            finds[case].add(place)
    parts: dict[str, list[Part]] = {}
    for function, some in cases.items():
        for share in (FIRST, 9, 3, ALL):
            kept = [case for at, case in enumerate(some) if is_chosen(case, share, first=at == 0)]
            if share != ALL and (len(kept) == len(some) or (parts.get(function) and len(kept) == 1)):
                continue
            lines = np.unique(np.concatenate([np.asarray(reach.ran.get(case, ()), dtype=np.uint32) for case in kept]))
            seconds = sum(reach.seconds[case] for case in kept)
            found = frozenset().union(*(finds[case] for case in kept))
            parts.setdefault(function, []).append(Part(function, share, seconds, len(kept), lines, found))
    return parts


class Chosen:
    """The parts that are chosen so far, and what they run and find."""

    def __init__(self, lines: int) -> None:
        self.parts: dict[str, Part] = {}
        self.counts = np.zeros(lines, dtype=np.intp)
        self.found: set[int] = set()

    @property
    def seconds(self) -> float:
        """Return what they take."""
        return sum(part.seconds for part in self.parts.values())

    def dearer_by(self, part: Part) -> float:
        """Return the seconds that a part adds to what is chosen of its function."""
        before = self.parts.get(part.function)
        return max(part.seconds - (before.seconds if before else 0.0), 0.001)

    def worth(self, part: Part) -> float:
        """Return what the lines and cases of a part count for a second."""
        before = self.parts.get(part.function)
        lines = part.lines if before is None else np.setdiff1d(part.lines, before.lines, assume_unique=True)
        counted = WORTH[np.minimum(self.counts[lines], len(WORTH) - 1)].sum()
        cases = part.cases - (before.cases if before else 0)
        return float(counted + OF_DATA * cases) / self.dearer_by(part)

    def add(self, part: Part) -> None:
        """Choose a part, in place of a smaller one of its function."""
        before = self.parts.get(part.function)
        new = part.lines if before is None else np.setdiff1d(part.lines, before.lines, assume_unique=True)
        self.counts[new] += 1
        self.parts[part.function] = part
        self.found |= part.finds


def cover(chosen: Chosen, parts: Iterable[Part], changes: set[int]) -> None:
    """Choose the cheapest parts that find the changes: always the part that finds the most for a second."""
    parts, left = [part for part in parts if part.finds & changes], changes - chosen.found
    while left:
        best = max(
            parts, key=lambda part: (len(part.finds & left) / chosen.dearer_by(part), part.function), default=None
        )
        if best is None or not best.finds & left:
            return
        chosen.add(best)
        left -= best.finds


def fill(chosen: Chosen, parts: dict[str, list[Part]], seconds: float) -> None:
    """Choose parts while they stay within the seconds: what runs the most lines for a second first."""
    heap = [(-chosen.worth(some[0]), function, 0) for function, some in parts.items()]
    heapq.heapify(heap)
    took = chosen.seconds
    while heap:
        _, function, at = heapq.heappop(heap)
        part, before = parts[function][at], chosen.parts.get(function)
        following = (function, at + 1) if at + 1 < len(parts[function]) else None
        if before is not None and before.seconds >= part.seconds:
            if following:
                heapq.heappush(heap, (-chosen.worth(parts[function][at + 1]), *following))
            continue
        worth = chosen.worth(part)
        if heap and -worth > heap[0][0]:
            heapq.heappush(heap, (-worth, function, at))
            continue
        if took + chosen.dearer_by(part) > seconds or not worth:
            continue
        took += chosen.dearer_by(part)
        chosen.add(part)
        if following:
            heapq.heappush(heap, (-chosen.worth(parts[function][at + 1]), *following))


def choose(
    reach: finders.Reach, changes: list[dict[str, Any]], fast: float, check: float
) -> tuple[dict[str, Part], dict[str, Part], list[str]]:
    """Return the parts of the fast tier, and of both together; and what to say of them."""
    every = parts_of(reach, changes)
    exempt = {name for name in every if name.startswith(EXEMPT)}
    parts = {name: some for name, some in every.items() if name not in exempt}
    said = []
    chosen = Chosen(len(reach.lines))
    in_fast = {name for name in exempt if (rows().get(name) or usual(name))[0] != NONE}
    for name in sorted(in_fast):
        chosen.add(every[name][-1])
    found = {place for place, row in enumerate(changes) if row["found"]}
    rooms = [finders.room_of(row["change"][0]) for row in changes]
    flat = [part for some in parts.values() for part in some]
    own = [
        Part(
            one.function,
            one.share,
            one.seconds,
            one.cases,
            one.lines,
            frozenset(at for at in one.finds if rooms[at] == here),
        )
        for one in flat
        for here in [finders.room_of(one.function)]
    ]
    by_key = {(one.function, one.share): one for one in flat}
    narrow = Chosen(len(reach.lines))
    cover(narrow, own, found)
    for name, part in sorted(narrow.parts.items()):
        chosen.add(by_key[name, part.share])
    near = len(narrow.found)
    cover(chosen, flat, found)
    said.append(f"{len(found)} of {len(changes)} changes are found, {near} of them by a test of the same room;")
    said.append(f"the cheapest tests that find all of them take {chosen.seconds:.0f} s,")
    by_file: dict[str, Part] = {}
    for some in parts.values():
        name = some[0].function.partition("::")[0]
        by_file[name] = min(by_file.get(name, some[0]), some[0], key=lambda part: (part.seconds, part.function))
    for part in sorted(by_file.values(), key=lambda part: part.function):
        if part.function not in chosen.parts:
            chosen.add(part)
    said.append(f"with the quickest of each file {chosen.seconds:.0f} s,")
    fill(chosen, parts, fast)
    first = dict(chosen.parts)
    said.append(f"and the fast tier {chosen.seconds:.0f} s: {len(first):,} of {len(every):,} functions.")
    for name in sorted(exempt - in_fast):
        chosen.add(every[name][-1])
    fill(chosen, {name: some[-1:] for name, some in parts.items()}, chosen.seconds + check)
    said.append(f"`make check` adds {chosen.seconds - sum(part.seconds for part in first.values()):.0f} s;")
    left = sum(some[-1].seconds for some in every.values()) - chosen.seconds
    said.append(f"{left:.0f} s of what was measured are left to `make sweep`.")
    return first, dict(chosen.parts), said


def word(share: int) -> str:
    """Write a share."""
    return {at: name for name, at in WORDS.items()}.get(share) or f"1/{share}"


def main(arguments: list[str] | None = None) -> int:
    """Choose, write the rows, and say what the tiers take."""
    parser = argparse.ArgumentParser(prog="tools.tiers", description=__doc__.partition("\n")[0])
    parser.add_argument("matrix", type=Path, help="the file that `make mutants MATRIX=FILE` wrote")
    parser.add_argument("--fast", type=float, default=FAST, help=f"seconds of the fast tier ({FAST:.0f})")
    parser.add_argument("--check", type=float, default=CHECK, help=f"seconds that `make check` adds ({CHECK:.0f})")
    given = parser.parse_args(arguments)
    reach = finders.reached()
    fast, both, said = choose(reach, matrix_of(given.matrix), given.fast, given.check)
    kept = {
        name: shares for name, shares in rows().items()
        if folder_of(name) in APART or name.startswith(EXEMPT) or name not in {function_of(case) for case in reach.ran}
    }  # fmt: skip  # written by hand, or not measured
    for name in {function_of(case) for case in reach.seconds} - {*kept}:
        shares = (
            fast[name].share if name in fast else NONE,
            both[name].share if name in both else NONE,
        )
        if shares != (ALL, ALL) and not name.startswith(EXEMPT):
            kept[name] = shares
    head = [line for line in TIERS.read_text().splitlines() if line.startswith("#")]
    rest = [f"{name}\t{word(fast)}\t{word(check)}" for name, (fast, check) in sorted(kept.items())]
    TIERS.write_text("\n".join([*head, *rest]) + "\n")
    print("\n".join(said))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
