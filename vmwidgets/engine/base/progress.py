"""How far a long load has come: a function of what is done and of all, called now and then."""

from __future__ import annotations

import sys
from collections.abc import Callable

Progress = Callable[[int, int], object]

LONG = 5_000
"""Lines, ranges or calls from which on a load has a bar."""

STEP = 512
"""After so many of them a load says how far it is."""

WIDE = 30


def bar(done: int, total: int) -> None:
    """A bar on standard error, on one line that is written again; nothing for a short load."""
    if total < LONG:
        return
    full = WIDE * done // total
    end = "\n" if done >= total else ""
    sys.stderr.write(f"\r[{'#' * full}{' ' * (WIDE - full)}] {100 * done // total:3} %{end}")
    sys.stderr.flush()


def usual() -> Progress | None:
    """Return the bar where a person looks on, in a notebook; None elsewhere."""
    return bar if "ipykernel" in sys.modules else None
