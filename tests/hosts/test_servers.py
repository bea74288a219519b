"""Notebook 7, Voilà and marimo: a picture is drawn, follows, can be read, and its buttons reach the kernel."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook, Server, Watched
from tests.hosts import servers
from tests.hosts.living import check_buttons, check_drawn_by_graphviz, check_readable
from tests.hosts.pixels import look, luminance
from tools import hosts

BOOT = 'import vmwidgets as vm\nm = vm.boot("x86-64", layout="tiny")\nm.kernel_map'
BUTTON = """
import ipywidgets

button = ipywidgets.Button(description="take")
button.on_click(lambda _: m.kernel_map.enter("16 KiB", prot="r"))
button
"""

MARIMO = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    import vmwidgets as vm

    m = vm.boot("x86-64", layout="tiny")
    return m, mo, vm


@app.cell
def _(m):
    m.kernel_map
    return


@app.cell
def _(m, mo):
    mo.ui.button(label="take", on_click=lambda _: m.kernel_map.enter("16 KiB", prot="r"))
    return


@app.cell
def _(m, mo, vm):
    mo.ui.anywidget(vm.Tree(m.kernel_map))
    return
"""

THEIR_OWN = {
    "notebook": r"reading 'schema'",  # while it starts, before there is any picture
    "voila": r"cdn\.jsdelivr\.net/npm/@fortawesome|ERR_NAME_NOT_RESOLVED",  # the icons of its template
    "marimo": "",
}
"""Problems that a host has without us."""

RUN_CELL = """(index) => {
    const buttons = document.querySelectorAll('[data-testid=run-button]:not([disabled])');
    buttons[index].click();
}"""

SLOW = 60_000

BEYOND = """(picture) => {
    const ground = picture.querySelector(".vmw-ground");
    if (!ground) return 0;
    const edge = ground.getBoundingClientRect().right + 1;
    return [...ground.querySelectorAll("text")].some((one) => one.getBoundingClientRect().right > edge) ? 1 : 0;
}"""
"""Whether words of a picture are beyond the right edge of its place."""


class Page(Watched):
    """A host's page of the notebook."""

    def __init__(self, page: Any, server: Server, path: str) -> None:
        super().__init__(page, server.base)
        page.goto(server.address(path))


@pytest.fixture(scope="module", params=[servers.NotebookServer, servers.VoilaServer, servers.MarimoServer])
def server(
    request: pytest.FixtureRequest, write_notebook: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("root")
    write_notebook(root / "maps.ipynb", "python3", BOOT, BUTTON)
    (root / "maps.py").write_text(MARIMO)
    with request.param(root, tmp_path_factory.mktemp("home")) as served:
        yield served


@pytest.fixture(scope="module")
def page(server: Server, opening: Callable[..., Any]) -> Iterator[Any]:
    """The notebook, run, in its host's page."""
    kind = Notebook if server.name == "notebook" else Page
    with opening(kind, server, "maps.ipynb", own=THEIR_OWN[server.name]) as watched:
        if isinstance(watched, Notebook):
            watched.run_all()
        entries(watched.page).first.wait_for(timeout=SLOW)
        yield watched.page


def picture(page: Any) -> Any:
    """The picture of the map."""
    return page.locator(".vmwidgets").first


def entries(page: Any) -> Any:
    """The map's entries in it."""
    return picture(page).locator(".node.entry")


def test_the_picture_follows(page: Any) -> None:
    expect(entries(page)).to_contain_text(["768 KiB", "12 KiB", "1 MiB"])
    page.get_by_role("button", name="take", exact=True).click()
    expect(entries(page)).to_contain_text(["768 KiB", "12 KiB", "16 KiB", "1 MiB"])
    expect(entries(page).and_(page.locator(".new"))).to_contain_text(["16 KiB"])


def test_it_can_be_read(page: Any, server: Server) -> None:
    check_readable(picture(page), server.name)


def test_graphviz_can_draw_it(page: Any) -> None:
    check_drawn_by_graphviz(picture(page))


def test_its_buttons_reach_the_kernel(page: Any) -> None:
    check_buttons(picture(page))


PASTED = """

@app.cell
def _(vm):
    vm.load("00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/dbus-daemon")
    return
"""


def test_a_page_exported_from_marimo_promises_nothing(chromium: Any, tmp_path: Path) -> None:
    """Its page has the widgets' state, and no kernel will ever send their controls."""
    (tmp_path / "maps.py").write_text(MARIMO + PASTED)
    python = hosts.python_of("marimo")
    export = [str(python), "-m", "marimo", "export", "html", "maps.py", "-o", "maps.html"]
    subprocess.run(export, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Server.tree)}, check=True, timeout=300)
    static = next(python.parents[1].glob("lib/python3*/site-packages/marimo/_static"))

    def serve(route: Any) -> None:
        """What the page asks its own host for is in marimo's package."""
        file = static / route.request.url.partition("/dist/")[2].partition("?")[0]
        if file.is_file():
            route.fulfill(path=str(file), headers={"access-control-allow-origin": "*"})
        else:
            route.abort()

    page = chromium.new_page(viewport={"width": 1200, "height": 3000})
    try:
        page.route("https://**/*", serve)
        page.goto((tmp_path / "maps.html").as_uri())
        drawn = page.locator(".vmwidgets")
        expect(drawn).to_have_count(3, timeout=SLOW)
        for number in range(3):
            expect(drawn.nth(number).locator(".vmw-status")).to_contain_text("no kernel", timeout=SLOW)
        page.wait_for_timeout(4000)  # longer than the controls may take
        words = drawn.evaluate_all("(all) => all.map((one) => one.textContent).join()")
        assert "as soon as" not in words
        assert "the past" not in words
        assert page.locator(".vmwidgets.vmw-coming").count() == 0
        assert drawn.nth(0).locator(".vmw-more-right").count() == drawn.nth(0).evaluate(BEYOND)
    finally:
        page.close()


def test_in_marimo_a_cell_can_run_again(opening: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "maps.py").write_text(MARIMO)
    (tmp_path / "home").mkdir()
    with servers.MarimoEditor(tmp_path, tmp_path / "home") as editor, opening(Page, editor, "maps.py") as watched:
        page = watched.page
        tree, run_all = page.locator(".vmwidgets").nth(1), page.get_by_test_id("run-button").last
        for _ in range(60):  # until its kernel is there, marimo forgets what it was asked
            if tree.count():
                break
            if run_all.is_enabled():
                run_all.click()
            page.wait_for_timeout(1_000)
        page.evaluate(RUN_CELL, 1)  # what it made, the shared models too, is closed and made again
        expect(entries(page)).to_contain_text(["768 KiB", "12 KiB", "1 MiB"])
        entries(page).first.click()
        expect(tree.locator(".node.selected")).to_have_count(1)  # so the two share what is selected
        page.get_by_role("button", name="take", exact=True).click()
        expect(entries(page)).to_contain_text(["768 KiB", "12 KiB", "16 KiB", "1 MiB"])
        tree.scroll_into_view_if_needed()  # out of sight it is not drawn
        expect(tree.locator(".node.new")).to_contain_text(["000c_3000"])


SHARED = """
import vmwidgets as vm

m = vm.boot("x86-64", layout="tiny")
"""
"""A module of which all visitors of an app have the same machine."""


def test_in_marimo_each_visitor_has_pictures(opening: Callable[..., Any], tmp_path: Path) -> None:
    """All visitors of `marimo run` are in one process: what their pictures share may not be the first one's."""
    (tmp_path / "maps.py").write_text(MARIMO)
    (tmp_path / "home").mkdir()
    with servers.MarimoServer(tmp_path, tmp_path / "home") as served, ExitStack() as visits:
        visitors = [visits.enter_context(opening(Page, served, "maps.py")).page for _ in range(3)]
        for page in visitors:
            expect(entries(page)).to_contain_text(["768 KiB", "12 KiB", "1 MiB"], timeout=SLOW)
        first, second, third = visitors
        second.get_by_role("button", name="take", exact=True).click()
        expect(entries(second)).to_contain_text(["768 KiB", "12 KiB", "16 KiB", "1 MiB"])
        expect(entries(first)).to_contain_text(["768 KiB", "12 KiB", "1 MiB"])
        entries(third).first.click()
        for page, selected in ((first, 0), (third, 1)):
            expect(page.locator(".vmwidgets").nth(1).locator(".node.selected")).to_have_count(selected)
        first.reload()
        expect(entries(first)).to_contain_text(["768 KiB", "12 KiB", "1 MiB"], timeout=SLOW)
        check_buttons(picture(first))
        third.context.close()
        fourth = visits.enter_context(opening(Page, served, "maps.py")).page
        expect(entries(fourth)).to_contain_text(["768 KiB", "12 KiB", "1 MiB"], timeout=SLOW)


def test_in_marimo_visitors_of_one_machine_see_what_the_others_do(opening: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text(SHARED)
    booted = 'm = vm.boot("x86-64", layout="tiny")'
    assert booted in MARIMO
    (tmp_path / "maps.py").write_text(MARIMO.replace(booted, "from shared import m"))
    (tmp_path / "home").mkdir()
    with servers.MarimoServer(tmp_path, tmp_path / "home") as served, ExitStack() as visits:
        visitors = [visits.enter_context(opening(Page, served, "maps.py")).page for _ in range(2)]
        for page in visitors:
            expect(entries(page)).to_contain_text(["768 KiB", "12 KiB", "1 MiB"], timeout=SLOW)
        first, second = visitors
        second.get_by_role("button", name="take", exact=True).click()
        for page in visitors:
            expect(entries(page)).to_contain_text(["768 KiB", "12 KiB", "16 KiB", "1 MiB"])
        entries(first).first.click()  # what one selects is not selected for others
        for page, selected in ((first, 1), (second, 0)):
            expect(page.locator(".vmwidgets").nth(1).locator(".node.selected")).to_have_count(selected)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_in_marimo_a_picture_has_the_theme_of_its_page(theme: str, opening: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "maps.py").write_text(f'# /// script\n# [tool.marimo.display]\n# theme = "{theme}"\n# ///\n{MARIMO}')
    (tmp_path / "home").mkdir()
    with servers.MarimoServer(tmp_path, tmp_path / "home") as served, opening(Page, served, "maps.py") as watched:
        entries(watched.page).first.wait_for(timeout=SLOW)
        page, seen = (
            look(watched.page.locator("body"), f"marimo-{theme}-page"),
            look(picture(watched.page), f"marimo-{theme}"),
        )
        grounds = [luminance(one.whole[0][0]) for one in (page, seen)]
        assert [ground < 0.5 for ground in grounds] == [theme == "dark"] * 2
        assert seen.unreadable == []
        assert len(seen.texts) > 12
