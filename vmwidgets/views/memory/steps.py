"""Which steps pictures of kernel memory have: its maps, pages, caches and threads, each with all of them."""

from __future__ import annotations

from vmwidgets.views.story.story import Step

_KINDS = frozenset(("map", "pages", "buffers", "threads", "machine"))


def steps_of_memory(step: Step) -> bool:
    """Whether a step is one of kernel memory's: a lock, a search, a page, a buffer, a thread that sleeps or wakes."""
    return step.about.kind in _KINDS
