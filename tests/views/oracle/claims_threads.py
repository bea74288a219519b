"""What headlines of operations on threads claim, and what is said of those that wait."""

from __future__ import annotations

from inspect import GEN_CREATED, getgeneratorstate
from itertools import pairwise
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue, ThreadValue

from .claiming import Said, Seen, claim
from .reading import PAGE, bytes_of, number
from .steps import StepSeen

DONE = ("returned", "failed")


def by_name(value: ThreadsValue) -> dict[str, ThreadValue]:
    """Threads by their names."""
    return {one.name: one for one in value.threads}


def names_in(seen: Seen, text: str) -> list[str]:
    """The threads that a sentence lists, each known before or after."""
    names = text.split(", ")
    assert len(set(names)) == len(names), text
    assert set(names) <= by_name(seen.threads_before).keys() | by_name(seen.threads).keys(), text
    return names


def moved(seen: Seen, name: str) -> bool:
    """Whether a thread is elsewhere in the queues than it was, or no longer in them."""
    before, after = by_name(seen.threads_before).get(name), by_name(seen.threads)[name]
    return before is None or (before.state, before.since) != (after.state, after.since)


def surely_ran(seen: Seen) -> set[str]:
    """Those that can't be as they are without having run: they fell asleep, or ended."""
    return {name for name, one in by_name(seen.threads).items() if one.state != "ready" and moved(seen, name)}


def may_have_run(seen: Seen) -> set[str]:
    """Those that are not as they were: who is ready may have become so only now."""
    return {name for name in by_name(seen.threads) if moved(seen, name)}


# ---- coming to be, running, ending ---------------------------------------------------------------


@claim("threads: spawn")
def spawned(seen: Seen, said: Said) -> None:
    before, after = by_name(seen.threads_before), by_name(seen.threads)
    name = said["thread"]
    assert after[name].state == "ready"
    assert name not in before or before[name].state in DONE
    assert after[name].number > max([one.number for one in before.values()], default=0)


@claim("threads: spawn/reason")
def spawned_only(seen: Seen, said: Said) -> None:
    (new,) = set(by_name(seen.threads).values()) - set(by_name(seen.threads_before).values())
    found = seen.machine.threads[new.name].thread
    assert getgeneratorstate(found.call) == GEN_CREATED, "nothing of its function has run"


@claim("threads: ran/none")
def none_ready(seen: Seen, said: Said) -> None:
    value = seen.threads_before
    held = {name for name, holder in value.locks if holder is not None}
    assert value.ready == ()
    assert [one for one in value.asleep if one.kind == "lock" and one.subject not in held] == []
    if seen.operation.name == "run":
        assert [one for one in value.asleep if one.until is not None] == [], "the clock could have gone on"
    assert seen.threads == value


@claim("threads: ran/clock")
def clock_went_on(seen: Seen, said: Said) -> None:
    value = seen.threads_before
    assert value.ready == ()
    assert number(said["before"]) == value.ticks
    assert number(said["after"]) == seen.threads.ticks
    assert number(said["after"]) == min(one.until for one in value.asleep if one.until is not None), "the next timer"
    assert surely_ran(seen) == set()


@claim("threads: ran/unasked")
def ran_no_step(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name == "run"
    assert not surely_ran(seen)
    value = seen.threads_before
    assert seen.operation.result == 0
    assert seen.given["steps"] == 0 or value.ready or value.asleep


@claim("threads: ran/slept")
def ran_and_slept(seen: Seen, said: Said) -> None:
    name = said["thread"]
    after = by_name(seen.threads)[name]
    assert (after.state, after.waits_for) == ("asleep", said["what"])
    assert surely_ran(seen) == {name}


@claim("threads: ran/ready")
def ran_and_is_ready(seen: Seen, said: Said) -> None:
    name = said["thread"]
    assert by_name(seen.threads)[name].state == "ready"
    assert surely_ran(seen) == set()
    assert moved(seen, name)


@claim("threads: ran/ended")
def ran_to_its_end(seen: Seen, said: Said) -> None:
    name = said["thread"]
    assert by_name(seen.threads)[name].state == "returned"
    assert by_name(seen.threads_before)[name].state not in DONE
    assert surely_ran(seen) == {name}


@claim("threads: ran/many")
def several_ran(seen: Seen, said: Said) -> None:
    names = names_in(seen, said["threads"])
    assert len(names) == number(said["count"]) > 1
    assert surely_ran(seen) <= set(names) <= may_have_run(seen)


@claim("threads: ran/more")
def many_ran(seen: Seen, said: Said) -> None:
    names = names_in(seen, said["threads"])
    assert set(names) <= may_have_run(seen)
    assert len(names) + number(said["more"]) == number(said["count"])
    assert number(said["more"]) >= 1
    assert len(surely_ran(seen) | set(names)) <= number(said["count"]) <= len(may_have_run(seen))


@claim("threads: kill")
def killed(seen: Seen, said: Said) -> None:
    assert by_name(seen.threads_before)[said["thread"]].state not in DONE
    gone(seen, said["thread"])


@claim("threads: kill/removed")
def removed(seen: Seen, said: Said) -> None:
    assert by_name(seen.threads_before)[said["thread"]].state in DONE
    gone(seen, said["thread"])


def gone(seen: Seen, name: str) -> None:
    """It is not there, and all others are."""
    assert by_name(seen.threads_before).keys() - by_name(seen.threads).keys() == {name}
    assert name not in [holder for _, holder in seen.threads.locks]


@claim("threads: kill/undone")
def undone(seen: Seen, said: Said) -> None:
    name = str(seen.given["name"]).removeprefix("thread:")
    before = by_name(seen.threads_before)[name]
    assert before.state == "asleep"
    assert before.doing == said["call"]
    assert seen.machine.kmem.pages.available >= seen.before.kmem.pages.available


# ---- what a thread did, and who waits ------------------------------------------------------------


def space(machine: vm.Machine, name: str) -> Any:
    """A map of kernel memory."""
    return machine.kmem.maps[name]


def has(machine: vm.Machine, said: Said) -> bool:
    """Whether the entries of the map take all of the range, or refuse if they take some of it."""
    start, size = number(said["address"]), bytes_of(said["size"])
    assert start % PAGE == size % PAGE == 0
    found = space(machine, said["map"]).entries()
    inside = sum(max(0, min(int(one.end), start + size) - max(int(one.start), start)) for one in found)
    assert inside in (0, size)
    return bool(inside)


@claim("threads: took")
def took(seen: Seen, said: Said) -> None:
    assert has(seen.machine, said)


@claim("threads: gave")
def gave(seen: Seen, said: Said) -> None:
    assert not has(seen.machine, said)


@claim("threads: took/addresses")
def has_addresses(seen: Seen, said: Said) -> None:
    assert has(seen.machine, said)
    assert {"asleep", "ready"} & {by_name(seen.threads)[name].state for name in may_have_run(seen)}


@claim("threads: no gap")
def no_gap(seen: Seen, said: Said) -> None:
    found = space(seen.machine, said["map"])
    borders = [int(found.start)]
    for one in sorted(found.entries(), key=lambda entry: int(entry.start)):
        borders += [int(one.start), int(one.end)]
    borders.append(int(found.end))
    gaps = [end - start for start, end in zip(borders[::2], borders[1::2], strict=True)]
    assert max(gaps) < bytes_of(said["size"])
    assert bytes_of(said["size"]) % PAGE == 0


def wait(seen: Seen, said: Said) -> list[str]:
    """Those that are named fell asleep in the operation, and wait for that."""
    names = names_in(seen, said["threads"])
    after = by_name(seen.threads)
    for name in names:
        assert (after[name].state, after[name].waits_for) == ("asleep", said["what"])
        assert moved(seen, name)
    return names


@claim("threads: waits")
def waits(seen: Seen, said: Said) -> None:
    names = wait(seen, said)
    assert said.plural == (len(names) > 1)


@claim("threads: waits/more")
def more_wait(seen: Seen, said: Said) -> None:
    names = wait(seen, said)
    waiting = [name for name, one in by_name(seen.threads).items() if one.waits_for == said["what"]]
    new = [name for name in waiting if moved(seen, name)]
    assert len(new) == len(names) + number(said["more"])


@claim("threads: Deadlocked")
def deadlocked(seen: Seen | StepSeen, said: Said) -> None:
    names = ["" if name == "the cell" else name for name in said["chain"].split(" → ")]
    assert names[0] == names[-1]
    assert len(names) > 2
    after, locks = by_name(seen.threads), dict(seen.threads.locks)
    for name, following in pairwise(names):
        assert (after[name].state, after[name].kind) == ("asleep", "lock")
        assert locks[after[name].subject] == following


@claim("threads: Deadlocked/alone")
def deadlocked_alone(seen: Seen | StepSeen, said: Said) -> None:
    name = "" if said["thread"] == "the cell" else said["thread"]
    one, locks = by_name(seen.threads)[name], dict(seen.threads.locks)
    assert (one.state, one.kind) == ("asleep", "lock")
    assert locks[one.subject] == name


@claim("threads: Deadlocked/alone over")
def was_deadlocked_alone(seen: Seen, said: Said) -> None:
    """It had a lock before, or took it; and it goes on, or is given up."""
    name = "" if said["thread"] == "the cell" else said["thread"]
    one = by_name(seen.threads).get(name)
    assert one is None or (one.state, one.kind) != ("asleep", "lock")


@claim("threads: Deadlocked/over")
def was_deadlocked(seen: Seen, said: Said) -> None:
    names = said["chain"].split(" → ")
    assert names[0] == names[-1]
    locks = dict(seen.threads.locks)
    after = by_name(seen.threads)
    for name, following in pairwise(names):
        if name == "the cell":
            assert name not in after, "its call was given up"
        else:
            holder = locks[after[name].subject]
            assert (after[name].state, after[name].kind) == ("asleep", "lock")
            assert (holder or "the cell") == following


# ---- time and waking -----------------------------------------------------------------------------


@claim("threads: tick")
def ticked(seen: Seen, said: Said) -> None:
    assert number(said["before"]) == seen.threads_before.ticks
    assert number(said["after"]) == seen.threads.ticks
    assert number(said["before"]) < number(said["after"])


@claim("threads: tick/still")
def stood_still(seen: Seen, said: Said) -> None:
    assert seen.threads_before.ticks == seen.threads.ticks


def due(seen: Seen) -> set[str]:
    """Those whose time is up by now."""
    now = seen.threads.ticks
    return {one.name for one in seen.threads_before.asleep if one.until is not None and one.until <= now}


@claim("threads: tick/woke")
def time_is_up(seen: Seen, said: Said) -> None:
    names = names_in(seen, said["threads"])
    assert set(names) == due(seen)
    assert {by_name(seen.threads)[name].state for name in names} == {"ready"}
    assert said.plural == (len(names) > 1)


@claim("threads: tick/none")
def no_timer(seen: Seen, said: Said) -> None:
    assert due(seen) == set()


def on_channel(value: ThreadsValue, channel: str) -> list[str]:
    """Those that sleep on a channel."""
    return [one.name for one in value.asleep if (one.kind, one.subject) == ("channel", channel)]


@claim("threads: wakeup")
def woke(seen: Seen, said: Said) -> None:
    names = on_channel(seen.threads_before, seen.given["channel"])
    assert len(names) == number(said["count"]) > 0
    assert {by_name(seen.threads)[name].state for name in names} == {"ready"}


@claim("threads: wakeup/none")
def woke_none(seen: Seen, said: Said) -> None:
    assert seen.given["channel"] == said["channel"]
    assert on_channel(seen.threads_before, said["channel"]) == []
    assert seen.threads == seen.threads_before


@claim("threads: tsleep")
def was_woken(seen: Seen, said: Said) -> None:
    assert (said["result"], said["channel"]) == ("0", seen.given["channel"])
    limit = seen.given.get("ticks") or 10**9
    assert seen.threads.ticks - seen.threads_before.ticks <= limit
    assert surely_ran(seen), "another thread called wakeup"


@claim("threads: tsleep/timeout")
def slept_till_its_time(seen: Seen, said: Said) -> None:
    assert (said["result"], said["channel"]) == ("35", seen.given["channel"])
    assert number(said["count"]) == seen.given["ticks"]
    assert seen.threads.ticks - seen.threads_before.ticks >= number(said["count"])
