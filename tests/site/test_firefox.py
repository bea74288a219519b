"""The built site in Firefox: the start page steps, a document is searched, and a lab draws its pictures."""

from __future__ import annotations

import pytest

from scripts import hosts
from scripts.site.measure import RUN_ALL
from scripts.site.serve import Site
from tests.hosts.test_firefox import SIZE, firefox

PRESS = """(() => {{
    [...document.querySelectorAll('button')].find((one) => one.innerText === '{name}').click();
    return true;
}})()"""
SENTENCE = "document.querySelector('.sentence').innerText"
READY = """() => [...(window.jupyterapp?.shell.widgets('main') ?? [])].some(
    (one) => one.sessionContext?.session?.kernel?.status === 'idle')"""
DRAWN = "() => document.querySelectorAll('.vmwidgets .vmw-scene .node').length > 5"
ERRORS = "document.querySelectorAll('.jp-OutputArea-output[data-mime-type$=stderr]').length"


@pytest.fixture(scope="module", autouse=True)
def browser() -> None:
    hosts.set_up("firefox")


def test_the_start_page_answers_in_firefox(site: Site) -> None:
    _, _, before, _, _, _, after, _, wide = firefox(
        ("size", SIZE), ("open", f"{site.base}/index.html"), ("ask", SENTENCE),
        ("ask", PRESS.format(name="5")), ("click", "#next"), ("click", "#next"), ("ask", SENTENCE),
        ("size", [360, 740]), ("ask", "document.documentElement.scrollWidth <= innerWidth"), site=site.base,
    )  # fmt: skip  # as it is done
    assert after.startswith("Right. ")
    assert before != after
    assert wide


def test_a_document_is_found_in_firefox(site: Site) -> None:
    found = "() => document.querySelectorAll('#search-results li a').length > 0"
    firefox(("open", f"{site.base}/search.html?q=copy-on-write"), ("wait", found), site=site.base)


@pytest.mark.parametrize("path", ["01-maps.ipynb", "examples/pictures.ipynb"])
def test_a_lab_draws_in_firefox(site: Site, path: str) -> None:
    *_, errors = firefox(
        ("size", SIZE), ("open", f"{site.base}/lab/lab/index.html?path={path}"), ("wait", READY),
        ("ask", f"({RUN_ALL})()"), ("wait", DRAWN), ("ask", ERRORS), site=site.base,
    )  # fmt: skip  # as it is done
    assert errors == 0
