"""Self-paging domains that live at random, without a machine around them, and what was reported meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.base.errors import KernelError, Refused
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.recorder import Raw, Recorder, materialize
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.selfpaging.cpu_driver import PageMemory
from vmwidgets.engine.selfpaging.domain import Domain
from vmwidgets.engine.selfpaging.domain_schema import CapRef, DomainValue, Vregion

FIRST_FRAME = 256
LARGE = 0x40


class DomainLife:
    """A domain and its random life; `frames` pages of RAM, `slots` slots: little of both makes requests fail."""

    def __init__(self, seed: int, architecture: str = "armv7", *, frames: int = 1024, slots: int = 400) -> None:
        recorder = self.recorder = Recorder()
        ram = Ram((FIRST_FRAME + frames) * 4096)
        self.memory = PageMemory(PageAllocator(Recorder(), FIRST_FRAME, frames), "test")
        self.domain = Domain("life", ram, FORMATS[architecture], self.memory, recorder, slots=slots)
        self.raw: list[Raw] = []
        recorder.emit = self.raw.append
        self.draws = random.Random(seed)
        self.frames: list[tuple[CapRef, int]] = []
        self.ranges: list[tuple[int, int]] = []
        self.rams: list[CapRef] = []
        self.name = ""

    def go_on(self, steps: int) -> Iterator[tuple[DomainValue, DomainValue, tuple[Event, ...], bool]]:
        """So many operations: how the domain was before, how it is after, what happened, and whether it failed."""
        before = self.domain.snapshot()
        for _ in range(steps):
            self.raw.clear()
            failed = False
            try:
                self._act()
            except (KernelError, Refused):
                failed = True
            after = self.domain.snapshot()
            yield before, after, materialize(self.raw, self.name), failed
            before = after

    def _act(self) -> None:
        acts: list[tuple[float, Callable[[], Any]]] = [
            (0.12, self._frame), (0.5, self._map), (0.68, self._unmap), (0.76, self._modify), (0.8, self._copy),
            (0.83, self._ram), (0.87, self._retype), (0.91, self._delete), (0.94, self._revoke), (0.97, self._region),
            (1.01, self._slots),
        ]  # fmt: skip
        chance = self.draws.random()
        act = next(act for limit, act in acts if chance < limit)
        self.name = act.__name__.strip("_")
        act()

    def _frame(self) -> None:
        size = self.draws.choice([1, 1, 2, 5, 16, 300]) << 12
        ref = self.domain.frame(size)
        self.frames.append((ref, 1 << (size - 1).bit_length()))

    def _map(self) -> None:
        if not self.frames:
            self._frame()
        ref, size = self.draws.choice(self.frames)
        pages = self.draws.randrange(1, (size >> 12) + 1)
        va = 0x5000_0000 + (self.draws.randrange(0, 2048) << 12)
        flags = self.draws.choice([1, 3, 7, 11])
        if size >= 1 << 20 and self.draws.random() < 0.6:
            va, flags = 0x6000_0000 + (self.draws.randrange(4) << 21), flags | LARGE
        if self.draws.random() < 0.05:
            va |= 0xC000_0000
        offset = 0 if flags & LARGE else self.draws.randrange(0, (size >> 12) - pages + 1) << 12
        self.domain.pmap.map(va, ref, offset, pages << 12, flags)
        self.ranges.append((va, pages << 12))

    def _unmap(self) -> None:
        if self.ranges:
            va, size = self.draws.choice(self.ranges)
            self.domain.pmap.unmap(va, size)

    def _modify(self) -> None:
        if self.ranges:
            va, size = self.draws.choice(self.ranges)
            self.domain.pmap.modify_flags(va, size, self.draws.choice([1, 3]))

    def _copy(self) -> None:
        if self.frames:
            ref, size = self.draws.choice(self.frames)
            made = self.domain.mint(ref, "rwg") if self.draws.random() < 0.5 else self.domain.copy(ref)
            self.frames.append((made, size))

    def _ram(self) -> None:
        self.rams.append(self.domain.memory(1 << 16))

    def _retype(self) -> None:
        source = self._memory()
        offset = self.draws.choice([0, 0, 1 << 12, 1 << 14])
        size = self.draws.choice([1 << 12, 1 << 14, 1 << 16])
        self.frames.append((self.domain.retype(source, "Frame", offset, size), size))

    def _delete(self) -> None:
        if self.frames:
            ref, _ = self.draws.choice(self.frames)
            self.domain.delete(ref)
            self.frames = [one for one in self.frames if one[0] != ref]

    def _revoke(self) -> None:
        self.domain.revoke(self._memory())

    def _memory(self) -> CapRef:
        if not self.rams:
            self._ram()
        return self.draws.choice([*self.rams, *(ref for ref, _ in self.frames)])

    def _region(self) -> None:
        space = self.domain.pmap.vspace
        regions = list(space)
        if len(regions) > 3 and self.draws.random() < 0.5:
            space.remove(self.draws.choice(regions[1:]))
        else:
            base = 0x7000_0000 + (self.draws.randrange(64) << 14)
            space.add(Vregion(space.new_id(), base, 1 << 14, 3))

    def _slots(self) -> None:
        slots = self.domain.slots
        self.domain.slots.allocate() if slots.free_slots > 200 else None


def lived(seed: int, steps: int = 60, architecture: str = "armv7", **options: int) -> DomainLife:
    """A domain after a random life."""
    life = DomainLife(seed, architecture, **options)
    for _ in life.go_on(steps):
        pass
    return life


# ---- domains of a machine -----------------------------------------------------------------------------


def machine_life(seed: int, architecture: str = "armv7", steps: int = 40, slots: int = 80) -> MachineDomain:
    """A domain of a machine after a random life; some of what it asks for fails."""
    draws = random.Random(seed)
    domain = vm.boot(architecture).domain("life", slots=slots)
    domain.machine.name = "machine"
    held: list[Any] = []
    ranges: list[tuple[int, int]] = []

    def map_somewhere() -> None:
        frame, pages = draws.choice(held)
        at = None if draws.random() < 0.5 else 0x5000_0000 + (draws.randrange(1024) << 12)
        size = draws.randrange(1, pages + 1) << 12
        flags = draws.choice(["rw", "r", "rwx nocache", "rw large"])
        ranges.append((domain.map(frame, at=at, size=size, flags=flags), size))

    def retype() -> None:
        held.append((domain.retype(domain.ram("64 KiB"), "Frame", 0, "16 KiB"), 4))

    for _ in range(steps):
        chance = draws.random()
        with suppress(vm.VMError):
            if chance < 0.2 or not held:
                pages = draws.choice([1, 4, 16, 600])
                held.append((domain.frame(pages << 12), pages))
            elif chance < 0.6:
                map_somewhere()
            elif chance < 0.72 and ranges:
                domain.unmap(*draws.choice(ranges))
            elif chance < 0.82 and ranges:
                domain.modify_flags(*draws.choice(ranges), draws.choice(["r", "rw"]))
            elif chance < 0.88:
                held.append((domain.mint(draws.choice(held)[0], "rg"), 1))
            elif chance < 0.92:
                retype()
            else:
                draws.choice([domain.delete, domain.revoke])(draws.choice(held)[0])
    return domain
