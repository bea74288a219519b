"""Threads and the clock: what happens to them, headlines of operations on them, and who waits for what."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.views.scene.text import visible

from .called import called
from .headlines import Facts
from .names import Names, address
from .registry import Headline, headline_of, says, sentences

say = sentences(
    "threads",
    {
        "ThreadSpawned": "{thread} is ready; it has not run yet.",
        "ThreadRuns": "{thread} runs.",
        "ThreadSlept": "{thread} sleeps: it waits for {what}.",
        "ThreadSlept/room": "{thread} sleeps and releases the lock of {map}: it waits for {what}.",
        "ThreadSlept/until": "{thread} sleeps: it waits for {what}, at most until tick {until}.",
        "ThreadWoken/timeout": "{thread} is ready again: its time is up.",
        "ThreadWoken/lock": "{thread} is ready again: the lock is free.",
        "ThreadWoken/wakeup": "{thread} is ready again: a wakeup reached it.",
        "Deadlocked": "Deadlock: {chain}: each waits for a lock that the next one holds.",
        "Deadlocked/over": "Deadlock: {chain}: each waited for a lock that the next one held.",
        "Deadlocked/alone": "Deadlock: {thread} waits for a lock that it holds itself.",
        "Deadlocked/alone over": "Deadlock: {thread} waited for a lock that it held itself.",
        "ThreadEnded/returned": "{thread} has finished.",
        "ThreadEnded/abandoned": "{thread} is abandoned.",
        "ThreadEnded/failed": "{thread} fails: {how}.",
        "ClockTicked": "The clock advances from {before} to {after}.",
        "spawn": "Thread {thread} is ready.",
        "spawn/reason": "It has not run yet; call m.step() or m.run().",
        "ran/none": "No thread was ready to run.",
        "ran/slept": "{thread} ran and now sleeps: it waits for {what}.",
        "ran/ended": "{thread} ran to completion.",
        "ran/clock": "No thread was ready to run: the clock advanced from {before} to {after}.",
        "ran/unasked": "{name} took no step: its limit had already been reached.",
        "ran/ready": "{thread} ran; it slept, and is ready again.",
        "ran/many": "{count} threads ran: {threads}.",
        "ran/more": "{count} threads ran: {threads} and {more} more.",
        "took": "It allocated {size} at {address} from {map}.",
        "gave": "It freed {size} at {address} in {map}.",
        "took/addresses": "It has the addresses: {size} at {address} in {map}.",
        "no gap": "{map} has no gap of {size}.",
        "waits": ("{threads} waits for {what}.", "{threads} wait for {what}."),
        "waits/more": "{threads} and {more} more wait for {what}.",
        "tick": "The clock advances from {before} to {after}.",
        "tick/still": "The clock does not advance.",
        "tick/woke": ("{threads} timed out and is ready.", "The time of {threads} is up: they are ready."),
        "tick/none": "No timer expired.",
        "wakeup": ("wakeup made 1 thread ready.", "wakeup made {count} threads ready."),
        "wakeup/none": "wakeup found no thread sleeping on {channel}.",
        "tsleep": "tsleep returned {result}: a wakeup of {channel} reached the cell.",
        "tsleep/timeout": (
            "tsleep returned {result}: 1 tick passed without a wakeup of {channel}.",
            "tsleep returned {result}: {count} ticks passed without a wakeup of {channel}.",
        ),
        "kill": "{thread} was ended.",
        "kill/removed": "{thread} had ended already, and was removed.",
        "kill/undone": "Its unfinished {call} was rolled back.",
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
    without_end = "ThreadSlept/room" if event.kind == "room" else "ThreadSlept"
    name = without_end if event.until is None else "ThreadSlept/until"
    thread, where = _subject(event.thread), called(event.subject)
    return say(name, thread=thread, what=visible(event.what), until=f"{event.until or 0:,}", map=where)


@says(ev.ThreadWoken, about="threads", of="thread")
def _woken(event: ev.ThreadWoken, names: Names) -> str:
    why = event.why if event.why in ("timeout", "lock") else "wakeup"
    return say(f"ThreadWoken/{why}", thread=_subject(event.thread))


@says(ev.ThreadEnded, about="threads", of="thread")
def _ended(event: ev.ThreadEnded, names: Names) -> str:
    how = event.how if event.how in ("returned", "abandoned") else "failed"
    return say(f"ThreadEnded/{how}", thread=_subject(event.thread), how=visible(event.how))


@says(ev.Deadlocked, about="threads")
def _deadlocked(event: ev.Deadlocked, names: Names) -> str:
    return deadlock(event.threads)


@says(ev.ClockTicked, about="threads")
def _ticked(event: ev.ClockTicked, names: Names) -> str:
    if event.before == event.after:
        return ""
    return say("ClockTicked", before=f"{event.before:,}", after=f"{event.after:,}")


# ---- operations ----------------------------------------------------------------------------------

MOST = 3
"""So many threads a sentence names."""

DONE = ("returned", "failed")
"""States of a thread that has ended."""


@headline_of("spawn")
def _spawned(facts: Facts) -> Headline:
    return Headline(say("spawn", thread=visible(str(facts.given["name"]))), say("spawn/reason"))


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
    """What became of a thread that ran: one that failed would be the operation's error."""
    thread = visible(name)
    fates = [event for event in events if isinstance(event, THREADS) and event.thread == name]
    event = fates[-1]
    if isinstance(event, ev.ThreadSlept):
        return say("ran/slept", thread=thread, what=visible(event.what))
    return say("ran/ready" if isinstance(event, ev.ThreadWoken) else "ran/ended", thread=thread)


def _deed(facts: Facts, name: str) -> str:
    """What a thread did to memory on its way; one that fell asleep since has the addresses, but not all pages."""
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
    """Who fell asleep and still is, and for what: the largest group of them.  A deadlock comes before that."""
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
    """The latest deadlock, which is over if one of its threads was woken or given up since; "" where there was none."""
    cycle: Sequence[str] = ()
    is_over = False
    for event in events:
        if isinstance(event, ev.Deadlocked):
            cycle, is_over = event.threads, False
        elif isinstance(event, (ev.ThreadWoken, ev.ThreadEnded)):
            is_over = is_over or event.thread in cycle
    return deadlock(cycle, is_over=is_over) if cycle else ""


def deadlock(cycle: Sequence[str], *, is_over: bool = False) -> str:
    """That these threads wait for each other, or one for itself."""
    if len(cycle) == 1:
        return say("Deadlocked/alone over" if is_over else "Deadlocked/alone", thread=thread_name(cycle[0]))
    chain = " → ".join(thread_name(name) for name in (*cycle, cycle[0]))
    return say("Deadlocked/over" if is_over else "Deadlocked", chain=chain)


@headline_of("tick")
def _tick(facts: Facts) -> Headline:
    after, count = int(facts.result), int(facts.given.get("count", 1))
    text = say("tick", before=f"{after - count:,}", after=f"{after:,}") if count else say("tick/still")
    return Headline(text, _whose_time_is_up(facts))


def _whose_time_is_up(facts: Facts) -> str:
    """Which threads a timer made ready."""
    woken = [thread_name(event.thread) for event in facts.of(ev.ThreadWoken) if event.why == "timeout"]
    return say("tick/woke", len(woken), threads=", ".join(woken)) if woken else say("tick/none")


@headline_of("wakeup")
def _woke(facts: Facts) -> Headline:
    count = facts.result if isinstance(facts.result, int) else 0
    if not count:
        return Headline(say("wakeup/none", channel=visible(str(facts.given.get("channel", "")))))
    return Headline(say("wakeup", count))


@headline_of("tsleep")
def _tsleep(facts: Facts) -> Headline:
    channel = visible(str(facts.given["channel"]))
    if facts.result == 0:
        return Headline(say("tsleep", result=facts.result, channel=channel))
    return Headline(say("tsleep/timeout", facts.given["ticks"], result=facts.result, channel=channel))


@headline_of("kill")
def _killed(facts: Facts) -> Headline:
    undone = facts.last(ev.CallUndone)
    ended = any(one.before is not None and one.before.state in DONE for one in facts.of(ev.ThreadEnded))
    name = visible(str(facts.given.get("name", "")).removeprefix("thread:"))
    reason = say("kill/undone", call=visible(undone.call)) if undone else ""
    return Headline(say("kill/removed" if ended else "kill", thread=name), reason)


@headline_of("failed")
def _failed(facts: Facts) -> Headline:
    """What a failure leaves behind: who waits."""
    return Headline("", waiting(facts.events))
