"""Old addresses of the site: a page at each that leads to where the text is now (`tools/website/moved.toml`)."""

from __future__ import annotations

import json
import sys
from html import escape
from pathlib import Path
from typing import Any

from .places import SOURCES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LIST = SOURCES / "moved.toml"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>This page has moved</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="canonical" href="{to}">
<script>
const sections = {sections};
const section = decodeURIComponent(location.hash.slice(1));
const page = {to_json}.split("#")[0];
location.replace(sections[section] ?? (section ? `${{page}}#${{section}}` : {to_json}));
</script>
<noscript><meta http-equiv="refresh" content="0; url={to}"></noscript>
</head>
<body><main><h1>This page has moved</h1><p><a href="{to}">Go to the page</a></p></main></body>
</html>
"""
"""A section keeps its name, unless the list says otherwise."""


def listed() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The new place of each old page, and of sections whose name changed too."""
    read: dict[str, Any] = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return read["pages"], read["sections"]


def write(out: Path) -> None:
    """Write a page at each old address of the site in `out`."""
    pages, sections = listed()
    for old, new in pages.items():
        up = "../" * old.count("/")
        place = out / f"{old}.html"
        place.parent.mkdir(parents=True, exist_ok=True)
        found = {name: up + address(there) for name, there in sections.get(old, {}).items()}
        place.write_text(page(up + address(new), found), encoding="utf-8")


def address(place: str) -> str:
    """A page of the list, with its section, as the site names it.

    >>> address("docs/teach#four-weeks"), address("speed")
    ('docs/teach.html#four-weeks', 'speed.html')
    """
    name, mark, section = place.partition("#")
    return f"{name}.html{mark}{section}"


def page(to: str, sections: dict[str, str]) -> str:
    """The page that leads to `to`, or to one of the sections' places."""
    return PAGE.format(to=escape(to), to_json=json.dumps(to), sections=json.dumps(sections))
