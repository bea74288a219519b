"""The progress of a long load: a function called at intervals with the number of finished items and the total."""

from __future__ import annotations

import sys
from collections.abc import Callable

Progress = Callable[[int, int], object]

LONG = 5_000
"""The number of lines, ranges or calls from which a load has a bar."""

STEP = 512
"""The number of items after which a load reports its progress."""

WIDE = 30


def bar(done: int, total: int) -> None:
    """Show a progress bar on standard error, on one line that is rewritten; a short load has no bar."""
    if total < LONG:
        return
    full = WIDE * done // total
    end = "\n" if done >= total else ""
    sys.stderr.write(f"\r[{'#' * full}{' ' * (WIDE - full)}] {100 * done // total:3} %{end}")
    sys.stderr.flush()


def usual() -> Progress | None:
    """Return :func:`bar` in a notebook, where a person can see it; None elsewhere."""
    return bar if "ipykernel" in sys.modules else None
