"""What is said of a moment that is at no step."""

from __future__ import annotations

from .registry import sentences

say = sentences(
    "moments",
    {
        "nothing": "Nothing was done here yet.",
        "elsewhere": "The latest operations did not concern this map.",
        "before": "Before the operation.",
        "left out": "Earlier steps are left out.",
        "folded": "They happened in a part of the map that is folded here.",
        "truncated": "This operation made more than {events} events; the first ones were not recorded.",
    },
)
