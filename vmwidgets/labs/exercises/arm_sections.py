"""Exercises of notebook 07: few translations, and domains open and closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import KIB, MIB, PAGE, Address, Size
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.mmu.tables_schema import Walk
from vmwidgets.engine.mmu.walk import walk

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .structures import EDITED, edited

LARGE, SECTION = 64 * KIB, MIB
NAMES = ("video", "sound", "net", "disk", "log")


@frozen(slots=False)
class Part:
    """An object: `head` pages of 64 KiB up to a boundary of 1 MiB, then `sections` MiB, then `tail` pages of 64 KiB.

    `pa` is the address of a device; 0 means anonymous memory.
    """

    name: str
    head: int
    sections: int
    tail: int
    pa: int = 0

    @property
    def size(self) -> int:
        """The size in bytes."""
        return (self.head + self.tail) * LARGE + self.sections * SECTION

    @property
    def fewest(self) -> int:
        """The fewest translations that map the object."""
        return self.head + self.sections + self.tail


@frozen(slots=False)
class FewSheet:
    """Objects whose large pages fit into one MiB of addresses, if each is placed to suit its physical address."""

    parts: tuple[Part, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> FewSheet:
        """Draw an object that crosses a boundary of 1 MiB, with a small one and perhaps a third."""
        names = draws.sample(NAMES, 3)
        kinds = draws.choice([("front", "back"), ("front", "small"), ("back", "small"), ("front", "back", "small")])
        parts, at = [], 128 * MIB
        for name, kind in zip(names, draws.shuffled(kinds), strict=False):
            large, sections = draws.between(1, 5), draws.between(2, 7)
            at += draws.between(1, 4) * 16 * MIB
            if kind == "front":
                parts.append(Part(name, large, sections, 0, at - large * LARGE))
            elif kind == "back":
                parts.append(Part(name, 0, sections, large, at))
            else:
                parts.append(Part(name, 0, 0, large))
        return cls(tuple(parts))

    @property
    def fewest(self) -> int:
        """The fewest translations that map all objects."""
        return sum(part.fewest for part in self.parts)

    @property
    def text(self) -> str:
        """The task in words."""
        listed = "\n".join(
            f"`{part.name}`: {Size(part.size)}, "
            + (f"a device at physical address `{Address(part.pa)}`" if part.pa else "anonymous memory, anywhere")
            for part in self.parts
        )
        return (
            f"Task `player` must be able to read and write all of these {len(self.parts)} objects:\n{listed}\n"
            f"Choose virtual addresses and page sizes so that {self.fewest} TLB entries map all of them, "
            "and one second-level table is enough. (Entries and tables for the kernel don't count.)"
        )

    def start(self) -> Task:
        """Return the task with an empty map, on a machine with the objects."""
        machine = boot("armv7")
        for part in self.parts:
            if part.pa:
                machine.device(part.name, at=part.pa, size=part.size)
            else:
                machine.object(part.name)
        return machine.task("player")


@exercise(
    "07/eleven",
    "Few translations",
    points=5,
    takes=Task,
    shows=lambda task: task.tables,
    variant=FewSheet.drawn,
    edition=2,
    hints=(
        (
            "A page of 1 MiB needs a virtual and a physical address that are both multiples of 1 MiB. Where in "
            "each object is the first such physical address?"
        ),
        (
            "Choose the virtual address so that its lowest 20 bits equal those of the physical address. The memory "
            "before the first of these addresses, and after the last whole MiB, needs pages of 64 KiB. One "
            "second-level table covers one MiB for all objects."
        ),
        (
            'An entry alone has no translations. Call superpages(…, page="64 KiB") and then superpages(…, page="1 MiB")'
            " on the whole object: they create translations where the addresses allow it. Let two objects share a MiB: "
            "the end of one is at its beginning, and the beginning of the other at its end."
        ),
    ),
)
def eleven(task: Task, asked: FewSheet) -> Iterator[Criterion]:
    """Judge the mapping: all objects are writable, mapped by few pages and one second-level table."""
    written = {part.name: _reached(task, part, "write") for part in asked.parts}
    complete = [len(written[part.name]) * PAGE == part.size for part in asked.parts]
    entered = {entry.object for entry in task.map.entries()}
    yield criterion(
        2,
        any(complete) + all(complete),
        "all of each object can be read and written",
        EDITED.format("task")
        if edited(task)
        else "all of each object should be mapped, from its beginning, to read and to write",
        expected=", ".join(f"{Size(part.size)} of {part.name}" for part in asked.parts),
        actual=", ".join(f"{Size(len(found) * PAGE)} of {name}" for name, found in written.items()),
        mistake=ONLY_AN_ENTRY
        if not edited(task) and any(name in entered and not found for name, found in written.items())
        else None,
    )
    found = [_reached(task, part, "read") for part in asked.parts]
    there = all(len(one) * PAGE == part.size for one, part in zip(found, asked.parts, strict=True))
    walks = [one for some in found for one in some]
    pages = {one.va & -one.page_size for one in walks}
    by_large = sum(part.size for part in asked.parts) // LARGE
    yield criterion(
        2,
        there * ((len(pages) <= by_large) + (len(pages) <= asked.fewest)),
        f"{asked.fewest} translations reach it",
        "fewer translations are enough: which is the largest page that fits each part, and which addresses does it "
        "need?",
        first="" if there else "map all of it",
        expected=f"{asked.fewest} pages, of whatever size",
        actual=f"{len(pages):,} pages",
        mistake=OUT_OF_STEP if any(_out_of_step(walks, part) for part in asked.parts) else None,
    )
    second = {one.steps[-1].table for one in walks if len(one.steps) > 1}
    yield criterion(
        1,
        there and len(second) <= 1,
        "one second-level table is enough",
        "more second-level tables are read than necessary: for which addresses is each of them?",
        first="" if there else "map all of it",
        expected="1 second-level table",
        actual=f"{len(second):,}",
    )


ONLY_AN_ENTRY = Mistake(
    "an entry for a translation", "An entry of the map is a promise: what it maps has no translation before superpages."
)
OUT_OF_STEP = Mistake(
    "addresses out of step",
    "A section maps 20 bits of the address as they are: virtual and physical address must agree in them.",
)


def _reached(task: Task, part: Part, access: str) -> list[Walk]:
    """Return the walks of user code for each page of an object in the map: each page is accessed once, without faults.

    Tables edited by hand don't count, since they may point anywhere.
    """
    found: dict[int, Walk] = {}
    for entry in () if edited(task) else task.map.entries():
        if entry.object == part.name:
            for va in range(entry.start, entry.end, PAGE):
                offset = entry.offset + va - entry.start
                if offset < part.size and offset not in found and (one := task.walk(va, access)).ok:
                    found[offset] = one
    return list(found.values())


def _out_of_step(walks: list[Walk], part: Part) -> bool:
    """Return whether a device that could be mapped by a section is at an address where no section fits."""
    inside = [one for one in walks if one.pa is not None and part.pa <= one.pa < part.pa + part.size]
    return part.sections > 0 and any((one.va - (one.pa or 0)) % SECTION for one in inside)


TASK = "vault"
OPEN = 0x5555_5555
"""The value of DACR with all domains as clients."""

CLOSED, MANAGED, AS_IT_IS = "closed", "managed", "as it is"
STORED = ("gold", "silver", "papers", "seal", "keys")


@frozen(slots=False)
class Range:
    """A range of the vault: a section or a page; `asked` is the change that is required."""

    name: str
    at: int
    section: bool
    asked: str

    @property
    def writable(self) -> bool:
        """Return whether the range's first descriptor allows writes."""
        return self.asked != MANAGED


@frozen(slots=False)
class DoorSheet:
    """Ranges by address: one or two to close, one to open beyond its rights, and others to leave alone."""

    ranges: tuple[Range, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> DoorSheet:
        """Draw which ranges are closed, their places, and their kinds of descriptor."""
        names = draws.sample(STORED, 4)
        wishes = draws.shuffled([CLOSED, MANAGED, AS_IT_IS, draws.choice([CLOSED, AS_IT_IS])])
        places = sorted(draws.sample(range(4, 64), 4))
        found = []
        for name, wish, place in zip(names, wishes, places, strict=True):
            section = draws.choice([True, False])
            found.append(Range(name, place * MIB + (0 if section else draws.between(0, 255) * PAGE), section, wish))
        return cls(tuple(found))

    def of(self, asked: str) -> list[Range]:
        """Return the ranges for which `asked` is required."""
        return [one for one in self.ranges if one.asked == asked]

    @property
    def text(self) -> str:
        """The task in words."""
        listed = "\n".join(
            f"`{one.name}`: a {'section' if one.section else 'page of 4 KiB'} at `{Address(one.at)}`"
            + ("" if one.writable else ", read-only")
            for one in self.ranges
        )
        closed = " and of ".join(f"`{one.name}`" for one in self.of(CLOSED))
        (managed,) = self.of(MANAGED)
        return (
            f"Task `{TASK}` has four objects in memory:\n{listed}\n"
            f"Use only domains and DACR. User code must get a domain fault at each address of {closed}, and must be "
            f"able to write to `{managed.name}`, although its descriptor still forbids it. Everything else must work "
            "as before.\n"
            f"With all domains as clients (DACR `{OPEN:#x}`), everything must be as it was."
        )

    def start(self) -> Machine:
        """Return the machine with its task; nothing is closed yet."""
        machine = boot("armv7")
        vault = machine.task(TASK)
        for one in self.ranges:
            size = SECTION if one.section else PAGE
            vault.map.enter(size, at=one.at, object=machine.object(one.name))
            if one.section:
                vault.map.superpages(one.at, size=size, page=SECTION)
            else:
                vault.write(one.at, one.name.encode())
            if not one.writable:
                vault.map.protect(one.at, size=size, prot="r")
        return machine


def domains_and_dacr(machine: Machine) -> str:
    """Return what no picture of tables shows: DACR, and each object's domain and rights."""
    vault, dacr = machine.tasks[TASK], machine.controls.dacr
    kinds = "no access", "client", "reserved", "manager"
    lines = [f"DACR {dacr:#010x}. For user code:"]
    for entry in vault.map.entries():
        first = vault.walk(entry.start).steps[0]
        domain = first.value >> 5 & 15
        ways = ", ".join(f"{way}: {_said(vault.walk(entry.start, way))}" for way in ("read", "write"))
        lines.append(f"{entry.object}: domain {domain} ({kinds[dacr >> 2 * domain & 3]}); {ways}")
    return "\n".join(lines)


def _said(found: Walk) -> str:
    return f"{found.fault.kind} fault" if found.fault else "no fault"


@exercise(
    "07/door",
    "Behind a door",
    points=5,
    takes=Machine,
    shows=domains_and_dacr,
    variant=DoorSheet.drawn,
    hints=(
        (
            "A domain is four bits of a first-level descriptor; all of them have domain 0 now. Which first-level "
            "descriptors lead to the objects that should behave differently?"
        ),
        (
            "The closed objects need their own domain, and the writable object needs another. DACR has two bits for "
            "each domain: 00 closes a domain, and 11 makes it a manager domain."
        ),
        (
            'bank.tasks["vault"].walk(address).steps[0] is the first-level descriptor: set_descriptor(step.pa, '
            "step.value | domain << 5) puts it into a domain. bank.controls = replace(bank.controls, dacr=…) sets DACR."
        ),
    ),
)
def door(machine: Machine, asked: DoorSheet) -> Iterator[Criterion]:
    """Judge the domains: user code gets domain faults and may write as required, by DACR alone."""
    closed = {one.name: _user(machine, one, "read") for one in asked.of(CLOSED)}
    shut = [name for name, found in closed.items() if found.fault is not None and found.fault.kind == "domain"]
    yield criterion(
        2,
        bool(shut) + (len(shut) == len(closed)),
        "user code gets a domain fault in each closed object",
        "user code should get a domain fault there: which domain is the object in, and what are its bits in DACR?",
        expected=f"domain fault at {', '.join(closed)}",
        actual=", ".join(f"{name}: {_said(found)}" for name, found in closed.items()),
    )
    managed = all(_user(machine, one, "write").ok for one in asked.of(MANAGED))
    yield criterion(
        1,
        managed,
        "the read-only object can be written, since its domain is a manager domain",
        "the read-only object should be writable: in which kind of domain are permissions not checked?",
        actual="" if managed else "a fault",
    )
    begun = bool(shut) or managed
    kernel = machine.walk(machine.kernel_map.start, user=False, task=TASK)
    locked = [one.name for one in asked.of(AS_IT_IS) if not _user(machine, one, "write").ok]
    locked += [] if kernel.ok else ["the kernel"]
    yield criterion(
        1,
        begun and not locked,
        "everything else still works",
        "another object is closed too: the closed objects need their own domain",
        first="" if begun else "close something",
        actual=", ".join(locked),
        mistake=None if machine.controls.dacr & 3 else CLOSED_ZERO,
    )
    before = asked.start()
    edited = [one.name for one in asked.ranges if _attributes(machine, one) != _attributes(before, one)]
    changed = [one.name for one in asked.ranges if one.name in edited or not _as_it_was(machine, one)]
    pages = [one.name for one in asked.ranges if not one.section]
    yield criterion(
        1,
        begun and not changed,
        "with all domains as clients, everything is unchanged",
        "with all domains as clients, everything should be unchanged: change only the domain in a descriptor",
        first="" if begun else "close something",
        actual=", ".join(changed),
        mistake=IN_THE_LAST if set(edited) & set(pages) else None,
    )


IN_THE_LAST = Mistake(
    "a domain in the second level",
    "A page of 4 KiB has the domain of its first-level descriptor; in the second level, these bits are its rights and "
    "its memory type.",
)
CLOSED_ZERO = Mistake(
    "domain 0 is closed", "All descriptors are in domain 0 unless you change them, even the kernel's."
)


def _user(machine: Machine, one: Range, access: str) -> Walk:
    return machine.walk(one.at, access, user=True, task=TASK)


def _attributes(machine: Machine, one: Range) -> int:
    """Return the bits of a range's descriptor other than its address and its domain."""
    steps = _user(machine, one, "read").steps
    return steps[-1].value & (PAGE - 1 if len(steps) > 1 else SECTION - 1 & ~(15 << 5))


def _as_it_was(machine: Machine, one: Range) -> bool:
    """Return whether user code still reaches a range's memory with the same page size and rights, ignoring domains."""
    pmap = machine.system.pmap_of(TASK)
    root, controls = pmap.registers(replace(machine.controls, dacr=OPEN))
    read, write = (
        walk(machine.system.ram, pmap.fmt, root, one.at, access, True, controls) for access in ("read", "write")
    )
    size = SECTION if one.section else PAGE
    frame = machine.objects[one.name].pages.get(0, 0)
    return (read.pa, read.page_size, write.ok) == (frame * PAGE, size, one.writable)
