"""What steps claim of kernel memory: its maps and their locks, frames, slabs and buffers."""

from __future__ import annotations

import re
from typing import Any

from tests.captions import says
from vmwidgets.engine.kernel.map.map_schema import MapValue

from .claiming import Said, claim
from .claims_map_steps import entry, now, spans, was
from .reading import PAGE, binary_size, bytes_of, bytes_of_given, ends, number, owned_by
from .steps import StepSeen, Then

# ---- maps and locks ------------------------------------------------------------------------------


def lock(then: Then, name: str) -> Any:
    """Who holds the lock of a map; None where it is free."""
    locks = dict(then.threads.locks)
    return locks[name if name in locks else f"kmem/{name.removeprefix('kmem.')}"]


@claim("kmem events: MapLocked")
def locked(seen: StepSeen, said: Said) -> None:
    assert lock(seen.then, said["map"]) is not None


@claim("kmem events: MapUnlocked")
def unlocked(seen: StepSeen, said: Said) -> None:
    assert lock(seen.before, said["map"]) is not None
    assert said["map"].removeprefix("kmem.") == seen.about.removeprefix("kmem/")


def of(seen: StepSeen, said: Said) -> MapValue:
    """The map that the sentence names, which the step is about."""
    assert said["map"].removeprefix("kmem.") == seen.about.removeprefix("kmem/")
    return now(seen)


@claim("kmem events: SpaceSought")
def found_space(seen: StepSeen, said: Said) -> None:
    value, start = of(seen, said), number(said["address"])
    end = start + bytes_of(said["size"])
    assert value.start <= start and end <= value.end
    assert not [one for one in spans(value) if one[0] < end and start < one[1]]
    assert start in {value.start, *(one[1] for one in spans(value))}, "the lowest address of a gap"
    as_asked(seen, said)


def as_asked(seen: StepSeen, said: Said) -> None:
    """The size is that of the call, in whole pages; where a thread or a zone asks, it is not known."""
    operation = seen.moment.operation
    assert operation is not None
    size = dict(operation.arguments).get("size")
    asked_by_thread = bool(
        lock(seen.then, seen.about.removeprefix("kmem/"))
    )  # it has locked the map; the cell's name is empty
    if operation.name.startswith("kmem_") and operation.target == "machine" and not asked_by_thread:
        assert bytes_of(said["size"]) == -(-bytes_of_given(size) // PAGE) * PAGE


@claim("kmem events: SpaceSought/no")
def found_no_space(seen: StepSeen, said: Said) -> None:
    value = of(seen, said)
    edges = [int(value.start), *(edge for one in spans(value) for edge in one), int(value.end)]
    assert max(edges[place + 1] - edges[place] for place in range(0, len(edges), 2)) < bytes_of(said["size"])
    as_asked(seen, said)


def gap_behind(value: MapValue, identity: int) -> int:
    """How many bytes are free behind an entry."""
    found = sorted(value.entries, key=lambda one: one.start)
    place = [one.id for one in found].index(identity)
    above = found[place + 1].start if place + 1 < len(found) else value.end
    return int(above - found[place].end)


def largest(value: MapValue, identity: int) -> int:
    """The largest gap behind an entry of a subtree."""
    node = value.nodes[identity]
    below = [largest(value, one) for one in (node.left, node.right) if one]
    return max([gap_behind(value, identity), *below])


def compared(seen: StepSeen, said: Said, side: str) -> None:
    value = now(seen)
    identity = entry(seen, value, said["entry"]).id
    assert binary_size(largest(value, identity)) == said["largest"]
    child = getattr(value.nodes[identity], side)
    assert largest(value, child) >= bytes_of(said["size"])


@claim("kmem events: GapCompared/left")
def gap_on_the_left(seen: StepSeen, said: Said) -> None:
    compared(seen, said, "left")


@claim("kmem events: GapCompared/right")
def gap_on_the_right(seen: StepSeen, said: Said) -> None:
    compared(seen, said, "right")


@claim("kmem events: GapCompared/here")
def gap_is_here(seen: StepSeen, said: Said) -> None:
    value = now(seen)
    assert gap_behind(value, entry(seen, value, said["entry"]).id) >= bytes_of(said["size"])
    as_asked(seen, said)


@claim("kmem events: RangeInserted/new")
def inserted(seen: StepSeen, said: Said) -> None:
    new_entry(seen, said, None)


def new_entry(seen: StepSeen, said: Said, target: str | None) -> Any:
    (found,) = [one for one in of(seen, said).entries if (int(one.start), int(one.end)) == ends(said["range"])]
    assert (found.object, found.wired) == (target, 0)
    return found


@claim("kmem events: RangeInserted/object")
def inserted_with_object(seen: StepSeen, said: Said) -> None:
    assert new_entry(seen, said, said["object"]).offset == number(said["offset"])


@claim("kmem events: RangeInserted/extend")
def extended(seen: StepSeen, said: Said) -> None:
    assert grown_over(seen, said).object is None


@claim("kmem events: RangeInserted/extend object")
def extended_with_object(seen: StepSeen, said: Said) -> None:
    assert grown_over(seen, said).object == said["object"]


def grown_over(seen: StepSeen, said: Said) -> Any:
    """The entry that begins before the range and holds it, as the one before did not."""
    start, end = ends(said["range"])
    (found,) = [one for one in now(seen).entries if one.start <= start and end <= one.end]
    assert found.start < start
    assert found.wired == 0
    (before,) = [one for one in was(seen).entries if one.id == found.id] or [found]
    assert before.flags == found.flags
    return found


def not_inserted(seen: StepSeen, said: Said) -> tuple[int, int]:
    assert ends(said["range"]) not in spans(of(seen, said)) or ends(said["range"]) in spans(was(seen))
    return ends(said["range"])


@claim("kmem events: RangeInserted/outside")
def not_inserted_outside(seen: StepSeen, said: Said) -> None:
    start, end = not_inserted(seen, said)
    assert start < now(seen).start or end > now(seen).end or start >= end


@claim("kmem events: EntryJoined/prev")
def joined_before(seen: StepSeen, said: Said) -> None:
    assert ends(said["range"]) in spans(now(seen))


@claim("kmem events: EntryJoined/next")
def joined_after(seen: StepSeen, said: Said) -> None:
    assert ends(said["range"]) in spans(now(seen))


@claim("kmem events: EntryClipped")
def clipped(seen: StepSeen, said: Said) -> None:
    edges = {edge for one in spans(of(seen, said)) for edge in one}
    assert number(said["address"]) in edges


@claim("kmem events: RangeDeleted")
def deleted(seen: StepSeen, said: Said) -> None:
    start, end = ends(said["range"])
    assert not [one for one in spans(of(seen, said)) if one[0] < end and start < one[1]]


# ---- pages ---------------------------------------------------------------------------------------


def owner(then: Then, frame: int) -> str:
    """What a frame belongs to."""
    for run in then.value("frames").runs:
        if run.first <= frame < run.first + run.frames:
            return "zeroed pages" if run.state == "zeroed" else owned_by(run.owner)
    return "?"


def frames_of(text: str) -> range:
    """The frames that a sentence names."""
    first, _, last = text.partition("–")
    return range(number(first), number(last or first) + 1)


@claim("kmem events: PageAllocated")
def allocated(seen: StepSeen, said: Said) -> None:
    found = frames_of(said["frames"])
    assert said.plural == (len(found) > 1)
    assert {owner(seen.then, frame) for frame in found} <= {said["owner"].replace("another user", "")}


@claim("kmem events: PageFreed")
def freed(seen: StepSeen, said: Said) -> None:
    found = frames_of(said["frames"])
    assert said.plural == (len(found) > 1)
    its, nobody = said["owner"].replace("another user", ""), "?"  # while its buddies are looked for
    assert {owner(seen.before, frame) for frame in found} <= {its, nobody}


# ---- slabs and buffers ---------------------------------------------------------------------------


def cache(then: Then, name: str) -> Any:
    """A cache, by the name that begins a sentence."""
    name = name.removeprefix("The cache ")
    (found,) = [one for one in then.value("caches").caches if one.name in (name, name[:1].lower() + name[1:])]
    return found


@claim("kmem events: SlabCreated")
def got_a_slab(seen: StepSeen, said: Said) -> None:
    assert number(said["address"]) in {slab.address for slab in cache(seen.then, said["cache"]).slabs}
    assert number(said["address"]) not in {slab.address for slab in cache(seen.before, said["cache"]).slabs}


@claim("kmem events: SlabCreated/zone")
def cut_a_slab(seen: StepSeen, said: Said) -> None:
    (slab,) = [one for one in cache(seen.then, said["cache"]).slabs if one.address == number(said["address"])]
    assert slab.buffers > 0


@claim("kmem events: SlabDestroyed")
def gave_a_slab(seen: StepSeen, said: Said) -> None:
    assert number(said["address"]) in {slab.address for slab in cache(seen.before, said["cache"]).slabs}
    assert number(said["address"]) not in {slab.address for slab in cache(seen.then, said["cache"]).slabs}


def free_buffers(then: Then, name: str) -> set[int]:
    return {buffer for slab in cache(then, name).slabs for buffer in slab.free}


@claim("kmem events: BufferAllocated")
def allocated_a_buffer(seen: StepSeen, said: Said) -> None:
    address = number(said["address"])
    assert address not in free_buffers(seen.then, said["cache"])
    assert address in free_buffers(seen.before, said["cache"]) or not in_a_slab(seen.before, said["cache"], address)
    assert in_a_slab(seen.then, said["cache"], address)


def in_a_slab(then: Then, name: str, address: int) -> bool:
    """Whether a cache has a slab there."""
    found = cache(then, name)
    return any(one.address <= address < one.address + found.slab_size for one in found.slabs)


@claim("kmem events: BufferFreed")
def freed_a_buffer(seen: StepSeen, said: Said) -> None:
    address = number(said["address"])
    assert address in free_buffers(seen.then, said["cache"]) or not in_a_slab(seen.then, said["cache"], address)
    assert in_a_slab(seen.before, said["cache"], address)


# ---- runs ----------------------------------------------------------------------------------------


@claim("kmem events: Alike")
def alike(seen: StepSeen, said: Said) -> None:
    """Each of the steps that are one says the words of one of the few before it, with other numbers."""
    inside, steps = seen.step.inside, seen.moment.story.steps
    place = steps.index(seen.step)
    assert len(inside) == number(said["count"])
    assert inside[-1].sentence.removesuffix(".") == said["last"]
    numbers = re.compile(r"0x[0-9a-f_]+|\d[\d,_]*")
    known = {numbers.sub("#", step.sentence) for step in steps[max(0, place - 18) : place]}
    others = {numbers.sub("#", step.sentence) for step in inside} - known
    blocks = ("kmem events: BlockSplit", "kmem events: BlockJoined")
    assert all(any(says(key, sentence) for key in blocks) for sentence in others), others
