"""The command ``vmwidgets``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130
"""What shells report for SIGINT."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process by default); its exit status."""
    try:
        from .command import main as run  # takes a second, in which learners press Ctrl-C
    except KeyboardInterrupt:
        print("\nvmwidgets: stopped before anything was changed", file=sys.stderr)
        return INTERRUPTED
    return run(arguments)
