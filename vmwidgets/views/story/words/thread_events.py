"""What happens to threads and to the clock, event by event."""

from __future__ import annotations

from vmwidgets.engine.base import events as ev
from vmwidgets.views.scene.text import visible

from .names import Names
from .registry import says, sentences

say = sentences(
    "thread events",
    {
        "ThreadSpawned": "{thread} is ready; it has not run yet.",
        "ThreadRuns": "{thread} runs.",
        "ThreadSlept": "{thread} sleeps: it waits for {what}.",
        "ThreadSlept/until": "{thread} sleeps: it waits for {what}, at most until tick {until}.",
        "ThreadWoken/timeout": "{thread} is ready again: its time is up.",
        "ThreadWoken/lock": "{thread} is ready again: the lock is free.",
        "ThreadWoken/wakeup": "{thread} is ready again: a wakeup reached it.",
        "ThreadEnded/returned": "{thread} is done.",
        "ThreadEnded/abandoned": "{thread} is given up.",
        "ThreadEnded/failed": "{thread} fails: {how}.",
        "ClockTicked": "The clock goes from {before} to {after}.",
    },
)

CELL = "the cell"
"""Who runs where no thread does."""

THREADS = (ev.ThreadSpawned, ev.ThreadRuns, ev.ThreadSlept, ev.ThreadWoken, ev.ThreadEnded)
"""Events whose sentences name the thread."""


def thread_name(name: str) -> str:
    """A thread inside a sentence."""
    return visible(name) or CELL


def _subject(name: str) -> str:
    return visible(name) or "The cell"


@says(ev.ThreadSpawned, ev.ThreadRuns, about="threads", of="thread")
def _runs(event: ev.ThreadSpawned | ev.ThreadRuns, names: Names) -> str:
    return say(event.tag, thread=_subject(event.thread))


@says(ev.ThreadSlept, about="threads", of="thread")
def _slept(event: ev.ThreadSlept, names: Names) -> str:
    name = "ThreadSlept" if event.until is None else "ThreadSlept/until"
    return say(name, thread=_subject(event.thread), what=visible(event.what), until=f"{event.until or 0:,}")


@says(ev.ThreadWoken, about="threads", of="thread")
def _woken(event: ev.ThreadWoken, names: Names) -> str:
    why = event.why if event.why in ("timeout", "lock") else "wakeup"
    return say(f"ThreadWoken/{why}", thread=_subject(event.thread))


@says(ev.ThreadEnded, about="threads", of="thread")
def _ended(event: ev.ThreadEnded, names: Names) -> str:
    how = event.how if event.how in ("returned", "abandoned") else "failed"
    return say(f"ThreadEnded/{how}", thread=_subject(event.thread), how=visible(event.how))


@says(ev.ClockTicked, about="threads")
def _ticked(event: ev.ClockTicked, names: Names) -> str:
    return say("ClockTicked", before=f"{event.before:,}", after=f"{event.after:,}")
