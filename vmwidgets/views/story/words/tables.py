"""The functions that `tables.say` needs: processors, their TLBs and descriptors."""

from __future__ import annotations

from typing import Any

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, counted
from vmwidgets.engine.spaces.processors_schema import FlushRequest
from vmwidgets.views.scene.text import visible

from .headlines import Facts
from .names import Names, address
from .registry import Headline, Sentences, fact, headline_of

say = Sentences("cpus")


@fact(ev.PageMarked)
def _page(event: ev.PageMarked, _: Names) -> int:
    return event.va & -PAGE


@fact(ev.TlbFilled)
def _another(event: ev.TlbFilled, _: Names) -> Any:
    """Return the evicted translation, if it is of another page."""
    gone = event.evicted
    return gone if gone is not None and gone.page != event.entry.page else None


@fact(ev.ShootdownSent, ev.ShootdownAcknowledged, ev.ShootdownForgotten)
def _what(event: ev.ShootdownSent | ev.ShootdownAcknowledged | ev.ShootdownForgotten, _: Names) -> str:
    return flush_in_words(event.request)


def flush_in_words(request: FlushRequest) -> str:
    """Return what a flush drops: "2 pages at 0x1000 of init"."""
    return f"{what_of(request)} of {visible(request.space)}"


def what_of(request: FlushRequest) -> str:
    """Return which translations a flush drops, such as "2 pages at 0x1000"."""
    return f"{counted(request.pages, 'page')} at {address(request.start)}" if request.pages else "all"


# ---- operations ----------------------------------------------------------------------------------


@headline_of("run", part=("cpu",))
def _run(facts: Facts) -> Headline:
    loaded = facts.last(ev.SpaceLoaded, cpu=facts.operation.target)
    space = loaded.space if loaded else str(facts.given.get("task") or "kernel").removeprefix("task:")
    return Headline(say("cpu run" if loaded else "cpu run/same", cpu=facts.target, space=visible(space)))
