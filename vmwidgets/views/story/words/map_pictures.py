"""What a picture of a map adds to the caption: what the operation meant for this map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.base.values.maps import MapValue
from vmwidgets.engine.base.values.past import Past

from .names import address
from .registry import sentences

say = sentences(
    "map pictures",
    {
        "map/nothing": "Nothing was done to this map yet.",
        "map/elsewhere": "The latest operations did not concern this map.",
        "map/out of order": "The list is out of order at {addresses}.",
        "map/took": "The cache of entries allocated {size} from this map.",
        "map/gave": "The cache of entries gave {size} back to this map.",
        "map/entries": (
            "The map had 1 entry before and has {now} now.",
            "The map had {count} entries before and has {now} now.",
        ),
    },
)

sought = sentences(
    "sought addresses",
    {
        "held": "{address} is in the entry {range}.",
        "free": "No entry holds {address}: it is in a gap of {size}, {range}.",
        "compared": (
            "It took 1 comparison in the tree; nothing in the machine changed.",
            "It took {count} comparisons in the tree; nothing in the machine changed.",
        ),
    },
)


def nothing(value: MapValue) -> str:
    """That no operation is known of this map."""
    return say("map/elsewhere" if value.nr_entries else "map/nothing")


def out_of_order(starts: Iterable[int]) -> str:
    """That the list is out of order there."""
    return say("map/out of order", addresses=", ".join(address(start) for start in starts))


def own_sentence(value: MapValue, operation: Operation, events: Sequence[ev.Event]) -> str:
    """What an operation that is done meant for the map `value`; "" where the headline says it all."""
    if operation.outcome != "done" or operation.name == "boot":
        return ""
    name, here = value.name, operation.target in (value.name, "unchecked")
    if operation.name in ("enter", "remove") and not here:
        change = sum(
            event.after - event.before for event in events if isinstance(event, ev.MapResized) and event.map == name
        )
        if not change:
            return ""
        return say("map/took" if change > 0 else "map/gave", size=binary_size(abs(change)))
    if operation.truncated or not here:
        return ""
    marks = Past(events).marks("after", name)
    before = value.nr_entries - len(marks.new) + len(marks.leaving)
    return "" if before == value.nr_entries else say("map/entries", before, now=f"{value.nr_entries:,}")
