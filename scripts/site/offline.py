"""What of JupyterLite's service worker makes a second visit work without a network.

JupyterLite's worker keeps what a page asked for, if it is allowed to.  But a page asks for most files before the worker
runs, and the worker's list of files to fetch when it is installed is empty.  The build fills this list with the files
of a first visit, which it has measured.
"""

from __future__ import annotations

import json
from pathlib import Path

EMPTY = ".addAll([])"
MATCH = "await t.match(e)"
"""Where the worker looks for an answer that it has kept; `e` is the request."""

ANY_NOTEBOOK = 'await t.match(e,{ignoreSearch:"navigate"===e.mode})'
"""The page of the lab is one file, whichever notebook its address names."""


def keep(lab: Path, paths: list[str]) -> int:
    """Let the worker of the folder `lab` fetch these paths below it when it is installed; gives their bytes.

    Raises :class:`SystemExit` if the worker is not the one that this was written for.
    """
    worker = lab / "service-worker.js"
    text = worker.read_text(encoding="utf-8")
    if text.count(EMPTY) != 1 or text.count(MATCH) != 1:
        raise SystemExit("vmwidgets: JupyterLite's service worker has changed: see scripts/site/offline.py")
    listed = json.dumps(sorted(set(paths)))
    worker.write_text(text.replace(EMPTY, f".addAll({listed})").replace(MATCH, ANY_NOTEBOOK), encoding="utf-8")
    return sum((lab / path.partition("?")[0]).stat().st_size for path in set(paths))


def notebooks(lab: Path) -> list[str]:
    """The paths of the notebooks, which a visitor may open later."""
    return [path.relative_to(lab).as_posix() for path in sorted((lab / "files").rglob("*.ipynb"))]
