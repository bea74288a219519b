"""The kentry area in an operation: which steps are its own, and what the operation meant for it."""

from __future__ import annotations

from vmwidgets.engine.base import events as ev
from vmwidgets.views.scene.model import Caption
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.story import Step
from vmwidgets.views.story.words.kentry_pictures import nothing, own_sentence
from vmwidgets.views.story.words.kmem_events import KENTRY

OWNER = "kentry area"
"""Whose the frames behind the area's slabs are."""


def steps_of_kentry(step: Step) -> bool:
    """Whether a step is the area's: a slab, the page behind it, a slot of an entry."""
    kind, name = step.about
    slot = isinstance(step.event, (ev.BufferAllocated, ev.BufferFreed)) and name == KENTRY
    return kind == "kentry" or slot or (kind == "pages" and name == OWNER)


def kentry_caption(moment: Moment) -> Caption:
    """The moment's caption, and after the operation how many slots and slabs it took and gave back."""
    if moment.operation is None:
        return Caption(nothing())
    if not moment.is_after or moment.operation.outcome == "panic":
        return moment.caption
    return moment.caption_with(own_sentence(moment.operation.name, moment.events))
