"""The calls that are followed, identified by their stack and stack pointer, from entry to return.

A hart leaves a call in the middle when the timer switches processes, and another hart may continue it.  Its kernel
stack stays the same: one page in xv6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vmwidgets.engine.base.errors import in_ascii

from ...engine.base.units import PAGE, Address
from ..code import A0, FP, RA, SP
from ..program import Program
from .plan import Point
from .spaces import Leaf

MAXVA = 1 << 38

LARGE = 64
"""The number of pages from which a call is large."""


@dataclass
class Call:
    """One call, from its entry on."""

    point: Point
    sp: int
    returns_to: int
    values: tuple[int, ...]
    roots: tuple[int, ...]
    """The root tables that the call works on."""
    process: str = ""
    outer: Call | None = None
    """The followed call that made this call, directly or indirectly."""
    result: int = 0
    before: dict[int, dict[int, Leaf]] = field(default_factory=dict)
    """The mappings of the call's tables at its entry, by root, if a rule or a course's check needs them."""
    far: int = 0
    """The return address of the caller's caller, if the end of the call is watched there."""
    fault: int | None = None
    """The address of the fault that the call handles, if it is a trap's handler that is not followed from its entry."""
    began: int = 0
    """The place from which the call is followed, if that is not its function's entry."""
    within: str = ""
    """The system call in which the call is made, if it is followed from its first read of a descriptor."""

    @property
    def function(self) -> str:
        """The name of the function."""
        return self.point.name

    @property
    def arguments(self) -> dict[str, int]:
        """The arguments by name."""
        return {one.name: value for one, value in zip(self.point.parameters, self.values, strict=False)}

    def argument(self, place: int) -> int:
        """Return an argument by its place; 0 if the call has fewer."""
        return self.values[place] if place < len(self.values) else 0

    @property
    def pages(self) -> range | None:
        """The virtual addresses that the call may change, page by page; None if it may change any."""
        if self.function == "mappages" and len(self.values) >= 3:
            va, size = self.values[1:3]
            return range(va & -PAGE, va + max(size, 1), PAGE)
        if self.function == "uvmunmap" and len(self.values) >= 3:
            va, count = self.values[1] & -PAGE, self.values[2]
            return range(va, va + min(count, 1 << 26) * PAGE, PAGE)
        if self.function == "uvmalloc" and len(self.values) >= 3:
            return range(_up(self.values[1]), _up(self.values[2]), PAGE)
        if self.function == "uvmdealloc" and len(self.values) >= 3:
            return range(_up(self.values[2]), _up(self.values[1]), PAGE)
        return None

    @property
    def is_large(self) -> bool:
        """Return whether the call maps or copies so many pages that filling them takes long."""
        pages = len(self.pages or ()) if self.function in ("uvmalloc", "mappages") else 0
        return pages > LARGE or any(name in ("sz", "size") and at > LARGE * PAGE for name, at in self.arguments.items())

    @property
    def failed(self) -> bool:
        """Return whether the result reports an error: 0 for uvmalloc, anything but 0 for mappages and uvmcopy."""
        result = self.result & 0xFFFF_FFFF
        return result == 0 if self.function == "uvmalloc" else self.function in ("mappages", "uvmcopy") and result != 0

    def made_by(self, function: str) -> Call | None:
        """Return this call, or the one that made it directly or indirectly, if it is of this function."""
        if self.function == function:
            return self
        return self.outer.made_by(function) if self.outer is not None else None

    @in_ascii
    def __str__(self) -> str:
        if self.began:
            fault = "" if self.fault is None else f", the fault at {Address(self.fault)}"
            return f"{self.function}(){fault or (f', in the system call {self.within}' if self.within else '')}"
        return (
            f"{self.function}({', '.join(f'{name}={_shown(name, value)}' for name, value in self.arguments.items())})"
        )

    def lines(self, program: Program) -> str:
        """Return the place of the function and of its call: "mappages (vm.c:60), called at vm.c:150 in uvmcopy"."""
        if self.began:
            return f"{self.function} ({program.line(self.began - 1)})"
        here = program.definition(self.function)
        by, *_ = program.frames(self.returns_to - 2)
        return f"{self.function} ({here}), called at {by.line} in {by.name}"


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

    def entered(self, call: Call) -> None:
        """Record that a hart has reached the first instruction of a function."""
        stack = self._under_way.setdefault(_stack(call.sp), [])
        while stack and stack[-1].sp <= call.sp:  # that call never returned: the stack was used again
            stack.pop()
        call.outer = stack[-1] if stack else None
        stack.append(call)

    def is_under_way(self, function: str, sp: int) -> bool:
        """Return whether a call of this function with this stack pointer is known."""
        return any(one.sp == sp and one.function == function for one in self._under_way.get(_stack(sp), ()))

    def returned(self, registers: Sequence[int] | Mapping[int, int], pc: int) -> Call | None:
        """Return the call that ends at `pc` with this stack, or None if a hart only passes through."""
        sp, fp = registers[SP], registers[FP]
        stack = self._under_way.get(_stack(sp), [])
        for place, call in enumerate(stack):
            at_end = pc in call.point.ends and (sp == call.sp or (call.began and fp == call.sp))
            is_far = call.far == pc and sp >= call.sp
            if at_end or is_far or (call.sp == sp and call.returns_to == pc):
                del stack[place:]
                call.result = registers[A0] if not is_far else int(call.function == "uvmalloc")  # unknown: no failure
                return call
        return None

    def is_inner(self, call: Call) -> bool:
        """Return whether another followed call made this call; the other call may have just returned."""
        return any(other is not call and other.sp > call.sp for other in self._under_way.get(_stack(call.sp), ()))

    def of(self, sp: int) -> Call | None:
        """Return the innermost call under way on a kernel stack."""
        stack = self._under_way.get(_stack(sp), [])
        return stack[-1] if stack else None

    def innermost(self) -> list[Call]:
        """Return the innermost call under way on each kernel stack."""
        return [calls[-1] for calls in self._under_way.values() if calls]

    def all(self) -> list[Call]:
        """Return the calls under way."""
        return [call for calls in self._under_way.values() for call in calls]

    def changing(self) -> set[int]:
        """Return the root tables that calls under way are changing."""
        return {root for call in self.all() for root in call.roots}


def _stack(sp: int) -> int:
    """Return a kernel stack: its page.  The stack pointer is outside the page only if the stack is empty."""
    return sp - 1 >> 12


__all__ = ["A0", "FP", "MAXVA", "PAGE", "RA", "SP", "Call", "Calls"]
