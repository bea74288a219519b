"""A step of a story, and its subject."""

from __future__ import annotations

from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen

from .calls import Functions


class About(NamedTuple):
    """The subject of a step, by which a picture selects its own steps.

    `kind` is one of :data:`.words.registry.SUBJECTS`; `name` is the map, owner, cache, thread, domain, processor,
    object or task ("" if there is none).
    """

    kind: str
    name: str = ""


@frozen
class Step:
    """One step: `index` is the index of its last event in the operation, so that index + 1 events are done then.

    `functions` were running, outermost first; `thing` is the ID of its subject for selection ("entry:17", or "" if it
    can't be selected); `event` is the event that the sentence is about (for a run, the last event).  If the step is a
    fold, `inside` are the steps in it.
    """

    index: int
    sentence: str
    functions: Functions
    thing: str
    about: About
    event: ev.Event
    inside: tuple[Step, ...] = ()
