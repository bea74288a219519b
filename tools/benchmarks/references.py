"""Strings of references on paper, by policy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from time import process_time
from typing import Any

import vmwidgets as vm

from .table import table

FRAMES = (4, 64)
COUNT = 10_000
POLICIES: dict[str, Any] = {
    name: name for name in ("fifo", "second chance", "clock", "lru", "opt", "working set")
}  # fmt: skip  # one list
POLICIES["a function"] = lambda pages: pages[0]


def measure(count: int = COUNT, frames: Sequence[int] = FRAMES) -> str:
    """A table: references a second of processor time, each kept as a step; and the load curve."""
    rows = [[name, *(f"{count / seconds(one, few, count):,.0f}" for few in frames)] for name, one in POLICIES.items()]
    begun = process_time()
    vm.load_curve()
    curve = f"vm.load_curve(): {process_time() - begun:.1f} s"
    heading = ["", *(f"{few} frames" for few in frames)]
    return f"{table(f'References a second, strings of {count:,}', heading, rows)}\n\n{curve}"


def seconds(policy: Any, frames: int, count: int) -> float:
    """Seconds of processor time for a string of random references to four times as many pages as frames."""
    chance = random.Random(1)
    string = [chance.randrange(4 * frames) for _ in range(count)]
    begun = process_time()
    vm.reference_string(string, frames, policy)
    return process_time() - begun
