"""Static twins: of views alone and in boxes, as the cell left them, as wide as on the page."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from tests.captions import saying
from tests.widgets.film import played
from tests.widgets.notebook import LabShell, PyodideShell, open_notebook
from tests.widgets.page import HELLO, replies
from vmwidgets.pictures import slim
from vmwidgets.pictures.film import frame_of
from vmwidgets.views.scene.twin import KEPT
from vmwidgets.widgets.host import display, saved
from vmwidgets.widgets.host.outputs import _hear as heard_inside
from vmwidgets.widgets.host.packing import unpack, unpack_text
from vmwidgets.widgets.host.pictures import keep_moments
from vmwidgets.widgets.host.twins import Twin

VIEW = "application/vnd.jupyter.widget-view+json"
SETUP = "import ipywidgets as w\nimport vmwidgets as vm\nmachine = vm.boot()\nk = machine.kernel_map"


@pytest.fixture
def shell() -> Iterator[PyodideShell]:
    with open_notebook(LabShell) as opened:
        opened.run(SETUP, "setup")
        yield opened


@pytest.fixture
def outputs(shell: PyodideShell, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The outputs as the notebook has them: an update replaces the one of its display id."""
    shown: list[dict[str, Any]] = []
    places: dict[str, int] = {}

    def publish(
        data: dict[str, Any], metadata: Any = None, *, transient: Any = None, update: bool = False, **_: Any
    ) -> None:
        name = (transient or {}).get("display_id", "")
        if update:
            shown[places[name]].clear()
            shown[places[name]].update(data)
        else:
            places[name] = len(shown)
            shown.append(data)

    monkeypatch.setattr(shell.display_pub, "publish", publish)
    return shown


def twins(html: str) -> list[str]:
    """The ids of views whose twins are in an output."""
    return list(dict.fromkeys(re.findall(r'data-vmwidgets-twin="([^"]+)"', html)))


def widths(html: str) -> list[float]:
    """How wide the pictures in an output are laid out."""
    return [float(one) for one in re.findall(r"<svg [^>]*? width='([\d.]+)'", unquote(html))]


def room(view: Any, width: int) -> None:
    """A page says hello, and how much room it has."""
    replies(view, HELLO, {**HELLO, "width": width, "height": 5000})


def test_pictures_in_nested_boxes_tabs_and_accordions_have_twins(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run(
        "trees = [FakeTree(m) for _ in range(6)]\n"
        "tab = w.Tab([trees[2], w.VBox([trees[3]])], titles=['before', 'a <b>'])\n"
        "w.VBox([w.Label('1 < 2'), w.HBox(trees[:2]), tab, w.Accordion([trees[4]]), w.GridBox([trees[5]])])",
        "c1",
    )
    live, twin = outputs
    assert VIEW in live
    assert live["text/plain"].startswith("VBox of FakeTree: fake_map")
    html = twin["text/html"]
    assert twins(html) == [tree.twin_id for tree in shell.user_ns["trees"]]
    places = [html.index(words) for words in (">1 &lt; 2<", ">before<", ">a &lt;b&gt;<")]
    assert places == sorted(places)
    assert html.count("<img") == twin["text/plain"].count("Operation 0 is done") == 6


def test_a_box_without_pictures_is_shown_as_ever(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("from IPython.display import display\ndisplay(w.VBox([w.Label('x')]))", "c1")
    (alone,) = outputs
    assert VIEW in alone


def test_the_twin_of_a_box_is_what_its_cell_left(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("from IPython.display import display\ndisplay(w.HBox([FakeTree(m)]))\nm.operate(3)", "c1")
    assert "Operation 3 is done" in outputs[1]["text/plain"]
    shell.run("m.operate(2)", "c2")
    assert "Operation 3 is done" in outputs[1]["text/plain"]


def test_pictures_in_a_box_are_kept_at_their_cell_and_closed_when_it_runs_again(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    keep_moments()
    try:
        shell.run("box = w.VBox([vm.Tree(k)])\nbox", "c1")
        view = shell.user_ns["box"].children[0]
        shell.run("k.enter('4 KiB')", "c2")
        shell.run("0", "c3")
        assert view.moment is not None
        shell.run("box = w.VBox([vm.Tree(k)])\nbox", "c1")
        assert view.comm is None
    finally:
        keep_moments(False)


def test_a_saved_picture_is_as_wide_as_it_was(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("one = vm.Map(k)\none", "c1")
    assert widths(outputs[1]["text/html"]) == [900], "no page has said how wide it is"
    shell.run("k.enter('4 KiB')", "c2")
    room(shell.user_ns["one"], 1180)
    assert widths(outputs[1]["text/html"]) == [1180]
    words = re.sub("<[^<>]*>", "", outputs[1]["text/html"])
    assert "after operation 0 · run the cells to step again" in words, "as its cell left it"
    shell.run("vm.Map(k)", "c3")
    assert widths(outputs[-1]["text/html"]) == [1180], "as the page has said before"


def test_side_by_side_saved_pictures_share_the_width(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("two = [vm.Map(k), vm.Tree(k)]\nw.HBox([w.Label('beside'), *two])", "c1")
    assert widths(outputs[1]["text/html"]) == [450, 450]
    for view, px in zip(shell.user_ns["two"], (620, 540), strict=True):
        room(view, px)
    assert widths(outputs[1]["text/html"]) == [620, 540]


def test_what_a_picture_no_longer_shows_stays_as_it_was_saved(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("walk = vm.Walk(machine.walk(k.start))\nwalk", "c1")
    before = outputs[1]["text/html"]
    shell.run("walk.address = k.start + 8192", "c2")
    room(shell.user_ns["walk"], 1180)
    assert outputs[1]["text/html"] == before


def test_what_has_no_steps_does_not_say_that_it_has(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("vm.reference_string('1 2 3')", "c1")
    assert len(twins(outputs[1]["text/html"])) == 1
    assert "step again" not in outputs[1]["text/html"]


def test_a_page_for_telephones_too_has_both_layouts_of_the_same_moment(
    shell: PyodideShell, outputs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slim, "KEPT", True)
    shell.run('k.enter("4 KiB")\nk', "c1")
    shell.run("still = vm.Map(k).snapshot()", "c2")
    live, twin = outputs
    assert VIEW in live
    for one in (twin, shell.user_ns["still"]._repr_mimebundle_()):
        html = one["text/html"]
        small, usual = re.findall(r'(?:srcset|src)="([^"]+)"', html)
        assert " " not in small, "an address ends there"
        assert widths(small) == [slim.SLIM]
        assert widths(usual)[0] > slim.SLIM
        said = saying("map operations: enter", size="4 KiB", address="", map="").partition("4 KiB")[0]
        assert all(f"{said}4 KiB" in unquote(svg) for svg in (small, usual))
    monkeypatch.setattr(slim, "KEPT", False)
    shell.run("vm.Map(k)", "c3")
    assert "srcset" not in outputs[-1]["text/html"]


# ---- films ---------------------------------------------------------------------------------------


def film_in(html: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The picture and its film that a page finds in an output."""
    frame, steps = (b64decode(re.findall(f'data-{name}="([^"]*)"', html)[0]) for name in ("frame", "steps"))
    return unpack(frame), json.loads(unpack_text(steps, frame))


def test_beside_a_saved_picture_are_its_steps_as_wide_as_it_is(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("k.enter('4 KiB')\none = vm.Map(k)\none", "c1")
    view = shell.user_ns["one"]
    room(view, 1180)
    assert widths(outputs[1]["text/html"]) == [1180]
    picture, film = film_in(outputs[1]["text/html"])
    assert picture["when"] == {
        "number": 1, "place": -1, "cell": -1, "operations": [], "now": True, "kept": False,
        "finds": False, "scale": 1.0,
    }  # fmt: skip  # a table
    scene = picture["scene"]
    assert scene["width"] == 1180
    steps = scene.pop("steps")
    assert tuple(film["places"]) == tuple(steps["places"])
    frames = played(film, scene)
    assert len({json.dumps(frame) for frame in frames}) == len(frames) > 3
    view.moment = (view.machine.journal.serial(1), film["places"][2])
    view.width = 1180
    assert frames[2] == frame_of(view.scene())


def test_a_picture_without_steps_has_no_film(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("vm.reference_string('1 2 3')", "c1")
    assert "data-vmwidgets-film" not in outputs[1]["text/html"]
    assert "<script>" not in outputs[1]["text/html"]


def test_a_picture_that_the_last_operation_did_not_change_says_that_it_has_no_steps(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    """Else one picture of a reopened notebook can be stepped, and the next one can't, without a reason."""
    shell.run("a, b = machine.task('a'), machine.task('b')\nat = a.mmap('4 KiB')\na.write(at, b'x')", "c0")
    shell.run("a.walk(at)", "c1")
    shell.run("b.walk(at)", "c2")
    first, second = [one["text/html"] for one in outputs if "data-vmwidgets-twin" in one.get("text/html", "")][-2:]
    number = f"operation {shell.user_ns['machine'].journal.last.number}"
    assert ("data-vmwidgets-film" in first, "stepped" in first) == (True, False)
    assert ("data-vmwidgets-film" in second, f"{number} changed nothing in it" in second) == (False, True)


def test_a_picture_with_too_many_steps_to_be_saved_says_so(
    shell: PyodideShell, outputs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "MOST_PICTURE_BYTES", 100)
    shell.run("k.enter('4 KiB')\nvm.Map(k)", "c1")
    assert "its steps need too much room" in outputs[-1]["text/html"]


FAILING = """
class Failing(vm.Map):
    fails = False
    def draw(self, at):
        if self.fails or at.done is not None:
            raise ZeroDivisionError
        return super().draw(at)
"""


def test_a_picture_that_fails_at_a_step_has_no_film_and_the_others_have_theirs(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run(f"from IPython.display import display\n{FAILING}", "c0")
    shell.run("k.enter('4 KiB')\ndisplay(Failing(k), vm.Map(k))", "c1")
    filmed = ["data-vmwidgets-film" in one["text/html"] for one in outputs if "text/html" in one]
    assert filmed == [False, True]


def test_a_picture_that_fails_at_the_end_of_its_cell_stays_as_it_was_and_the_others_are_new(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run(f"from IPython.display import display\n{FAILING}", "c0")
    shell.run("display(one := Failing(k), vm.Map(k))\none.fails = True\nk.enter('4 KiB')", "c1")
    said = [one["text/plain"] for one in outputs if "data-vmwidgets-twin" in one.get("text/html", "")]
    assert ["after operation 1" in words for words in said] == [False, True]
    assert not display._open_twins


def test_the_player_comes_once_a_file_and_again_with_its_cell(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("k.enter('4 KiB')", "c0")
    for name in ("c1", "c2", "c2", "c1", "c2"):
        shell.run("vm.Map(k)", name)
    playing = ["DecompressionStream" in one["text/html"] for one in outputs if "text/html" in one]
    assert playing == [True, False, False, True, False]


def test_what_is_displayed_inside_of_an_output_is_saved_beside_it(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("from IPython.display import display\nk.enter('4 KiB')\nout = w.Output()", "c0")
    shell.run("tree = vm.Tree(k)\nout.msg_id = 'm'\ndisplay(tree)\nout.msg_id = ''\ndisplay(w.VBox([out]))", "c1")
    inner, box = [one for one in outputs if "text/html" in one]
    assert twins(inner["text/html"]) == twins(box["text/html"]) == [shell.user_ns["tree"].twin_id]
    assert ["DecompressionStream" in one["text/html"] for one in (inner, box)] == [False, True]
    shell.run("late = w.Output()\ndisplay(late)\nlate.msg_id = 'm'\ndisplay(vm.Map(k))\nlate.msg_id = ''", "c2")
    assert twins(outputs[-1]["text/html"]) == twins(outputs[-2]["text/html"])


def test_what_a_later_cell_displays_inside_of_an_output_is_saved_beside_it_too(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("from IPython.display import display\nk.enter('4 KiB')\nout = w.Output()", "c0")
    shell.user_ns["clear"] = lambda: heard_inside({"header": {"msg_type": "clear_output"}})
    shell.run("out.msg_id = 'm'\ndisplay(vm.Tree(k))\nout.msg_id = ''\ndisplay(out)", "c1")
    shell.run("two = vm.Map(k)\nout.msg_id = 'm'\ndisplay(two)\nout.msg_id = ''", "c2")
    both = twins(outputs[3]["text/html"])
    assert len(both) == 2
    assert both[1] == shell.user_ns["two"].twin_id
    assert "DecompressionStream" in outputs[3]["text/html"], "it still brings the player"
    shell.run("out.msg_id = 'm'\nclear()\none = vm.EntryList(k)\ndisplay(one)\nout.msg_id = ''", "c3")
    assert twins(outputs[3]["text/html"]) == [shell.user_ns["one"].twin_id]


def test_what_comes_later_into_an_empty_output_is_saved_below_it(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("from IPython.display import display\nk.enter('4 KiB')\nout = w.Output()\ndisplay(w.HBox([out]))", "c1")
    saved = outputs[-1]
    assert twins(saved["text/html"]) == []
    later = "one, two = vm.Map(k), vm.Tree(k)\nout.msg_id = 'm'\ndisplay(one, two)\nout.msg_id = ''"
    shell.run(later, "c2")
    assert twins(saved["text/html"]) == [shell.user_ns[name].twin_id for name in ("one", "two")]
    assert "DecompressionStream" in saved["text/html"], "it brings the player"
    shell.run("three = vm.EntryList(k)\nout.msg_id = 'm'\ndisplay(three)\nout.msg_id = ''", "c3")
    assert twins(saved["text/html"])[-1] == shell.user_ns["three"].twin_id


def test_what_a_callback_puts_into_an_empty_output_is_saved_below_it(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    """The press of a button, after the cell: no cell runs then."""
    shell.run("from IPython.display import display\nk.enter('4 KiB')\nout = w.Output()\ndisplay(out)", "c1")
    saved = outputs[-1]

    async def pressed() -> None:
        exec("out.msg_id = 'm'\none = vm.Tree(k)\ndisplay(one)\nout.msg_id = ''", shell.user_ns)
        await asyncio.sleep(2 * display.SOON)

    asyncio.run(pressed())
    assert twins(saved["text/html"]) == [shell.user_ns["one"].twin_id]
    assert "DecompressionStream" in saved["text/html"]


def test_what_was_cleared_out_of_an_output_is_not_saved(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("from IPython.display import display\nk.enter('4 KiB')\nout = w.Output()", "c0")
    shell.user_ns["clear"] = lambda: heard_inside({"header": {"msg_type": "clear_output"}})
    shell.run(
        "out.msg_id = 'm'\ndisplay(vm.Tree(k))\nclear()\none = vm.Map(k)\ndisplay(one)\nout.msg_id = ''\ndisplay(out)",
        "c1",
    )
    assert twins(outputs[-1]["text/html"]) == [shell.user_ns["one"].twin_id]


def test_an_output_without_pictures_is_shown_as_ever(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("from IPython.display import display\nout = w.Output()\ndisplay(out, w.HBox([out]))", "c1")
    assert [VIEW in one for one in outputs] == [True, True, False, False]
    assert {one["text/html"] for one in outputs[2:]} == {KEPT}


# ---- pictures that Graphviz lays out ---------------------------------------------------------------


def laid(told: list[Any], words: str) -> dict[str, Any]:
    """A page's answer to the last text that it was asked to lay out."""
    key = [message["key"] for message in told if message["type"] == "layout"][-1]
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 50 40"><text>{words}</text></svg>'
    return {"type": "laid", "key": key, "svg": drawn}


def test_what_graphviz_laid_out_on_the_page_is_saved(shell: PyodideShell, outputs: list[dict[str, Any]]) -> None:
    shell.run("live = vm.EntryList(k, width=700).graphviz()\nlive", "c1")
    live, twin = shell.user_ns["live"], outputs[-1]
    assert live.unlike in twin["text/html"]
    told = replies(live, HELLO, {**HELLO, "nth": 2})
    assert [message["type"] for message in told].count("layout") == 1, "a page is asked once"
    shell.run("k.enter('20 KiB', prot='r')", "c2")  # the page answers later
    again = replies(live, laid(told, "laid out"))
    assert not [message for message in again if message["type"] == "refused"]
    html = unquote(twin["text/html"])
    assert twins(html) == [live.twin_id]
    assert "<text>laid out</text>" in html
    assert "20 KiB" not in html
    assert widths(twin["text/html"])[0] == 700
    assert "data-vmwidgets-film" not in html
    assert live.unlike not in html
    replies(live, laid(told, "another page"))
    assert "another page" not in unquote(twin["text/html"])


def test_a_page_that_is_there_lays_out_each_cell_that_shows_the_picture(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("live = vm.EntryList(k, width=700).graphviz()\nlive", "c1")
    live, first = shell.user_ns["live"], outputs[-1]
    told = replies(live, HELLO)
    replies(live, laid(told, "first"))
    seen: list[Any] = []
    live.send = lambda content, buffers=(): seen.append((content, [unpack_text(one) for one in buffers]))
    shell.run("k.enter('20 KiB', prot='r')\nlive", "c2")
    second = outputs[-1]
    ((asked, (dot,)),) = [message for message in seen if message[0]["type"] == "layout"]
    assert "20 KiB" in dot
    assert "first" not in unquote(second["text/html"]), "its own drawing, until Graphviz's comes"
    replies(live, laid([asked], "second"))
    assert "<text>second</text>" in unquote(second["text/html"])
    assert "<text>first</text>" in unquote(first["text/html"])


def test_a_page_that_gets_another_width_keeps_what_graphviz_laid_out(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("live = vm.EntryList(k).graphviz()\nlive", "c1")
    live, twin = shell.user_ns["live"], outputs[-1]
    replies(live, laid(replies(live, HELLO), "laid out"))
    room(live, 640)
    assert widths(twin["text/html"])[0] == 640
    assert "<text>laid out</text>" in unquote(twin["text/html"])


def test_a_drawing_of_what_the_twin_no_longer_shows_is_too_late(
    shell: PyodideShell, outputs: list[dict[str, Any]]
) -> None:
    shell.run("live = vm.EntryList(k, width=700).graphviz()", "c1")
    live = shell.user_ns["live"]
    twin = Twin(live, live.made_in)
    published: list[str] = []
    answers = []
    for cell, words in (("c2", "old"), ("c3", "new")):
        assert twin.look()
        twin.lay_out(lambda: published.append(unquote(twin.bundle()["text/html"])))
        answers.append(laid(replies(live, {**HELLO, "page": cell}), words))
        shell.run("k.enter('20 KiB', prot='r')", cell)
    replies(live, *answers)
    assert [re.findall("<text>(old|new)</text>", html) for html in published] == [["new"]]


@pytest.mark.parametrize(
    "wrong",
    [{"svg": "<svg"}, {"svg": "x" * 10**6}, {"svg": "<svg/>"}, {"key": "0"}, {"key": 10**6}],
    ids=["broken", "long", "no size", "no key", "another key"],
)
def test_what_is_no_drawing_changes_nothing_and_a_good_one_still_may(
    shell: PyodideShell, outputs: list[dict[str, Any]], wrong: dict[str, Any]
) -> None:
    shell.run("live = vm.EntryList(k, width=700).graphviz()\nlive", "c1")
    live, twin = shell.user_ns["live"], outputs[-1]
    good = laid(replies(live, HELLO), "laid out")
    before = dict(twin)
    replies(live, {**good, **wrong})
    assert twin == before
    replies(live, good)
    assert "<text>laid out</text>" in unquote(twin["text/html"])


DOT = """#!/bin/sh
cat > /dev/null
echo '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 50 40"><text>by dot</text></svg>'
exit $FAILS
"""


@pytest.mark.parametrize("fails", [0, 1])
def test_without_a_page_the_program_lays_it_out_if_it_can(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, shell: PyodideShell, outputs: list[dict[str, Any]], fails: int
) -> None:
    (tmp_path / "dot").write_text(DOT)
    (tmp_path / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("FAILS", str(fails))
    shell.run("live = vm.EntryList(k).graphviz()\nlive", "")
    assert ("<text>by dot</text>" in unquote(outputs[-1]["text/html"])) == (not fails)
    asked = [message["type"] for message in replies(shell.user_ns["live"], HELLO)]
    assert ("layout" in asked) == bool(fails), "a page may come"
    shell.run("vm.EntryList(k).graphviz()", "c2")
    assert "by dot" not in unquote(outputs[-1]["text/html"]), "its page lays it out"
