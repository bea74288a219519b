"""Pages that leave memory because another has to come, by policy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from time import process_time
from typing import Any

import vmwidgets as vm

from .table import table

PAGE = vm.PAGE
FRAMES = (64, 1_024)
COUNT = 2_000
POLICIES: dict[str, Any] = {
    name: name for name in ("fifo", "second chance", "clock", "lru")
}  # fmt: skip  # OPT and working sets need more than a name
POLICIES["a function"] = lambda pages: pages[0]


def measure(count: int = COUNT, frames: Sequence[int] = FRAMES) -> str:
    """A table: page-outs a second of processor time, each with the fault that it is for."""
    rows = []
    for name, policy in POLICIES.items():
        rows.append([name, *(f"{count / seconds(policy, few, count):,.0f}" for few in frames)])
    return table(f"Page-outs a second, {count:,} of them", ["", *(f"{few:,} frames" for few in frames)], rows)


def seconds(policy: Any, frames: int, count: int) -> float:
    """Seconds of processor time for so many page-outs: random writes to four times as many pages as frames."""
    machine = vm.boot(ram="64 MiB")
    machine.swap_on("32 MiB")
    machine.replacement = policy
    task = machine.task("init")
    task.limit("rss", frames * PAGE)
    start = int(task.mmap(4 * frames * PAGE))
    chance = random.Random(1)
    for page in range(frames):
        task.touch(start + page * PAGE, "write")
    out, spent = 0, 0.0
    while out < count:
        address = start + chance.randrange(4 * frames) * PAGE
        comes = not task.walk(address).ok
        begun = process_time()
        task.touch(address, "write")
        spent += (process_time() - begun) * comes
        out += comes
    return spent
