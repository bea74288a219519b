"""Random work on page tables under a processor that uses them, against a plain dict of pages, on every format.

Who flushes what he changes never gets a wrong answer.  Who does not gets the old one exactly as long as the TLB keeps
it, and each such entry is found and told.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.engine.mmu.cpus import Tables
from vmwidgets.engine.base.units import MIB
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.rules import Access
from vmwidgets.engine.mmu.tables_schema import Fault, Rights
from vmwidgets.engine.mmu.tlb import TlbEntry


class Place(NamedTuple):
    """A page that may be mapped; a shared one is the same in both spaces."""

    va: int
    size: int
    shared: bool


class Mapped(NamedTuple):
    """What is mapped at a place, and which change of the tables made it so."""

    pa: int
    rights: Rights
    change: int


READ: Access = "read"
WRITE: Access = "write"
numbers = st.integers(0, 7)
rights = st.builds(Rights, st.just(True), st.booleans(), st.just(True), st.booleans())


class Processor(RuleBasedStateMachine):
    """Two spaces, of which the processor has one loaded."""

    flushes: bool

    @initialize(
        name=st.sampled_from(sorted(FORMATS)),
        asids=st.booleans(),
        sets=st.sampled_from([1, 2]),
        ways=st.integers(1, 3),
    )
    def boot(self, name: str, asids: bool, sets: int, ways: int) -> None:
        fmt = FORMATS[name]
        self.tables = Tables(fmt, spaces=2)
        settings = {"sum": True} if name == "riscv-sv39" else {}
        self.cpu = self.tables.cpu(sets=sets, ways=ways, **settings)
        self.asids = [1, 2] if asids and FORMATS[name].asid_bits else [0, 0]
        self.places = []
        for area, size in enumerate(fmt.page_sizes, 1):
            start = area * 4 * max(size, 16 * MIB)
            self.places += [Place(start + number * size, size, number == 2) for number in range(3)]
        self.model: list[dict[int, Mapped]] = [{}, {}]
        self.filled: dict[int, Mapped | None] = {}
        """What was mapped when an entry was filled, by its identity."""
        self.kept: list[TlbEntry[Any]] = []
        """All entries that there were, so that no two have the same identity."""
        self.changes = 0
        self.switch(0)

    def place(self, number: int) -> Place:
        return self.places[number % len(self.places)]

    @rule(space=st.integers(0, 1))
    def switch(self, space: int) -> None:
        self.space = space
        asid = self.asids[space]
        self.cpu.load_root(self.tables.roots[space], asid, keep=bool(asid))

    @rule(number=numbers, frame=st.integers(0, 3), right=rights, space=st.integers(0, 1), gone=st.booleans())
    def change(self, number: int, frame: int, right: Rights, space: int, gone: bool) -> None:
        """Map something, or nothing, at a place, and flush it as far as one does."""
        place = self.place(number)
        pa = frame * place.size
        self.changes += 1
        for which in (0, 1) if place.shared else (space,):
            if gone:
                self.tables.unmap(place.va, place.size, which)
                self.model[which].pop(place.va, None)
            else:
                self.tables.map(place.va, pa, right, place.size, shared=place.shared, space=which)
                self.model[which][place.va] = Mapped(pa, right, self.changes)
        if self.flushes:
            self.cpu.flush_range(place.va, place.va + place.size, self.asids[space])

    @rule(number=numbers, part=st.floats(0, 1, exclude_max=True), write=st.booleans(), user=st.booleans())
    def access(self, number: int, part: float, write: bool, user: bool) -> None:
        place = self.place(number)
        va, access = place.va + int(part * place.size), WRITE if write else READ
        kept = self.cpu.tlb.peek(va, self.cpu.asid)
        now = self.model[self.space].get(place.va)
        believed = self.filled[id(kept)] if kept is not None else now
        found = self.cpu.translate(va, access, user)
        outcome = expected(believed, place, va, access, user)
        if kept is not None and kept.pending and write and isinstance(outcome, int):
            outcome = expected(now, place, va, access, user)  # it walked, to mark the tables
        assert (found.kind if isinstance(found, Fault) else found) == outcome
        line = self.cpu.tlb.peek(va, self.cpu.asid)
        if line is not None and line is not kept:
            self.filled[id(line)] = now
            self.kept.append(line)
        if isinstance(found, int):
            self.marked(va, access, user)

    def marked(self, va: int, access: Access, user: bool) -> None:
        """What the hardware notes in the tables stands there, where they are what the processor believes."""
        line = self.cpu.tlb.peek(va, self.cpu.asid)
        assert line is not None
        if line.asid is not None and not self.cpu.stale(line):  # of a global page each space has its own descriptor
            walk = self.tables.walk(va, access, user, self.cpu.controls, self.space)
            assert not any(walk.sets)

    @rule(number=numbers, which=st.sampled_from(["page", "space", "locals", "all"]))
    def flush(self, number: int, which: str) -> None:
        place, cpu = self.place(number), self.cpu
        if which == "page":
            cpu.flush_range(place.va, place.va + place.size)
        elif which == "space":
            cpu.flush_space(self.asids[0])
        else:
            cpu.flush_all(globals_too=which == "all")
        gone = {"page": lambda line: line.va == place.va, "space": lambda line: line.asid == self.asids[0]}
        dropped = gone.get(which, lambda line: which == "all" or line.asid is not None)
        assert not any(dropped(line) for line in cpu.tlb)

    @invariant()
    def every_stale_entry_is_told_and_no_other(self) -> None:
        if not hasattr(self, "cpu"):
            return
        self.cpu.tlb.check()
        for line in self.cpu.tlb:
            told = [one.what for one in self.cpu.stale(line)]
            space = self.asids.index(line.asid) if line.asid else self.space
            was, now = self.filled[id(line)], self.model[space].get(line.va)
            assert was is not None
            if was == now:
                assert told == []
            elif now is None:
                assert told == ["mapping"]
            else:
                differs = [name for name, old, new in zip(("address", "rights"), was, now, strict=False) if old != new]
                assert told == differs or (told == ["dirty"] and not differs)
        if self.flushes:
            assert not any(self.cpu.stale(line) for line in self.cpu.tlb)


def expected(mapped: Mapped | None, place: Place, va: int, access: Access, user: bool) -> int | str:
    """The address, or the kind of fault, where this is mapped."""
    if mapped is None:
        return "not-present"
    if (user and not mapped.rights.user) or (access == "write" and not mapped.rights.write):
        return "protection"
    return mapped.pa + va - place.va


class Careful(Processor):
    flushes = True


class Careless(Processor):
    flushes = False


TestCareful = Careful.TestCase
TestCareless = Careless.TestCase
