"""Links that open code in the site's lab: nothing runs before Run, and what is no code is refused in a sentence."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.test_firefox import SIZE, firefox
from tools.site.measure import RUN_ALL
from tools.site.serve import Site
from vmwidgets.cli.link import LAB, MOST, link_to

from .test_firefox import DRAWN, ERRORS, READY
from .test_lab import LONG, STARTING

BOOT = "import vmwidgets as vm\nm = vm.boot()\nt = m.task('init')\n"
CELLS = {
    "a map": f"{BOOT}# %%\nt.map.enter('16 KiB')\n# %%\nvm.Map(t)",
    "a walk": f"{BOOT}a = t.mmap('4 KiB')\nt.write(a, b'x')  # π\n# %%\nvm.Walk(t.walk(a))",
    "a fork": f"{BOOT}a = t.mmap('8 KiB')\nt.write(a, b'x')\n# %%\nchild = t.fork('child')\nvm.Objects(m)",
    "signs": f"{BOOT}# %% [a name]\nnames = ['</script>', '\\u2028', \"it's\", '\"\"\"', '\\\\']\n# %%\nvm.Map(t)",
    "one cell": f"{BOOT}vm.Map(t)",
}
"""What a teacher may paste, and what is drawn in the end."""


def made(text: str, cut: int | None = None) -> str:
    """What a link holds, without the command's checks; cut after so many characters."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")[:cut]


REFUSED = {
    "cut": (made(CELLS["a map"], 60), "This link is cut or was changed"),
    "changed": (made(CELLS["a map"]).replace("t", "T", 1), "This link is cut or was changed"),
    "a bracket of a mail": (f"{made(CELLS['a map'])}).", "This link is cut or was changed"),
    "too long": ("A" * (MOST + 1), "The code of this link is too long"),
    "much in little": (made("#" * 10_000_000)[:MOST], "The code of this link is too long"),
    "nothing": (made(" "), "This link is cut or was changed"),
    "no text": (base64.urlsafe_b64encode(zlib.compress(b"\xff\xfe")).decode().rstrip("="), "cut or was changed"),
}


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page of a browser that was never here."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


FIRST, *OTHERS = CELLS


@pytest.mark.parametrize("name", [FIRST, *(pytest.param(one, marks=pytest.mark.sweep) for one in OTHERS)])
def test_a_link_opens_code_that_is_drawn_after_run_and_not_before(page: Any, site: Site, name: str) -> None:
    page.goto(link_to(CELLS[name], site.base))
    page.locator(STARTING).get_by_text("Python is ready. Press ▶▶").wait_for(timeout=LONG)
    page.wait_for_timeout(2_000)  # what ran by itself would show
    assert page.locator(".jp-OutputArea-output").count() == 0
    assert set(page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()) == {"[ ]:"}
    assert "import vmwidgets as vm" in page.locator(".jp-Notebook").inner_text()
    page.evaluate(RUN_ALL)
    page.locator(".vmwidgets .vmw-scene .node").first.wait_for(timeout=LONG)
    assert page.locator(".jp-OutputArea-output[data-mime-type$=stderr]").count() == 0


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_code_of_a_link_is_refused_in_a_sentence(page: Any, site: Site, what: str) -> None:
    code, says = REFUSED[what]
    page.goto(f"{site.base}/{LAB}{code}")
    page.locator(STARTING).get_by_text(says).wait_for(timeout=60_000)
    assert page.locator(".jp-Notebook").count() == 0


def test_what_is_no_python_is_taken_out_and_is_said(page: Any, site: Site) -> None:
    page.goto(f"{site.base}/{LAB}{made('Look at this!')}")
    page.locator(STARTING).get_by_text("The code of this link is not Python").wait_for(timeout=LONG)
    assert "Look at this" not in page.locator(".jp-Notebook").inner_text()


def test_the_same_link_opens_what_its_reader_did(page: Any, site: Site) -> None:
    link = link_to("a = 1\n# %%\na", site.base)
    page.goto(link)
    page.locator(STARTING).get_by_text("Python is ready. Press ▶▶").wait_for(timeout=LONG)
    page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.get(2).sharedModel.setSource('mine = 1')")
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(2_000)
    page.goto("about:blank")
    page.goto(link)
    page.locator(".jp-Notebook").get_by_text("mine").first.wait_for(timeout=60_000)


def test_a_link_is_drawn_in_firefox_after_run(site: Site) -> None:
    outputs = "document.querySelectorAll('.jp-OutputArea-output').length"
    *_, before, _, _, errors = firefox(
        ("size", SIZE), ("open", link_to(CELLS["a map"], site.base)), ("wait", READY), ("ask", outputs),
        ("ask", f"({RUN_ALL})()"), ("wait", DRAWN.replace("> 5", "> 0")), ("ask", ERRORS), site=site.base,
    )  # fmt: skip  # as it is done
    assert (before, errors) == (0, 0)


@pytest.mark.parametrize("what", ["cut", "too long"])
def test_a_link_that_is_none_is_refused_in_firefox(site: Site, what: str) -> None:
    code, says = REFUSED[what]
    said = f"() => document.querySelector('{STARTING}')?.innerText.includes({says!r})"
    firefox(("size", SIZE), ("open", f"{site.base}/{LAB}{code}"), ("wait", said), site=site.base)


def test_no_python_is_taken_out_in_firefox(site: Site) -> None:
    said = f"() => document.querySelector('{STARTING}')?.innerText.includes('is not Python')"
    firefox(("size", SIZE), ("open", f"{site.base}/{LAB}{made('Look at this!')}"), ("wait", said), site=site.base)
