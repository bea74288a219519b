"""A step of a story, and what it is about."""

from __future__ import annotations

from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen

from .calls import Functions


class About(NamedTuple):
    """What a step is about, so that a picture can choose its own.

    `kind` is one of :data:`.words.registry.SUBJECTS`; `name` says of which map, owner, cache, thread, domain,
    processor, object or task ("" where that is said of none).
    """

    kind: str
    name: str = ""


@frozen
class Step:
    """One step: `index` is the place of its last event in the operation's events, so that index + 1 are done then.

    `functions` were under way, outermost first; `thing` is what a selection calls what it is about ("entry:17", ""
    where that can't be selected); `event` is the event that the sentence is of, of a run the last.  `inside` are the
    steps that this one stands for, where it is a fold.
    """

    index: int
    sentence: str
    functions: Functions
    thing: str
    about: About
    event: ev.Event
    inside: tuple[Step, ...] = ()
