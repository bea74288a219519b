"""Makes vmwidgets/real/own/cell.json.gz again: what a small cell does to the memory of a process of Linux.

Folders are taken off the paths, so that nothing of who records them is in what is written.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from vmwidgets.engine.base.units import PAGE
from vmwidgets.given.process import ProcessMoment
from vmwidgets.real.own.measure import Measured, buffers

OUT = Path(__file__).resolve().parent.parent / "vmwidgets/real/own/cell.json.gz"

LINES = ["big = bytes(64 << 20)"]


def main() -> None:
    """Run the lines, and write what they did."""
    names: dict[str, Any] = {}
    measured = Measured(names)
    measured.by_line(LINES)
    codes = [compile(one, "<cell>", "exec") for one in LINES]
    with measured:
        for code in codes:
            measured.mark()
            exec(code, names)
    found = measured.result
    assert found is not None
    places = [(start, start + size, name) for name, (start, size) in buffers(names).items()]
    data = {
        "pid": 4711, "minor": found.minor, "major": found.major, "peak": found.after.peak, "names": places,
        "lines": [list(one) for one in found.lines], "before": _rows(found.before), "after": _rows(found.after),
    }  # fmt: skip  # numbers, then ranges
    OUT.write_bytes(gzip.compress(json.dumps(data, separators=(",", ":")).encode(), mtime=0))


def _rows(moment: ProcessMoment) -> list[list[Any]]:
    """A row a range; sizes in pages."""
    rows = []
    for one in moment.ranges:
        path = f"/usr/lib/{one.path.rpartition('/')[2]}" if one.path.startswith("/") else one.path
        held = [
            None if size is None else size // PAGE for size in (one.resident, one.fair, one.dirty, one.swap, one.huge)
        ]
        rows.append([one.start, one.end, one.protection, one.shared, one.offset, path, *held])
    return rows


if __name__ == "__main__":
    main()
