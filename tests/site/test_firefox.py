"""The built site in Firefox: start page, gallery, search, a pasted text, labs that draw; the same without a network."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.lab import free_port
from tests.hosts.test_firefox import SIZE, firefox
from tests.site.test_lab import ANSWERED, KEPT, MANY, PASTED
from tools import hosts
from tools.site import labs
from tools.site.measure import RUN_ALL
from tools.site.serve import Site

PRESS = """(() => {{
    [...document.querySelectorAll('button')].find((one) => one.innerText === '{name}').click();
    return true;
}})()"""
STOPS = """[...document.querySelectorAll('.vmw-stop img')].filter((one) => one.checkVisibility())
    .map((one) => one.alt)"""
READY = """() => [...(window.jupyterapp?.shell.widgets('main') ?? [])].some(
    (one) => one.sessionContext?.session?.kernel?.status === 'idle')"""
DRAWN = "() => document.querySelectorAll('.vmwidgets .vmw-scene .node').length > 5"
SEEN = "() => [...document.querySelectorAll('main img, article img')].every((one) => one.complete)"
WIDTHS = """[...document.querySelectorAll('main img, article img')].map(
    (one) => Math.round(one.getBoundingClientRect().width))"""
PATH = "window.jupyterapp.shell.currentWidget.context.path"
ERRORS = "document.querySelectorAll('.jp-OutputArea-output[data-mime-type$=stderr]').length"


@pytest.fixture(scope="module", autouse=True)
def driver() -> None:
    hosts.set_up("firefox")


def test_the_start_page_s_write_makes_the_copy_in_firefox(site: Site) -> None:
    _, _, before, _, after, _, again, _, wide = firefox(
        ("size", SIZE), ("open", f"{site.base}/index.html"), ("ask", STOPS), ("click", ".vmw-write"), ("ask", STOPS),
        ("click", ".hero details:nth-of-type(2) summary"), ("ask", STOPS),
        ("size", [360, 740]), ("ask", "document.documentElement.scrollWidth <= innerWidth"), site=site.base,
    )  # fmt: skip  # as it is done
    assert (len(before), len(after)) == (1, 1)
    assert after != before == again
    assert wide


def test_a_document_is_found_in_firefox(site: Site) -> None:
    found = "() => document.querySelectorAll('#search-results li a').length > 0"
    firefox(("open", f"{site.base}/search.html?q=copy-on-write"), ("wait", found), site=site.base)


def test_the_gallery_is_drawn_in_firefox_also_on_a_telephone(site: Site) -> None:
    opened = ("open", f"{site.base}/gallery/index.html"), ("wait", SEEN), ("ask", WIDTHS)
    _, _, _, wide, _, _, _, narrow = firefox(("size", SIZE), *opened, ("size", [360, 740]), *opened, site=site.base)
    assert len(wide) == len(narrow) > 5
    assert max(wide) > 600
    assert max(narrow) <= 360


def test_a_pasted_text_is_read_in_firefox(site: Site) -> None:
    read = "() => document.querySelector('.jp-Notebook')?.innerText.includes('U is 0')"
    fill = f"(() => {{ document.querySelector('textarea').value = {json.dumps(PASTED)}; return true; }})()"
    firefox(
        ("size", SIZE), ("open", f"{site.base}/index.html"), ("ask", fill),
        ("ask", PRESS.format(name="See which bit refused")), ("wait", read), site=site.base,
    )  # fmt: skip  # as it is done


def test_an_example_is_tried_in_firefox(site: Site) -> None:
    link = "[...document.querySelectorAll('a.open')].find((one) => one.innerText === 'Try it')"
    press = f"(() => {{ {link}.click(); return true; }})()"
    *_, where, errors = firefox(
        ("size", SIZE), ("open", f"{site.base}/gallery/index.html"), ("ask", press), ("wait", READY),
        ("ask", f"({RUN_ALL})()"), ("wait", DRAWN), ("ask", PATH), ("ask", ERRORS), site=site.base,
    )  # fmt: skip  # as it is done
    assert where.startswith("examples/gallery/")
    assert errors == 0


LABS = [pytest.param(f"{name}.ipynb", marks=pytest.mark.sweep) for name in labs.NAMES if name != "01-maps"]


@pytest.mark.parametrize("path", ["01-maps.ipynb", "examples/pictures.ipynb", *LABS])
def test_a_lab_draws_in_firefox(site: Site, path: str) -> None:
    *_, errors = firefox(
        ("size", SIZE), ("open", f"{site.base}/lab/lab/index.html?path={path}"), ("wait", READY),
        ("ask", f"({RUN_ALL})()"), ("wait", DRAWN), ("ask", ERRORS), site=site.base,
    )  # fmt: skip  # as it is done
    assert errors == 0


def listens(port: int) -> bool:
    """Whether there is a server."""
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def a_server_that_ends(folder: Path) -> Iterator[tuple[str, int]]:
    """Serves a folder in a process of its own, as docs/deploy.md says; gives the address, and the process to end."""
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server = subprocess.Popen([*command, "--directory", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        while not listens(port):
            assert server.poll() is None
            time.sleep(0.05)
        yield base, server.pid
    finally:
        server.kill()
        server.wait()


def test_a_second_visit_of_the_lab_works_without_a_network_in_firefox(built: Path) -> None:
    with a_server_that_ends(built) as (base, server):
        lab = ("open", f"{base}/lab/lab/index.html?path=01-maps.ipynb"), ("wait", READY)
        kept = f"async () => (await ({KEPT})()) >= {MANY}"
        *_, errors, answered = firefox(
            ("size", SIZE), *lab, ("wait", kept), ("end", server),
            *lab, ("ask", f"({RUN_ALL})()"), ("wait", DRAWN), ("ask", ERRORS), ("ask", f"({ANSWERED})()"), site=base,
        )  # fmt: skip  # as it is done
    assert (errors, answered) == (0, False)


def test_pages_that_were_read_are_shown_without_a_network_in_firefox(built: Path) -> None:
    title = "document.querySelector('h1').innerText"
    found = "() => document.querySelectorAll('#search-results li a').length > 0"
    with a_server_that_ends(built) as (base, server):
        tour = f"{base}/docs/tour.html"
        kept = f"async () => navigator.serviceWorker.controller && Boolean(await caches.match('{tour}'))"
        *_, asked, _, _, _, heading, _, absent, answered = firefox(
            ("open", f"{base}/index.html"), ("open", tour), ("wait", kept), ("end", server),
            ("open", f"{base}/index.html"), ("ask", title), ("open", f"{base}/search.html?q=fork"), ("wait", found),
            ("open", tour), ("ask", title), ("open", f"{base}/docs/deviations.html"),
            ("ask", "document.body.innerText"), ("ask", f"({ANSWERED})()"), site=base,
        )  # fmt: skip  # as it is done
    assert asked.startswith("Virtual memory")
    assert heading.startswith("Tour")
    assert "this browser has not kept this page" in absent
    assert answered is False
