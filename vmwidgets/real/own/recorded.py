"""A recording of a Linux process, shown if a system has no /proc, and marked as such.

`tools/record_own.py` records it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from ...engine.base.units import PAGE
from ...given.process import CellMemory, LineCost, ProcessMoment, ProcessRange, changes_between

WORDS = "This system has no /proc: what is shown is a recording of `big = bytes(64 << 20)` on Linux."


def has_proc() -> bool:
    """Return whether this system describes its processes in /proc, as Linux does."""
    return Path("/proc/self/maps").exists()


def recorded_cell(subject: str) -> CellMemory:
    """Return the recording of a cell that maps 64 MiB and touches none of it."""
    data = _data()
    before, after = (_moment(data[name], data) for name in ("before", "after"))
    holds = [(start, end, name) for start, end, name in data["names"]]
    return CellMemory(
        before,
        after,
        data["minor"],
        data["major"],
        changes_between(before.ranges, after.ranges, (), holds),
        tuple(LineCost(*one) for one in data["lines"]),
        (),
        recorded=WORDS,
        subject=subject,
    )


def recorded_moment() -> ProcessMoment:
    """Return the recorded process, after the recorded cell."""
    data = _data()
    return replace(_moment(data["after"], data), unsaid=(WORDS,))


def _data() -> dict[str, Any]:
    found = resources.files("vmwidgets.real.own") / "cell.json.gz"
    return dict(json.loads(gzip.decompress(found.read_bytes())))


def _moment(ranges: list[list[Any]], data: Mapping[str, Any]) -> ProcessMoment:
    held = []
    for start, end, protection, shared, offset, path, *sizes in ranges:
        known: list[Any] = [None if one is None else one * PAGE for one in sizes]
        held.append(ProcessRange(start, end, protection, shared, offset, path, *known))
    return ProcessMoment(data["pid"], "python3", tuple(held), data["minor"], data["major"], data["peak"])
