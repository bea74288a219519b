"""The calls that are followed: known by their stack and stack pointer, from entry to return.

A hart leaves a call in the middle when the timer switches processes, and another hart may go on with it.  Its kernel
stack stays the same: one page in xv6.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vmwidgets.engine.base.errors import in_ascii

from ...engine.base.units import PAGE, Address
from ..program import Program

ARGUMENTS = {
    "mappages": ("pagetable", "va", "size", "pa", "perm"),
    "uvmunmap": ("pagetable", "va", "npages", "do_free"),
    "uvmalloc": ("pagetable", "oldsz", "newsz", "xperm"),
    "uvmcopy": ("old", "new", "sz"),
    "freewalk": ("pagetable",),
}
"""The functions that are followed, with their arguments in a0, a1, …"""

LARGE = 64
"""Pages from which a call of uvmalloc or uvmcopy is looked at as a whole."""

SP, RA, A0 = 2, 1, 10
"""Numbers of registers."""


@dataclass
class Call:
    """One call, from its entry on; `inner` are the followed calls that it made, of all depths."""

    function: str
    sp: int
    returns_to: int
    arguments: tuple[int, ...]
    inner: list[Call] = field(default_factory=list)
    result: int = 0
    before: dict[str, dict[int, int]] | None = None
    """What its tables mapped at its entry, by the argument's name, where a course's check asks for that."""

    @property
    def roots(self) -> tuple[int, ...]:
        """The root tables that it is about."""
        return self.arguments[:2] if self.function == "uvmcopy" else self.arguments[:1]

    @property
    def pages(self) -> range:
        """The virtual addresses that it may change, page by page; empty where it may change any."""
        if self.function == "mappages":
            va, size = self.arguments[1:3]
            return range(va & -PAGE, va + max(size, 1), PAGE)
        if self.function == "uvmunmap":
            va, count = self.arguments[1:3]
            return range(va, va + min(count, 1 << 26) * PAGE, PAGE)
        if self.function == "uvmalloc":
            return range(_up(self.arguments[1]), _up(self.arguments[2]), PAGE)
        return range(0)

    @property
    def failed(self) -> bool:
        """Whether its result says so: uvmalloc returns 0, mappages and uvmcopy anything else."""
        result = self.result & 0xFFFF_FFFF
        return result == 0 if self.function == "uvmalloc" else self.function in ("mappages", "uvmcopy") and result != 0

    @property
    def is_large(self) -> bool:
        """Whether it maps so many pages that its inner calls are not looked at one by one."""
        if self.function == "uvmcopy":
            return self.arguments[2] > LARGE * PAGE
        return self.function == "uvmalloc" and len(self.pages) > LARGE

    @in_ascii
    def __str__(self) -> str:
        named = zip(ARGUMENTS[self.function], self.arguments, strict=True)
        return f"{self.function}({', '.join(f'{name}={_shown(name, value)}' for name, value in named)})"

    def lines(self, program: Program) -> str:
        """Where the function is, and where it was called: "mappages (vm.c:60), called at vm.c:150 in uvmcopy"."""
        here = program.definition(self.function)
        there = program.line(self.returns_to - 2)
        by = program.function(self.returns_to - 2)
        return f"{self.function} ({here}), called at {there} in {by}"


def _up(size: int) -> int:
    return (size + PAGE - 1) & -PAGE


def _shown(name: str, value: int) -> str:
    if name in ("npages", "do_free"):
        return str(value)
    if name in ("perm", "xperm"):
        letters = ((2, "R"), (4, "W"), (8, "X"), (16, "U"))
        return "|".join(letter for bit, letter in letters if value & bit) or "0"
    return f"{value:#x}" if name == "size" else str(Address(value))


class Calls:
    """The calls under way, by kernel stack."""

    def __init__(self) -> None:
        self._under_way: dict[int, list[Call]] = {}

    def entered(self, function: str, registers: list[int]) -> Call:
        """A hart has come to the first instruction of a function."""
        count = len(ARGUMENTS[function])
        call = Call(function, registers[SP], registers[RA], tuple(registers[A0 : A0 + count]))
        stack = self._under_way.setdefault(_stack(call.sp), [])
        while stack and stack[-1].sp <= call.sp:  # it never returned: the stack was used again
            stack.pop()
        for outer in stack:
            outer.inner.append(call)
        stack.append(call)
        return call

    def returned(self, registers: list[int], pc: int) -> Call | None:
        """The call that returns to `pc` with this stack pointer, or None: a hart only came by."""
        stack = self._under_way.get(_stack(registers[SP]), [])
        for place, call in enumerate(stack):
            if call.sp == registers[SP] and call.returns_to == pc:
                del stack[place:]
                call.result = registers[A0]
                return call
        return None

    def is_inner(self, call: Call) -> bool:
        """Whether a call, under way or just returned, was made by another followed one."""
        return any(other is not call and other.sp > call.sp for other in self._under_way.get(_stack(call.sp), ()))

    def changing(self) -> set[int]:
        """The root tables that calls under way are changing."""
        return {root for calls in self._under_way.values() for call in calls for root in call.roots}

    def has_large(self) -> bool:
        """Whether a call with very many pages is under way."""
        return any(call.is_large for calls in self._under_way.values() for call in calls)


def _stack(sp: int) -> int:
    """A kernel stack: its page, which the stack pointer leaves only where the stack is empty."""
    return sp - 1 >> 12
