"""What makes a second visit work without a network: the pages' own service worker, and JupyterLite's.

The pages' worker (`tools/website/worker.js`) keeps each page that was read, and from the first visit on the start
page, the contents and the search.

JupyterLite's worker keeps what a page asked for, if it is allowed to.  But a page asks for most files before the worker
runs, and the worker's list of files to fetch when it is installed is empty.  The build fills this list with the files
of a first visit, which it has measured.
"""

from __future__ import annotations

import json
from pathlib import Path

FIRST = "const FIRST = [];"
"""The list in the pages' worker of what it fetches when it is installed."""

EMPTY = ".addAll([])"
MATCH = "await t.match(e)"
"""Where the worker looks for an answer that it has kept; `e` is the request."""

ANY_NOTEBOOK = 'await t.match(e,{ignoreSearch:"navigate"===e.mode})'
"""The page of the lab is one file, whichever notebook its address names."""


def keep_pages(out: Path, worker: Path) -> int:
    """Write the `worker` of the pages into the folder `out`, with its list; gives the bytes that the list has."""
    pages = [out / name for name in ("index.html", "contents.html", "search.html", "searchindex.js", "favicon.ico")]
    parts = [path for path in sorted((out / "_static").rglob("*")) if path.suffix in (".css", ".js", ".svg")]
    paths = [*pages, *parts, *sorted((out / "pictures").iterdir())]
    listed = json.dumps([path.relative_to(out).as_posix() for path in paths])
    text = worker.read_text(encoding="utf-8")
    assert text.count(FIRST) == 1, f"{worker.name} has one empty list"
    (out / "worker.js").write_text(text.replace(FIRST, f"const FIRST = {listed};"), encoding="utf-8")
    return sum(path.stat().st_size for path in paths)


def keep(lab: Path, paths: list[str]) -> int:
    """Let the worker of the folder `lab` fetch these paths below it when it is installed; gives their bytes.

    Raises :class:`SystemExit` if the worker is not the one that this was written for.
    """
    worker = lab / "service-worker.js"
    text = worker.read_text(encoding="utf-8")
    if text.count(EMPTY) != 1 or text.count(MATCH) != 1:
        raise SystemExit("vmwidgets: JupyterLite's service worker has changed: see tools/site/offline.py")
    listed = json.dumps(sorted(set(paths)))
    worker.write_text(text.replace(EMPTY, f".addAll({listed})").replace(MATCH, ANY_NOTEBOOK), encoding="utf-8")
    return sum((lab / path.partition("?")[0]).stat().st_size for path in set(paths))


def files(lab: Path) -> list[str]:
    """The paths of the notebooks and their first page, which a visitor may open later."""
    return [path.relative_to(lab).as_posix() for path in sorted((lab / "files").rglob("*")) if path.is_file()]
