"""The drawing code and frames: sent to a page, and stored by nothing that runs a notebook without one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets import Widget

from tests.browser.fake_machine import FakeMachine
from tests.widgets.notebook import LabShell, PyodideShell, open_notebook
from tests.widgets.page import HELLO, replies
from vmwidgets.engine.base.journal import RUNNING
from vmwidgets.views.scene.static import read_static
from vmwidgets.widgets.host.hub import CODE, Hub, open_hub
from vmwidgets.widgets.host.packing import unpack


@pytest.fixture
def shell() -> Iterator[PyodideShell]:
    with open_notebook(LabShell) as opened:
        yield opened


def test_the_code_is_in_no_state_and_comes_by_itself_and_again_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[Any, Any]] = []
    monkeypatch.setattr(Hub, "send", lambda _hub, content, buffers=None: sent.append((content, buffers)))
    monkeypatch.setattr(RUNNING, "cell", 1)
    hub = open_hub()
    assert [(message, zlib.decompress(buffers[0]).decode()) for message, buffers in sent] == [
        ({"type": "code"}, read_static("hub.js"))
    ]
    hub.cell_done()
    assert len(sent) == 1, "no page has drawn a picture"
    hub.cell_done()
    code, controls = sent
    assert controls[0] == {"type": "controls"}, "they follow, though no page is heard"
    assert zlib.decompress(controls[1][0]).decode() == read_static("controls.js")
    hub.cell_done()
    assert not hub.coming, "who gets the state from now on has to ask"
    assert len(json.dumps(hub.get_state(), default=str)) < 3_000
    for content in ({"type": "code"}, {"type": "other"}, "code", {"type": "controls"}):
        hub._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})
    assert sent == [code, controls, code, controls], "each of them once, and again to whom asks for it"


def test_what_comes_before_the_first_picture_is_small_and_graphviz_comes_only_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[Any, Any]] = []
    monkeypatch.setattr(Hub, "send", lambda _hub, content, buffers=None: sent.append((content, buffers)))
    monkeypatch.setattr(RUNNING, "cell", 1)
    hub = open_hub()
    ((_, (code,)),) = sent
    assert len(zlib.decompress(code)) < 100_000
    sent.clear()
    hub._handle_msg({"content": {"data": {"method": "custom", "content": {"type": "graphviz"}}}, "buffers": []})
    ((message, (packed,)),) = sent
    assert message == {"type": "graphviz"}
    assert zlib.decompress(packed).decode() == read_static("graphviz.js")
    assert len(json.dumps(hub.get_state(), default=str)) < 3_000, "a saved notebook has nothing of it"


def test_a_page_that_asks_for_code_that_is_gone_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    hub = open_hub()
    monkeypatch.setattr(Hub, "send", lambda _hub, content, buffers=None: sent.append(content))
    monkeypatch.setitem(CODE, "graphviz", "gone.js")
    hub._handle_msg({"content": {"data": {"method": "custom", "content": {"type": "graphviz"}}}, "buffers": []})
    (told,) = sent
    assert told["type"] == "graphviz"
    assert "gone.js is missing" in told["reason"]


def test_the_controls_follow_the_first_picture_that_a_page_has_drawn(
    monkeypatch: pytest.MonkeyPatch, shell: PyodideShell
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(Hub, "send", lambda _hub, content, buffers=None: sent.append(content["type"]))
    shell.run("1", "c1")
    shell.run("tree = FakeTree(m)\ntree", "c2")
    tree = shell.user_ns["tree"]
    say = {"type": "hello", "page": "p", "seq": -1, "visible": True, "width": 900, "height": 700, "nth": 1}
    tree._handle_custom_msg(say, [])
    assert sent == ["code"], "it has drawn none"
    tree._handle_custom_msg(say | {"seq": tree.seq, "nth": 2}, [])
    assert sent == ["code", "controls"]
    shell.run("m", "c3")
    assert sent == ["code", "controls"], "a cell that ends later owes nothing"
    Widget.close_all()
    shell.run("m", "c4")
    shell.run("1", "c5")
    assert sent == ["code", "controls"] * 2, "of several cells that run, no page is heard before the last"


def test_a_cell_that_no_page_runs_draws_no_frame_and_a_hello_brings_the_newest(shell: PyodideShell) -> None:
    shell.run("tree = FakeTree(m)\ntree\nm.operate(3)")  # as nbclient runs it: it names no cell
    tree, machine = shell.user_ns["tree"], shell.user_ns["m"]
    assert isinstance(machine, FakeMachine)
    shell.run("tree")
    assert tree.comm is not None
    assert (tree.frame, tree.seq) == ({}, 0)
    shell.run("m.operate(2)")
    assert tree.frame == {}
    replies(tree, HELLO)
    assert unpack(tree.frame["data"])["scene"]["caption"]["text"] == "Operation 5 is done."


def test_a_cell_that_a_page_runs_has_its_frame_at_once(shell: PyodideShell) -> None:
    shell.run("tree = FakeTree(m)\ntree", "c1")
    assert shell.user_ns["tree"].seq == 1
