"""Whatever a page sends, to whatever picture: a sentence, and never an error of Python's."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import vmwidgets as vm
from tests.widgets.page import HELLO

Make = Callable[[vm.Machine], vm.View]


def domain_of(machine: vm.Machine) -> Any:
    domain = machine.domain("hello")
    domain.map(domain.frame("8 KiB"))
    return domain


VIEWS: dict[str, Make] = {
    **{kind.__name__: kind for kind in (vm.Map, vm.Tree, vm.Ribbon, vm.Dashboard, vm.Kmem, vm.Frames, vm.Slabs)},
    **{kind.__name__: kind for kind in (vm.Threads, vm.Tlb, vm.Tables)},
    "Kentry": lambda machine: vm.Kentry(machine.kentry),
    "Walk": lambda machine: vm.Walk(machine.walk(machine.kernel_map.start)),
    "Domain": lambda machine: vm.Domain(domain_of(machine)),
    "Vnodes": lambda machine: vm.Vnodes(domain_of(machine)),
}


@pytest.fixture(scope="module", autouse=True)
def few_to_collect() -> Iterator[None]:
    """The collector looks at what these tests made, and not each time at all that was imported."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def machine() -> vm.Machine:
    made = vm.boot("armv7", cpus=2)
    made.kernel_map.enter("16 KiB")
    made.malloc(100)
    return made


def said(view: vm.View, message: Any) -> list[str]:
    """Why the view refuses a message, without the widget machinery that catches errors."""
    reasons: list[str] = []
    view.send = lambda content, buffers=None: reasons.append(content["reason"])
    view._handle_custom_msg(message, [])
    return reasons


DEEP: list[Any] = []
for _ in range(5000):
    DEEP = [DEEP]

HOW = {"latest": -1, "stays": False}
MALFORMED = [
    None, 5, "open", [], DEEP, {}, {"type": DEEP}, {"type": 10**5000}, {"type": "\ud800"}, {"type": "open"},
    {"type": "open", "id": DEEP}, {"type": "open", "id": "\ud800"}, {"type": "open", "id": 10**5000},
    {"type": "open", "id": "no such node"}, {"type": "seek", "operation": 10**400, "place": 0, **HOW},
    {"type": "seek", "operation": 0, "place": 1e400, **HOW},
    {"type": "turn", "id": "walk/slice/none", "by": 10**400}, {"type": "turn", "id": "", "by": 1},
    {"type": "find", "text": "\ud800", "way": 1}, {"type": "find", "text": "f" * 200, "way": 1},
    {"type": "operations", "have": 0, "serial": -1, "first": -3},
    {"type": "hello", "page": DEEP, "seq": 0}, {"type": "hello", "page": "p", "seq": 10**5000}, {"\ud800": 1},
]  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_a_malformed_message_is_refused_in_a_sentence(name: str, machine: vm.Machine) -> None:
    view = VIEWS[name](machine)
    view.open()
    before = view.to_json()
    for message in MALFORMED:
        (reason,) = said(view, message)
        assert 10 < len(reason) < 400
        assert reason.isprintable()
    assert view.to_json() == before


@pytest.mark.parametrize("name", VIEWS)
def test_only_nodes_that_open_are_opened(name: str, machine: vm.Machine) -> None:
    view = VIEWS[name](machine)
    view.open()
    nodes = view.scene().nodes
    before = view.to_json()
    closed = [node for node in nodes if node.action != "open"]
    assert closed
    for node in closed:
        (reason,) = said(view, {"type": "open", "id": node.id})
        assert "can't be opened" in reason
    assert view.to_json() == before
    for node in nodes:
        if node.action == "open":
            view.refresh()
            said(view, {"type": "open", "id": node.id})
            assert view.scene()


ANY: list[dict[str, Any]] = [
    {"type": "find", "text": "1000", "way": 1},
    {"type": "turn", "id": "walk/slice/1", "by": 1}, {"type": "seek", "operation": 0, "place": 0, **HOW},
    HELLO,
]  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("was_drawn", [True, False])
def test_a_picture_whose_machine_is_gone_says_so(name: str, was_drawn: bool) -> None:
    machine = vm.boot("armv7", cpus=2)
    view = VIEWS[name](machine)
    nodes = [node.id for node in view.scene().nodes if node.action == "open"]
    if was_drawn:
        view.open()
    del machine
    gc.collect()
    assert view.machine is None
    shown = view.scene()
    view.open()
    asked = [{"type": "open", "id": node} for node in nodes]
    for message in [*asked, *ANY]:
        reasons = said(view, message)
        if message["type"] != "hello":
            assert reasons == ["the machine of this picture is gone: boot one, and show it again"]
    assert view.scene() == shown


def test_what_can_not_be_selected_is_refused_in_a_sentence_and_taken_back(
    machine: vm.Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = vm.Map(machine.kernel_map)
    view.open()
    model, told = view._choice.model, []
    monkeypatch.setattr(model, "send", told.append)
    monkeypatch.setattr(model, "send_state", told.append)
    for state in (
        {"selection": "e" * 300},
        {"selection": 7},
        {"reached": [9, 0]},
        {"selection": "", "reached": [9, 0]},
    ):
        told.clear()
        model.set_state(state)
        refusal, taken_back = told
        assert refusal["type"] == "refused"
        assert refusal["reason"].endswith(".") and 20 < len(refusal["reason"]) < 100
        assert taken_back == "selection"
        assert (view.selection, model.selection) == ("", "")
