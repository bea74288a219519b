"""The JupyterLite of the site: a pasted text, a second visit without a network, and each lab from top to bottom."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.lab import Notebook
from tests.captions import saying
from tests.grading.synthetic import COURSE
from tests.hosts.students import lines_of
from tools.site import contents, labs
from tools.site.measure import RUN_ALL
from tools.site.serve import Site
from vmwidgets.cli import main

PASTED = """$ stacktest
page table 0x0000000087f5e000
..0: pte 0x0000000021fd6801 pa 0x0000000087f5a000
.. ..0: pte 0x0000000021fd6401 pa 0x0000000087f59000
.. .. ..0: pte 0x0000000021fd6c5b pa 0x0000000087f5b000
.. .. ..1: pte 0x0000000021fd6007 pa 0x0000000087f58000
usertrap(): unexpected scause 0x000000000000000f pid=3
            sepc=0x0000000000000042 stval=0x0000000000001ff8
"""
"""From docs/read.md: the page of 0x1ff8 has V, R and W (7), and no U."""

KEPT = """async () => {
    await navigator.serviceWorker.ready;
    const store = await caches.open('precache');
    return (await store.keys()).length;
}"""
MANY = 100
"""Files that the lab's worker keeps, at least, when it is installed."""

ANSWERED = "() => fetch('/no/such/file').then(() => true, () => false)"
"""Whether there is a server."""

LONG = 240_000
"""Milliseconds that a kernel in a page may take to start on a busy computer."""

IDLE = """() => {
    const shown = window.jupyterapp ? [...window.jupyterapp.shell.widgets('main')] : [];
    return shown.some((one) => one.sessionContext?.session?.kernel?.status === 'idle');
}"""


def errors_of(notebook: Notebook) -> list[str]:
    """What failed in a notebook that was run."""
    outputs = notebook.page.evaluate(
        "() => window.panel.content.widgets.flatMap((cell) => cell.model.outputs?.toJSON() ?? [])"
    )
    return [f"{one['ename']}: {one['evalue']}" for one in outputs if one["output_type"] == "error"]


class Below:
    """The lab of a site: a host whose notebooks open below lab/."""

    def __init__(self, site: Site) -> None:
        self.base = site.base

    def address(self, path: str) -> str:
        return f"{self.base}/lab/lab/index.html?path={path}"


@pytest.fixture
def visitor(chromium: Any) -> Iterator[Any]:
    """A browser that was never here."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield context
    context.close()


@contextmanager
def asking(context: Any, base: str) -> Iterator[None]:
    """Nothing is asked of another host meanwhile."""
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    yield
    assert asked
    assert {url for url in asked if not url.startswith((base, "data:", "blob:"))} == set()


def test_a_pasted_text_is_read_in_the_browser(visitor: Any, site: Site) -> None:
    page = visitor.new_page()
    with asking(visitor, site.base):
        page.goto(f"{site.base}/index.html")
        page.get_by_label("Debug your kernel").fill(PASTED)
        page.get_by_role("button", name="See which bit refused").click()
        page.wait_for_url("**/lab/lab/index.html?path=pasted.ipynb")
        page.locator(".jp-Notebook").get_by_text("U is 0").first.wait_for(timeout=LONG)  # it runs by itself
        notebook = Notebook(page, Below(site), "pasted.ipynb")
        notebook.wait_idle()
    assert errors_of(notebook) == []
    shown = notebook.page.locator(".jp-Notebook").inner_text()
    assert "stval=0x0000000000001ff8" in shown
    assert "U is 0" in shown


STARTING = "#vmwidgets-starting"
"""The notice of tools/website/lab/starting.js."""


def test_the_page_says_what_is_done_until_a_lab_runs(visitor: Any, site: Site) -> None:
    page = visitor.new_page()
    page.goto(Below(site).address("01-maps.ipynb"))
    notice, progress = page.locator(STARTING), page.locator(f"{STARTING} progress")
    notice.get_by_text("1 of 3: Python is loading").wait_for(timeout=LONG)
    assert progress.evaluate("(bar) => bar.value / bar.max") == 0.25
    notice.get_by_text("Python is ready. Press ▶▶").wait_for(timeout=LONG)
    assert progress.is_hidden()
    page.evaluate(RUN_ALL)
    notice.get_by_text("2 of 3:").wait_for(timeout=LONG)
    notice.get_by_text("3 of 3:").wait_for(timeout=LONG)
    notice.wait_for(state="detached", timeout=LONG)
    assert page.locator(".vmwidgets .vmw-scene").count() > 0


FORBIDDEN = "Object.defineProperty(window, '{}', {{ get() {{ throw new DOMException('denied', 'SecurityError'); }} }})"
OLD = "This browser is too old to run the labs."
LACKING = {
    "delete window.Worker": "Python can't start in this browser",
    "delete window.WebAssembly": "Python can't start in this browser",
    FORBIDDEN.format("localStorage"): "The labs can't start here: this browser lets this page store nothing.",
    FORBIDDEN.format("indexedDB"): "The labs can't start here: this browser lets this page store nothing.",
    "delete Array.prototype.at": OLD,
    "delete Object.hasOwn": OLD,
    "delete String.prototype.replaceAll": OLD,
    "delete window.ResizeObserver": OLD,
    "const Own = Worker; window.Worker = class extends Own { constructor(address) { super(address); } }": OLD,
    "window.Worker = class { constructor(_, { type }) { if (type) throw new TypeError(); } terminate() {} }": OLD,
}


@pytest.mark.parametrize("lacks", LACKING)
def test_a_browser_that_can_not_run_the_labs_is_told_so(visitor: Any, site: Site, lacks: str) -> None:
    visitor.add_init_script(lacks)
    page = visitor.new_page()
    page.goto(Below(site).address("01-maps.ipynb"))
    page.locator(STARTING).get_by_text(LACKING[lacks]).wait_for(timeout=60_000)
    page.wait_for_timeout(3_000)  # JupyterLab starts, or does not
    assert LACKING[lacks] in page.locator(STARTING).inner_text()


SILENT = """window.Worker = class extends EventTarget {
    constructor(_, { type }) { super(); }
    postMessage() {}
    terminate() {}
}"""
"""A worker that never answers."""


def test_a_python_that_does_not_start_is_late(visitor: Any, site: Site) -> None:
    visitor.add_init_script(SILENT)
    page = visitor.new_page()
    page.clock.install()
    page.goto(Below(site).address("01-maps.ipynb"))
    page.locator(STARTING).get_by_text("1 of 3: Python is loading").wait_for(timeout=LONG)
    assert page.get_by_text("Python has not started yet.").count() == 0
    page.clock.fast_forward(200_000)
    page.locator(STARTING).get_by_text("Python has not started yet.").wait_for(timeout=60_000)


def test_a_python_that_crashed_is_said_to_be_late_and_can_be_restarted(visitor: Any, site: Site) -> None:
    page = visitor.new_page()
    page.clock.install()
    notebook = Notebook(page, Below(site), "01-maps.ipynb")
    notebook.run("print('what was shown')")
    notebook.start("import os; os.abort()")
    page.locator(".jp-Notebook .jp-InputPrompt", has_text="[*]").wait_for()
    page.wait_for_timeout(3_000)
    page.clock.fast_forward(200_000)
    page.locator(STARTING).get_by_text("This has run for three minutes.").wait_for(timeout=60_000)
    shown = page.locator(".jp-OutputArea-output", has_text="what was shown")
    assert shown.count() == 1
    page.evaluate("() => { window.panel.sessionContext.restartKernel(); }")
    page.wait_for_function(IDLE, timeout=LONG)
    page.locator(STARTING).get_by_text("This has run").wait_for(state="detached", timeout=LONG)
    assert shown.count() == 1
    notebook.run("print(6 * 7)")
    assert page.locator(".jp-OutputArea-output", has_text="42").count() == 1


SAVE = "() => { window.jupyterapp.commands.execute('docmanager:save'); }"


FULL = """() => {
    IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };
}"""
"""From now on the browser stores nothing more."""


def test_a_storage_that_is_full_from_the_start_is_said(visitor: Any, site: Site) -> None:
    page = visitor.new_page()
    quota = {"origin": site.base, "quotaSize": 1000}
    visitor.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
    page.goto(Below(site).address("01-maps.ipynb"))
    page.locator(STARTING).get_by_text("This browser's storage is full").wait_for(timeout=LONG)


def test_work_that_can_not_be_saved_is_said_so_and_handed_out(visitor: Any, site: Site) -> None:
    page = visitor.new_page()
    notebook = Notebook(page, Below(site), "01-maps.ipynb")
    warning = page.locator(f"{STARTING} [role=alert]")
    notebook.run("print('what was shown')")
    assert page.get_by_text("This was not saved").count() == 0
    page.evaluate(FULL)
    page.evaluate(SAVE)
    warning.get_by_text("This was not saved").wait_for(timeout=60_000)
    page.locator(".jp-Dialog").get_by_role("button", name="Close").click()  # JupyterLab says that it failed, not why
    assert page.locator(".jp-OutputArea-output", has_text="what was shown").count() == 1
    with page.expect_download() as downloaded:
        warning.get_by_role("button", name="Download").click()
    assert downloaded.value.suggested_filename == "01-maps.ipynb"
    assert "what was shown" in downloaded.value.path().read_text()
    warning.get_by_role("button", name="Close").click()
    assert page.locator(STARTING).get_by_text("This was not saved").count() == 0


def test_a_second_tab_on_the_same_lab_is_told_so_while_the_first_is_open(visitor: Any, site: Site) -> None:
    first = Notebook(visitor.new_page(), Below(site), "01-maps.ipynb")
    first.run("print('in the first')")
    other = visitor.new_page()
    other.goto(Below(site).address("02-trees.ipynb"))
    other.locator(STARTING).wait_for(timeout=LONG)
    other.goto(Below(site).address("01-maps.ipynb"))
    warning = other.locator(STARTING).get_by_text("This notebook is open in another tab, too.")
    warning.wait_for(timeout=LONG)
    assert first.page.get_by_text("open in another tab").count() == 0
    assert first.page.locator(".jp-OutputArea-output", has_text="in the first").count() == 1
    first.page.close()
    warning.wait_for(state="detached", timeout=60_000)


def test_the_labs_first_page_is_shown_as_a_page_with_its_picture(visitor: Any, site: Site) -> None:
    page = visitor.new_page()
    page.goto(Below(site).address("README.md"))
    page.locator(".jp-RenderedMarkdown img").wait_for(timeout=LONG)
    page.wait_for_function("() => document.querySelector('.jp-RenderedMarkdown img').naturalWidth === 900")
    page.locator(".jp-RenderedMarkdown a", has_text="00-addresses.ipynb").click()
    page.locator(".jp-Notebook").wait_for(timeout=LONG)


def test_a_telephone_shows_the_notebook_and_not_the_list_of_files(chromium: Any, site: Site) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(Below(site).address("01-maps.ipynb"))
    page.locator(STARTING).wait_for(timeout=LONG)
    page.locator(".jp-Notebook").wait_for()
    page.wait_for_timeout(3_000)  # JupyterLab opens the list when it likes
    assert page.locator(".jp-Notebook").bounding_box()["width"] > 250
    context.close()


def test_an_example_is_tried_in_the_browser(visitor: Any, site: Site) -> None:
    page = visitor.new_page()
    with asking(visitor, site.base):
        page.goto(f"{site.base}/gallery/index.html")
        page.get_by_role("link", name="Try it").first.click()
        page.wait_for_url("**/lab/lab/index.html?path=examples/gallery/*.ipynb")
        path = page.url.partition("?path=")[2]
        page.wait_for_function("() => window.jupyterapp", timeout=90_000)
        notebook = Notebook(page, Below(site), path)
        notebook.run_all()
    assert errors_of(notebook) == []
    assert notebook.page.locator(".vmwidgets .vmw-scene").count() > 0


def test_a_student_types_a_cell_of_their_own(visitor: Any, site: Site) -> None:
    notebook = Notebook(visitor.new_page(), Below(site), "01-maps.ipynb")
    sources = notebook.page.evaluate("() => window.panel.content.widgets.map((cell) => cell.model.sharedModel.source)")
    boot = next(index for index, source in enumerate(sources) if 'task="hello"' in source)
    begun = [
        index for index in range(boot + 1) if sources[index].startswith((contents.INSTALL, "import", "PROGRAM", "m = "))
    ]
    for index in begun:
        notebook.run_again(index)
    assert notebook.cell(boot).locator(".vmwidgets .vmw-scene").count() > 0
    keyboard = notebook.page.keyboard
    notebook.cell(boot).locator(".jp-InputPrompt").click()
    keyboard.press("b")
    keyboard.press("Enter")
    keyboard.type("""entry = hello.map.enter("64 KiB", at=0x100_0000, prot="r")\nprint(hex(entry + 1))\nhello.map""")
    keyboard.press("Shift+Enter")
    own = notebook.cell(boot + 1)
    own.locator(".vmwidgets .vmw-scene").first.wait_for(timeout=LONG)
    notebook.wait_idle()
    assert errors_of(notebook) == []
    assert "0x1000001" in own.inner_text()
    said = saying("map operations: enter", size="64 KiB", address="0x100_0000", map="hello")
    assert said.removesuffix(" in hello.") in own.locator(".vmw-caption").inner_text()
    assert notebook.problems == []


BYTECODE = """
import importlib.util, sys, vmwidgets as vm
vm.Map
from pathlib import Path
ours = [module for name, module in sys.modules.items() if name.partition(".")[0] == "vmwidgets"]
kept = [Path(module.__spec__.cached).read_bytes() for module in ours]
assert len(kept) > 100
unchecked = importlib.util.MAGIC_NUMBER + b"\\1\\0\\0\\0"
assert {one[:8] for one in kept} == {unchecked}
"""
"""In the page: each module that was imported has bytecode of this very Python, which does not ask for the source."""


def test_what_a_page_imports_was_compiled_before(visitor: Any, site: Site) -> None:
    notebook = Notebook(visitor.new_page(), Below(site), "01-maps.ipynb")
    notebook.run(contents.INSTALL)
    notebook.run(BYTECODE)
    assert errors_of(notebook) == []


def test_work_that_was_done_there_is_graded(visitor: Any, site: Site, tmp_path: Path) -> None:
    check = 'lab.check("01/guard", m)'
    notebook = Notebook(visitor.new_page(), Below(site), "01-maps.ipynb")
    notebook.run(contents.INSTALL)
    notebook.run("import vmwidgets as vm\nfrom vmwidgets import lab")
    notebook.run(f'lab.begin("01", student="ada", course={COURSE!r})')
    notebook.run(f"{lines_of('01/guard', 'ada', 'right', check)}\n{check}")
    assert errors_of(notebook) == []
    (tmp_path / "in" / "ada").mkdir(parents=True)
    downloaded = notebook.page.evaluate("() => window.panel.content.model.toJSON()")
    (tmp_path / "in" / "ada" / "01-maps.ipynb").write_text(json.dumps(downloaded))
    (tmp_path / "course.toml").write_text(f'course = {json.dumps(COURSE)}\nexercises = {{ "01/guard" = 10 }}\n')
    words = ["grade", str(tmp_path / "in"), "--course", str(tmp_path / "course.toml"), "--to", str(tmp_path / "out")]
    assert main([*words, "--jobs", "1"]) == 0
    with (tmp_path / "out" / "grades.csv").open(newline="") as file:
        rows = [(row["student"], row["exercise"], float(row["points"]), row["says"]) for row in csv.DictReader(file)]
    assert rows == [("ada", "01/guard", 10.0, "")]


def test_a_second_visit_works_without_a_network(visitor: Any, built: Path) -> None:
    with Site(built) as served:
        address = Below(served).address("01-maps.ipynb")
        first = visitor.new_page()
        first.goto(address)
        first.wait_for_function(f"async () => (await ({KEPT})()) >= {MANY}", timeout=LONG)
        first.wait_for_function(IDLE, timeout=LONG)
        first.close()
    again = visitor.new_page()  # no server answers any more
    again.goto(address)
    again.wait_for_function(IDLE, timeout=LONG)
    again.evaluate(RUN_ALL)
    again.wait_for_selector(".vmwidgets .vmw-scene", timeout=LONG)
    assert again.evaluate(ANSWERED) is False


@pytest.mark.sweep
@pytest.mark.parametrize("name", labs.NAMES)
def test_each_lab_runs_from_top_to_bottom(visitor: Any, site: Site, name: str) -> None:
    with asking(visitor, site.base):
        notebook = Notebook(visitor.new_page(), Below(site), f"{name}.ipynb")
        notebook.run_all()
    assert errors_of(notebook) == []
    assert notebook.page.locator(".vmwidgets .vmw-scene").count() > 0
