"""Pictures on a page: they appear, follow, give way, come back; drawn by a fake machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook, Server, more

SETUP = """
from vmwidgets.pictures.registry import picture_of
from vmwidgets.widgets.host.show import register
from fake_machine import FakeMachine, FakeTree
register()
picture_of(first_for=FakeMachine)(FakeTree)
m = FakeMachine(15)
"""

CAPTION = ".vmw-caption b"

NO_TIME = """() => {
    const timeout = AbortSignal.timeout;
    AbortSignal.timeout = (time) => timeout.call(AbortSignal, time === 2000 ? 0 : time);
}"""
"""Has the two seconds be over that anywidget gives a model to load its code."""


def caption(notebook: Notebook, index: int) -> str:
    return str(notebook.cell(index).locator(CAPTION).first.inner_text())


def marked_new(notebook: Notebook, index: int) -> list[str]:
    """Ids of the nodes that the picture in a cell marks as new."""
    nodes = notebook.cell(index).locator(".node.new")
    return [node.get_attribute("data-id") for node in nodes.all()]


def twin(notebook: Notebook, index: int) -> Any:
    return notebook.cell(index).locator("[data-vmwidgets-twin]")


@pytest.fixture
def notebook(open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]) -> Notebook:
    """A notebook whose second cell shows the machine."""
    opened = open_notebook(new_notebook(SETUP, "m"))
    opened.run_all()
    opened.cell(1).locator(".vmw-scene .node").first.wait_for()
    return opened


def test_a_view_appears_and_a_later_cell_changes_it(notebook: Notebook) -> None:
    assert notebook.cell(1).locator(".vmw-scene .node").count() == 15
    assert notebook.cell(1).locator(".vmw-origin").inner_text() == "machine 1 · cell [2]"
    node = notebook.cell(1).locator('[data-id="tree/4"]').element_handle()
    notebook.run("m.operate(4)")
    assert caption(notebook, 1) == "Operation 4 is done."
    assert marked_new(notebook, 1) == ["tree/4"]
    assert node.evaluate("element => element.isConnected"), "the element of an id must stay the same element"


LETTERS = """() => [...document.fonts].map((face) => `${face.family} ${face.status}`)
    .filter((face) => /^(Inter|JetBrains Mono) /.test(face)).sort()"""


def test_the_letters_of_pictures_come_to_a_page_once(notebook: Notebook) -> None:
    notebook.run("m")
    notebook.page.wait_for_function(f"() => ({LETTERS})().length > 0")
    assert notebook.page.evaluate(LETTERS) == ["Inter loaded", "JetBrains Mono loaded"]


@pytest.mark.sweep
def test_pictures_follow_on_a_page_too_busy_to_load_them_in_time(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    opened = open_notebook(new_notebook(SETUP, "m"), viewport={"width": 1300})
    opened.page.evaluate(NO_TIME)
    opened.run_all()
    opened.cell(1).locator(".vmw-scene .node").first.wait_for()
    for operations in (4, 8):
        opened.run("m.operate(4)")
        expect(opened.cell(1).locator(CAPTION).first).to_have_text(f"Operation {operations} is done.")
    opened.run("view = FakeTree(m); view")
    expect(opened.cell(4).locator(".vmw-scene .node")).to_have_count(15)
    opened.run("view.selection = 'entry:4'")
    expect(opened.cell(1).locator(".node.selected")).to_have_count(1)


LOUD = "import sys\nfor _ in range(60):\n    print('x' * 100_000)\n    sys.stdout.flush()\n"
"""Prints so much that the Jupyter server drops messages for a while, those with code among them."""


@pytest.mark.sweep
def test_pictures_come_though_the_first_cell_prints_megabytes(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str]
) -> None:
    opened = open_notebook(new_notebook(SETUP))
    opened.run_all()
    opened.run(LOUD + "m")  # the server may drop this picture as well
    index = opened.run("m")
    expect(opened.cell(index).locator(".vmw-scene .node")).to_have_count(15, timeout=20_000)


def test_the_twin_gives_way_to_the_live_view_only(notebook: Notebook, open_notebook: Any, lab: Server) -> None:
    assert twin(notebook, 1).count() == 1
    assert not twin(notebook, 1).is_visible()
    notebook.save()
    path = notebook.page.evaluate("() => window.panel.context.path")
    copy = path.replace(".ipynb", "-copy.ipynb")
    (lab.root / copy).write_bytes((lab.root / path).read_bytes())
    notebook.awaited = "model not found"
    # In the same window, beside the live one: the copy was never run, and its twin has the same name.
    notebook.page.evaluate("(path) => window.jupyterapp.commands.execute('docmanager:open', { path })", copy)
    saved = notebook.page.locator(".jp-NotebookPanel").last.locator("[data-vmwidgets-twin] img")
    saved.wait_for(state="visible")
    assert saved.evaluate("image => image.naturalWidth") > 100


def test_a_reopened_notebook_shows_the_twin(notebook: Notebook, open_notebook: Any, lab: Server) -> None:
    notebook.run("m.operate(3)")
    notebook.save()
    path = notebook.page.evaluate("() => window.panel.context.path")
    copy = "reopened.ipynb"
    (lab.root / copy).write_bytes((lab.root / path).read_bytes())
    reopened = open_notebook(copy)
    reopened.awaited = "model not found"
    image = twin(reopened, 1).locator("img")
    image.wait_for(state="visible")
    assert "Operation 0 is done" in image.get_attribute("alt"), "the twin is fixed at the end of its own cell"
    expect(reopened.page.get_by_text("model not found")).to_have_count(1)
    expect(reopened.page.get_by_text("model not found")).to_be_hidden()


def test_the_twin_shows_what_its_own_cell_left(notebook: Notebook) -> None:
    index = notebook.run("m.operate(2)\ndisplay(m)\nm.operate(5)")
    notebook.run("m.operate(1)")
    alt = twin(notebook, index).locator("img").get_attribute("alt")
    assert "Operation 7 is done" in alt
    assert "after operation 6" in alt, "the first operation of this machine has number 0"


@pytest.mark.sweep
def test_ten_thousand_operations_end_with_the_right_picture(notebook: Notebook) -> None:
    page = notebook.page
    page.evaluate("""() => { let last = performance.now(); window.gap = 0;
        const look = (now) => { window.gap = Math.max(window.gap, now - last); last = now; };
        setInterval(() => look(performance.now()), 5) }""")
    index = notebook.run("import time\nfor _ in range(10_000):\n    m.operate()\n    time.sleep(0.0001)\n'done'")
    assert notebook.outputs(index)[0]["data"]["text/plain"] == "'done'"
    assert caption(notebook, 1) == "Operation 10000 is done."
    assert marked_new(notebook, 1) == [f"tree/{10_000 % 15}"]
    assert page.evaluate("() => window.gap") < 1500, "the page must answer meanwhile"


def test_a_sleeping_cell_shows_what_it_has_done(notebook: Notebook) -> None:
    notebook.start("import time\nm.operate(3)\ntime.sleep(8)")
    seen = notebook.page.locator(CAPTION, has_text="Operation 3 is done.").first
    seen.wait_for(timeout=5000)
    assert not notebook.page.evaluate("() => window.panel.sessionContext.session.kernel.status === 'idle'")
    notebook.wait_idle()


@pytest.mark.sweep
def test_a_further_view_costs_little(notebook: Notebook) -> None:
    notebook.page.wait_for_function(f"() => ({LETTERS})().length > 0")  # the controls are there
    before = notebook.bytes_in
    notebook.run("import ipywidgets; ipywidgets.VBox([])")
    empty_box = notebook.bytes_in - before
    before = notebook.bytes_in
    box = "ipywidgets.VBox([FakeTree(m)])._repr_mimebundle_()"
    notebook.run(f"display({box}, raw=True)")  # in a box, the live view alone, without its twin
    notebook.page.locator(".vmw-scene").nth(1).wait_for()
    assert notebook.bytes_in - before - empty_box < 12_000, "its strip asks for the operations too"


def test_a_click_selects_in_every_view_of_the_machine(notebook: Notebook) -> None:
    index = notebook.run("m")
    notebook.cell(1).locator('[data-id="tree/5"]').click()
    for cell in (1, index):
        selected = notebook.cell(cell).locator(".node.selected")
        assert [node.get_attribute("data-id") for node in selected.all()] == ["tree/5"]
    notebook.wait_idle()
    told = notebook.run("from vmwidgets.widgets.host.pictures import pictures_of\npictures_of(m).selection.selection")
    assert notebook.outputs(told)[0]["data"]["text/plain"] == "'entry:5'"


def test_steps_go_back_and_forth(notebook: Notebook) -> None:
    notebook.run("m.operate()")
    where = notebook.cell(1).locator(".vmw-where")
    assert where.inner_text() == "operation 0 of 0 · step 3 of 3"
    notebook.cell(1).get_by_role("button", name="back", exact=True).click()
    notebook.page.locator(".vmw-where", has_text="step 2 of 3").wait_for()
    notebook.cell(1).locator(".node").first.focus()
    notebook.page.keyboard.press("[")
    notebook.page.locator(".vmw-where", has_text="step 1 of 3").wait_for()
    notebook.page.keyboard.press("]")
    notebook.page.locator(".vmw-where", has_text="step 2 of 3").wait_for()
    notebook.page.locator(".vmw-then", has_text="in operation 0 of 0").wait_for()
    notebook.cell(1).locator(".node").first.focus()
    notebook.page.keyboard.press("}")
    notebook.page.locator(".vmw-where", has_text="operation 0 of 0 · step 3 of 3").wait_for()
    notebook.page.keyboard.press("[")
    notebook.page.locator(".vmw-where", has_text="step 2 of 3").wait_for()
    notebook.run("m.operate()")  # a call is seen, though a reader has stepped back
    notebook.page.locator(".vmw-where", has_text="operation 1 of 1 · step 3 of 3").wait_for()


SLOWLY = """
import time
from vmwidgets.widgets.host import view as host
seek = host._ANSWERS["seek"]
host._ANSWERS = {**host._ANSWERS, "seek": lambda *given, **named: (time.sleep(1), seek(*given, **named))}
"""
GONE_ALONG = """
from vmwidgets.widgets.host.pictures import pictures_of
until = time.monotonic() + 20
while pictures_of(m).chosen.when is None:
    assert time.monotonic() < until
    time.sleep(0.05)
"""


def test_presses_that_a_slow_kernel_hears_late_lead_to_the_last_of_them(notebook: Notebook) -> None:
    notebook.run("m.operate()")
    notebook.run(SLOWLY)
    cell = notebook.cell(1)
    cell.locator(".node").first.focus()
    for key in "[[}[":  # the page has each step; "}" asks the kernel, which has heard of the first step at most
        notebook.page.keyboard.press(key)
    cell.locator(".vmw-where", has_text="step 2 of 3").wait_for()
    cell.locator(".vmw-time:not([aria-busy])").wait_for()
    index = notebook.run(GONE_ALONG)
    assert notebook.outputs(index) == [], "the kernel has gone along"


def test_the_slider_goes_through_all_operations_and_other_pictures_with_it(notebook: Notebook) -> None:
    notebook.run("m.operate(9)")
    other = notebook.run("FakeTree(m)")
    cell = notebook.cell(1)
    more(cell).get_by_label("go by").select_option("operation")
    slider = cell.get_by_label("moment, by operation")
    assert slider.get_attribute("max") == "8"
    slider.fill("3")
    for index in (1, other):
        notebook.cell(index).locator(".vmw-caption", has_text="Operation 4 is done.").wait_for()
    slider.focus()
    notebook.page.keyboard.press("ArrowLeft")
    notebook.cell(other).locator(".vmw-caption", has_text="Operation 3 is done.").wait_for()
    more(cell).get_by_role("button", name="to now, and follow").click()
    notebook.cell(other).locator(".vmw-caption", has_text="Operation 9 is done.").wait_for()


@pytest.mark.sweep
def test_a_picture_shows_itself_as_it_was_at_its_cell(notebook: Notebook) -> None:
    notebook.run("m.operate(2)")
    mine = notebook.run("FakeTree(m)")
    notebook.run("m.operate(5)")
    cell = notebook.cell(mine)
    cell.locator(".vmw-since", has_text="5 operations since this cell").wait_for()
    more(cell).get_by_role("button", name="show the picture as it was when its cell ended").click()
    cell.locator(".vmw-caption", has_text="Operation 2 is done.").wait_for()
    assert caption(notebook, 1) == "Operation 7 is done."
    notebook.run("m.operate()")
    assert caption(notebook, mine) == "Operation 2 is done."


def test_what_is_seen_is_saved_as_a_file(notebook: Notebook) -> None:
    notebook.run("m.operate(3)")
    with notebook.page.expect_download() as saved:
        more(notebook.cell(1)).get_by_role("button", name="save this picture as a file").click()
    assert saved.value.suggested_filename == "fake_map-2.svg", "its first operation has number 0"
    assert "Operation 3 is done." in saved.value.path().read_text()


@pytest.mark.sweep
def test_quick_presses_are_all_kept(notebook: Notebook) -> None:
    notebook.run("m.operate()")
    notebook.cell(1).locator(".node").first.focus()
    for key in "[[[":
        notebook.page.keyboard.press(key)
    notebook.page.locator(".vmw-where", has_text="step 0 of 3").wait_for()


def test_keys_walk_along_the_structure_and_leave_the_notebook_alone(notebook: Notebook) -> None:
    page = notebook.page
    notebook.cell(1).locator('[data-id="tree/0"]').focus()
    active = page.evaluate("() => window.panel.content.activeCellIndex")
    here = "() => document.activeElement.dataset.id"
    walked = []
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
        walked.append(page.evaluate(here))
    assert walked == ["tree/1", "tree/2", "tree/5", "tree/2", "tree/1"]
    assert page.evaluate("() => window.panel.content.activeCellIndex") == active
    page.keyboard.press("Enter")
    assert notebook.cell(1).locator('.selected[data-id="tree/1"]').count() == 1
    page.keyboard.press("Escape")
    assert notebook.cell(1).locator(".selected").count() == 0
    assert notebook.cell(1).locator(".vmw-scene [tabindex='0']").count() == 1, "the drawing is one tab stop"


def test_closed_widgets_say_so_and_later_displays_work(notebook: Notebook) -> None:
    notebook.run("from ipywidgets import Widget\nWidget.close_all()")
    assert notebook.cell(1).locator(".vmw-scene").count() == 0
    assert twin(notebook, 1).is_visible(), "where no live view is, the twin stands again"
    assert "run this cell again" in twin(notebook, 1).inner_text()
    index = notebook.run("m.operate()\nm")
    notebook.cell(index).locator(".vmw-scene .node").first.wait_for()
    assert caption(notebook, index) == "Operation 1 is done."


@pytest.mark.sweep
def test_a_cell_run_again_frees_what_it_had_made(notebook: Notebook) -> None:
    count = "from ipywidgets.widgets.widget import _instances\nlen(_instances)"
    notebook.run_again(1)
    before = notebook.outputs(notebook.run(count))[0]["data"]["text/plain"]
    for _ in range(3):
        notebook.run_again(1)
    after = notebook.outputs(notebook.run(count))[0]["data"]["text/plain"]
    assert after == before
    notebook.run("m.operate(6)")
    assert caption(notebook, 1) == "Operation 6 is done."


CLEAR = """(index) => { window.panel.content.activeCellIndex = index; window.panel.content.deselectAll();
    return window.jupyterapp.commands.execute('notebook:clear-cell-output') }"""


def clear_output(notebook: Notebook, index: int) -> None:
    notebook.page.evaluate(CLEAR, index)
    notebook.wait_idle()


def test_a_cleared_output_frees_its_model(notebook: Notebook) -> None:
    count = "len([w for w in _instances.values() if isinstance(w, FakeTree)])"
    notebook.run("from ipywidgets.widgets.widget import _instances")
    assert notebook.outputs(notebook.run(count))[0]["data"]["text/plain"] == "1"
    clear_output(notebook, 1)
    notebook.run("None")
    assert notebook.outputs(notebook.run(count))[0]["data"]["text/plain"] == "0"


def test_a_reloaded_page_shows_the_newest_state(notebook: Notebook) -> None:
    notebook.save()
    notebook.run("m.operate(9)")
    notebook.reload()
    notebook.page.locator(CAPTION, has_text="Operation 9 is done.").first.wait_for()
    notebook.run("m.operate(1)")
    assert caption(notebook, 1) == "Operation 10 is done."


@pytest.mark.sweep
def test_a_page_that_was_loaded_again_is_forgotten(notebook: Notebook) -> None:
    notebook.run("from ipywidgets.widgets.widget import _instances")
    notebook.save()
    notebook.reload()
    notebook.cell(1).locator(".vmw-scene .node").first.wait_for()
    clear_output(notebook, 1)
    notebook.run("None")
    count = "len([w for w in _instances.values() if isinstance(w, FakeTree)])"
    assert notebook.outputs(notebook.run(count))[0]["data"]["text/plain"] == "0"


def test_a_kernel_that_is_shut_down_is_said_to_be_gone(notebook: Notebook) -> None:
    notebook.page.evaluate("() => window.panel.sessionContext.shutdown()")
    notebook.page.locator(".vmw-status", has_text="The Jupyter kernel of this picture is gone").wait_for()
    assert notebook.cell(1).locator(".vmw-scene .node").count() == 15
    notebook.page.evaluate("() => window.panel.sessionContext.startKernel()")
    notebook.page.locator(".vmw-status", has_text="run all").wait_for()


def test_a_restarted_kernel_leaves_the_picture_and_says_what_to_do(notebook: Notebook) -> None:
    notebook.page.evaluate("() => window.panel.sessionContext.session.kernel.restart()")
    notebook.page.locator(".vmw-status", has_text="kernel restarted: run all").wait_for()
    assert notebook.cell(1).locator(".vmw-scene .node").count() == 15
    notebook.wait_idle()


@pytest.mark.sweep
def test_a_view_in_a_box(notebook: Notebook) -> None:
    index = notebook.run("import ipywidgets\ntree = FakeTree(m)\nipywidgets.VBox([tree, ipywidgets.Label('below')])")
    notebook.cell(index).locator(".vmw-scene .node").first.wait_for()
    notebook.run("m.operate(2)")
    assert caption(notebook, index) == "Operation 2 is done."


SEND = """([id, data]) => {
    const kernel = window.panel.sessionContext.session.kernel;
    const [date, session] = [new Date().toISOString(), kernel.clientId];
    kernel.sendShellMessage({
        channel: 'shell', parent_header: {}, metadata: {}, buffers: [], content: { comm_id: id, data },
        header: { msg_id: crypto.randomUUID(), msg_type: 'comm_msg', session, username: '', version: '5.3', date },
    });
}"""


SEEK = {"type": "seek", "operation": 0, "place": 0, "latest": -1, "stays": False}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"method": "custom", "content": {"type": "open", "id": -1}}, "id is -1"),
        ({"method": "custom", "content": {**SEEK, "operation": 9}}, "the latest is"),
        ({"method": "custom", "content": {"type": "<b>"}}, "message of type '<b>'"),
        ({"method": "custom", "content": [1]}, "must be an object"),
        ({"method": "update", "state": {"frame": {}}}, "may not set frame"),
    ],
)
def test_a_malformed_message_changes_nothing_and_says_why(notebook: Notebook, data: Any, sentence: str) -> None:
    notebook.run("m.operate()")
    model = notebook.outputs(1)[0]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    notebook.page.evaluate(SEND, [model, data])
    notebook.page.locator(".vmw-status", has_text=sentence).wait_for()
    assert notebook.cell(1).locator(".vmw-where").inner_text() == "operation 0 of 0 · step 3 of 3"
    notebook.run("m.operate()")
    assert caption(notebook, 1) == "Operation 2 is done."


@pytest.mark.sweep
def test_nbconvert_shows_each_cells_own_state(notebook: Notebook, lab: Server, tmp_path: Any) -> None:
    notebook.run("m.operate(3)\ndisplay(m)")
    notebook.run("m.operate(4)\ndisplay(m)")
    notebook.save()
    path = notebook.page.evaluate("() => window.panel.context.path")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", f"--output-dir={tmp_path}", "--output=out", path]
    subprocess.run(command, cwd=lab.root, check=True, capture_output=True)
    page = notebook.page.context.new_page()
    page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
    page.goto((tmp_path / "out.html").as_uri())
    twins = page.locator("[data-vmwidgets-twin] img")
    shown = [image.get_attribute("alt").partition(" is done")[0].rpartition(". ")[2] for image in twins.all()]
    assert shown == ["Operation 0", "Operation 3", "Operation 7"]
    assert all(image.is_visible() for image in twins.all())


@pytest.mark.parametrize(
    "theme",
    [
        "JupyterLab Dark",
        pytest.param("JupyterLab Light", marks=pytest.mark.sweep),
    ],
)
def test_a_picture_is_accessible_in_both_themes(notebook: Notebook, theme: str) -> None:
    change = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    notebook.page.evaluate(change, theme)
    notebook.run("m.operate(2)")
    more(notebook.cell(1)).get_by_role("button", name="show this picture as a table").click()
    assert notebook.violations(1) == []


@pytest.mark.sweep
def test_no_text_sticks_out_of_its_box(notebook: Notebook) -> None:
    assert notebook.texts_outside(1) == []
    notebook.cell(1).locator(".node text.mono").first.evaluate("(text) => { text.textContent = 'c0a0 0000 c0a0' }")
    assert notebook.texts_outside(1) == ["tree/0: c0a0 0000 c0a0"], "the check itself must see it"


PLAIN = """
import anywidget, ipywidgets, traitlets
import vmwidgets as vm

m = vm.boot("x86-64")
t = m.task("t")
a = t.mmap("12 KiB")
t.write(a, b"x")
slider = ipywidgets.IntSlider()


class Plain(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
        el.className = "plain";
        const show = () => { el.textContent = model.get("n"); };
        model.on("change:n", show);
        show();
    } }'''
    n = traitlets.Int(0).tag(sync=True)


plain = Plain()
"""

MANY = (
    PLAIN,
    *("slider", "ipywidgets.IntSlider()", "plain", "Plain()"),
    *("vm.Sharing(m)", "vm.EntryList(t.map)", "vm.Tree(t.map)", "vm.Walk(t.walk(a))", "vm.Frames(m)", "t.map"),
    *("vm.Tree(t.map).graphviz()", "vm.EntryList(t.map).graphviz()"),
)
"""Eight pictures, two sliders, and two plain widgets of anywidget."""

ALL_ARE_SHOWN = """() => [["[data-vmwidgets-view]", 8], [".widget-slider", 2], [".plain", 2]].every(
    ([name, count]) => document.querySelectorAll(`.jp-OutputArea ${name}`).length === count)"""


@pytest.mark.sweep
def test_a_page_with_many_widgets_reloaded_from_a_slow_server_has_them_all_again(
    open_notebook: Callable[..., Notebook], new_notebook: Callable[..., str], lab: Server
) -> None:
    opened = open_notebook(new_notebook(*MANY), viewport={"width": 1300})
    opened.page.evaluate(NO_TIME)
    opened.run_all()
    opened.page.wait_for_function(ALL_ARE_SHOWN)
    opened.save()
    with slowed(lab.process.pid):
        opened.reload()
        opened.wait_idle()
        opened.page.wait_for_function(ALL_ARE_SHOWN)
    opened.run("b = t.mmap('4 KiB')\nslider.value, plain.n = 3, 7")
    expect(opened.page.locator(".plain").first).to_have_text("7")
    expect(opened.page.locator(".vmwidgets", has_text="4 KiB was mapped")).not_to_have_count(0)


@contextmanager
def slowed(process: int) -> Iterator[None]:
    """A process that runs a fifth of the time."""
    ended = Event()

    def slow() -> None:
        while not ended.wait(0.05):
            os.kill(process, signal.SIGSTOP)
            ended.wait(0.2)
            os.kill(process, signal.SIGCONT)

    thread = Thread(target=slow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
