"""Puts the extension `tools/website/lab/starting.js` into a JupyterLite, which loads it as it loads each other one.

An old browser does not come that far: what checks the browser (`tools/website/lab/checking.js`) stands in the lab's
own page.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from .places import SOURCES

NAME = "vmwidgets-starting"
SOURCE = SOURCES / "lab" / "starting.js"
CHECKING = SOURCES / "lab" / "checking.js"
END = "</body>"


def put(lab: Path) -> None:
    """Add the extension to the JupyterLite in the folder `lab`; its file's name changes with it, since it is cached."""
    name = f"starting.{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.js"
    place = lab / "extensions" / NAME / "static" / name
    place.parent.mkdir(parents=True)
    shutil.copy(SOURCE, place)
    settings = lab / "jupyter-lite.json"
    read: dict[str, Any] = json.loads(settings.read_text(encoding="utf-8"))
    listed = read["jupyter-config-data"]["federated_extensions"]
    listed.append({"name": NAME, "load": f"static/{name}", "extension": "./extension"})
    settings.write_text(json.dumps(read, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    check(lab / "lab" / "index.html")


def check(page: Path) -> None:
    """Let the `page` of the lab look at the browser before anything else of it is loaded.

    Raises :class:`SystemExit` if the page is not the one that this was written for.
    """
    text = page.read_text(encoding="utf-8")
    if text.count(END) != 1:
        raise SystemExit("vmwidgets: JupyterLite's page has changed: see tools/site/starting.py")
    script = f"<script>\n{CHECKING.read_text(encoding='utf-8')}</script>\n"
    page.write_text(text.replace(END, script + END), encoding="utf-8")
