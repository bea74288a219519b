"""The pages of documentation, made by Sphinx in an environment of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from tools import environment
from vmwidgets.views.scene.twin import picture_html

from . import figures, handouts, moved, stage
from .places import CACHE, OUT, ROOT, STAGE

SPHINX = CACHE / "sphinx"
UNUSED = (".buildinfo", "objects.inv", ".doctrees", "_sources")
"""What Sphinx leaves for other tools."""

MENDED = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="all pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="this page">',
    '<th class="head"><p></p></th>': "<td></td>",
    '<th class="head"></th>': "<td></td>",
    '<div id="search-results">': '<h1>Search</h1>\n<div id="search-results">',
}
"""What axe finds in pages of Sphinx and its theme, and what makes it right."""


def set_up() -> Path:
    """Sphinx's environment, as its lock says; gives its Python."""
    return environment.beside(SPHINX, environment.PYTHON, "site")


def build() -> None:
    """Make the pages in the site's folder, which is made anew; a warning of Sphinx is an error."""
    stage.write()
    shutil.rmtree(OUT, ignore_errors=True)
    doctrees = CACHE / "doctrees"
    shutil.rmtree(doctrees, ignore_errors=True)
    command: list[str | Path] = [set_up(), "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    command += ["-d", doctrees, STAGE, OUT]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": "0", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"vmwidgets: Sphinx refuses the pages: {done.stderr[-6000:]}")
    narrow = [path for name in ("gallery", figures.FOLDER) for path in sorted((STAGE / name).glob("*-slim.svg"))]
    slim = [path.stem for path in narrow]
    for path in narrow:
        shutil.copy(path, OUT / "_images")
    for page in OUT.rglob("*.html"):
        text = for_telephones(mended(page.read_text(encoding="utf-8")), slim)
        page.write_text(text, encoding="utf-8")
    handouts.write()
    figures.write_steps(OUT / figures.FOLDER)
    moved.write(OUT)
    shutil.copytree(STAGE / "docs" / "pictures", OUT / "docs" / "pictures")
    for name in UNUSED:
        path = OUT / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def mended(text: str) -> str:
    """A page of Sphinx that axe accepts.

    >>> mended('<aside class="toc-drawer">')
    '<aside class="toc-drawer" aria-label="this page">'
    """
    for found, right in MENDED.items():
        text = text.replace(found, right)
    return text


def for_telephones(text: str, slim: Collection[str]) -> str:
    """A page in which a telephone shows the `slim` forms of pictures; Sphinx numbers copies of a picture.

    >>> for_telephones('<img src="../_images/walk1.svg" />', ["walk-slim"])[:-10]
    '<picture><source media="(max-width: 520px)" srcset="../_images/walk-slim.svg"><img src="../_images/walk1.svg" />'
    """

    def put(match: re.Match[str]) -> str:
        image, folder, name = match[0], match[1], match[2]
        return picture_html(image, f"{folder}{name}-slim.svg") if f"{name}-slim" in slim else image

    return DRAWING.sub(put, text)


DRAWING = re.compile(r'<img[^>]* src="([^"]*_images/)([a-z-]+)\d*\.svg"[^>]*>')
