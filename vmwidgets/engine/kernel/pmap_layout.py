"""Which slots of the tables belong to whom: pure arithmetic on an address space's limits.

The user's half is [0, user_end), the kernel's everything from kernel_start up.  A slot that covers
kernel addresses only is the same in all address spaces.  One that covers both (a 32-bit layout on
64-bit tables has its whole space in one root slot) is *mixed*: each space has its own table there, and
the tables below are shared as soon as their slots are the kernel's alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ..base.errors import Refused
from ..base.units import PAGE, Address
from ..mmu.format import Level, TableFormat

Side = Literal["user", "kernel", "mixed", "window", "none"]


@dataclass(frozen=True)
class PmapLayout:
    """The limits of the kernel map and of user maps, and where the tables appear in `window`, if anywhere.

    >>> from vmwidgets.engine.mmu.x86_64 import X86_64, PDPT, PML4
    >>> layout = PmapLayout(X86_64, kernel_start=0xC040_0000, kernel_end=0xFC00_0000, user_end=0xC000_0000)
    >>> layout.side(PML4, 0xC040_0000), layout.side(PDPT, 0xC040_0000), layout.side(PDPT, 0)
    ('mixed', 'kernel', 'user')
    """

    fmt: TableFormat[Any]
    kernel_start: int
    kernel_end: int
    user_end: int
    window: int | None = None
    """Start of the recursive window: the root slot there refers to the root itself."""
    split: bool = False
    """Whether the kernel's half has a base register, and so a root table, of its own (AArch64's TTBR1)."""

    def __post_init__(self) -> None:
        for name in ("kernel_start", "kernel_end", "user_end", "window"):
            self._check_limit(name, getattr(self, name))
        if self.split:
            in_order = self.user_end <= self.kernel_start < self.kernel_end
        else:
            in_order = self._plain(self.user_end) <= self._plain(self.kernel_start) < self._plain(self.kernel_end)
        if not in_order:
            raise Refused(
                f"user [0, {Address(self.user_end)}) and kernel [{Address(self.kernel_start)}, "
                f"{Address(self.kernel_end)}): the kernel must lie above, and not be empty"
            )
        root = self.fmt.root_level
        if self.window is not None and (self.window % root.span or self._half(root, self.window) != "none"):
            raise Refused(f"window={Address(self.window)}: it needs a root slot ({root.name}) of its own")

    def side(self, level: Level, va: int) -> Side:
        """Whose addresses the slot of `level` for `va` covers."""
        if self.window is not None and level is self.fmt.root_level and level.index(va) == level.index(self.window):
            return "window"
        return self._half(level, va)

    def is_user(self, va: int) -> bool:
        """Whether `va` is in the user's half."""
        return 0 <= va < self.user_end

    def first_va(self, kernel: bool) -> int:
        """The address that the first slot of a root table is for."""
        return self.fmt.canonical(1 << self.fmt.word_bits - 1) if kernel and self.split else 0

    def is_kernel(self, va: int) -> bool:
        """Whether `va` is the kernel map's or above it, where the kernel's image lies."""
        return va >= self.kernel_start and va == self.fmt.canonical(va)

    def is_published(self, level: Level, va: int) -> bool:
        """Whether the slot of `level` for `va` must be the same in all spaces, in tables each has its own of."""
        if self.split or self.side(level, va) != "kernel":
            return False
        return level is self.fmt.root_level or self.side(self.fmt.level(level.number + 1), va) == "mixed"

    def _half(self, level: Level, va: int) -> Side:
        if self.split:
            return "kernel" if va >> self.fmt.word_bits - 1 else "user"
        start = self._plain(va) >> level.shift << level.shift
        plain_user_end, plain_kernel_start = self._limits
        user = start < plain_user_end
        kernel = start + level.span > plain_kernel_start
        if user:
            return "mixed" if kernel else "user"
        return "kernel" if kernel else "none"

    @cached_property
    def _limits(self) -> tuple[int, int]:
        return self._plain(self.user_end), self._plain(self.kernel_start)

    def _plain(self, va: int) -> int:
        """The address without the bits that only repeat the highest translated one."""
        return va & (1 << self.fmt.va_bits) - 1

    def _check_limit(self, name: str, limit: int | None) -> None:
        # user_end may be the first address that is not canonical any more.
        top = 1 << self.fmt.va_bits
        plain = limit is not None and (limit <= top or limit == self.fmt.canonical(limit) or self.split)
        if limit is not None and (limit % PAGE or not plain):
            raise Refused(f"{name}={limit:#x}: it must be page aligned and an address of {self.fmt.name}")
