"""What steps claim that fails or ends: calls of the kernel that are refused, memory that runs out, panics, faults."""

from __future__ import annotations

import re
from typing import Any

from vmwidgets.engine.base.units import Address, binary_size

from .claiming import Said, Seen, claim
from .claims_domain_steps import after, before, in_use
from .claims_domains import KINDS, held
from .reading import PAGE, bytes_of, bytes_of_given, number, translations
from .steps import Gone, Now, StepSeen, Then

# ---- self-paging domains -------------------------------------------------------------------------


def errors_of(seen: StepSeen) -> str:
    """How the operation ended, with the names of all errors."""
    operation = seen.moment.operation
    assert operation is not None
    return f"{operation.outcome}: {operation.said}"


def no_block_of(seen: StepSeen, size: int) -> None:
    """No free block is as large as that, unless requests were made to fail."""
    orders = [one.order for one in seen.then.value("frames").orders if one.count]
    largest = PAGE << max(orders) if orders else 0
    assert largest < size or seen.machine.system.injections.rules or not orders


@claim("domain events: VnodeCreated/no")
def no_vnode(seen: StepSeen, said: Said) -> None:
    kinds = KINDS.get(f"a {said['kind']}") or KINDS[f"an {said['kind']}"]
    assert kinds.startswith("VNode")
    no_block_of(seen, PAGE)
    assert held(after(seen)) == held(before(seen))


@claim("domain events: FrameAllocated/no")
def no_frame(seen: StepSeen, said: Said) -> None:
    size = bytes_of(said["size"])
    no_block_of(seen, 1 << (size - 1).bit_length())
    assert held(after(seen)) == held(before(seen))


CALLS = {
    "vnode_map": ("map", "modify_flags", "fill", "memobj", "anonymous", "deserialise", "read", "write", "touch"),
    "vnode_unmap": ("unmap", "unfill", "remove", "delete", "revoke", "map", "fill", "memobj", "deserialise"),
    "modify_flags": ("modify_flags", "protect"),
}
"""Which operations make a call of the kernel."""


@claim("domain events: Refused")
def refused(seen: StepSeen, said: Said) -> None:
    """The operation makes that call, and ends with the error that the kernel gave; the slots hold what they held."""
    assert held(after(seen)) == held(before(seen))
    operation = seen.moment.operation
    assert operation is not None and operation.name in CALLS[said["call"]]
    assert re.fullmatch(r"[A-Z_0-9]+", said["error"])
    assert said["error"] in errors_of(seen) or errors_of(seen).startswith("done")


@claim("domain events: CapabilityCopyInvoked/no")
def copy_refused(seen: StepSeen, said: Said) -> None:
    assert said["slot"] not in held(after(seen))
    kind = held(after(seen))[said["source"]]
    assert kind.kind in ("Mapping", "CNode") or "g" not in kind.rights
    assert errors_of(seen).startswith("error: LIB_ERR_CAP_COPY_FAIL")


@claim("domain events: BlockTaken/no")
def no_block(seen: StepSeen, said: Said) -> None:
    assert after(seen).slab.free == 0


@claim("domain events: SlabGrown")
def slab_grown(seen: StepSeen, said: Said) -> None:
    slab = after(seen).slab
    new = [one for one in slab.heads if one not in before(seen).slab.heads] or slab.heads[:1]
    assert (binary_size(new[0].bytes), new[0].blocks) == (said["size"], number(said["count"]))
    assert slab.total == before(seen).slab.total + new[0].blocks
    assert in_use(after(seen)) == in_use(before(seen))


# ---- faults and the ends of operations -----------------------------------------------------------


@claim("map events: FaultRaised")
def faulted(seen: StepSeen, said: Said) -> None:
    """A walk of the tables as they were at the step raises it, for one kind of access or another."""
    address = number(said["address"])
    found = set()
    for one in (None, *seen.machine.tasks, *(f"domain:{name}" for name in seen.machine.domains)):
        tables = seen.machine.tables_of(one or "")
        memory = tables.memory_with(seen.before.words)
        for access in ("read", "write", "execute"):
            for user in (False, True):
                fault = tables.walk_in(memory, address, access, user).fault
                if fault is not None:
                    found.add((fault.kind, fault.code_words))
    if not found and not seen.machine.tasks:
        raise Gone("the task that made the access")
    wanted = said["kind"], said["code"]
    assert wanted in found or is_stale(seen, address), found


def is_stale(seen: StepSeen, address: int) -> bool:
    """Whether a TLB kept something of the page, so that it and not the tables raised the fault; or its task is gone.

    A processor drops what refused an access before it raises the fault.
    """
    begun = Then(seen.now, seen.moment.at(0))
    kept = [slot.entry for then in (begun, seen.before) for cpu in then.cpus.cpus for slot in cpu.tlb.slots]
    gone = {cpu.space for cpu in seen.before.cpus.cpus} - {"kernel", *seen.machine.tasks}
    return bool(gone) or any(one.va <= address < one.va + one.page_size for one in kept)


@claim("map events: PagerAsked/none")
def no_page(seen: StepSeen, said: Said) -> None:
    name, _, offset = said["where"].rpartition("+")
    objects = seen.then.value("objects").objects
    if name in objects:
        assert number(offset) >> 12 not in objects[name].pages
    assert said["outcome"] in ("NOMEM", "IO", "FAULT")


@claim("map events: Panicked")
def panicked(seen: StepSeen, said: Said) -> None:
    dead = seen.machine.door.dead
    assert dead is not None
    assert (dead.name, dead.reason) == (said["name"], said["reason"])


@claim("map events: BootStage")
def boot_stage(seen: StepSeen, said: Said) -> None:
    """What a stage says of sizes and addresses is so on the machine that was booted."""
    machine, what = seen.machine, said["what"]
    stages = ("physical memory", "kernel pmap", "boot range", "kentry area", "kmem", "up")
    assert said["name"] in stages
    if said["name"] == "kernel pmap":
        assert what == f"a root table at {Address(int(machine.tables.root))}"
    elif said["name"] == "physical memory":
        pages = seen.then.value("frames")
        assert what.startswith(f"{pages.end_frame - pages.first_frame:,} free pages")
    elif said["name"] == "boot range":
        assert what.startswith(binary_size(next(iter(machine.kernel_map.entries())).size))
    elif said["name"] == "kentry area":
        contents = machine.kentry.contents(most=1)
        assert what.startswith(f"{contents.area.slabs:,} slabs for up to {contents.area.slabs * contents.buffers:,} ")
    elif said["name"] == "kmem":
        assert what.startswith(f"{binary_size(machine.kmem.kernel_map.end - machine.kmem.kernel_map.start)} of")


@claim("object events: NothingToReclaim")
def nothing_to_reclaim(seen: StepSeen | Seen, said: Said) -> None:
    """As many pages as it says are in memory, of all or of a task; and each is one that can't go for that reason."""
    match = re.fullmatch(r"Of ([0-9,]+ pages?)( of task '(.*)')? in memory none can go: (.*)", said["why"])
    none = re.fullmatch(r"No page of (a task|task '(.*)') is in memory, so none can be evicted", said["why"])
    assert match or none, said["why"]
    then, task = when(seen, said), (match[3] if match else none and none[2]) or ""
    objects, rings = then.value("objects"), then.value("replacement").rings
    pages = [page for name, ring in rings.items() if name == task or not task for page in ring.pages]
    if not match:
        assert pages == []
        return
    assert match[1] == f"{len(pages):,} page{'' if len(pages) == 1 else 's'}"
    reasons = {
        "there is no swap space": objects.swap == 0,
        "swap space is full": objects.swap_used == objects.swap > 0,
        "they are wired, or needed at this moment": objects.swap_used < objects.swap,
    }
    assert reasons[match[4]]
    wired = {frame for name, index in wired_pages(objects) for frame in [objects.objects[name].pages.get(index)]}
    able = [one for one in pages if one.frame not in wired and (one.object.startswith("file ") or not one.dirty)]
    operation = seen.moment.operation
    asked = dict(operation.arguments).get("size", 0) if operation is not None else 0
    if match[4].startswith("they are"):
        able = [one for one in pages if one.frame not in wired]
    assert len(able) <= NEEDED + bytes_of_given(asked) // PAGE, "those of a range that is being wired are needed too"


NEEDED = 2
"""So many pages an access needs at a moment: one that is copied, and the copy."""


def when(seen: StepSeen | Seen, said: Said) -> Then:
    """The machine at the step that says so: what is said above of an operation was in the middle of it."""
    if isinstance(seen, StepSeen):
        return seen.then
    sentence = f"{said['why']}."
    steps = [one for one in seen.moment.story.every_step if one.sentence.endswith(sentence)]
    if not steps:
        raise AssertionError(f"no step says {sentence!r}")
    return Then(Now(seen.machine), seen.moment.at(steps[-1].index + 1))


def wired_pages(objects: Any) -> set[tuple[str, int]]:
    """The pages that wired entries hold, in whichever object of a chain they are."""
    found: set[tuple[str, int]] = set()
    for those in objects.entries.values():
        for _, start, end, name, offset, _, _, wired in those.values():
            if wired and name in objects.objects:
                pages = range(offset >> 12, (offset + end - start) >> 12)
                found |= {(one, page) for one in objects.chain(name) for page in pages}
    return found


@claim("object events: OutOfMemory")
def out_of_memory(seen: StepSeen, said: Said) -> None:
    assert said["task"] in seen.started.tasks
    assert said["task"] not in seen.machine.tasks
    had = sum(said["task"] in [task for task, _ in places] for places in translations(seen.started).values())
    moved = pages_of(seen.then) ^ pages_of(Then(seen.now, seen.moment.at(0)))  # by the operation until then
    assert abs(number(said["count"]) - had) <= len(moved)


def pages_of(then: Then) -> set[tuple[str, int]]:
    """The pages of memory objects that are in memory."""
    return {(name, page) for name, one in then.value("objects").objects.items() for page in one.pages}


@claim("object events: Injected")
def injected(seen: StepSeen, said: Said) -> None:
    """A rule for this point is there, and has counted as many requests, or more by the end of the operation."""
    rules = [one for one in seen.machine.system.injections.rules.values() if one.point == said["point"]]
    assert rules
    count = number(said["count"])
    assert any(one.asked >= count > one.after and (count - one.after) % one.every == 0 for one in rules)


@claim("cpus: AsidRollover")
def rolled_over(seen: StepSeen, said: Said) -> None:
    steps = seen.moment.story.steps
    here = steps.index(seen.step)
    places = [one.index + 1 for one in steps[here : here + 1 + len(seen.then.cpus.cpus)]]
    later = Then(seen.now, seen.moment.at(places[-1]))
    assert all(not cpu.tlb.slots for cpu in later.cpus.cpus) or len(later.cpus.cpus) > len(places)
    assert number(said["count"]) >= 1
    live = {cpu.asid for cpu in later.cpus.cpus}
    assert number(said["count"]) + len(live) <= 4096


@claim("cpus: TimeTaken")
def time_taken(seen: StepSeen, said: Said) -> None:
    """What the TLBs counted in the operation, and the time that this is at the costs that the machine has."""
    began = Then(seen.now, seen.moment.at(0))
    counts = [sum(getattr(cpu.tlb, name) for cpu in seen.then.cpus.cpus) for name in ("hits", "misses")]
    earlier = [sum(getattr(cpu.tlb, name) for cpu in began.cpus.cpus) for name in ("hits", "misses")]
    hits, misses = counts[0] - earlier[0], counts[1] - earlier[1]
    took = {name: number(said[name].split(" ")[0]) for name in ("walks", "minor", "major")}
    accesses = number(said["count"])
    said_hits = number(said["hits"].split(" ")[0])
    assert said_hits <= hits <= said_hits + accesses
    assert took["walks"] >= misses
    costs = seen.machine.costs
    assert costs is not None
    total = accesses * (costs.tlb + costs.memory) + took["walks"] * costs.memory
    total += took["minor"] * costs.minor + took["major"] * costs.major
    value, unit = said["time"].split(" ")
    scale = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]
    assert abs(float(value.replace(",", "")) * scale - total) <= 0.06 * total + 1, total
