"""Exercises of notebook 11: a string of references with a large anomaly, and a policy for loops and phases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from types import FunctionType
from typing import Any

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.units import counted
from vmwidgets.engine.base.values.references import ReferencesValue
from vmwidgets.engine.memory.references import reference_string

from ..criterion import Criterion, criterion
from ..exercise import exercise

FEW, MANY, LONGEST, APART = 3, 4, 30, 2
"""Two numbers of frames, the most references, and by how many faults more memory has to be worse."""

FRAMES = 4
"""Of the machine that the policy is for."""

LOOP = list(range(5)) * 5
PHASES = list(chain.from_iterable([base, base + 1, base + 2, base + 1] * 5 for base in (10, 20, 30, 40)))
"""Five pages over and over; and phases of three pages."""

LOOP_FAULTS, PHASE_FAULTS = 13, 30
"""LRU has 25 and 12, "the newest page goes" 13 and 63."""


@exercise("11/anomaly", "Four frames, and worse than three", points=4, takes=ReferencesValue, shows=lambda found: found)
def anomaly(found: ReferencesValue) -> Iterator[Criterion]:
    """FIFO has at least two faults more with four frames than with three, in at most thirty references."""
    is_run = "fifo" in found.policies and {FEW, MANY} <= set(found.frames)
    few, many = (found.faults("fifo", frames) if is_run else 0 for frames in (FEW, MANY))
    apart = max(0, min(APART, many - few))
    yield criterion(
        3,
        apart + (apart == APART),
        f"with {MANY} frames there are at least {APART} faults more than with {FEW}",
        f"with {MANY} frames there should be at least {APART} faults more than with {FEW}: the string in the text has "
        "one more; what if that happens again?",
        first="" if is_run else f"run the string through fifo with frames=({FEW}, {MANY})",
        expected=f"{APART} more",
        actual=f"{few} and {many}",
    )
    yield criterion(
        1,
        apart == APART and len(found.pages) <= LONGEST,
        "the string is short",
        f"the string should have at most {LONGEST} references",
        first="" if apart == APART else "have the faults",
        actual=counted(len(found.pages), "reference"),
    )


@exercise("11/policy", "A policy for loops and phases", points=5, takes=FunctionType)
def policy(choose: Any) -> Iterator[Criterion]:
    """A function that does much better than LRU in a loop that is a page too long, and not badly in phases."""
    for of, string, most, what, hint in (
        (2, LOOP, LOOP_FAULTS, "in the loop", "which page of a loop is not needed for longest, just after its use?"),
        (3, PHASES, PHASE_FAULTS, "in phases", "how does a policy notice that a page belongs to an earlier phase?"),
    ):
        faults, said = _faults(choose, string)
        yield criterion(
            of,
            0 <= faults <= most,
            f"it has few faults {what}",
            f"{what} it should have at most {counted(most, 'fault')}: {hint}" if faults >= 0 else said,
            expected=f"at most {most} of {len(string)}",
            actual=said,
        )


def _faults(choose: Any, string: list[int]) -> tuple[int, str]:
    """How many faults the function has, and that in words; -1 where it can't be asked."""
    try:
        faults = reference_string(string, FRAMES, choose).runs[0].faults
    except VMError as error:
        return -1, str(error)
    return faults, counted(faults, "fault")
