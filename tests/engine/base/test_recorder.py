from __future__ import annotations

import pytest

from vmwidgets import events as event_classes
from vmwidgets.engine.base.event import Called, Returned
from vmwidgets.engine.base.recorder import Recorder, kernel_function, materialize
from vmwidgets.engine.memory.pages_schema import PageAllocated


def test_nobody_listens_at_first():
    assert Recorder().emit is None
    with pytest.raises(AttributeError):
        Recorder().listener = 1  # type: ignore[attr-defined]  # a slip would otherwise pass unseen


def test_each_event_knows_its_function_and_depth():
    raw = [
        (PageAllocated.tag, 1, 0, "a"),
        (Called.tag, "outer", (1,)),
        (PageAllocated.tag, 2, 0, "b"),
        (Called.tag, "inner"),
        (PageAllocated.tag, 3, 0, "c"),
        (Returned.tag, 7),
        (PageAllocated.tag, 4, 0, "d"),
        (Returned.tag,),
        (PageAllocated.tag, 5, 0, "e"),
    ]
    events = materialize(raw, "enter")
    told = [(type(event).__name__, event.function, event.depth) for event in events]
    assert told == [
        ("PageAllocated", "enter", 0),
        ("Called", "outer", 1),
        ("PageAllocated", "outer", 1),
        ("Called", "inner", 2),
        ("PageAllocated", "inner", 2),
        ("Returned", "inner", 2),
        ("PageAllocated", "outer", 1),
        ("Returned", "outer", 1),
        ("PageAllocated", "enter", 0),
    ]
    assert events[1] == event_classes.Called("outer", (1,))
    assert events[5] == event_classes.Returned(7)


def test_what_an_error_left_open_or_a_cut_left_behind_does_no_harm():
    """An operation that failed never returns; of a long one only the last events are kept."""
    assert [event.depth for event in materialize([(Called.tag, "f"), (Called.tag, "g")], "op")] == [1, 2]
    assert [event.depth for event in materialize([(Returned.tag,), (Returned.tag,), (Called.tag, "f")], "op")] == [
        0,
        0,
        1,
    ]


def test_every_event_can_be_made_from_its_tag_and_two_classes_never_share_one():
    made = [cls for cls in event_classes.Event.__subclasses__() if not cls.__name__.startswith("_")]
    assert made and all(event_classes.EVENTS[cls.tag] is cls for cls in made)
    assert len({cls.tag for cls in made}) == len(made)


def test_a_kernel_function_names_its_parameters():
    def loose(self, *frames):
        return frames

    with pytest.raises(TypeError, match=r"loose: a kernel function has named parameters, no \*frames"):
        kernel_function()(loose)
