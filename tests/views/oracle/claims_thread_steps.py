"""What steps claim of threads and the clock."""

from __future__ import annotations

from typing import Any

from .claiming import Said, claim
from .reading import number
from .steps import StepSeen


def thread(seen: StepSeen, said: Said) -> Any:
    """The thread that a step names, as it was just after."""
    name = "" if said["thread"] == "The cell" else said["thread"]
    assert name == seen.about
    (found,) = [one for one in seen.threads.threads if one.name == name]
    return found


def was(seen: StepSeen) -> Any:
    """The thread that a step is about, as it was before the step."""
    return next((one for one in seen.before.threads.threads if one.name == seen.about), None)


@claim("threads: ThreadSpawned")
def spawned(seen: StepSeen, said: Said) -> None:
    new = thread(seen, said)
    assert new.state == "ready"
    assert new.number == max(one.number for one in seen.threads.threads)


@claim("threads: ThreadRuns")
def runs(seen: StepSeen, said: Said) -> None:
    running = [one.name for one in seen.threads.threads if one.state == "running"]
    if said["thread"] == "The cell":  # which is a thread only in an operation of others
        assert seen.about == ""
        assert was(seen).state == "ready"
        assert {one.state for one in seen.threads.threads if one.name == ""} <= {"running"}
    else:
        assert thread(seen, said).name in running
        assert was(seen).state == "ready"


@claim("threads: ThreadSlept")
def sleeps(seen: StepSeen, said: Said) -> None:
    found = thread(seen, said)
    assert (found.state, found.waits_for, found.until) == ("asleep", said["what"], None)
    assert found.name == seen.threads.sleeping[-1], "it was the last to fall asleep"


@claim("threads: ThreadSlept/room")
def sleeps_without_the_lock(seen: StepSeen, said: Said) -> None:
    found = thread(seen, said)
    assert (found.state, found.waits_for, found.until) == ("asleep", said["what"], None)
    assert found.name == seen.threads.sleeping[-1]
    before = was(seen)  # the cell is not a thread while it runs
    assert before is None or said["map"] in before.locks
    assert said["map"] not in found.locks


@claim("threads: ThreadSlept/until")
def sleeps_for_a_time(seen: StepSeen, said: Said) -> None:
    found = thread(seen, said)
    assert (found.state, found.waits_for, found.until) == ("asleep", said["what"], number(said["until"]))
    assert found.name == seen.threads.sleeping[-1]


def is_ready(seen: StepSeen, said: Said) -> Any:
    """It is the last of those that are ready now; what it was before."""
    assert thread(seen, said).state == "ready"
    assert thread(seen, said).name == seen.threads.ready[-1]
    return was(seen)


@claim("threads: ThreadWoken/timeout")
def time_is_up(seen: StepSeen, said: Said) -> None:
    before = is_ready(seen, said)
    assert before.state == "asleep"
    assert before.until <= seen.threads.ticks


@claim("threads: ThreadWoken/lock")
def lock_is_free(seen: StepSeen, said: Said) -> None:
    before = is_ready(seen, said)
    assert (before.state, before.kind) == ("asleep", "lock")
    assert dict(seen.threads.locks)[before.subject] is None


@claim("threads: ThreadWoken/wakeup")
def is_woken(seen: StepSeen, said: Said) -> None:
    before = is_ready(seen, said)
    assert (before.state, before.kind in ("pages", "room", "channel")) == ("asleep", True)
    assert not before.until or before.until > seen.threads.ticks, "else its time is up"


@claim("threads: ThreadEnded/returned")
def is_done(seen: StepSeen, said: Said) -> None:
    if said["thread"] == "The cell":
        assert seen.about == ""
        assert "" not in [one.name for one in (*seen.threads.threads, *seen.machine.threads.value().threads)]
        return
    assert thread(seen, said).state == "returned"


@claim("threads: ThreadEnded/abandoned")
def is_given_up(seen: StepSeen, said: Said) -> None:
    assert said["thread"] == (seen.about or "The cell")
    assert seen.about not in [one.name for one in seen.threads.threads]
    assert was(seen) is not None or not seen.about


@claim("threads: ThreadEnded/failed")
def fails(seen: StepSeen, said: Said) -> None:
    found = thread(seen, said)
    assert found.state == "failed"
    error = seen.machine.threads[found.name].error
    assert said["how"] == type(error).__name__


@claim("threads: ClockTicked")
def ticked(seen: StepSeen, said: Said) -> None:
    assert (number(said["before"]), number(said["after"])) == (seen.before.threads.ticks, seen.threads.ticks)
    assert number(said["before"]) < number(said["after"])
