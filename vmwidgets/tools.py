"""``python -m vmwidgets.tools``: what is needed once a term, or to work on vmwidgets itself."""

from __future__ import annotations

import sys

from .cli import TOOLS, main

if __name__ == "__main__":
    sys.exit(main(program=TOOLS))
