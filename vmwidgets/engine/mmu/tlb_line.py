"""One entry of a TLB: a translation with everything that it takes to judge an access by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, get_args

from ..base.tlb_values import TlbEntry
from ..base.walk_values import Permission, Permissions, Rights, Walk
from .format import Access, C, Entry, TableFormat
from .rules import Stop


def path_of(fmt: TableFormat[C], found: Walk, controls: C) -> tuple[Entry, ...]:
    """The descriptors of a walk, with what the hardware has set in them by then."""
    path = []
    for step, bits in zip(found.steps, found.sets or [0] * len(found.steps), strict=True):
        level = fmt.level(step.level)
        path.append(Entry(level, fmt.rules.read_as(level, step.value, controls), step.value | bits))
    return tuple(path)


def is_global(path: Sequence[Entry]) -> bool:
    """Whether a translation is for all address spaces: G in the leaf, or in any PTE on RISC-V; nG = 0 on ARM.

    SDM 3A, 4.10.2.4; ARM DDI 0406C, B3.9.1; ARM DDI 0487, D5.10.1; RISC-V Privileged 20211203, 4.3.1.
    """
    if path[-1].descriptor.field("nG") is not None:
        return not path[-1].value("nG")
    return any(at.value("G") for at in path)


class TlbLine(Generic[C]):
    """What a TLB keeps of one walk; only `used`, and what is worked out from it, ever change.

    `key` is log2 of the page's size, the address divided by it, and the address space (-1 for a global entry).
    """

    __slots__ = ("_controls", "_judged", "_permissions", "_value", "fmt", "key", "pa", "path", "pending", "rights",
                 "set", "size", "used", "va", "walk", "way")  # fmt: skip  # read as a list of names

    def __init__(
        self,
        fmt: TableFormat[C],
        set_number: int,
        way: int,
        key: tuple[int, int, int],
        walk: Walk,
        path: tuple[Entry, ...],
        controls: C,
        used: int,
    ) -> None:
        self.fmt = fmt
        self.set = set_number
        self.way = way
        self.key = key
        self.size = walk.page_size
        self.va = walk.va & -self.size
        assert walk.pa is not None, "the walk went through"
        self.pa = walk.pa & -self.size
        self.walk = walk
        """The walk that it is from."""
        self.path = path
        """The descriptors on the way, with what the hardware set in them."""
        self.used = used
        """When it was used last, by the TLB's count."""
        self.rights = walk.rights
        self._permissions = walk.permissions
        self._judge_under(controls)

    def _read_under(self, controls: C) -> None:
        """Gather the rights as these settings of the processor have them."""
        rights = Rights()
        for at in self.path:
            rights = self.fmt.rules.gather(rights, at.descriptor, at.word, controls)
        self.rights, self._permissions = rights, None
        self._judge_under(controls)

    def _judge_under(self, controls: C) -> None:
        leaf = self.path[-1]
        self.pending = self.fmt.rules.accessed(leaf.descriptor, True, controls) & ~leaf.word
        """What the hardware still has to set in the last descriptor before a write goes through."""
        self._controls = controls
        self._judged: dict[tuple[Access, bool], Stop | None] = {}
        self._value: TlbEntry | None = None

    @property
    def asid(self) -> int | None:
        """The address space that it is for; None for a global entry."""
        return None if self.key[2] < 0 else self.key[2]

    def covers(self, va: int) -> bool:
        """Whether `va` is in its page."""
        return self.va <= va < self.va + self.size

    def forbids(self, access: Access, user: bool, controls: C) -> Stop | None:
        """Whether what it keeps forbids an access, with the processor set as it is now; O(1) the second time."""
        if controls is not self._controls and controls != self._controls:
            self._read_under(controls)
        case = (access, user)
        if case not in self._judged:
            self._judged[case] = self.fmt.rules.judge(self.path, self.rights, access, user, controls)
        return self._judged[case]

    @property
    def permissions(self) -> Permissions:
        """What each side may do, under the settings that it was last judged with."""
        if self._permissions is None:
            self._permissions = Permissions(self._allowed(False), self._allowed(True))
        return self._permissions

    def _allowed(self, user: bool) -> Permission:
        return Permission(*(self.forbids(one, user, self._controls) is None for one in get_args(Access)))

    @property
    def value(self) -> TlbEntry:
        """The entry as a frozen value."""
        if self._value is None:
            self._value = TlbEntry(
                self.set, self.way, self.va, self.pa, self.size, self.asid, self.permissions, not self.pending
            )
        return self._value
