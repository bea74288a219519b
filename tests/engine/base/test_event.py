"""An event is a frozen value whose class shares its methods with all others; see `Event.__init__`."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError

import pytest

from vmwidgets import events
from vmwidgets.engine.base.event import EVENTS
from vmwidgets.events import Called, PteWritten

WRITTEN = PteWritten(0x1000, 0, 0x2003, 1, 0x40_0000)


def test_an_event_has_its_fields_by_place_and_by_name() -> None:
    named = PteWritten(pa=0x1000, before=0, after=0x2003, level=1, va=0x40_0000)
    assert (WRITTEN.pa, WRITTEN.after, WRITTEN.function, WRITTEN.depth) == (0x1000, 0x2003, "", 0)
    assert Called("enter").arguments == ()
    assert named == WRITTEN


def test_who_did_it_makes_no_other_event() -> None:
    done = PteWritten(0x1000, 0, 0x2003, 1, 0x40_0000, function="enter", depth=2)
    assert (done.function, done.depth) == ("enter", 2)
    assert done == WRITTEN
    assert hash(done) == hash(WRITTEN)
    assert PteWritten(0x1000, 0, 0x2003, 2, 0x40_0000) != WRITTEN
    assert Called("enter") != events.BootStage("enter", "")
    assert repr(done) == f"PteWritten(pa=4096, before=0, after={0x2003}, level=1, va={0x40_0000})"


def test_an_event_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        WRITTEN.pa = 0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del WRITTEN.pa


@pytest.mark.parametrize("taken", [copy.copy, copy.deepcopy, lambda event: pickle.loads(pickle.dumps(event))])
def test_a_copy_is_equal(taken: object) -> None:
    assert taken(WRITTEN) == WRITTEN  # type: ignore[operator]


@pytest.mark.parametrize(("given", "named"), [((), {}), (("a", (), 3), {}), (("a",), {"other": 1}), ((), {"depth": 1})])
def test_other_fields_are_refused(given: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="Called has the fields name, arguments"):
        Called(*given, **named)  # type: ignore[arg-type]


def test_each_kind_has_the_fields_of_its_annotations() -> None:
    for kind in EVENTS.values():
        own = [name for base in reversed(kind.__mro__) for name in vars(base).get("__annotations__", {})]
        assert {*kind.field_names} >= {
            name for name in own if name not in ("tag", "field_names", "_names", "_defaults", "_told")
        }
