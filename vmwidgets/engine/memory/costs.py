"""The times of accesses and faults, and the effective access time that follows from their counts."""

from __future__ import annotations

import re
from dataclasses import fields
from operator import add, sub
from typing import NamedTuple

from ..base.calls import says_what_it_takes
from ..base.errors import Refused, in_ascii, shown
from ..base.frozen import frozen
from ..base.operations import exact
from ..base.units import counted, duration

MOST = 10**18
"""The longest time that may be set, in nanoseconds: some 30 years."""


@frozen(slots=False)
class Costs:
    """Times in nanoseconds: a lookup in the TLB, a reference to memory, a minor and a major fault.

    100 ns for memory and 10 ms for a disk are the example in Arpaci-Dusseau, "Operating Systems: Three Easy Pieces",
    chapter 22.  A lookup in the TLB takes one or a few cycles.  A minor fault of Linux on x86-64 takes about a
    microsecond.  A solid-state drive needs about 100,000 ns where a disk needs 10,000,000 ns.

    Raises :class:`Refused` for a time that is negative or not a number.

    >>> Costs(major=100_000)
    Costs(tlb=1, memory=100, minor=1000, major=100000)
    >>> Costs(memory="fast")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: memory='fast': write a time in nanoseconds, from 0 on
    """

    tlb: float = 1
    memory: float = 100
    minor: float = 1_000
    major: float = 10_000_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value: object = exact(getattr(self, field.name))
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST:
                raise Refused(f"{field.name}={shown(value)}: write a time in nanoseconds, from 0 on")
            object.__setattr__(self, field.name, value)


Costs.__init__ = says_what_it_takes(Costs.__init__)  # type: ignore[method-assign]  # learners call it


class AccessCounts(NamedTuple):
    """The counts of accesses that reached memory: TLB hits, memory references by walks, minor and major faults."""

    accesses: int = 0
    tlb_hits: int = 0
    walk_references: int = 0
    minor: int = 0
    major: int = 0

    def plus(self, *more: int) -> AccessCounts:
        """Return these counts plus `more`, in the order of the fields."""
        return AccessCounts(*map(add, self, more))

    def minus(self, other: AccessCounts) -> AccessCounts:
        """Return the counts since `other`."""
        return AccessCounts(*map(sub, self, other))


@frozen(slots=False)
class EffectiveAccessTime:
    """The average time of an access, computed from counts.

    Of the `accesses`, `tlb_hits` found their page in the TLB; the walks of the others read memory `walk_references`
    times. `minor` faults needed no disk, `major` faults did.

        t = tlb + (1 + w) × memory + f × minor + F × major

    where w, f and F are the references by walks, the minor and the major faults for each access.

    Raises :class:`Refused` for impossible counts.

    >>> t = EffectiveAccessTime(Costs(), accesses=1000, tlb_hits=900, walk_references=400, minor=10, major=2)
    >>> t.time
    20151.0
    >>> print(t)
    effective access time: 20.2 us, of 1,000 accesses
      = tlb + (1 + w) x memory + f x minor + F x major
      = 1 ns + (1 + 0.4) x 100 ns + 0.01 x 1 us + 0.002 x 10 ms
      = 1 ns + 140 ns + 10 ns + 20 us
    TLB hits: 90 %; 4 memory references by page walks for each miss
    """

    costs: Costs
    accesses: int
    tlb_hits: int
    walk_references: int
    minor: int
    major: int

    def __post_init__(self) -> None:
        counts = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        for name, count in counts.items():
            if type(count) is not int or count < 0:
                raise Refused(f"{name}={shown(count)}: write a count, from 0 on")
        if self.tlb_hits > self.accesses:
            raise Refused(f"tlb_hits={self.tlb_hits:,} of {counted(self.accesses, 'access')}: fewer accesses than hits")
        if not self.accesses and any(counts.values()):
            raise Refused("accesses=0: without accesses there are no walks and no faults")

    @property
    def parts(self) -> tuple[float, float, float, float]:
        """The average nanoseconds of an access by cause: the TLB, references to memory, minor and major faults."""
        costs = self.costs
        walks, minor, major = self._rates
        return costs.tlb, (1 + walks) * costs.memory, minor * costs.minor, major * costs.major

    @property
    def time(self) -> float:
        """The average nanoseconds of an access."""
        return sum(self.parts)

    @property
    def total(self) -> float:
        """The nanoseconds of all accesses together."""
        return self.time * self.accesses

    @property
    def _rates(self) -> tuple[float, float, float]:
        """The memory references by walks, the minor and the major faults for each access."""
        each = max(1, self.accesses)
        return self.walk_references / each, self.minor / each, self.major / each

    @in_ascii
    def __repr__(self) -> str:
        if not self.accesses:
            return "effective access time: no accesses so far"
        return "\n".join((self._headline, *(f"  = {line}" for line in self._formula), self._walks))

    def _repr_markdown_(self) -> str:
        if not self.accesses:
            return repr(self)
        words, *numbers = self._formula
        named = re.sub(r"[a-z]{2,}", r"\\mathrm{\g<0>}", words)
        lines = (re.sub(r" (n|µ|m|)s", r"\\,\\mathrm{\1s}", line) for line in numbers)
        math = r" \\ &= ".join((named, *lines)).replace("×", r"\times").replace("µ", r"\mu ")
        return f"**{self._headline}**\n\n$$\\begin{{aligned}}t &= {math}\\end{{aligned}}$$\n\n{self._walks}"

    @property
    def _headline(self) -> str:
        return f"effective access time: {duration(self.time)}, of {counted(self.accesses, 'access')}"

    @property
    def _formula(self) -> tuple[str, str, str]:
        """The formula in words, with its rates, and with the value of each part."""
        walks, minor, major = (f"{rate:.3g}" for rate in self._rates)
        tlb, memory, small, large = (duration(getattr(self.costs, one.name)) for one in fields(self.costs))
        return (
            "tlb + (1 + w) × memory + f × minor + F × major",
            f"{tlb} + (1 + {walks}) × {memory} + {minor} × {small} + {major} × {large}",
            " + ".join(duration(part) for part in self.parts),
        )

    @property
    def _walks(self) -> str:
        misses = self.accesses - self.tlb_hits
        walks = f"; {self.walk_references / misses:.3g} memory references by page walks for each miss" if misses else ""
        return f"TLB hits: {100 * self.tlb_hits / self.accesses:.3g} %{walks}"
