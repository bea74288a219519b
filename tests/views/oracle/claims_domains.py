"""What headlines of operations on self-paging domains claim."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import vmwidgets as vm
from vmwidgets.engine.machine.arguments import region_flags
from vmwidgets.engine.selfpaging.cpu_driver import CpuDriver
from vmwidgets.engine.selfpaging.domain_schema import CapabilityValue, DomainValue, VnodeValue

from .claiming import Said, Seen, claim
from .reading import PAGE, binary_size, bytes_of, bytes_of_given, counted, number

KINDS = {
    "a piece of RAM": "RAM",
    "a frame": "Frame",
    "a device frame": "DevFrame",
    "a cnode": "CNode",
    "a mapping": "Mapping",
    "an L1 table": "VNode_ARM_l1",
    "an L2 table": "VNode_ARM_l2",
    "a PML4 table": "VNode_x86_64_pml4",
    "a PDPT table": "VNode_x86_64_pdpt",
    "a page directory": "VNode_x86_64_pdir",
    "a page table": "VNode_x86_64_ptable",
}
"""Kinds of capabilities, by what sentences call them."""


def name_of(seen: Seen) -> str:
    """The domain that was called."""
    return seen.operation.target.removeprefix("domain:").partition("/")[0]


def domain(machine: vm.Machine, seen: Seen) -> DomainValue:
    """The value of the domain that was called."""
    return machine.domains[name_of(seen)].snapshot()


def both(seen: Seen) -> tuple[DomainValue, DomainValue]:
    """The domain before and after, looked at once."""
    values: tuple[DomainValue, DomainValue] = seen.__dict__.setdefault("domains", None) or (
        domain(seen.before, seen),
        domain(seen.machine, seen),
    )
    seen.__dict__["domains"] = values
    return values


def held(value: DomainValue) -> dict[str, CapabilityValue]:
    """The capabilities of a domain, by slot."""
    return {str(one.ref): one for cnode in value.cnodes for one in cnode.capabilities}


def slots_in_use(value: DomainValue) -> int:
    """How many slots were given by the slot allocator, or hold something."""
    return sum(len(cnode.capabilities) + len(cnode.reserved) for cnode in value.cnodes)


def vnodes(node: VnodeValue) -> list[VnodeValue]:
    """A vnode and all below it."""
    return [node, *(one for child in node.children for one in vnodes(child))]


def leaves(value: DomainValue) -> list[VnodeValue]:
    """The leaves of the shadow tree, without those for the slab's frames."""
    found = [one for one in vnodes(value.root) if not one.is_table]
    return [one for one in found if not value.meta_start <= one.va < value.meta_end]


def mapped(machine: vm.Machine, seen: Seen, start: int, size: int) -> dict[int, int]:
    """Where the tables of the domain lead to in a range, by page, whatever the program may do with it."""
    part = machine.domains[name_of(seen)].tables
    few = PAGE * max(1, size // PAGE // 40)  # of many pages some, and the last
    walks = {page: part.walk(page, user=False) for page in {*range(start, start + size, few), start + size - PAGE}}
    return {page: int(walk.pa) for page, walk in walks.items() if walk.pa is not None}


def leaf_pages(value: DomainValue, start: int, size: int) -> set[int]:
    """The pages of a range that leaves are for, whatever their descriptors allow."""
    inside = [range(one.va, one.va + one.span, PAGE) for one in leaves(value)]
    return {page for one in inside for page in one if start <= page < start + size}


def pages(value: DomainValue) -> int:
    """How many pages the leaves map."""
    return sum(one.span for one in leaves(value)) // PAGE


def capability(seen: Seen, slot: str) -> CapabilityValue:
    """What is in a slot afterwards."""
    return held(domain(seen.machine, seen))[slot]


def may(seen: Seen, start: int, size: int, flags: str) -> None:
    """The descriptors of a range let the program write where that is in the flags, and only there."""
    part: Any = seen.machine.domains[name_of(seen)]
    for page in range(start, start + size, PAGE):
        assert part.walk(page, "write").ok == ("w" in flags[:3]), flags


# ---- mapping -------------------------------------------------------------------------------------


def placed(seen: Seen, said: Said) -> list[VnodeValue]:
    """The pages lead to the frame, one after the other, and to nothing before; the leaves that are new."""
    start, size = number(said["address"]), bytes_of(said["size"])
    frame, skipped = capability(seen, slot_given(seen, "frame")), int(vm.Size(seen.given.get("offset", 0)))
    now = mapped(seen.machine, seen, start, size)
    assert mapped(seen.before, seen, start, size) == {}
    assert {start, start + size - PAGE} <= now.keys()
    first = now[start] - frame.base
    assert now == {page: frame.base + first + page - start for page in now}
    assert first <= skipped < first + size
    assert mapped(seen.machine, seen, start + size, PAGE) == mapped(seen.before, seen, start + size, PAGE), "no more"
    new = new_leaves(seen)
    assert sum(one.span for one in new) == size
    return new


def new_leaves(seen: Seen) -> list[VnodeValue]:
    """The leaves that are new."""
    before, after = both(seen)
    old = {one.id for one in leaves(before)}
    return [one for one in leaves(after) if one.id not in old]


def new_tables(seen: Seen) -> list[VnodeValue]:
    """The tables that are new, without those under which the slab has a frame: these come first, with its refill."""
    before, after = both(seen)
    old = {one.id for one in vnodes(before.root)}
    frames = {one.id for one in vnodes(after.root) if not one.is_table} - {one.id for one in leaves(after)}
    new = [one for one in vnodes(after.root) if one.is_table and one.id not in old]
    return [one for one in new if not frames & {below.id for below in vnodes(one)}]


def words(flags: str) -> int:
    """The flags that a sentence has in words."""
    rights, *others = flags.split(" ")
    assert re.fullmatch("[r-][w-][x-]", rights), flags
    names = {"uncached": "nocache"}
    return region_flags([*rights.replace("-", ""), *(names.get(one, one) for one in others)])


@claim("domain operations: map")
def placed_in_one(seen: Seen, said: Said) -> None:
    assert len(placed(seen, said)) == 1
    counts_new_tables(seen, said)


@claim("domain operations: map/pieces")
def placed_in_pieces(seen: Seen, said: Said) -> None:
    assert len(placed(seen, said)) == number(said["mappings"])
    counts_new_tables(seen, said)


def counts_new_tables(seen: Seen, said: Said) -> None:
    many = len(new_tables(seen))
    assert said["tables"] == {0: "without a new table", 1: "with one new table"}.get(many, f"with {many:,} new tables")


@claim("domain operations: map/refilled")
def placed_after_a_refill(seen: Seen, said: Said) -> None:
    before, after = both(seen)
    assert placed(seen, said)
    assert after.slab.total > before.slab.total


@claim("domain operations: map/long")
def placed_in_many_pieces(seen: Seen, said: Said) -> None:
    assert placed(seen, said)


@claim("domain operations: map/frame")
def shows_the_frame(seen: Seen, said: Said) -> None:
    new = new_leaves(seen)
    assert {str(one.cap) for one in new} == {said["frame"]} == {slot_given(seen, "frame")}
    assert {one.flags & 0xFF for one in new} <= {words(said["flags"]) & 0xFF}


@claim("domain operations: unmap")
def cleared(seen: Seen, said: Said) -> None:
    start, size = number(said["address"]), bytes_of(said["size"])
    assert start == int(vm.Address(seen.given["address"]))
    assert mapped(seen.machine, seen, start, size) == {}
    before, after = both(seen)
    assert (pages(before) - pages(after)) * PAGE == size
    assert sum(one.span for one in leaves(before) if start <= one.va < start + size) == size


def in_range(seen: Seen, said: Said) -> tuple[int, int]:
    """The range that was given, in whole pages."""
    start, size = number(said["address"]), bytes_of(said["size"])
    given = seen.given["size"]
    wanted = bytes_of_given(given)
    assert start == int(vm.Address(seen.given["address"]))
    assert size == -(-wanted // PAGE) * PAGE
    return start, size


@claim("domain operations: modify_flags")
def modified(seen: Seen, said: Said) -> None:
    start, size = in_range(seen, said)
    assert mapped(seen.machine, seen, start, size) == mapped(seen.before, seen, start, size) != {}
    assert words(said["flags"]) & 7 == region_flags(seen.given["flags"]) & 7
    may(seen, start, size, said["flags"])


@claim("domain operations: modify_flags/lost")
def lost(seen: Seen, said: Said) -> None:
    start, size = in_range(seen, said)
    assert words(said["flags"]) & 7 == region_flags(seen.given["flags"]) & 7
    assert said["asked"] != said["flags"]
    assert "w" not in said["asked"]
    may(seen, start, size, said["asked"])


@claim("domain operations: modify_flags/nothing")
def modified_nothing(seen: Seen, said: Said) -> None:
    start, size = in_range(seen, said)
    if start < seen.machine.layout.user_end:  # beyond that the kernel has mapped what is not the domain's
        assert mapped(seen.machine, seen, start, size) == {}
    unchanged(seen)


# ---- domains and capabilities --------------------------------------------------------------------


@claim("domain operations: domain")
def begins(seen: Seen, said: Said) -> None:
    name = str(seen.given["name"])
    assert name not in seen.before.domains
    value = seen.machine.domains[name].snapshot()
    assert len(held(value)) == number(said["count"])
    assert {one.kind.partition("_")[0] for one in held(value).values()} == {"CNode", "VNode"}
    assert leaves(value) == []


@claim("domain operations: domain/same")
def exists_already(seen: Seen, said: Said) -> None:
    before, after = (machine.domains[said["name"]].snapshot() for machine in (seen.before, seen.machine))
    assert before == after


@claim("domain operations: destroy_domain")
def destroyed(seen: Seen, said: Said) -> None:
    name = str(seen.given["domain"]).removeprefix("domain:")
    assert name not in seen.machine.domains
    assert len(held(seen.before.domains[name].snapshot())) == number(said["count"])
    assert seen.machine.pages.free_pages > seen.before.pages.free_pages


def new_capability(seen: Seen) -> CapabilityValue:
    """What is in the slot that the call returned, which was empty."""
    before, after = (held(one) for one in both(seen))
    slot, _, identity = str(seen.operation.result).rpartition("/")[2].partition("#")
    assert slot not in before
    assert after[slot].id == int(identity)
    return after[slot]


@claim("domain operations: made")
def made(seen: Seen, said: Said) -> None:
    one = new_capability(seen)
    kind, _, size = f"{said['kind']} of {said['size']}".rpartition(" of ")  # "a piece of RAM of 4 KiB"
    assert (str(one.ref), one.kind, binary_size(one.bytes)) == (said["slot"], KINDS[kind], size)


def placed_at(seen: Seen, said: Said) -> CapabilityValue:
    """What is in it is there, with these rights."""
    one = new_capability(seen)
    assert (one.base, one.rights) == (number(said["address"]), said["rights"])
    return one


def made_of(seen: Seen, said: Said) -> tuple[CapabilityValue, CapabilityValue]:
    """The same of another capability: what it holds, and the other."""
    one = placed_at(seen, said)
    assert str(one.source) == said["source"]
    source = held(domain(seen.before, seen))[said["source"]]
    assert source.base <= one.base < one.base + one.bytes <= source.base + source.bytes
    return one, source


@claim("domain operations: made/of")
def made_of_nothing(seen: Seen, said: Said) -> None:
    assert placed_at(seen, said).source is None


@claim("domain operations: made/retype")
def retyped(seen: Seen, said: Said) -> None:
    one, source = made_of(seen, said)
    assert one.object != source.object


@claim("domain operations: made/copy")
def copied(seen: Seen, said: Said) -> None:
    one, source = made_of(seen, said)
    assert (one.object, one.rights) == (source.object, source.rights)


@claim("domain operations: made/mint")
def minted(seen: Seen, said: Said) -> None:
    one, source = made_of(seen, said)
    assert one.object == source.object
    assert {*one.rights} - {"-"} <= {*source.rights}


def slot_given(seen: Seen, name: str) -> str:
    """The slot of a capability that was given."""
    return str(seen.given[name]).rpartition("/")[2].partition("#")[0]


def gone(seen: Seen) -> set[str]:
    """The slots that held something, and hold it no longer."""
    before, after = (held(one) for one in both(seen))
    return {slot for slot, one in before.items() if slot not in after or after[slot].id != one.id}


def emptied(seen: Seen, said: Said, more: int = 0) -> None:
    """The slots that are named held what is said, and with the others are all that are empty now."""
    before = held(domain(seen.before, seen))
    named = [one.rstrip(")").partition(" (") for one in said["slots"].split(", ")]
    for slot, _, kind in named:
        assert before[slot].kind in (KINDS.get(f"a {kind}"), KINDS.get(f"an {kind}"))
    slots = {slot for slot, _, _ in named}
    assert slots <= gone(seen)
    assert len(slots) + more == len(gone(seen))


@claim("domain operations: delete")
def deleted(seen: Seen, said: Said) -> None:
    emptied(seen, said)


@claim("domain operations: delete/more")
def deleted_more(seen: Seen, said: Said) -> None:
    emptied(seen, said, number(said["count"]))


@claim("domain operations: delete/leaves")
def unmapped_with_it(seen: Seen, said: Said) -> None:
    before, after = both(seen)
    assert len(leaves(before)) - len(leaves(after)) == number(said["count"]) > 0


def nothing_is_left(seen: Seen, slot: str) -> None:
    """A capability is there, and no copy of it, nor anything younger that is about a part of the same memory."""
    assert slot_given(seen, "capability") == slot
    after = held(domain(seen.machine, seen))
    mine = after[slot]
    assert mine.copies == ()
    others = [one for one in after.values() if one.object > mine.object and one.kind != "Mapping"]
    assert [one for one in others if mine.base <= one.base < mine.base + mine.bytes] == []
    assert [leaf for leaf in leaves(domain(seen.machine, seen)) if str(leaf.cap) == slot] == []


@claim("domain operations: revoke")
def revoked(seen: Seen, said: Said) -> None:
    nothing_is_left(seen, said["slot"])


@claim("domain operations: revoke/slots")
def revoked_slots(seen: Seen, said: Said) -> None:
    emptied(seen, said)


@claim("domain operations: revoke/more")
def revoked_more(seen: Seen, said: Said) -> None:
    emptied(seen, said, number(said["count"]))


@claim("domain operations: revoke/nothing")
def revoked_nothing(seen: Seen, said: Said) -> None:
    nothing_is_left(seen, said["slot"])
    unchanged(seen)


def slots_moved(seen: Seen, said: Said) -> int:
    """How many slots more are in use."""
    assert said["name"] == name_of(seen)
    before, after = both(seen)
    limit = sum(cnode.slots for cnode in after.cnodes if cnode.name == "slots")
    used = sum(len(cnode.capabilities) + len(cnode.reserved) for cnode in after.cnodes if cnode.name == "slots")
    assert number(said["left"]) == limit - used
    return slots_in_use(after) - slots_in_use(before)


@claim("domain operations: take_slots")
def took_slots(seen: Seen, said: Said) -> None:
    assert slots_moved(seen, said) == number(said["count"])


@claim("domain operations: give_slots")
def gave_slots(seen: Seen, said: Said) -> None:
    assert -slots_moved(seen, said) == number(said["count"])


# ---- what it took, and what a failure leaves -----------------------------------------------------

CALLS = ("vnode_create", "vnode_map", "vnode_unmap", "mapping_modify_flags", "cap_delete", "cap_copy")
"""What a program asks of the kernel: functions of its library."""


def kernel_calls(seen: Seen) -> int:
    """How often the program calls the kernel, when the operation is done again."""
    machine: Any = seen.machine.history._make(seen.copy, "again")
    given = {name: machine.resolve(value) for name, value in seen.operation.arguments}
    made = [0]

    def counting(call: Any) -> Any:
        def counted_call(*places: Any) -> Any:
            made[0] += 1
            return call(*places)

        return counted_call

    with ExitStack() as stack:
        for name in CALLS:
            stack.enter_context(patch.object(CpuDriver, name, counting(getattr(CpuDriver, name))))
        machine.recorded(seen.operation.target, seen.operation.name)(**given)
    return made[0]


def many(text: str, noun: str) -> int:
    """How many of something a phrase counts, which has the noun in the right number."""
    count = counted(text)
    assert text == f"{count:,} {noun}{'' if count == 1 else 's'}"
    return count


def tables(value: DomainValue) -> int:
    """How many tables the shadow tree has."""
    return sum(one.is_table for one in vnodes(value.root))


@claim("domain operations: took")
def it_took(seen: Seen, said: Said) -> None:
    before, after = both(seen)
    assert many(said["tables"], "new table") == tables(after) - tables(before)
    assert many(said["slots"], "slot") == slots_in_use(after) - slots_in_use(before)
    assert many(said["blocks"], "block") == before.slab.free - after.slab.free
    assert not seen.copy or many(said["calls"], "kernel call") == kernel_calls(seen)


@claim("domain operations: took/back")
def it_gave_back(seen: Seen, said: Said) -> None:
    before, after = both(seen)
    assert many(said["slots"], "slot") == slots_in_use(before) - slots_in_use(after)
    assert many(said["blocks"], "block") == after.slab.free - before.slab.free
    assert not seen.copy or many(said["calls"], "kernel call") == kernel_calls(seen)


@claim("domain operations: took/both")
def it_took_and_gave_back(seen: Seen, said: Said) -> None:
    before, after = both(seen)
    was, now = {one.id: one for one in vnodes(before.root)}, {one.id: one for one in vnodes(after.root)}
    assert many(said["tables"], "new table") == sum(now[one].is_table for one in now.keys() - was.keys())
    blocks, free_blocks = many(said["blocks"], "block"), many(said["free_blocks"], "block")
    assert (blocks, free_blocks) == (len(now.keys() - was.keys()), len(was.keys() - now.keys()))
    slots, free_slots = many(said["slots"], "slot"), many(said["free_slots"], "slot")
    came = {(slot, one.id) for slot, one in held(after).items()} - {
        (slot, one.id) for slot, one in held(before).items()
    }
    assert slots == len(came)
    assert slots - free_slots == slots_in_use(after) - slots_in_use(before)
    assert not seen.copy or many(said["calls"], "kernel call") == kernel_calls(seen)


def refilled(seen: Seen, blocks: str) -> None:
    """The slab has so many blocks more."""
    before, after = both(seen)
    assert after.slab.total - before.slab.total == counted(blocks) > 0


def was_short(seen: Seen, said: Said) -> None:
    """So many blocks were missing of what the layout wants to be free before the map."""
    pmap: Any = seen.machine.domains[name_of(seen)].domain.pmap
    before, layout = domain(seen.before, seen), pmap.layout
    wanted = number(said["count"]) + before.slab.free
    assert number(said["count"]) > 0
    assert wanted >= layout.max_slabs_required(PAGE)
    if seen.operation.name == "map" and seen.operation.target.startswith("domain:"):
        given, frame = seen.given, slot_given(seen, "frame")
        skipped = int(vm.Size(given.get("offset", 0)))
        size = given.get("size")
        length = held(before)[frame].bytes - skipped if size is None else int(vm.Size(size))
        whole = -(-(skipped % PAGE + length) // PAGE) * PAGE
        assert wanted == layout.slabs_wanted(layout.pages, int(seen.operation.result), length, whole)


@claim("domain operations: short")
def short(seen: Seen, said: Said) -> None:
    was_short(seen, said)
    refilled(seen, said["blocks"])


@claim("domain operations: short/nested")
def short_and_nested(seen: Seen, said: Said) -> None:
    was_short(seen, said)
    refilled(seen, said["blocks"])
    before, after = both(seen)
    assert len(after.slab.heads) - len(before.slab.heads) >= number(said["refills"]) > 1


def content(value: DomainValue) -> tuple[Any, ...]:
    """What a program can tell of its domain: capabilities, what is mapped, regions, what is free."""
    regions = sorted((one.base, one.size, one.flags, one.memobj) for one in value.regions)
    return held(value), sorted((one.va, one.span, one.flags) for one in leaves(value)), regions, slots_in_use(value)


def unchanged(seen: Seen) -> None:
    """The domain is as it was, block by block."""
    before, after = both(seen)
    assert content(before) == content(after)
    assert (before.slab.free, before.slab.total) == (after.slab.free, after.slab.total)


@claim("domain operations: failed/undone")
def taken_back(seen: Seen, said: Said) -> None:
    unchanged_but_for_ids(seen)


def unchanged_but_for_ids(seen: Seen) -> None:
    """The same is mapped by the same capabilities; those for mappings may be others."""
    before, after = both(seen)
    old, new = ({slot: (one.kind, one.base, one.bytes) for slot, one in held(value).items() if one.kind != "Mapping"}
                for value in (before, after))  # fmt: skip  # two dictionaries
    assert {slot: one for slot, one in new.items() if slot not in slab_frames(before, after)} == old
    assert content(before)[1:3] == content(after)[1:3]


def slab_frames(before: DomainValue, after: DomainValue) -> set[str]:
    """The slots of frames and tables that came with a refill."""
    if before.slab.total == after.slab.total:
        return set()
    return held(after).keys() - held(before).keys()


@claim("domain operations: failed/refilled")
def taken_back_but_for_a_refill(seen: Seen, said: Said) -> None:
    unchanged_but_for_ids(seen)
    refilled(seen, said["blocks"])


@claim("domain operations: failed/stays")
def refill_stays(seen: Seen, said: Said) -> None:
    refilled(seen, said["blocks"])


@claim("domain operations: failed/half")
def half_done(seen: Seen, said: Said) -> None:
    """The quirk leaves what was done, or an access failed behind its fault; so many slots and blocks more are used."""
    before, after = both(seen)
    assert "map-not-undone" in seen.machine.quirks or seen.operation.name in ("read", "write", "touch", "execute")
    slots, blocks = many(said["slots"], "slot"), many(said["blocks"], "block")
    assert (slots, blocks) == (slots_in_use(after) - slots_in_use(before), before.slab.free - after.slab.free)
    assert slots + blocks > 0


@claim("domain operations: failed/unchanged")
def nothing_changed(seen: Seen, said: Said) -> None:
    unchanged(seen)
