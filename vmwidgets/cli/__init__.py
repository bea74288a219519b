"""The command ``vmwidgets``, and with `TOOLS` ``python -m vmwidgets.tools``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

VMWIDGETS, TOOLS = "vmwidgets", "python -m vmwidgets.tools"
"""The names of the two programs, as they are typed."""

INTERRUPTED = 130
"""The exit status that shells use for SIGINT."""


def main(arguments: Sequence[str] | None = None, program: str = VMWIDGETS) -> int:
    """Run the `program` with `arguments` (those of the process by default); returns its exit status."""
    if sys.excepthook.__module__ == "vmwidgets.launched":  # that hook is needed only until here
        sys.excepthook = sys.__excepthook__
    given = sys.argv[1:] if arguments is None else arguments
    try:
        from . import command  # this and what it loads take a second, in which learners press Ctrl-C

        parser = command.parser_for(given, program)
    except KeyboardInterrupt:
        print("\nvmwidgets: stopped before anything was changed", file=sys.stderr)
        return INTERRUPTED
    return command.main(parser, given)
