"""Runs of steps that are repeated page by page: after a few rounds, the rest becomes one step, which can be opened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from vmwidgets import events as ev

from .step import Step
from .words.kmem import said_of_alike

LONGEST, ROUNDS, KEPT = 6, 8, 3
"""The most steps of a round; the fewest rounds of a run; the number of rounds that are not folded."""

_KINDS = frozenset(("pages", "buffers", "object", "ring", "machine"))
"""Subjects whose steps may form a run: searches in trees and calls of domains always have steps of their own."""

_BETWEEN = (ev.BlockSplit, ev.BlockJoined)
"""Events that may occur within a run without ending it."""

_NUMBERS = re.compile(r"0x[0-9a-f_]+|\d[\d,_]*")


def folded(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps; the steps of a run, after its first rounds, are one step.  O(steps)."""
    solid = [index for index, step in enumerate(steps) if not isinstance(step.event, _BETWEEN)]
    shapes = [_shape(steps[index]) for index in solid]
    done = at = 0
    while at < len(solid):
        most = min(LONGEST, (len(shapes) - at) // ROUNDS)  # a round of this length can still be repeated often enough
        if not most:
            break
        long, rounds = max(((one, _rounds(shapes, at, one)) for one in range(1, most + 1)), key=_gain)
        if rounds < ROUNDS:
            at += 1
            continue
        first, last = solid[at + KEPT * long], solid[at + rounds * long - 1]
        yield from steps[done:first]
        inside = steps[first : last + 1]
        yield replace(inside[-1], sentence=said_of_alike(len(inside), inside[-1].sentence), inside=tuple(inside))
        done, at = last + 1, at + rounds * long
    yield from steps[done:]


def _gain(found: tuple[int, int]) -> tuple[int, int]:
    """Return a key for choosing a run: how many steps it saves; if two save the same number, shorter rounds win."""
    long, rounds = found
    return (long * rounds if rounds >= ROUNDS else 0), -long


def _shape(step: Step) -> object:
    """Return the part of a step that is equal in each round of a run; a unique object for steps that are in no run."""
    is_one = step.about.kind in _KINDS or isinstance(step.event, ev.LookupCacheHit)
    return (_NUMBERS.sub("#", step.sentence), step.functions) if is_one else object()


def _rounds(shapes: Sequence[object], at: int, long: int) -> int:
    """Return how many rounds of `long` steps are alike, from `at` on."""
    first = shapes[at : at + long]
    rounds = 0
    while len(first) == long and shapes[at + rounds * long : at + (rounds + 1) * long] == first:
        rounds += 1
    return rounds
