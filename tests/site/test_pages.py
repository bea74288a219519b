"""The files of the site: every public name is there, every link leads somewhere, nothing comes from another host."""

from __future__ import annotations

import base64
import inspect
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest

import vmwidgets as vm
from tools.site import labs

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "srcset", "use": "href"}
"""What a browser loads by itself, by tags."""

LANDING = 150_000
"""Bytes of the start page with its style and its script."""


@dataclass
class Page(HTMLParser):
    """What a page leads to and loads, and the places in it that can be led to."""

    ids: set[str] = field(default_factory=set)
    leads: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.leads.append(given["href"])
        if LOADED.get(tag) in given:
            self.loads.append(given[LOADED[tag]].split()[0] if given[LOADED[tag]] else "")


@cache
def parsed(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def own(built: Path) -> list[Path]:
    """The pages that are ours: those of JupyterLite are in lab/."""
    return [path for path in sorted(built.rglob("*.html")) if built / "lab" not in path.parents]


def lost(built: Path, path: Path, target: str) -> bool:
    """Whether a link of a page leads nowhere in the site."""
    address, fragment = urldefrag(target)
    parts = urlparse(address)
    if parts.scheme or parts.netloc:
        return False
    there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if there.is_dir():
        there /= "index.html"
    if not there.is_file() or built.resolve() not in there.resolve().parents:
        return True
    if parts.query.startswith("path="):  # a notebook of the lab
        return not (built / "lab" / "files" / unquote(parts.query.removeprefix("path="))).is_file()
    if fragment.startswith("code="):  # code for the lab
        return not has_code(fragment.removeprefix("code="))
    if STEP.fullmatch(fragment):
        return "vmw-story" not in parsed(there).ids
    return bool(fragment) and there.suffix == ".html" and unquote(fragment) not in parsed(there).ids


def has_code(packed: str) -> bool:
    """Whether the lab can read code in a link."""
    with suppress(ValueError, zlib.error):
        return bool(zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))))
    return False


STEP = re.compile(r"step-(-1|\d+)-\d+")
"""A place that the player of a handout makes; see js/src/handout.ts."""

LAB_NO = "lab/lab/index.html?path=no.ipynb"


def test_a_link_that_leads_nowhere_is_found(built: Path) -> None:
    start = built / "index.html"
    assert [lost(built, start, one) for one in ("contents.html", "#chapters", "https://example.org/")] == [False] * 3
    assert [lost(built, start, one) for one in ("no.html", "#no", "docs/tour.html#no", "../x", LAB_NO)] == [True] * 5
    assert lost(built, start, "lab/lab/index.html#code=eNpL")
    assert not lost(built, start, "lab/lab/index.html?path=01-maps.ipynb")
    assert not lost(built, start, "lectures/faults.html#step--1-1")
    assert lost(built, start, "docs/tour.html#step--1-1")


def test_no_link_is_broken(built: Path) -> None:
    pages = own(built)
    assert len(pages) > 60
    found = [
        f"{path.relative_to(built)}: {target}"
        for path in pages
        for target in (*parsed(path).leads, *parsed(path).loads)
        if not target.startswith(("data:", "javascript:", "mailto:")) and lost(built, path, target)
    ]
    assert found == []


def test_nothing_is_loaded_from_another_host(built: Path) -> None:
    loads = [(path.name, target) for path in own(built) for target in parsed(path).loads]
    assert [one for one in loads if urlparse(one[1]).netloc] == []
    sheets = [path for path in built.rglob("*.css") if built / "lab" not in path.parents]
    assert sheets
    used = [
        (path.name, url) for path in sheets for url in re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")]+)", text(path))
    ]
    assert [one for one in used if urlparse(one[1]).netloc] == []


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_every_public_name_has_an_entry(built: Path) -> None:
    ids = {one for path in (built / "reference").glob("*.html") for one in parsed(path).ids}
    public = {f"vmwidgets.{name}" for name in vm.__all__} - {"vmwidgets.lab", "vmwidgets.workload", "vmwidgets.events"}
    modules = [vm.lab, vm.workload]
    inside = {
        f"{one.__name__}.{name}" for one in modules for name in dir(one) if name in getattr(one, "__all__", dir(one))
    }
    inside = {name for name in inside if not name.rpartition(".")[2].startswith("_")}
    assert {"vmwidgets.labs.lab.check", "vmwidgets.labs.lab.predict", "vmwidgets.sources.workload.allocate"} <= inside
    assert {one for one in public | inside if one not in ids and f"module-{one}" not in ids} == set()
    assert {f"module-vmwidgets.{name}" for name in ("lab", "workload", "events")} <= ids


def test_the_examples_of_docstrings_are_there(built: Path) -> None:
    shown = unescape(re.sub("<[^>]+>", "", "".join(text(path) for path in (built / "reference").glob("*.html"))))
    documented = {name: inspect.getdoc(getattr(vm, name)) or "" for name in vm.__all__ if callable(getattr(vm, name))}
    examples = {name: doc.partition(">>> ")[2].splitlines()[0] for name, doc in documented.items() if ">>> " in doc}
    assert len(examples) > 25
    assert [name for name, first in examples.items() if first not in shown] == []


def test_examples_can_be_tried_from_the_page_where_they_are(built: Path) -> None:
    places = {"README.html": 1, "docs/tour.html": 9, "reference/pictures.html": 5, "gallery/index.html": 10}
    for place, least in places.items():
        tries = [one for one in parsed(built / place).leads if "?path=examples/" in one]
        assert len(tries) >= least, place


NEWER = re.compile(
    r"\?\.\D|\?\?|catch \{|[^\w.]#\w+\s*[=;(]|\.\.\.\w+ \}|\|\|=|&&=|\bawait import|\bimport\.meta|\.allSettled\b"
)
"""What JavaScript as of 2017 does not have: a browser that does not know it runs nothing of a file."""


@pytest.mark.parametrize(
    "source", ["one?.two", "one ?? two", "try { f(); } catch { g(); }", "({ ...one })", "a ??= b", "import.meta.url"]
)
def test_newer_javascript_is_found(source: str) -> None:
    assert NEWER.search(source)


def test_the_start_page_is_read_by_each_browser_that_knows_modules_and_others_are_told(built: Path) -> None:
    """Modules are as of 2017, so are the start page's scripts; a browser without them runs old.js alone."""
    for name in ("landing.js", "kept.js"):
        assert NEWER.findall(text(built / "_static" / name)) == [], name
    page = text(built / "index.html")
    assert re.search(r'<script nomodule [^>]*src="_static/old.js">', page)
    assert 'getElementById("old").hidden = false' in text(built / "_static" / "old.js")
    assert re.search(r'<p id="old" hidden>[^<]+ newer browser[^<]*</p>', page)


def test_the_start_page_is_small(built: Path) -> None:
    files = [built / "index.html", *(built / "_static").glob("landing.*")]
    assert len(files) == 3
    assert re.search(r"[1-9]\d* MB the first time; [1-9]\d* s to the first picture", text(built / "index.html"))
    assert sum(path.stat().st_size for path in files) <= LANDING


def test_the_first_lab_s_page_opens_with_a_fork_and_its_button(built: Path) -> None:
    whole = text(built / "notebooks" / "00-addresses.html")
    assert 'class="vmw-write"' in whole
    assert whole.index("The first write copies one page") < whole.index("at_bounds")


@pytest.mark.parametrize("name", labs.NAMES)
def test_each_lab_can_be_read_with_its_pictures_and_steps(built: Path, name: str) -> None:
    page = parsed(built / "notebooks" / f"{name}.html")
    pictures = [one for one in page.loads if one.startswith("data:image/svg")]
    assert pictures
    assert "run this cell), or in code" not in text(built / "notebooks" / f"{name}.html"), "here is nothing to run"
    assert f"../lab/lab/index.html?path={name}.ipynb" in page.leads
    assert (f"{name}-steps.html" in page.leads) == (name not in labs.WITHOUT_STEPS)
    if name in labs.WITHOUT_STEPS:
        return
    steps = text(built / "notebooks" / f"{name}-steps.html")
    assert 'id="vmw-story"' in steps


def test_no_page_names_the_folder_it_was_built_in(built: Path, root: Path) -> None:
    assert [path.name for path in own(built) if str(root) in text(path) or "/site-packages/" in text(path)] == []
