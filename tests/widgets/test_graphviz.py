"""A picture in the language of Graphviz, for a page that draws it so: the one on the page, and only when it asks."""

from __future__ import annotations

import zlib
from typing import Any

import vmwidgets as vm
from tests.widgets.page import HELLO
from vmwidgets.views.scene.dot import to_dot
from vmwidgets.widgets.host.packing import unpack


def told(view: Any, *messages: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """What a page is told when it sends these, with what was packed beside it."""
    found: list[tuple[dict[str, Any], str]] = []
    view.open()
    view.send = lambda content, buffers=(): found.append((content, *(zlib.decompress(one).decode() for one in buffers)))
    for message in messages:
        view._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})
    return found


def test_a_page_gets_the_picture_that_it_shows_with_its_number() -> None:
    machine = vm.boot("x86-64")
    view = vm.Map(machine.kernel_map)
    told(view, HELLO)
    assert told(view, {"type": "dot"}) == [({"type": "dot", "seq": view.seq}, to_dot(view.scene()))]
    before = view.seq
    machine.kernel_map.enter("16 KiB")
    view.refresh()
    ((answer, text),) = told(view, {"type": "dot"})
    assert answer["seq"] > before
    assert "16 KiB" in text, "the new entry's card"
    view.close()


def test_a_frame_carries_none_of_it() -> None:
    machine = vm.boot("x86-64")  # a picture holds no machine
    view = vm.Map(machine.kernel_map)
    told(view, HELLO)
    assert unpack(view.frame["data"])["dot"] == ""
    view.close()
