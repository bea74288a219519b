"""The command ``vmwidgets``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130
"""What shells report for SIGINT."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (those of the process by default); its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        from . import command  # this and what it loads take a second, in which learners press Ctrl-C

        parser = command.parser_for(given)
    except KeyboardInterrupt:
        print("\nvmwidgets: stopped before anything was changed", file=sys.stderr)
        return INTERRUPTED
    return command.main(parser, given)
