"""What lives how long: exports, closed views, pictures that no page shows."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from ipywidgets import VBox, Widget
from ipywidgets.widgets.widget import _instances

import vmwidgets as vm
from tests.browser.fake_machine import FakeMachine, FakeTree
from tests.widgets.notebook import LabShell, open_notebook
from tests.widgets.page import BYE, HELLO, ROOM, replies
from vmwidgets.pictures.at import At
from vmwidgets.views.scene.model import Scene
from vmwidgets.widgets.host.cells import Cell
from vmwidgets.widgets.host.hub import open_hub
from vmwidgets.widgets.host.pages import PATIENCE, TRUST
from vmwidgets.widgets.host.pictures import cell_begins, cell_ends, pictures_of
from vmwidgets.widgets.host.refresh import refresher
from vmwidgets.widgets.host.silence import LOST, idle

CELL = Cell("c1", 1)


class CountedTree(FakeTree):
    """Counts what its machine makes all of its views do."""

    done: ClassVar[Counter[str]] = Counter()

    def draw(self, at: At) -> Scene:
        self.done["drawn"] += 1
        return super().draw(at)

    def operation_done(self) -> bool:
        self.done["told"] += 1
        return super().operation_done()


@pytest.fixture
def machine() -> Iterator[FakeMachine]:
    yield FakeMachine(7)
    CountedTree.done.clear()


def work_of(machine: FakeMachine) -> dict[str, int]:
    """How many views one operation makes draw, and how many it tells."""
    refresher.flush()
    CountedTree.done.clear()
    machine.operate()
    refresher.flush()
    return dict(CountedTree.done)


def test_exports_leave_nothing_alive(machine: FakeMachine) -> None:
    before = set(_instances)
    gc.collect()
    gc.disable()
    try:
        for _ in range(40):
            assert CountedTree(machine).to_svg().startswith("<svg")
            CountedTree(machine).snapshot()
        assert set(_instances) == before
        assert work_of(machine) == {}
    finally:
        gc.enable()


@pytest.mark.parametrize("view", [vm.Tree, vm.Map, vm.Dashboard, vm.Frames, vm.Kmem, vm.Tables, vm.Tlb, vm.Threads])
def test_no_export_of_a_real_machine_lives_on(view: type[vm.View]) -> None:
    machine = vm.boot()
    before = set(_instances)
    made = weakref.ref(picture := view(machine))
    picture.to_html()
    gc.disable()
    try:
        del picture
        assert made() is None
    finally:
        gc.enable()
    assert set(_instances) == before


def test_an_export_that_has_a_name_follows(machine: FakeMachine) -> None:
    tree = CountedTree(machine)
    machine.operate()
    tree.step = 1
    assert tree.to_json()["steps"]["index"] == 1
    assert work_of(machine).get("drawn") is None, "it is on no page"
    assert "Operation 2 is done." in tree.to_text(), "a call brings it to the present"
    assert tree.step == tree.steps == 3


def test_a_closed_view_is_left_alone_and_comes_back(machine: FakeMachine) -> None:
    tree = CountedTree(machine)
    tree.prepare(CELL)
    replies(tree, HELLO)
    assert work_of(machine) == {"told": 1, "drawn": 1}
    assert work_of(machine) == {"told": 1, "drawn": 1}
    tree.close()
    assert work_of(machine) == {}
    assert "Operation 3 is done." in tree.to_text()
    assert tree.step == tree.steps == 3
    tree.prepare(CELL)
    replies(tree, HELLO)
    assert work_of(machine) == {"told": 1, "drawn": 1}
    tree.selection = "entry:3"
    assert pictures_of(machine).selection.selection == "entry:3"


@pytest.mark.parametrize("used", [False, True])
def test_a_closed_view_that_was_never_shown_costs_nothing_and_can_be_shown(machine: FakeMachine, used: bool) -> None:
    before = set(_instances)
    tree = CountedTree(machine, layout={"width": "300px"})
    if used:
        tree.to_svg()
        assert tree.layout.width == "300px"
    tree.close()
    tree.close()
    assert set(_instances) == before
    assert work_of(machine) == {}
    other = CountedTree(machine)
    other.selection = "entry:3"
    assert tree.selection == ""
    other.close()
    assert set(_instances) == before
    tree.prepare(CELL)
    replies(tree, HELLO)
    assert work_of(machine) == {"told": 1, "drawn": 1}
    assert tree.layout.comm is not None


def test_a_view_that_was_never_shown_leaves_no_layout_when_it_dies(machine: FakeMachine) -> None:
    before = set(_instances)
    gc.disable()
    try:
        assert CountedTree(machine, layout={"width": "300px"}).to_svg().startswith("<svg")
        assert set(_instances) == before
    finally:
        gc.enable()


def test_all_closed_widgets_are_left_alone(machine: FakeMachine) -> None:
    trees = [CountedTree(machine) for _ in range(5)]
    for tree in trees:
        tree.prepare(CELL)
    Widget.close_all()
    assert work_of(machine) == {}


def test_a_cell_that_runs_again_and_again_costs_what_it_does_once() -> None:
    with open_notebook() as shell:
        shell.user_ns["CountedTree"] = CountedTree
        for _ in range(40):
            shell.run("shown = CountedTree(m)\nshown", cell="a")
        replies(shell.user_ns["shown"], HELLO)
        assert work_of(shell.user_ns["m"]) == {"told": 1, "drawn": 1}
        trees = [widget for widget in _instances.values() if isinstance(widget, FakeTree)]
        assert trees == [shell.user_ns["shown"]]


def test_a_box_opens_what_it_holds(machine: FakeMachine) -> None:
    tree = CountedTree(machine)
    assert tree.comm is None
    box = VBox([tree])
    assert box.get_state()["children"] == [f"IPY_MODEL_{tree.twin_id}"]
    assert tree.comm is not None
    assert tree.seq == 1, "its first picture is there when the page asks"
    assert _instances[tree.twin_id] is tree
    assert work_of(machine) == {"told": 1, "drawn": 1}


def test_a_picture_that_no_page_asks_for_is_drawn_no_longer() -> None:
    with open_notebook(LabShell) as shell:
        shell.user_ns["CountedTree"] = CountedTree
        for cell in "abcde":
            shell.run("shown = CountedTree(m)\nshown", cell=cell)
        m, shown = shell.user_ns["m"], shell.user_ns["shown"]
        assert work_of(m)["drawn"] > 0, "a page may be about to ask for it"
        for cell in "fghij":
            shell.run("m.operate()", cell=cell)
        assert work_of(m).get("drawn") is None
        replies(shown, HELLO)
        assert work_of(m)["drawn"] == 1
        replies(shown, BYE)
        assert work_of(m).get("drawn") is None


def hello(page: str, view: FakeTree) -> dict[str, object]:
    return {**HELLO, "page": page, "seq": view.seq}


WHO = {"type": "who"}


def cells_end(times: int) -> None:
    for _ in range(times):
        cell_ends()


def test_a_reloaded_page_makes_its_earlier_self_forgotten(machine: FakeMachine) -> None:
    view = CountedTree(machine)
    assert replies(view, hello("a-1", view)) == []
    told = replies(view, hello("b-1", view))
    assert told == [WHO], "is the first page still there?"
    cells_end(9)
    replies(view, {**BYE, "page": "b-1"})
    assert not view.shown
    assert work_of(machine) == {"told": 1}


def test_a_page_that_answers_stays(machine: FakeMachine) -> None:
    view = CountedTree(machine)
    replies(view, hello("a-1", view))
    replies(view, hello("b-1", view), hello("a-1", view), hello("b-1", view))
    cells_end(9)
    replies(view, {**BYE, "page": "b-1"})
    assert work_of(machine)["drawn"] == 1


def test_two_places_of_one_page_ask_for_nothing(machine: FakeMachine) -> None:
    view = CountedTree(machine)
    assert replies(view, hello("a-1", view), hello("a-2", view)) == []


def test_a_page_that_says_nothing_through_many_pictures_is_forgotten(machine: FakeMachine) -> None:
    view = CountedTree(machine)
    replies(view, hello("a-1", view))
    told: list[object] = []
    view.send = lambda content, buffers=None: told.append(content)
    for _ in range(TRUST):
        machine.operate()
        view.refresh()
        cells_end(1)
    assert told[0] == WHO
    cells_end(PATIENCE)
    assert not view.shown
    assert work_of(machine) == {"told": 1}
    replies(view, hello("a-1", view))
    assert work_of(machine)["drawn"] == 1, "it was only slow"


def test_what_a_widgets_callback_displays_is_not_kept() -> None:
    with open_notebook(LabShell) as shell:
        shell.hear("a slider was moved")
        tree = FakeTree(shell.user_ns["m"])
        shell.display_formatter.format(tree)
        tree.close()
        shell.run("m.operate()", cell="a")
        left = weakref.ref(tree)
        del tree
        gc.collect()
        assert left() is None


def test_a_machine_without_a_name_stays_until_its_picture_is_drawn() -> None:
    view = CountedTree(FakeMachine(7))
    gc.collect()
    assert view.scene().nodes
    gc.collect()
    assert view.machine is None, "a picture that was drawn keeps no machine"


def test_a_machine_without_a_name_stays_until_its_page_has_said_how_wide_it_is() -> None:
    view = CountedTree(FakeMachine(7))
    view.prepare(CELL)
    gc.collect()
    replies(view, HELLO)
    assert not view.status
    CountedTree.done.clear()
    replies(view, {**ROOM, "width": 640})
    refresher.flush()
    assert CountedTree.done["drawn"] == 1, "it was laid out for its page"
    gc.collect()
    assert view.machine is None


def test_a_machine_without_a_name_goes_when_another_cell_begins() -> None:
    view = CountedTree(FakeMachine(7))
    view.prepare(CELL)
    replies(view, HELLO)
    gc.collect()
    assert view.machine is not None
    cell_begins()
    gc.collect()
    assert view.machine is None


def test_the_selections_model_goes_with_the_last_view(machine: FakeMachine) -> None:
    open_hub()
    before = set(_instances)
    one, two = CountedTree(machine), CountedTree(machine)
    for tree in (one, two):
        tree.prepare(CELL)
    one.selection = "entry:2"
    chosen = pictures_of(machine).selection
    one.close()
    assert chosen.comm is not None
    two.close()
    assert set(_instances) == before
    two.prepare(CELL)
    assert pictures_of(machine).selection.selection == "entry:2"


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass."""
    now = [0.0]
    monkeypatch.setattr(idle, "clock", lambda: now[0])
    idle.begins()

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def one_cell(machine: FakeMachine) -> int:
    """How often a cell that operates draws."""
    before = CountedTree.done["drawn"]
    cell_begins()
    machine.operate()
    cell_ends()
    return CountedTree.done["drawn"] - before


def test_a_page_that_vanished_is_drawn_for_no_longer_and_has_the_newest_when_it_is_back(
    machine: FakeMachine, wait: Callable[[float], None]
) -> None:
    view = CountedTree(machine)
    replies(view, HELLO)
    for _ in range(5):  # it is heard now and then
        wait(LOST - 1)
        replies(view, {**HELLO, "seq": view.seq})
    assert one_cell(machine) == 1
    wait(LOST + 1)
    assert one_cell(machine) == 0
    assert not view.shown
    assert one_cell(machine) == 0
    seen = view.seq
    replies(view, {**HELLO, "seq": seen})
    assert view.shown
    assert view.seq == seen + 1
    assert one_cell(machine) == 1


def test_a_page_is_not_taken_to_be_gone_while_the_kernel_could_not_hear_it(
    machine: FakeMachine, wait: Callable[[float], None]
) -> None:
    view = CountedTree(machine)
    replies(view, HELLO)
    for _ in range(3):  # cells that run for long, one after the other
        cell_begins()
        wait(10 * LOST)
        machine.operate()
        cell_ends()
    assert view.shown
    assert one_cell(machine) == 1


def test_one_page_of_two_that_vanished_takes_its_width_along(
    machine: FakeMachine, wait: Callable[[float], None]
) -> None:
    view = CountedTree(machine)
    replies(view, HELLO, {**HELLO, "width": 500, "height": 5000})
    wait(LOST - 1)
    replies(view, {**HELLO, "page": "q-1"}, {**HELLO, "page": "q-1", "width": 800, "height": 5000})
    assert view.room == 500
    wait(LOST - 1)
    cell_begins()
    assert view.shown
    assert view.room == 800


def test_what_is_out_of_sight_is_not_drawn_because_its_page_is_there(machine: FakeMachine) -> None:
    view = CountedTree(machine)
    replies(view, HELLO, {**HELLO, "visible": False})
    machine.operate()
    drawn = CountedTree.done["drawn"]
    replies(view, {**HELLO, "visible": False, "seq": view.seq})
    assert CountedTree.done["drawn"] == drawn
    replies(view, {**HELLO, "nth": 2})
    assert CountedTree.done["drawn"] == drawn + 1
