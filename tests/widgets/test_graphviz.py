"""A picture in the language of Graphviz, for a page that draws it so: the one on the page, and only when it asks."""

from __future__ import annotations

import json
from typing import Any

import vmwidgets as vm
from tests.widgets.page import HELLO, draw
from vmwidgets.views.scene.dot import to_dot
from vmwidgets.widgets.host.packing import unpack, unpack_text


def told(view: Any, *messages: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """What a page is told when it sends these, with what was packed beside it."""
    found: list[tuple[dict[str, Any], str]] = []
    view.open()
    view.send = lambda content, buffers=(): found.append((content, *(unpack_text(one) for one in buffers)))
    for message in messages:
        view._handle_msg({"content": {"data": {"method": "custom", "content": message}}, "buffers": []})
    return found


def asked(view: Any, place: int = -1) -> dict[str, Any]:
    """What a page says that shows the latest operation after so many of its events."""
    return {"type": "dot", "operation": len(view.machine.journal) - 1, "place": place}


def test_a_page_gets_the_picture_that_it_shows_with_its_number() -> None:
    machine = vm.boot("x86-64")
    view = vm.Map(machine.kernel_map)
    told(view, HELLO)
    answer = {"type": "dot", "seq": view.seq, "place": -1}
    assert told(view, asked(view)) == [(answer, to_dot(view.scene()))]
    before = view.seq
    machine.kernel_map.enter("16 KiB")
    draw(view)
    ((latest, text),) = told(view, asked(view))
    assert latest["seq"] > before
    assert "16 KiB" in text, "the new entry's card"
    view.close()


def test_a_page_gets_the_step_that_it_has_gone_to_by_itself() -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter("16 KiB", prot="r")
    view: Any = vm.Map(machine.kernel_map)
    told(view, HELLO)
    draw(view)
    first = next(place for place in view.scene().steps.places if place > 0)
    ((answer, text),) = told(view, asked(view, first))
    assert answer["place"] == first
    assert text != to_dot(view.scene())
    view.step = 1
    assert text == to_dot(view.scene())
    view.close()


def test_a_moment_that_there_never_was_gets_what_is_shown() -> None:
    machine = vm.boot("x86-64")
    view = vm.Map(machine.kernel_map)
    told(view, HELLO)
    for never in ({"operation": 99, "place": -1}, {"operation": -1, "place": -1}):
        ((_, text),) = told(view, {"type": "dot", **never})
        assert text == to_dot(view.scene())
    view.close()


def test_a_frame_carries_none_of_it() -> None:
    machine = vm.boot("x86-64")  # a picture holds no machine
    view = vm.Map(machine.kernel_map)
    told(view, HELLO)
    assert "digraph" not in json.dumps(unpack(view.frame["data"]))
    view.close()
