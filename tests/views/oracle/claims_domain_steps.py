"""What steps claim of self-paging domains: slots, capabilities, calls of the kernel, the shadow tree, the slab."""

from __future__ import annotations

from vmwidgets.engine.selfpaging.domain_schema import CapabilityValue, DomainValue, VnodeValue, Vregion

from .claiming import Said, claim
from .claims_domains import KINDS, held, vnodes, words
from .reading import binary_size, ends, number
from .steps import StepSeen


def after(seen: StepSeen) -> DomainValue:
    """The domain just after the step."""
    return seen.then.domain(seen.about)


def before(seen: StepSeen) -> DomainValue:
    """The domain after the step before."""
    return seen.before.domain(seen.about)


def in_use(value: DomainValue) -> set[str]:
    """The slots that were given."""
    full = {str(one.ref) for cnode in value.cnodes for one in cnode.capabilities}
    return full | {f"{cnode.name}[{slot}]" for cnode in value.cnodes for slot in cnode.reserved}


def with_article(kind: str) -> str:
    """The kind of capability that a word is for."""
    return KINDS.get(f"a {kind}") or KINDS[f"an {kind}"]


# ---- slots and capabilities ----------------------------------------------------------------------


@claim("domain events: SlotAllocated")
def slot_given(seen: StepSeen, said: Said) -> None:
    slot = said["slot"]
    assert in_use(after(seen)) - in_use(before(seen)) == {slot}
    numbers = [int(one.partition("[")[2][:-1]) for one in in_use(before(seen)) if one.startswith("slots[")]
    wanted = int(slot.partition("[")[2][:-1])
    assert wanted == min(set(range(len(numbers) + 1)) - set(numbers)), "the lowest"


@claim("domain events: SlotAllocated/no")
def no_slot_left(seen: StepSeen, said: Said) -> None:
    value = after(seen)
    (limit,) = [cnode.slots for cnode in value.cnodes if cnode.name == "slots"]
    assert len([one for one in in_use(value) if one.startswith("slots[")]) == limit


@claim("domain events: SlotFreed")
def slot_freed(seen: StepSeen, said: Said) -> None:
    assert said["slot"] in in_use(before(seen))
    assert said["slot"] not in in_use(after(seen))


def made(seen: StepSeen, slot: str) -> CapabilityValue:
    """The capability that came into a slot."""
    assert slot not in held(before(seen))
    return held(after(seen))[slot]


@claim("domain events: CapabilityMade")
def capability_made(seen: StepSeen, said: Said) -> None:
    one = made(seen, said["slot"])
    is_so(one, said)
    assert one.source is None


@claim("domain events: CapabilityMade/from")
def capability_made_from(seen: StepSeen, said: Said) -> None:
    one = made(seen, said["slot"])
    is_so(one, said)
    assert str(one.source) == said["source"]


def is_so(one: CapabilityValue, said: Said) -> None:
    """A capability is of that kind, of so much memory there, with these rights."""
    kind, _, size = f"{said['kind']} of {said['size']}".rpartition(" of ")
    assert one.kind == KINDS[kind]
    assert (binary_size(one.bytes), one.base, one.rights) == (size, number(said["address"]), said["rights"])


def gone(seen: StepSeen, said: Said) -> None:
    """The slot held that, and is empty."""
    assert held(before(seen))[said["slot"]].kind == with_article(said["kind"])
    assert said["slot"] not in held(after(seen))


claim("domain events: CapabilityDeleted")(gone)
claim("domain events: CapabilityDeleted/revoke")(gone)


@claim("domain events: CapabilityDeleteInvoked")
def deleted(seen: StepSeen, said: Said) -> None:
    assert said["slot"] in held(before(seen))
    assert said["slot"] not in held(after(seen))


@claim("domain events: CapabilityCopyInvoked")
def copied(seen: StepSeen, said: Said) -> None:
    one, source = made(seen, said["slot"]), held(after(seen))[said["source"]]
    assert (one.object, one.base, str(one.source)) == (source.object, source.base, said["source"])


def frame_made(seen: StepSeen, said: Said) -> CapabilityValue:
    """A frame came into the slot."""
    one = made(seen, said["slot"])
    assert (one.kind, one.base, binary_size(one.bytes)) == ("Frame", number(said["address"]), said["size"])
    return one


@claim("domain events: FrameAllocated")
def frame_allocated(seen: StepSeen, said: Said) -> None:
    frame_made(seen, said)


@claim("domain events: FrameAllocated/more")
def larger_frame_allocated(seen: StepSeen, said: Said) -> None:
    one = frame_made(seen, said)
    assert one.bytes > number(said["wanted"])
    assert one.bytes == 4096 or one.bytes < 2 * number(said["wanted"]), "the next power of two"


# ---- what the kernel is asked --------------------------------------------------------------------


@claim("domain events: VnodeCreated")
def table_created(seen: StepSeen, said: Said) -> None:
    one = made(seen, said["slot"])
    assert (one.kind, one.base) == (with_article(said["kind"]), number(said["address"]))


def descriptors(seen: StepSeen, table: str, first: int, count: int) -> list[int]:
    """Descriptors of a table as they are at the step."""
    value = after(seen)
    base = held(value)[table].base
    return [seen.then.word(base + value.entry_bytes * (first + one)) for one in range(count)]


def numbers(said: Said) -> tuple[int, int]:
    """Which entries a sentence says, and how many."""
    if not said.plural:
        return number(said["entry"]), 1
    first, last = ends(said["entries"])
    return first, last - first + 1


@claim("domain events: VnodeMapInvoked")
def entries_written(seen: StepSeen, said: Said) -> None:
    first, count = numbers(said)
    found = descriptors(seen, said["table"], first, count)
    assert all(found)
    source, _, skipped = said["source"].partition("+")
    value = after(seen)
    mapping, frame = made(seen, said["mapping"]), held(value)[source]
    place = held(value)[said["table"]].base + value.entry_bytes * first
    assert (mapping.kind, str(mapping.source)) == ("Mapping", source)
    assert (mapping.base, mapping.bytes) == (place, count * value.entry_bytes)
    start = frame.base + (number(skipped) if skipped else 0)
    assert all(one & 0xFFFF_F000 == (start & 0xFFFF_F000) + place * 4096 for place, one in enumerate(found)
               ) or frame.kind != "Frame" or count == 1  # fmt: skip  # one sum
    assert words(said["flags"]) & 7


@claim("domain events: VnodeUnmapInvoked")
def entries_cleared(seen: StepSeen, said: Said) -> None:
    first, count = numbers(said)
    assert not any(descriptors(seen, said["table"], first, count))
    value = before(seen)
    mapping = held(value)[said["mapping"]]
    assert mapping.base == held(value)[said["table"]].base + value.entry_bytes * first
    assert mapping.bytes == count * value.entry_bytes


@claim("domain events: MappingFlagsInvoked")
def entries_changed(seen: StepSeen, said: Said) -> None:
    value = after(seen)
    mapping, offset = held(value)[said["mapping"]], number(said["offset"])
    assert mapping.kind == "Mapping"
    assert offset + number(said["count"]) <= mapping.bytes // value.entry_bytes
    found = [seen.then.word(mapping.base + value.entry_bytes * (offset + one)) for one in range(number(said["count"]))]
    if seen.machine.architecture == "x86-64":  # U/S and R/W, bits 2 and 1
        assert {bool(one & 2) for one in found} == {"w" in said["flags"][:3]}
    else:  # AP, bits 5 and 4: 11 for the program's writes
        assert {one >> 4 & 3 == 3 for one in found} == {"w" in said["flags"][:3]}


# ---- the pmap's own records ----------------------------------------------------------------------


def linked(seen: StepSeen, said: Said) -> VnodeValue:
    """The vnode that came into the tree, the first child of its parent."""
    old = {one.id for one in vnodes(before(seen).root)}
    (new,) = [one for one in vnodes(after(seen).root) if one.id not in old]
    (parent,) = [one for one in vnodes(after(seen).root) if new.id in [child.id for child in one.children]]
    assert parent.children[0].id == new.id
    assert str(new.cap) == said["cap"]
    many = "entry" if new.count == 1 else "entries"
    last = "" if new.count == 1 else f"–{new.entry + new.count - 1}"
    assert said["entries"] == f"{many} {new.entry}{last}"
    return new


@claim("domain events: VnodeLinked/table")
def table_linked(seen: StepSeen, said: Said) -> None:
    assert linked(seen, said).is_table


@claim("domain events: VnodeLinked/leaf")
def leaf_linked(seen: StepSeen, said: Said) -> None:
    assert not linked(seen, said).is_table


def unlinked(seen: StepSeen, said: Said) -> VnodeValue:
    """The vnode that left the tree."""
    left = {one.id for one in vnodes(after(seen).root)}
    (gone_one,) = [one for one in vnodes(before(seen).root) if one.id not in left]
    assert str(gone_one.cap) == said["cap"]
    return gone_one


@claim("domain events: VnodeUnlinked/table")
def table_unlinked(seen: StepSeen, said: Said) -> None:
    assert unlinked(seen, said).is_table


@claim("domain events: VnodeUnlinked/leaf")
def leaf_unlinked(seen: StepSeen, said: Said) -> None:
    assert not unlinked(seen, said).is_table


@claim("domain events: BlockTaken")
def block_taken(seen: StepSeen, said: Said) -> None:
    assert after(seen).slab.free == number(said["count"]) == before(seen).slab.free - 1


@claim("domain events: BlockGiven")
def block_given(seen: StepSeen, said: Said) -> None:
    assert after(seen).slab.free == number(said["count"]) == before(seen).slab.free + 1


@claim("domain events: SlabRefillBegan")
def refill_began(seen: StepSeen, said: Said) -> None:
    slab = seen.machine.domains[seen.about].domain.pmap.slab
    assert number(said["bytes"]) == slab.bytes_for(number(said["count"]))
    assert number(said["count"]) > 0


@claim("domain events: SlabRefillBegan/nested")
def nested_refill_began(seen: StepSeen, said: Said) -> None:
    refill_began(seen, said)
    assert number(said["level"]) > 1


@claim("domain events: SlabGrown/at")
def grown(seen: StepSeen, said: Said) -> None:
    head = after(seen).slab.heads[0]
    assert (head.address, head.blocks) == (number(said["address"]), number(said["count"]))
    assert binary_size(head.bytes) == said["size"]
    assert after(seen).slab.total == before(seen).slab.total + head.blocks


def region(seen: StepSeen, said: Said, value: DomainValue) -> Vregion:
    """The region that a step names."""
    start, end = ends(said["range"])
    (found,) = [one for one in value.regions if one.base == start]
    assert (found.base + found.size, binary_size(found.size)) == (end, said["size"])
    return found


@claim("domain events: RegionAdded")
def region_added(seen: StepSeen, said: Said) -> None:
    assert region(seen, said, after(seen)).id not in [one.id for one in before(seen).regions]


@claim("domain events: RegionRemoved")
def region_removed(seen: StepSeen, said: Said) -> None:
    assert region(seen, said, before(seen)) not in after(seen).regions


@claim("domain events: MetaDataMoved/up")
def next_slab_frame(seen: StepSeen, said: Said) -> None:
    assert after(seen).meta_start + after(seen).meta_used == number(said["after"])
    assert before(seen).meta_start + before(seen).meta_used == number(said["before"]) < number(said["after"])


@claim("domain events: MetaDataMoved/down")
def addresses_are_free(seen: StepSeen, said: Said) -> None:
    assert after(seen).meta_start + after(seen).meta_used == number(said["after"])
    assert before(seen).meta_used > after(seen).meta_used


@claim("domain events: MapUndone")
def taken_back(seen: StepSeen, said: Said) -> None:
    assert said["why"].rpartition(": ")[2].rstrip(")") in seen.machine.journal.last.said
