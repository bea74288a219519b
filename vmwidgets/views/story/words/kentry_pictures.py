"""What a picture of the kentry area adds to the caption."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.units import counted

from .kmem_events import KENTRY
from .registry import sentences

say = sentences(
    "kentry pictures",
    {
        "kentry/nothing": "The latest operations took no slot of the area and gave none back.",
        "kentry/none": "No slot was taken or given back.",
        "kentry/taken": ("1 slot was taken.", "{count} slots were taken."),
        "kentry/given": ("1 slot was given back.", "{count} slots were given back."),
        "kentry/both": "{taken} taken, {given} given back.",
        "kentry/slab": (
            "{taken} taken, from a new slab with a page behind it.",
            "{taken} taken, from {count} new slabs with a page behind each.",
        ),
    },
)


def nothing() -> str:
    """That no operation concerned the area."""
    return say("kentry/nothing")


def own_sentence(name: str, events: Sequence[ev.Event]) -> str:
    """How many slots an operation took and gave back; "" for one that is about slabs."""
    taken = sum(isinstance(event, ev.BufferAllocated) and event.cache == KENTRY for event in events)
    given = sum(isinstance(event, ev.BufferFreed) and event.cache == KENTRY for event in events)
    slabs = sum(isinstance(event, ev.KentrySlabTaken) for event in events)
    if slabs and taken:
        return say("kentry/slab", slabs, taken=counted(taken, "slot"))
    if taken and given:
        return say("kentry/both", taken=counted(taken, "slot"), given=f"{given:,}")
    if taken or given:
        return say("kentry/taken" if taken else "kentry/given", taken or given)
    return "" if name in ("reap", "boot") else say("kentry/none")
