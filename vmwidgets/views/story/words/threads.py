"""The functions that `threads.say` needs: how threads end, why they wait, and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.views.scene.text import visible

from .called import called
from .headlines import Facts
from .names import Names, address
from .registry import Headline, Sentences, fact, headline_of

say = Sentences("threads")

CELL = "the cell"
"""The name for the runner if no thread runs."""

THREADS = (ev.ThreadSpawned, ev.ThreadRuns, ev.ThreadSlept, ev.ThreadWoken, ev.ThreadEnded)
"""Events whose sentences name the thread."""


def thread_name(name: str) -> str:
    """Return a thread inside a sentence."""
    return visible(name) or CELL


@fact(*THREADS)
def _who(event: Any, _: Names) -> str:
    """Return the thread, to begin a sentence with."""
    return event.thread or "The cell"


@fact(ev.Deadlocked)
def _first(event: ev.Deadlocked, _: Names) -> str:
    return thread_name(event.threads[0])


@fact(ev.Deadlocked)
def _chain(event: ev.Deadlocked, _: Names) -> str:
    return _circle(event.threads)


# ---- operations ----------------------------------------------------------------------------------

MOST = 3
"""The most threads that a sentence names."""

DONE = ("returned", "failed")
"""States of a thread that has ended."""


@headline_of("step", "run", part=("machine", "threads"))
def _ran(facts: Facts) -> Headline:
    ran = [name for name in dict.fromkeys(event.thread for event in facts.of(ev.ThreadRuns)) if name]
    ticks = facts.of(ev.ClockTicked)
    if ticks and not ran:
        text = say("ran/clock", before=f"{ticks[0].before:,}", after=f"{ticks[0].after:,}")
        return Headline(text, _whose_time_is_up(facts))
    if not ran:
        asked = facts.name == "step" or facts.given.get("steps")
        text = say("ran/none") if asked else say("ran/unasked", name=facts.name)
        return Headline(text, waiting(facts.events))
    if len(ran) == 1:
        reason = _locked(facts.events) or _deed(facts, ran[0]) or waiting(facts.events)
        return Headline(_fate(ran[0], facts.events), reason)
    shown = ", ".join(visible(name) for name in ran[: MOST + 1])
    if len(ran) > MOST + 1:
        return Headline(say("ran/more", len(ran), threads=shown, more=len(ran) - MOST - 1), waiting(facts.events))
    return Headline(say("ran/many", len(ran), threads=shown), waiting(facts.events))


def _fate(name: str, events: Sequence[ev.Event]) -> str:
    """Return the fate of a thread that ran: it did not fail, or its failure would be the operation's error."""
    thread = visible(name)
    fates = [event for event in events if isinstance(event, THREADS) and event.thread == name]
    event = fates[-1]
    if isinstance(event, ev.ThreadSlept):
        return say("ran/slept", thread=thread, what=visible(event.what))
    return say("ran/ready" if isinstance(event, ev.ThreadWoken) else "ran/ended", thread=thread)


def _deed(facts: Facts, name: str) -> str:
    """Return what a thread did to memory.  If it then fell asleep, it has addresses, but not all of their pages."""
    for event in reversed(facts.events):
        if isinstance(event, ev.RangeDeleted):
            return say("gave", **_range(event))
        if isinstance(event, ev.RangeInserted) and not event.status:
            stops = [one for one in facts.events if isinstance(one, ev.ThreadSlept | ev.ThreadEnded)]
            last = next((one for one in reversed(stops) if one.thread == name), None)
            return say("took/addresses" if isinstance(last, ev.ThreadSlept) else "took", **_range(event))
    sought = next((event for event in reversed(facts.events) if isinstance(event, ev.SpaceSought)), None)
    if sought is not None and sought.address is None:
        return say("no gap", map=called(sought.map), size=binary_size(sought.length))
    return ""


def _range(event: ev.RangeInserted | ev.RangeDeleted) -> dict[str, str]:
    size = binary_size(event.end - event.start)
    return {"size": size, "address": address(event.start), "map": called(event.map)}


def waiting(events: Sequence[ev.Event]) -> str:
    """Return the largest group of threads that are asleep now, and what they wait for; a deadlock comes first."""
    locked = _locked(events)
    if locked:
        return locked
    asleep: dict[str, str] = {}
    for event in events:
        if isinstance(event, ev.ThreadSlept):
            asleep[event.thread] = event.what
        elif isinstance(event, (ev.ThreadWoken, ev.ThreadEnded)):
            asleep.pop(event.thread, None)
    groups: dict[str, list[str]] = {}
    for name, what in asleep.items():
        groups.setdefault(what, []).append(visible(name) or "The cell")
    if not groups:
        return ""
    what, names = max(groups.items(), key=lambda group: len(group[1]))
    threads = ", ".join(names[:MOST])
    if len(names) > MOST:
        return say("waits/more", threads=threads, more=len(names) - MOST, what=visible(what))
    return say("waits", len(names), threads=threads, what=visible(what))


def _locked(events: Sequence[ev.Event]) -> str:
    """Return the latest deadlock, if none of its threads has been woken or killed since; "" otherwise."""
    cycle: Sequence[str] = ()
    is_over = False
    for event in events:
        if isinstance(event, ev.Deadlocked):
            cycle, is_over = event.threads, False
        elif isinstance(event, (ev.ThreadWoken, ev.ThreadEnded)):
            is_over = is_over or event.thread in cycle
    return deadlock(cycle, is_over=is_over) if cycle else ""


def deadlock(cycle: Sequence[str], *, is_over: bool = False) -> str:
    """Return the sentence that these threads wait for each other, or one for itself."""
    if len(cycle) == 1:
        return say("Deadlocked/alone over" if is_over else "Deadlocked/alone", thread=thread_name(cycle[0]))
    return say("Deadlocked/over" if is_over else "Deadlocked", chain=_circle(cycle))


def _circle(threads: Sequence[str]) -> str:
    return " → ".join(thread_name(name) for name in (*threads, threads[0]))


@headline_of("tick")
def _tick(facts: Facts) -> Headline:
    after, count = int(facts.result), int(facts.given.get("count", 1))
    text = say("tick", before=f"{after - count:,}", after=f"{after:,}") if count else say("tick/still")
    return Headline(text, _whose_time_is_up(facts))


def _whose_time_is_up(facts: Facts) -> str:
    """Return the threads that a timer made ready."""
    woken = [thread_name(event.thread) for event in facts.of(ev.ThreadWoken) if event.why == "timeout"]
    return say("tick/woke", len(woken), threads=", ".join(woken)) if woken else say("tick/none")


@headline_of("kill")
def _killed(facts: Facts) -> Headline:
    undone = facts.last(ev.CallUndone)
    ended = any(one.before is not None and one.before.state in DONE for one in facts.of(ev.ThreadEnded))
    name = visible(str(facts.given.get("name", "")).removeprefix("thread:"))
    reason = say("kill/undone", call=visible(undone.call)) if undone else ""
    return Headline(say("kill/removed" if ended else "kill", thread=name), reason)


@headline_of("failed")
def _failed(facts: Facts) -> Headline:
    """Return what a failure leaves behind: the waiting threads."""
    return Headline("", waiting(facts.events))
