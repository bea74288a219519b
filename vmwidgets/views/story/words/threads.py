"""Threads and the clock: what happens to them, headlines of operations on them, and who waits for what."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.views.scene.text import visible

from .headlines import Facts
from .names import Names, address
from .registry import Headline, headline_of, says, sentences

say = sentences(
    "threads",
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
        "spawn": "Thread {thread} is ready.",
        "spawn/reason": "It has not run yet; call m.step() or m.run().",
        "ran/none": "No thread was ready to run.",
        "ran/slept": "{thread} ran and sleeps now: it waits for {what}.",
        "ran/ended": "{thread} ran to its end.",
        "ran/failed": "{thread} ran and failed: {how}.",
        "ran": "{thread} ran.",
        "ran/many": ("1 thread ran: {threads}.", "{count} threads ran: {threads}."),
        "ran/more": "{count} threads ran: {threads} and {more} more.",
        "took": "It took {size} at {address} from {map}.",
        "took/addresses": "It has the addresses: {size} at {address} in {map}.",
        "no gap": "{map} has no gap of {size}.",
        "waits": ("{threads} waits for {what}.", "{threads} wait for {what}."),
        "waits/more": "{threads} and {more} more wait for {what}.",
        "deadlock": "Deadlock: {chain}: each waits for a lock that the next one holds.",
        "tick": "The clock goes from {before} to {after}.",
        "tick/still": "The clock stays as it is.",
        "tick/woke": ("The time of {threads} is up: it is ready.", "The time of {threads} is up: they are ready."),
        "tick/none": "No timer expired.",
        "wakeup": ("wakeup made 1 thread ready.", "wakeup made {count} threads ready."),
        "wakeup/none": "wakeup found no thread that sleeps on {channel}.",
        "tsleep": "tsleep returned {result}.",
        "kill": "{thread} was ended.",
        "kill/undone": "What its {call} had begun was taken back.",
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


# ---- operations ----------------------------------------------------------------------------------

MOST = 3
"""So many threads a sentence names."""


@headline_of("spawn")
def _spawned(facts: Facts) -> Headline:
    spawned = facts.of(ev.ThreadSpawned)
    return Headline(say("spawn", thread=thread_name(spawned[-1].thread if spawned else "")), say("spawn/reason"))


@headline_of("step", "run", part=("machine", "threads"))
def _ran(facts: Facts) -> Headline:
    ran = [name for name in dict.fromkeys(event.thread for event in facts.of(ev.ThreadRuns)) if name]
    if not ran:
        return Headline(say("ran/none"), waiting(facts.events))
    if len(ran) == 1:
        return Headline(_fate(ran[0], facts.events), _deed(facts, ran[0]) or waiting(facts.events))
    shown = ", ".join(visible(name) for name in ran[: MOST + 1])
    if len(ran) > MOST + 1:
        return Headline(say("ran/more", len(ran), threads=shown, more=len(ran) - MOST - 1), waiting(facts.events))
    return Headline(say("ran/many", len(ran), threads=shown), waiting(facts.events))


def _fate(name: str, events: Sequence[ev.Event]) -> str:
    """What became of a thread that ran."""
    thread = visible(name)
    for event in reversed(events):
        if isinstance(event, ev.ThreadSlept) and event.thread == name:
            return say("ran/slept", thread=thread, what=visible(event.what))
        if isinstance(event, ev.ThreadEnded) and event.thread == name:
            done = event.how == "returned"
            return say("ran/ended" if done else "ran/failed", thread=thread, how=visible(event.how))
    return say("ran", thread=thread)


def _deed(facts: Facts, name: str) -> str:
    """What a thread did to memory on its way; one that fell asleep since has the addresses, but not all pages."""
    inserted = [event for event in facts.of(ev.RangeInserted) if not event.status]
    if inserted:
        last = inserted[-1]
        stops = [one for one in facts.events if isinstance(one, ev.ThreadSlept | ev.ThreadEnded) and one.thread == name]
        tag = "took/addresses" if stops and isinstance(stops[-1], ev.ThreadSlept) else "took"
        return say(tag, size=binary_size(last.end - last.start), address=address(last.start), map=visible(last.map))
    sought = facts.of(ev.SpaceSought)
    if sought and sought[-1].address is None:
        return say("no gap", map=visible(sought[-1].map), size=binary_size(sought[-1].length))
    return ""


def waiting(events: Sequence[ev.Event]) -> str:
    """Who fell asleep and still is, and for what: the largest group of them."""
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


def deadlock(cycle: Sequence[str]) -> str:
    """That these threads wait for each other."""
    return say("deadlock", chain=" → ".join(visible(name) for name in (*cycle, cycle[0])))


@headline_of("tick")
def _tick(facts: Facts) -> Headline:
    ticks, woken = facts.of(ev.ClockTicked), facts.of(ev.ThreadWoken)
    if not ticks:
        return Headline(say("tick/still"))
    text = say("tick", before=f"{ticks[0].before:,}", after=f"{ticks[-1].after:,}")
    names = ", ".join(thread_name(event.thread) for event in woken)
    return Headline(text, say("tick/woke", len(woken), threads=names) if woken else say("tick/none"))


@headline_of("wakeup")
def _woke(facts: Facts) -> Headline:
    count = facts.result if isinstance(facts.result, int) else 0
    if not count:
        return Headline(say("wakeup/none", channel=visible(str(facts.given.get("channel", "")))))
    return Headline(say("wakeup", count))


@headline_of("tsleep")
def _tsleep(facts: Facts) -> Headline:
    return Headline(say("tsleep", result=visible(str(facts.result))))


@headline_of("kill")
def _killed(facts: Facts) -> Headline:
    undone = facts.of(ev.CallUndone)
    name = visible(str(facts.given.get("name", "")).removeprefix("thread:"))
    return Headline(say("kill", thread=name), say("kill/undone", call=visible(undone[-1].call)) if undone else "")


@headline_of("failed")
def _failed(facts: Facts) -> Headline:
    """What a failure leaves behind: who waits."""
    return Headline("", waiting(facts.events))
