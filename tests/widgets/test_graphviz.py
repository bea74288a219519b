"""A picture in the language of Graphviz, for a page that draws it so: the one on the page, and only when it asks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import graphviz
import pytest

import vmwidgets as vm
from tests.widgets.notebook import open_notebook
from tests.widgets.page import HELLO, draw, export
from vmwidgets.views.scene.dot import to_dot
from vmwidgets.widgets.host.packing import unpack, unpack_text
from vmwidgets.widgets.host.view import View


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
    return export("dot", len(view.machine.journal) - 1, place)


def test_a_page_gets_the_picture_that_it_shows_with_its_number() -> None:
    machine = vm.boot("x86-64")
    view = vm.Map(machine.kernel_map)
    told(view, HELLO)
    answer = {"type": "export", "form": "dot", "seq": view.seq, "operation": 0, "place": -1}
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
        ((_, text),) = told(view, export("dot", **never))
        assert text == to_dot(view.scene())
    view.close()


def test_a_frame_carries_none_of_it() -> None:
    machine = vm.boot("x86-64")  # a picture holds no machine
    view = vm.Map(machine.kernel_map)
    told(view, HELLO)
    assert "digraph" not in json.dumps(unpack(view.frame["data"]))
    view.close()


def in_a_notebook(*cells: str) -> dict[str, Any]:
    """The names of a notebook after it has run these cells."""
    with open_notebook() as shell:
        for number, cell in enumerate(cells):
            shell.run(cell, cell=f"c{number}")
        return dict(shell.user_ns)


MAP = 'import vmwidgets as vm\nmachine = vm.boot("x86-64")\nlisted = vm.picture(vm.EntryList(machine.kernel_map))'


def test_in_a_cell_it_is_a_view_whose_text_follows_the_machine() -> None:
    names = in_a_notebook(MAP, "live = listed.graphviz()", 'machine.kernel_map.enter("20 KiB", prot="r")')
    live = names["live"]
    assert isinstance(live, View)
    assert "20 KiB" in live.source
    assert live.source == names["listed"].to_dot()


def test_outside_a_notebook_it_is_the_packages_object_and_stays_as_it_was() -> None:
    machine = vm.boot("x86-64")
    found = vm.picture(machine.kernel_map).graphviz()
    machine.kernel_map.enter("20 KiB", prot="r")
    assert type(found).__mro__[1] is graphviz.Source
    assert "20 KiB" not in found.source


def test_a_view_is_laid_out_too_with_its_options_and_a_picture_of_the_past_stays() -> None:
    names = in_a_notebook(
        MAP,
        'machine.kernel_map.enter("8 KiB", prot="r")\nthen = machine.journal.last.serial',
        'machine.kernel_map.enter("20 KiB", prot="r")',
        "listed.moment = (then, None)\nold = listed.graphviz()",
        "wide = vm.Tree(machine.kernel_map, width=777).graphviz()",
        "again = wide.graphviz()",
    )
    assert ("8 KiB" in names["old"].source, "20 KiB" in names["old"].source) == (True, False)
    assert (names["wide"].width, names["again"].width) == (777, 777)
    assert names["again"].source == names["wide"].source


def test_a_question_is_not_answered_by_its_structure() -> None:
    cells = (
        'task = machine.task("init")',
        'task.write(task.mmap("4 KiB"), b"x")',
        "asks = vm.Dashboard(task, panes='translation', ask=True)",
    )
    names = in_a_notebook(MAP, *cells, "found = asks.graphviz()")
    assert isinstance(names["found"], graphviz.Source)


def test_the_text_for_graphviz_comes_with_each_frame() -> None:
    names = in_a_notebook(MAP, "live = listed.graphviz()")
    live = names["live"]
    told(live, HELLO)
    before = live.frame["seq"]
    names["machine"].kernel_map.enter("20 KiB", prot="r")
    draw(live)
    assert live.frame["seq"] > before
    assert "20 KiB" in unpack_text(live.frame["dot"])
    assert live.frame["place"] == unpack(live.frame["data"])["when"]["place"]
    live.close()


def test_without_the_program_rendering_says_what_draws_it_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    live = in_a_notebook(MAP, "live = listed.graphviz()")["live"]
    monkeypatch.setenv("PATH", str(tmp_path))
    fixed = vm.picture(vm.boot("x86-64")).graphviz()
    for draws in (live.render, live.pipe, fixed.render, fixed.pipe):
        given = {"filename": tmp_path / "map"} if draws.__name__ == "render" else {}
        for kind in (vm.Refused, graphviz.ExecutableNotFound):
            with pytest.raises(kind, match="dot is not installed"):
                draws(format="svg", **given)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")
def test_with_the_program_it_renders_what_is_shown_now(tmp_path: Path) -> None:
    names = in_a_notebook(MAP, "live = listed.graphviz()", 'machine.kernel_map.enter("20 KiB", prot="r")')
    path = names["live"].render(tmp_path / "map", format="svg")
    assert path == str(tmp_path / "map.svg")
    assert "20 KiB" in Path(path).read_text()
    assert b"20 KiB" in names["live"].pipe(format="svg")
