"""What a picture of TLBs adds to the caption: what the operation did to them, and how many translations are stale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.units import counted

from .registry import sentences

say = sentences(
    "tlb pictures",
    {
        "none": "It changed no TLB.",
        "accesses": "The TLBs had {hits}, {misses}, and keep {filled}.",
        "dropped": ("It dropped 1 translation.", "It dropped {count} translations."),
        "sent": (
            "It sent 1 shootdown and dropped {dropped}.",
            "It sent {count} shootdowns and dropped {dropped}.",
        ),
        "acknowledged": (
            "It sent {sent}, acknowledged 1, and dropped {dropped}.",
            "It sent {sent}, acknowledged {count}, and dropped {dropped}.",
        ),
        "forgotten": (
            "It forgot 1 shootdown and dropped {dropped}.",
            "It forgot {count} shootdowns and dropped {dropped}.",
        ),
        "stale": (
            "1 kept translation is not what the tables say: marked ≠.",
            "{count} kept translations are not what the tables say: marked ≠.",
        ),
    },
)


def own_sentence(events: Sequence[ev.Event]) -> str:
    """What an operation did to TLBs."""
    kinds = Counter(type(event) for event in events)
    dropped = sum(len(event.dropped) for event in events if isinstance(event, ev.TlbFlushed))
    fields = {"dropped": counted(dropped, "translation"), "sent": counted(kinds[ev.ShootdownSent], "shootdown")}
    if kinds[ev.ShootdownForgotten]:
        return say("forgotten", kinds[ev.ShootdownForgotten], **fields)
    if kinds[ev.ShootdownAcknowledged]:
        return say("acknowledged", kinds[ev.ShootdownAcknowledged], **fields)
    if kinds[ev.ShootdownSent]:
        return say("sent", kinds[ev.ShootdownSent], **fields)
    hits, misses, filled = kinds[ev.TlbHit], kinds[ev.TlbMissed], kinds[ev.TlbFilled]
    if hits or misses or filled:
        kept = {"misses": counted(misses, "miss"), "filled": counted(filled, "new translation")}
        return say("accesses", hits=counted(hits, "hit"), **kept)
    return say("dropped", dropped) if dropped else say("none")


def stale_sentence(count: int) -> str:
    """How many translations are stale."""
    return say("stale", count)
