"""``python -m vmwidgets.tools``: commands for once a term."""

from __future__ import annotations

import sys

from .cli import TOOLS, main

if __name__ == "__main__":
    sys.exit(main(program=TOOLS))
