"""Small lives of self-paging domains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import vmwidgets as vm

from .lives import one_after_the_other
from .makers import makes
from .reading import PAGE

Acts = list[Callable[[], object]]


def begun(slots: int = 200, **words: Any) -> tuple[Any, Any]:
    """A machine with a domain."""
    machine: Any = vm.boot("x86-64", **{"layout": "tiny", "ram": "8 MiB", **words})
    return machine, machine.domain("hello", slots=slots)


@makes(
    "domain events: Refused", "domain events: CapabilityCopyInvoked/no", "domain events: SlabRefillBegan",
    "domain operations: failed/refilled", "domain operations: failed/unchanged", "domain operations: failed/undone",
    "domain events: MapUndone",
)  # fmt: skip  # a list
def the_kernel_refuses() -> Iterator[vm.Machine]:
    machine, domain = begun()
    readable = domain.mint(domain.frame(), "rg")
    places: list[int] = []
    acts: Acts = [
        lambda: domain.map(readable, flags="rw"),
        lambda: places.append(domain.map(readable, flags="r")),
        lambda: domain.modify_flags(places[0], PAGE, "rw"),
        lambda: domain.map(readable, at=0x7000_0000, flags="rw"),
        lambda: domain.copy("slots[8]"),
    ]
    yield from one_after_the_other(machine, acts)


@makes("domain events: BlockTaken/no", "domain operations: failed/half")
def refills_that_fail_use_up_the_blocks() -> Iterator[vm.Machine]:
    machine, domain = begun(slots=12, quirks=["map-not-undone"])
    frame = domain.frame()
    acts: Acts = [lambda: domain.take_slots(domain.domain.slots.free_slots)]
    for _ in range(12):
        acts += [lambda: domain.give_slots(1), lambda: domain.map(frame, at=0x5000_0000)]
    yield from one_after_the_other(machine, acts)


@makes(
    "domain events: MetaDataMoved/down", "domain events: VnodeCreated/no", "domain operations: failed/stays",
    "domain operations: give_slots",
)  # fmt: skip  # a list
def what_was_begun_is_taken_back() -> Iterator[vm.Machine]:
    for left in (1, 2, 3, 7):
        machine, domain = begun()
        frame = domain.frame()
        acts: Acts = [
            partial(machine.take_pages, machine.kmem.pages.free - left),
            partial(domain.map, frame, at=0x5000_0000),
            partial(machine.give_pages, 40),
            partial(domain.map, frame, size=2 * PAGE),
            partial(domain.take_slots, 2),
            partial(domain.give_slots, 1),
        ]
        yield from one_after_the_other(machine, acts)


@makes("domain events: SlabRefillBegan/nested", "domain operations: short/nested")
def a_refill_inside_a_refill() -> Iterator[vm.Machine]:
    machine, domain = begun(slots=400)
    device = domain.device_frame(0x8000_0000, "16 MiB")
    acts: Acts = [lambda: domain.map(domain.frame()), lambda: domain.map(device)]
    yield from one_after_the_other(machine, acts)


@makes("domain operations: map/long")
def a_map_of_more_events_than_are_kept() -> Iterator[vm.Machine]:
    machine: Any = vm.boot("armv7", ram="64 MiB")
    domain = machine.domain("hello")
    domain.map(domain.device_frame(0x8000_0000, "100 MiB"))  # then the slab has blocks enough
    device = domain.device_frame(0xA000_0000, "160 MiB")
    acts: Acts = [lambda: domain.map(device)]
    yield from one_after_the_other(machine, acts)


@makes(
    "domain operations: deserialise", "domain operations: deserialise/nothing", "domain operations: domain/same",
    "domain operations: destroy_domain", "domain events: CapabilityDeleted",
)  # fmt: skip  # a list
def what_one_maps_is_mapped_by_another() -> Iterator[vm.Machine]:
    machine, first = begun()
    other = machine.domain("other", slots=200)
    frames = [domain.frame() for domain in (first, other)]
    empty = first.serialise()
    first.map(frames[0])
    acts: Acts = [
        lambda: other.deserialise(empty),
        lambda: other.deserialise(first.serialise()),
        lambda: machine.domain("hello"),
        lambda: machine.destroy_domain(first),
    ]
    yield from one_after_the_other(machine, acts)


@makes(
    "domain operations: remove", "domain operations: memobj/mapped",
    "domain operations: memobj/frame", "domain operations: fill/mapped",
    "domain operations: unfill/mapped", "domain operations: remove/mapped", "domain operations: protect/mapped",
    "domain operations: protect/rest mapped",
)  # fmt: skip  # a list
def objects_that_are_mapped() -> Iterator[vm.Machine]:
    machine, domain = begun()
    frame, page = domain.frame("16 KiB"), domain.frame()
    made: list[Any] = []
    acts: Acts = [
        lambda: domain.memobj("one frame", "16 KiB", frame=frame).remove(),
        lambda: made.append(domain.memobj("one frame", "16 KiB", frame=frame)),
        lambda: made.pop().protect(3),
        lambda: made.append(domain.memobj("pinned", "16 KiB", frame=frame)),
        lambda: made[0].protect("r", size=PAGE),
        lambda: made[0].protect("r"),
        lambda: made.pop().remove(),
        lambda: made.append(domain.memobj("pinned", "16 KiB")),
        lambda: made[0].fill(page, 0, size=PAGE),
        lambda: made[0].unfill(0),
    ]
    yield from one_after_the_other(machine, acts)


@makes(
    "domain operations: took/both", "domain operations: unmap",
    "domain operations: revoke", "domain operations: revoke/more",
    "domain operations: delete/more", "domain operations: modify_flags", "domain operations: modify_flags/lost",
    "domain events: CapabilityDeleted/revoke", "domain events: VnodeUnlinked/table",
)  # fmt: skip  # a list
def capabilities_go() -> Iterator[vm.Machine]:
    yield from lives_and_ends()
    yield from lives_and_ends("modify-flags-lost")


def lives_and_ends(*quirks: str) -> Iterator[vm.Machine]:
    """A domain whose frames are mapped, copied, revoked and deleted."""
    machine, domain = begun(quirks=quirks)
    frame, large = domain.frame(), domain.device_frame(0x9000_0000, "4 MiB")
    places: list[int] = []

    def revokes() -> None:
        for _ in range(4):
            domain.copy(frame)
        domain.revoke(frame)

    def deletes() -> None:
        for at in (0x5000_0000, 0x5020_0000):
            domain.map(frame, at=at)
        domain.delete(frame)

    acts: Acts = [
        lambda: places.append(domain.map(frame)),
        lambda: domain.modify_flags(places[0], PAGE, "r"),
        lambda: domain.unmap(places[0], PAGE),
        lambda: domain.copy(frame),
        lambda: domain.revoke(frame),
        revokes,
        lambda: domain.map(domain.frame(), at=0x7000_0000),
        lambda: domain.unmap(0x7000_0000, PAGE),
        lambda: domain.map(large, at=0x7000_0000, flags="rw large"),
        lambda: domain.delete(large),
        deletes,
    ]
    yield from one_after_the_other(machine, acts)
