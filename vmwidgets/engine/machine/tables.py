"""The page tables of one address space of a machine, as a part that can be shown and walked."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..base.events import Event, PteRunWritten, PteWritten
from ..base.units import Address
from ..base.values.tables import Walk
from ..kernel.pmap.pmap import Pmap
from ..memory.ram import Ram
from ..mmu.rules import Access
from ..mmu.tables import PageTables
from ..mmu.walk import walk
from . import checks
from .system import SpacePart, System


class MemoryBefore:
    """Physical memory with some words as they were: `before` has them by physical address."""

    def __init__(self, ram: Ram, before: Mapping[int, int]) -> None:
        self._ram = ram
        self._before = before

    @classmethod
    def undoing(cls, ram: Ram, later: Iterable[Event]) -> MemoryBefore:
        """Memory as it was before the descriptor writes of some events."""
        before: dict[int, int] = {}
        for event in later:
            if isinstance(event, PteWritten):
                before.setdefault(event.pa, event.before)
            elif isinstance(event, PteRunWritten):
                for pa, word, _ in event.words():
                    before.setdefault(pa, word)
        return cls(ram, before)

    def read_word(self, pa: int, width: int) -> int:
        """The word of `width` bytes at `pa`."""
        before = self._before.get(pa)
        return self._ram.read_word(pa, width) if before is None else before


@dataclass(frozen=True, repr=False)
class MachineWalk(Walk):
    """A walk on a machine; two are equal when the hardware did the same.

    `source` leads to the machine while that exists; `task` names whose tables were walked ("" the kernel's).
    """

    source: weakref.ref[Any] | None = field(default=None, repr=False, compare=False)
    task: str = field(default="", compare=False)

    @property
    def machine(self) -> Any:
        """The machine that was walked; None when it is gone."""
        return None if self.source is None else self.source()


class MachineTables:
    """Page tables of a machine: the kernel's, or those of a task or a domain."""

    def __init__(self, system: System, space: SpacePart | None = None) -> None:
        self.system = system
        self._space = space

    @property
    def machine(self) -> Any:
        """The machine that these are the tables of."""
        return self.system.machine

    @property
    def pmap(self) -> Pmap:
        """The kernel's own."""
        return self.system.pmap if self._space is None else self._space.pmap

    @property
    def task(self) -> str:
        """The task or the domain (by its path) whose they are; "" the kernel's."""
        return "" if self._space is None else self._space.space_name

    @property
    def format(self) -> str:
        """The format's name."""
        return self.pmap.fmt.name

    @property
    def root(self) -> Address:
        """Physical address of the root table."""
        return Address(self.pmap.root)

    def now(self) -> PageTables[Any]:
        """The tables as they are."""
        pmap = self.pmap
        name = f"page tables of {self.task or 'the kernel'}"
        root, controls = pmap.registers(self.system.controls)
        lent = pmap.layout.user_end if self.task else None  # the kernel has nothing lent
        return PageTables(name, self.system.ram, pmap.fmt, root, controls, kernel_from=lent)

    def walk(self, address: int | str, access: str = "read", *, user: bool | None = None) -> MachineWalk:
        """What the hardware does with one access to `address` in these tables; nothing changes.

        Without `user`, user code makes the access if the address is the user's.
        """
        va, kind, layout = checks.whole(address, "address"), checks.access(access), self.system.layout
        by_user = layout.user_start <= va < layout.user_end if user is None else checks.flag(user, "user")
        return self.walk_in(self.system.ram, va, kind, by_user)

    def walk_in(self, memory: Ram | MemoryBefore, va: int, access: Access, user: bool) -> MachineWalk:
        """Walk `va` in memory as it is (`Ram`), or as it was."""
        pmap = self.pmap
        root, controls = pmap.registers(self.system.controls)
        found = walk(memory, pmap.fmt, root, va, access, user, controls)
        return MachineWalk.of(found, source=weakref.ref(self.system.machine), task=self.task)

    def __repr__(self) -> str:
        whose = "the kernel" if self._space is None else f"{self._space.noun} {self._space.name!r}"
        count = len(self.pmap.tables)
        return f"<page tables of {whose}: {self.format}, root {self.root}, {count:,} table pages>"
