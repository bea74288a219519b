"""What headlines claim of operations that failed, were interrupted, or killed the machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.base.errors import KernelError, KernelPanic
from vmwidgets.engine.base.journal import MAX_EVENTS, Operation
from vmwidgets.engine.selfpaging.errors import LibError
from vmwidgets.views.story.words.headlines import counts_of, receipt

from .claiming import Said, Seen, claim
from .claims_maps import range_given
from .reading import entries, inside, number


def again(seen: Seen) -> tuple[BaseException | None, int]:
    """What the operation raises when it is done again, and how many events it makes; found out once."""
    if "again" not in seen.__dict__:
        seen.__dict__["again"] = done_again(seen)
    found: tuple[BaseException | None, int] = seen.__dict__["again"]
    return found


def done_again(seen: Seen) -> tuple[BaseException | None, int]:
    """What the operation raises, done again on a machine as it was, and how many events it makes.

    None where no copy of that could be taken, since a thread is in the middle of a call.
    """
    return repeated(seen.operation, seen.machine.history._make(seen.copy, "again")) if seen.copy else (None, 0)


def repeated(operation: Operation, machine: Any) -> tuple[BaseException | None, int]:
    """The same of an operation on a machine as it was before, which is changed."""
    machine.door.stop_at = operation.stopped_at
    heard, report = [0], machine.door._report

    def counting(*record: Any) -> None:
        heard[0] += 1
        report(*record)

    machine.door._report = counting
    given = {name: machine.resolve(value) for name, value in operation.arguments}
    try:
        machine.recorded(operation.target, operation.name)(**given)
    except (vm.VMError, KeyboardInterrupt) as error:
        return error, heard[0]
    except KeyError:  # a learner's function, which a copy does not have
        return None, 0
    return None, heard[0]


def of_threads(seen: Seen) -> Sequence[str]:
    """The errors that threads ended with."""
    return [f"{one.error}" for one in seen.machine.threads if one.error is not None]


def what_it_said(seen: Seen) -> str:
    """The error's sentence: of the call done again, else as the caller got it."""
    error, _ = again(seen)
    if error is not None:
        assert f"{error}" == seen.operation.said
    return seen.operation.said


@claim("headlines: failed")
def failed(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name
    assert seen.operation.outcome == "error"
    error, _ = again(seen)
    if isinstance(error, LibError):
        assert said["kind"] == error.stack[-1], "what caused the others"
    elif isinstance(error, KernelError):
        assert said["kind"] == error.name
    else:
        assert said["kind"] == seen.operation.result[1] or seen.operation.target.startswith("domain:")


@claim("headlines: failed/other")
def failed_otherwise(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name
    assert said["said"] == what_it_said(seen)
    if seen.operation.name in ("run", "step") and said["said"] != "interrupted":
        assert said["said"] in of_threads(seen) or not said["said"].startswith("thread ")


@claim("headlines: failed/briefly")
def failed_briefly(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name
    assert seen.operation.outcome == "error"
    assert seen.says("headlines: detail"), "the reason says with what"


@claim("headlines: detail")
def why_it_failed(seen: Seen, said: Said) -> None:
    whole = what_it_said(seen)
    assert said["said"][1:] in whole
    assert said["said"][:1].lower() == whole[whole.index(said["said"][1:]) - 1].lower()
    assert whole.rstrip(")").endswith(said["said"][1:].rstrip(")")), "it is the last of the causes"


@claim("headlines: interrupted")
def interrupted(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name
    limit = number(said["address"])
    start, end = range_given(seen)
    assert start <= limit < end
    before, after = entries(seen.before, seen.map), entries(seen.machine, seen.map)
    assert [one for one in after if one.start >= limit] == [
        one._replace(start=max(one.start, limit), offset=one.offset + max(0, limit - one.start))
        for one in before if one.end > limit
    ]  # fmt: skip  # one list
    if said["name"] in ("remove", "vm_map_remove"):
        assert inside(after, start, limit) == []
    elif limit > start and inside(before, start, limit):
        assert inside(after, start, limit) != inside(before, start, limit) or not changes(seen, start, limit)


def changes(seen: Seen, start: int, end: int) -> bool:
    """Whether what was asked for is another thing than what an entry in the range has."""
    wanted = seen.given.get("prot")
    return seen.operation.name in ("wire", "unwire") or any(
        wanted is not None and one.prot != str(wanted) for one in inside(entries(seen.machine, seen.map), start, end)
    )


@claim("headlines: panic")
def panicked(seen: Seen, said: Said) -> None:
    cause = seen.machine.door.dead
    assert isinstance(cause, KernelPanic)
    assert said["said"] == str(cause)
    error, _ = again(seen)
    assert error is None or str(error) == said["said"]


@claim("headlines: panic/dead")
def is_dead(seen: Seen, said: Said) -> None:
    assert seen.machine.dead
    try:
        seen.machine.kernel_map.enter(vm.PAGE)
    except vm.Refused:
        return
    raise AssertionError("it does what is asked of it")


@claim("headlines: long")
def long(seen: Seen, said: Said) -> None:
    _, made = again(seen)
    assert number(said["events"]) == MAX_EVENTS == len(seen.operation.records)
    assert made == 0 or made > MAX_EVENTS


@claim("headlines: other")
def is_done(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name
    assert said["target"] == seen.part
    assert seen.operation.outcome == "done"
    assert said["changed"] == receipt(seen.operation.events)
    hold_receipt(seen)


@claim("headlines: other/nothing")
def nothing_changed(seen: Seen, said: Said) -> None:
    assert said["name"] == seen.operation.name
    assert said["target"] == seen.part
    hold_receipt(seen)


def hold_receipt(seen: Seen) -> None:
    """The counts of an operation's events are the differences between two machines."""
    assert made_by(seen.operation) == difference(kept(seen.before), kept(seen.machine))


def made_by(operation: Operation) -> dict[str, int]:
    """How many more there are of each, by the operation's receipt."""
    counts = counts_of(operation.events)
    return {what: counts["new"][what] - counts["gone"][what] for what in ("frame", "entry", "memory object")}


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """How many more there are of each."""
    return {what: after[what] - before[what] for what in after}


def kept(machine: vm.Machine) -> dict[str, int]:
    """How many frames, entries and memory objects a machine has."""
    objects: Any = machine.memory_objects.value()
    maps: list[Any] = [machine.kernel_map, *(task.map for task in machine.tasks.values()), *machine.kmem.maps.values()]
    return {
        "frame": machine.frames.value().counts.used,
        "entry": sum(one.value().nr_entries for one in maps),
        "memory object": len(objects.objects),
    }
