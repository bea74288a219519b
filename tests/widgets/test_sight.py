"""Pictures that nobody can see are not drawn; once they are seen they are the newest."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.fake_machine import FakeMachine, FakeTree
from tests.widgets.page import BYE, HELLO, replies
from vmwidgets.widgets.host.refresh import refresher


class Counted(FakeTree):
    """Counts how often it is drawn."""

    times = 0

    def draw(self, at: Any) -> Any:
        self.times += 1
        return super().draw(at)


def seen(visible: bool, page: str = "p-1", nth: int = 1) -> dict[str, Any]:
    return {**HELLO, "page": page, "visible": visible, "nth": nth}


@pytest.fixture
def view() -> Counted:
    made = Counted(FakeMachine(7))
    made.prepare(made.made_in)
    replies(made, HELLO)
    return made


def drawn(view: Counted, machine: FakeMachine, operations: int = 1) -> int:
    """How often the operations have it drawn."""
    before = view.times
    for _ in range(operations):
        machine.operate()
        refresher.flush()
    return view.times - before


def test_out_of_sight_nothing_is_drawn_and_back_in_sight_it_is_the_newest() -> None:
    machine = FakeMachine(7)
    view = Counted(machine)
    view.prepare(view.made_in)
    replies(view, HELLO)
    assert drawn(view, machine, 2) == 2
    assert replies(view, seen(False)) == []
    assert drawn(view, machine, 5) == 0
    before, seq = view.times, view.seq
    replies(view, seen(True))
    assert (view.times - before, view.seq) == (1, seq + 1)
    assert "Operation 7 is done." in view.to_text()
    assert drawn(view, machine) == 1


def test_exports_are_whole_whatever_is_in_sight() -> None:
    machine = FakeMachine(7)
    view = Counted(machine)
    view.prepare(view.made_in)
    replies(view, HELLO, seen(False))
    machine.operate(3)
    assert "Operation 3 is done." in view.to_svg()
    assert view.scene().caption.text == "Operation 3 is done."


def test_one_page_of_two_that_sees_it_is_enough_and_pages_that_left_do_not_count() -> None:
    machine = FakeMachine(7)
    view = Counted(machine)
    view.prepare(view.made_in)
    replies(view, HELLO, {**HELLO, "page": "p-2"}, seen(False))
    assert drawn(view, machine) == 1
    replies(view, seen(False, "p-2"))
    assert drawn(view, machine) == 0
    replies(view, BYE, {**BYE, "page": "p-2"}, {**HELLO, "page": "p-3"})
    assert drawn(view, machine) == 1


def test_a_page_that_is_not_known_says_nothing_by_its_sight(view: Counted) -> None:
    replies(view, seen(False, "p-9"))
    assert view.in_sight


def test_a_moment_that_is_chosen_is_drawn_where_it_is_seen() -> None:
    machine = FakeMachine(7)
    out, other = Counted(machine), Counted(machine)
    for one in (out, other):
        one.prepare(one.made_in)
        replies(one, HELLO)
    machine.operate(2)
    refresher.flush()
    replies(out, seen(False))
    before = out.times, other.times
    other.moment = (0, None)
    refresher.flush()
    assert (out.times - before[0], other.times - before[1]) == (0, 1)
    replies(out, seen(True))
    assert out.moment == other.moment
    assert out.scene().steps.operation == 1


def test_a_page_that_left_before_it_came_is_there() -> None:
    """The two messages went by two shells of the kernel, and the second was faster."""
    machine = FakeMachine(7)
    view = Counted(machine)
    view.prepare(view.made_in)
    replies(view, HELLO, seen(True, nth=2), seen(False, nth=1))
    assert drawn(view, machine, 2) == 2
