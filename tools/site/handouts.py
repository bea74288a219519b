"""The handouts of the site: those of labs and lectures, each with the way back.

A handout is one file that leads nowhere; on the site it has a line of links above its heading.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from vmwidgets.lectures.listed import LECTURES

from . import labs
from .chapters import FOR_CLASS
from .places import OUT

BEFORE = "<main><h1>"
"""Where the links are put: it is there once."""

HOME = "../index.html"
ALL = "../docs/lecture.html#seven-lectures"


def write() -> None:
    """Put the handouts of labs and lectures at their places."""
    for name in labs.NAMES:
        if name not in labs.WITHOUT_STEPS:
            ways = {"This lab to read": f"{name}.html", "This lab in your browser": to_lab(name)}
            put(labs.KEPT / f"{name}.html", OUT / "notebooks" / f"{name}-steps.html", ways)
    (OUT / "lectures").mkdir()
    for name in LECTURES:
        place = OUT / "lectures" / f"{name}.html"
        put(labs.lecture(name), place, {"All lectures": ALL, "The handout for students": f"{name}{FOR_CLASS}.html"})
        put(labs.lecture(name, "--for-class"), OUT / "lectures" / f"{name}{FOR_CLASS}.html", {"All lectures": ALL})


def to_lab(name: str) -> str:
    """The address of a lab in the browser, from a folder of the site."""
    return f"../lab/lab/index.html?path={name}.ipynb"


def put(source: Path, place: Path, ways: Mapping[str, str]) -> None:
    """Write a handout to its place, with the way to the start page and these."""
    place.write_text(with_ways(source.read_text(encoding="utf-8"), ways), encoding="utf-8")


def with_ways(text: str, ways: Mapping[str, str]) -> str:
    """The text of a handout with links above its heading.

    >>> with_ways("<main><h1>Fork</h1>", {})
    '<nav aria-label="site"><a href="../index.html">vmwidgets</a></nav><main><h1>Fork</h1>'
    """
    assert text.count(BEFORE) == 1, "a handout has one heading"
    links = (f'<a href="{to}">{escape(name)}</a>' for name, to in {"vmwidgets": HOME, **ways}.items())
    return text.replace(BEFORE, f'<nav aria-label="site">{" · ".join(links)}</nav>{BEFORE}')
