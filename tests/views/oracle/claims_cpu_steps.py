"""What steps claim of processors, their TLBs, and the marks that they set in the page tables."""

from __future__ import annotations

from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tlb_schema import TlbEntryValue
from vmwidgets.engine.spaces.processors_schema import FlushRequest

from .claiming import Said, claim
from .reading import PAGE, ends, number
from .steps import StepSeen, Then


def processor(seen: StepSeen, said: Said) -> str:
    """The processor that a step names is the one that it is about."""
    assert said["cpu"] == seen.about
    return said["cpu"]


def kept(then: Then, cpu: str) -> dict[tuple[int, int], TlbEntryValue]:
    """What a TLB keeps, by set and way."""
    return {slot.entry.place: slot.entry for slot in then.cpu(cpu).tlb.slots}


def holding(then: Then, cpu: str, address: int) -> list[TlbEntryValue]:
    """What a TLB keeps for an address in the space that is loaded."""
    asid = then.cpu(cpu).asid
    found = kept(then, cpu).values()
    return [one for one in found if one.va <= address < one.va + one.page_size and one.asid in (None, asid)]


@claim("cpus: SpaceLoaded")
def loads(seen: StepSeen, said: Said) -> None:
    cpu = processor(seen, said)
    before, after = seen.before.cpu(cpu), seen.then.cpu(cpu)
    assert after.space == said["space"]
    assert (before.space, before.root, before.asid) != (after.space, after.root, after.asid)


def hit(seen: StepSeen, said: Said) -> TlbEntryValue:
    """The TLB kept the address before already, and has used it now; what it keeps."""
    cpu, address = processor(seen, said), number(said["address"])
    (entry,) = holding(seen.before, cpu, address)
    assert holding(seen.then, cpu, address) == [entry]
    assert seen.then.cpu(cpu).tlb.hits == seen.before.cpu(cpu).tlb.hits + 1
    (slot,) = [one for one in seen.then.cpu(cpu).tlb.slots if one.entry == entry]
    assert slot.age == 0, "it was used last"
    return entry


@claim("cpus: TlbHit/used")
def hit_and_used(seen: StepSeen, said: Said) -> None:
    rights, right = hit(seen, said).permissions, right_wanted(seen)
    assert getattr(rights.user, right) or getattr(rights.supervisor, right)


def right_wanted(seen: StepSeen) -> str:
    """What an access needs."""
    operation = seen.moment.operation
    assert operation is not None
    how = {"write": "write", "store": "write", "fetch": "execute"}.get(operation.name, "read")
    return str(dict(operation.arguments).get("access", how))


@claim("cpus: TlbHit/forbidden")
def hit_and_forbidden(seen: StepSeen, said: Said) -> None:
    rights, right = hit(seen, said).permissions, right_wanted(seen)
    assert not (getattr(rights.user, right) and getattr(rights.supervisor, right)), "one of them is not allowed"


@claim("cpus: TlbHit/clean")
def hit_and_clean(seen: StepSeen, said: Said) -> None:
    assert not hit(seen, said).dirty


@claim("cpus: TlbMissed")
def missed(seen: StepSeen, said: Said) -> None:
    cpu = processor(seen, said)
    assert holding(seen.before, cpu, number(said["address"])) == []
    assert seen.then.cpu(cpu).tlb.misses == seen.before.cpu(cpu).tlb.misses + 1


def filled(seen: StepSeen, said: Said) -> tuple[TlbEntryValue, TlbEntryValue | None]:
    """The translation is in the TLB now; it, and what was in its place."""
    cpu = processor(seen, said)
    before, after = kept(seen.before, cpu), kept(seen.then, cpu)
    (new,) = [one for place, one in after.items() if before.get(place) != one and one.va == number(said["address"])]
    return new, before.get(new.place)


@claim("cpus: TlbFilled")
def filled_a_free_way(seen: StepSeen, said: Said) -> None:
    new, old = filled(seen, said)
    assert old is None or old.page == new.page


@claim("cpus: TlbFilled/evicted")
def filled_and_evicted(seen: StepSeen, said: Said) -> None:
    new, old = filled(seen, said)
    assert old is not None
    assert old.va == number(said["evicted"])
    assert old.page != new.page
    cpu = seen.before.cpu(said["cpu"])
    ages = [slot.age for slot in cpu.tlb.slots if slot.entry.set == new.set]
    (evicted,) = [slot for slot in cpu.tlb.slots if slot.entry == old]
    assert evicted.age == max(ages), "it was used longest ago"


def dropped(seen: StepSeen, said: Said) -> tuple[list[TlbEntryValue], list[TlbEntryValue]]:
    """As many as are said are gone; these, and those that are left."""
    cpu = processor(seen, said)
    before, after = kept(seen.before, cpu), kept(seen.then, cpu)
    gone = [one for place, one in before.items() if place not in after]
    assert len(gone) == number(said["count"])
    assert seen.then.cpu(cpu).tlb.flushed == seen.before.cpu(cpu).tlb.flushed + len(gone)
    return gone, [*after.values()]


@claim("cpus: TlbFlushed/range")
def dropped_a_range(seen: StepSeen, said: Said) -> None:
    gone, _ = dropped(seen, said)
    start, end = ends(said["range"])
    assert start % PAGE == end % PAGE == 0
    assert all(one.va < end and start < one.va + one.page_size for one in gone)


@claim("cpus: TlbFlushed/fault")
def dropped_what_faulted(seen: StepSeen, said: Said) -> None:
    gone, _ = dropped(seen, said)
    address = number(said["address"])
    assert all(one.va <= address < one.va + one.page_size for one in gone)
    assert holding(seen.then, seen.about, address) == []


@claim("cpus: TlbFlushed/space")
def dropped_a_space(seen: StepSeen, said: Said) -> None:
    gone, left = dropped(seen, said)
    assert {one.asid for one in gone} == {number(said["asid"])}
    assert number(said["asid"]) not in [one.asid for one in left]


@claim("cpus: TlbFlushed/all")
def dropped_all_but_global(seen: StepSeen, said: Said) -> None:
    gone, left = dropped(seen, said)
    assert None not in [one.asid for one in gone] or not seen.machine.cpus.settings.asids
    assert {one.asid for one in left} <= {None}


@claim("cpus: TlbFlushed/all and global")
def dropped_all(seen: StepSeen, said: Said) -> None:
    _, left = dropped(seen, said)
    assert left == []


# ---- shootdowns ----------------------------------------------------------------------------------


def what(request: FlushRequest) -> str:
    """What is to be dropped, in words of our own."""
    if not request.pages:
        return f"all of {request.space}"
    many = "1 page" if request.pages == 1 else f"{request.pages:,} pages"
    return f"{many} at {Address(request.start)} of {request.space}"


@claim("cpus: ShootdownSent")
def asked(seen: StepSeen, said: Said) -> None:
    cpu = processor(seen, said)
    before, after = seen.before.cpu(cpu).pending, seen.then.cpu(cpu).pending
    (new,) = [one for one in after if one.number not in [other.number for other in before]]
    assert new.sender == said["sender"] != cpu
    assert what(new) == said["what"]


@claim("cpus: ShootdownAcknowledged")
def acknowledged(seen: StepSeen, said: Said) -> None:
    cpu = processor(seen, said)
    before, after = seen.before.cpu(cpu).pending, seen.then.cpu(cpu).pending
    (done,) = [one for one in before if one.number not in [other.number for other in after]]
    assert what(done) == said["what"]
    left = [one for one in kept(seen.then, cpu).values() if done.pages and done.asid == one.asid]
    assert [one for one in left if one.va < done.end and done.start < one.va + one.page_size] == []


@claim("cpus: ShootdownForgotten")
def forgotten(seen: StepSeen, said: Said) -> None:
    cpu = processor(seen, said)
    before, after = (then.cpus for then in (seen.before, seen.then))
    assert after.forgotten == before.forgotten + 1
    assert after.shootdown == "forgotten"
    assert said["sender"] in [one.cpu for one in after.cpus if one.cpu != cpu]
    assert seen.before.cpu(cpu).pending == seen.then.cpu(cpu).pending
    pages, _, rest = said["what"].partition(" of ")
    assert rest in ["kernel", *seen.machine.tasks] or rest.startswith("domain:")
    assert pages == "all" or " at " in pages


@claim("cpus: CallsMoved/here")
def calls_moved(seen: StepSeen, said: Said) -> None:
    assert seen.machine.cpus[seen.machine.cpus.calls_on].path == said["cpu"]


@claim("cpus: CallsMoved/lowest")
def calls_moved_to_the_lowest(seen: StepSeen, said: Said) -> None:
    assert seen.machine.cpus.calls_on is None


@claim("cpus: ShootdownChosen")
def chosen(seen: StepSeen, said: Said) -> None:
    assert seen.then.cpus.shootdown == said["after"]


# ---- marks in the page tables --------------------------------------------------------------------

BITS = {"x86-64": (1 << 5, 1 << 6), "riscv-sv39": (1 << 6, 1 << 7)}
"""The bits "referenced" and "dirty" of a descriptor (Intel SDM 3A, 4.8; RISC-V privileged, 4.3.1)."""


def marked(seen: StepSeen, said: Said, referenced: bool, dirty: bool) -> None:
    """The descriptor of the page has these bits now, and had not before; else it is as it was."""
    words = seen.before.words.keys() - seen.then.words.keys()
    address = number(said["address"])
    assert address % PAGE == 0, "it is a page that is marked"
    spaces = [None, *seen.machine.tasks, *(f"domain:{name}" for name in seen.machine.domains)]
    leaf = {int(walk.steps[-1].pa) for walk in (seen.machine.walk(address, task=one) for one in spaces) if walk.steps}
    places = words & leaf or {place for place in leaf if seen.before.word(place) != seen.then.word(place)}
    assert places, "none of its descriptors was written"
    bits = BITS.get(seen.machine.architecture)
    for place in places if bits else ():
        wanted = referenced * bits[0] | dirty * bits[1] if bits else 0
        assert seen.then.word(place) ^ seen.before.word(place) == wanted


@claim("cpus: PageMarked/referenced")
def marked_referenced(seen: StepSeen, said: Said) -> None:
    marked(seen, said, True, False)


@claim("cpus: PageMarked/dirty")
def marked_dirty(seen: StepSeen, said: Said) -> None:
    marked(seen, said, False, True)


@claim("cpus: PageMarked/both")
def marked_both(seen: StepSeen, said: Said) -> None:
    marked(seen, said, True, True)
