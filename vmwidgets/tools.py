"""``python -m vmwidgets.tools``: commands for once a term, or for work on vmwidgets itself."""

from __future__ import annotations

import sys

from .cli import TOOLS, main

if __name__ == "__main__":
    sys.exit(main(program=TOOLS))
