"""The lines of one oops, and queries of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...engine.base.errors import shown
from ...engine.base.units import Address
from ...engine.mmu.format import TableFormat
from ...engine.mmu.rules import Access
from ...engine.mmu.tables import TablesWalk
from ...given.pasted import Trap
from .one_walk import tables_of, walked
from .parts import Parts
from .said import PastedTables

_NAMES = "pgd|p4d|pud|pmd|ppte|pte|pdpt|pde"
_LABEL = re.compile(rf"(?<!\w)\*?({_NAMES})\b ?=? ?(?!\*?(?:{_NAMES})\b)([^\s,]*)", re.ASCII | re.IGNORECASE)
"""The name of a descriptor and the word after it, which may not be a number."""


MESSAGES = {"unable to handle": "kernel|page fault"}
"""How Linux's first line of an oops begins on all processors, and what follows: patterns, of letters of either case.

A spelling more is one more row here; the words before its address are in :data:`FAILED_AT`.
"""

FAILED_AT = (
    r"(?:(?:for|at|dereference,?)(?: virtual)? address:?|(?:dereference|request) at|unhandled .{0,60}?\bat"
    r"|unable to handle .{0,80}? at)"
)
"""The words before the failed address in Linux's first line of an oops, on all processors; letters of either case."""

IS = r"(?:\s{1,40}(?:is|was)\b)?(?:[\s=:\[]|-(?=\s)){1,40}"
"""What is between the name of a number and the number: "= ", " : ", " - ", " is "."""

LEVELS = ("pgd", "p4d", "pud", "pmd", "pte")
"""Linux's names of the levels, the root's first."""


_GOES_ON = re.compile(r" [0-9a-f]+(?![\w.:+/])", re.ASCII)
"""The rest of a number with a blank in it, whose first digits are not the whole number."""


_WIDE = re.compile(r"\b(?:0x)?[0-9a-f]{16}\b", re.ASCII)
"""A register of a processor with 64 bits."""


MADE = {"execute": "fetch", "read": "read", "write": "write"}


class Word(NamedTuple):
    """A descriptor in an oops: its name, its value and its line."""

    name: str
    value: int
    line: int


def _is_whole(found: list[re.Match[str]]) -> bool:
    """Return whether the last descriptor of a line has all digits: after "=", Linux prints leading zeros."""
    digits = found[-1][2]
    longest = max(len(match[2]) for match in found)
    return len(digits) == max(longest, 8) if "=" in found[-1][0] else digits == "0" or len(digits) == 16


def said_refused(made: str, trap: Trap, *, is_known: bool) -> str:
    """Return the beginning of a trap's sentence; `made`, such as "read", is left out if the text does not say it."""
    access = f"{made} of" if is_known else "access to"
    where = f" in {trap.where}" * trap.where.endswith("mode")
    return f"The {access} {Address(trap.address or 0)}{where} was refused"


class Refusing(NamedTuple):
    """The bits that refuse a walk of a processor: by the kind of the fault, or by words in a fault of protection.

    `other` is the bit of a fault of protection with none of these words.
    """

    kinds: Mapping[str, str]
    words: Mapping[str, str]
    other: str = ""

    def of(self, walk: TablesWalk) -> str:
        """Return the bit that refused a walk; "" if none did."""
        fault = walk.fault
        if fault is None or not walk.steps:
            return ""
        if fault.kind != "protection":
            return self.kinds.get(fault.kind, "")
        return next((bit for words, bit in self.words.items() if words in fault.why), self.other)


@dataclass
class Event:
    """The lines of one oops from line `first` on; `header` says whether that line names the failed address."""

    first: int
    lines: list[tuple[int, str]]
    header: bool
    parts: Parts
    name: str = "oops"
    """What the lines are in a sentence: an oops, or a walk that a debugger or Xen printed."""

    def search(self, pattern: re.Pattern[str], *, claim: bool = True) -> re.Match[str] | None:
        """Return the first match of a pattern, whose line then belongs to the oops."""
        for number, line in self.lines:
            match = pattern.search(line)
            if match is not None:
                if claim:
                    self.parts.claimed.add(number)
                return match
        return None

    def say(self, words: str) -> None:
        """Add a sentence about these lines, without its subject and its full stop."""
        self.parts.unsaid.append(f"The {self.name} in line {self.first} {words}.")

    def trap(
        self,
        user: bool | None,
        code: int | None,
        means: str,
        pid: re.Pattern[str],
        pc: re.Pattern[str],
        address: int | None,
        **more: Any,
    ) -> Trap:
        """Return a trap of these lines, with the process and the instruction that patterns find."""
        where = "a process or the kernel" if user is None else "user mode" if user else "kernel mode"
        return Trap(where, self.first, code, means, self.decimal(pid), self.number(pc), address, **more)

    def address(self, pattern: re.Pattern[str], again: re.Pattern[str], whole: tuple[int, ...] = ()) -> int | None:
        """Return the failed address, which Linux may print `again`; adds a sentence if these are two addresses."""
        one, other = self.number(pattern, whole), self.number(again)
        if one is not None and other is not None and one != other:
            self.parts.unsaid.append(
                f"The {self.name} in line {self.first} says two addresses, {one:#x} and {other:#x}: one of them is"
                " damaged, or the text is mixed. The first is walked."
            )
        return other if one is None else one

    def say_without_address(self, trap: Trap) -> None:
        """Add a trap whose address the text does not say."""
        self.say("does not say which address failed")
        self.parts.traps.append(replace(trap, says=f"{trap.means}; the text does not say which address failed."))

    def walk(
        self,
        fmt: TableFormat[Any],
        controls: Any,
        va: int,
        words: Sequence[int | None],
        root: int | None,
        lines: tuple[int, int],
        access: Access,
        user: bool,
    ) -> tuple[PastedTables, TablesWalk | None]:
        """Return the tables of these descriptors, and the walk of an access, if the text has enough of it."""
        made = tables_of(f"tables of the {self.name} in line {self.first}", fmt, controls, va, words, root, lines)
        return made, walked(made, va, access, user)

    def judged(
        self,
        trap: Trap,
        walk: TablesWalk | None,
        done: str,
        by: str,
        refusing: Callable[[TablesWalk], str],
        *,
        is_known: bool,
    ) -> Trap:
        """Return a trap with what its walk says: which bit refuses; or that descriptors are missing, or allow it.

        `by` is what the processor's register says of the reason; `is_known` is whether the text says the access.
        """
        if walk is None:
            self.say("lacks descriptors: the text leaves out a level, or is cut")
            return replace(trap, says=f"{done}{by or '; the text has not all descriptors that lead there'}.")
        if walk.fault is not None:
            return replace(trap, walk=walk, refused=refusing(walk), says=f"{done}: {walk.fault.why}.")
        if is_known:
            self.parts.unsaid.append(
                f"The descriptors of the {self.name} in line {self.first} allow what failed: they were changed in"
                " between, or the TLB had an older one."
            )
        allow = f"{', and' if by else ';'} the descriptors in the text allow {'it' if is_known else 'a read'}"
        return replace(trap, walk=walk, says=f"{done}{by}{allow}.")

    def number(self, pattern: re.Pattern[str], whole: tuple[int, ...] = ()) -> int | None:
        """Return the hexadecimal number in a pattern's first group; None if it may be cut off.

        `whole` are the numbers of digits that it can have, if its program prints all of them.
        """
        for number, line in self.lines:
            match = pattern.search(line)
            if match is None:
                continue
            digits = next((one for one in match.groups() if one), "").replace("`", "")
            self.parts.claimed.add(number)
            if _GOES_ON.match(line, match.end()):
                self.parts.unsaid.append(f"A number in line {number} has a blank in it, and is not read: {digits}.")
                return None
            if whole and len(digits) not in whole:
                self.parts.refuse(f"The address {digits} in line {number} is cut, and not read.")
                return None
            if self.parts.ends_in(number, match.end()):
                self.parts.unsaid.append(f"The text ends with a number in line {number}: digits may be missing.")
                if self._is_padded(digits):
                    return None
            return 0 if "null" in digits.lower() else int(digits, 16) if digits and len(digits) <= 16 else None
        return None

    def _is_padded(self, digits: str) -> bool:
        """Return whether a number begins with zeros but is too short, so that its last digits are missing."""
        is_64 = any(_WIDE.search(line) for _, line in self.lines)
        return digits[:1] == "0" and len(digits) not in ((1, 16) if is_64 else (1, 8, 16))

    def decimal(self, pattern: re.Pattern[str]) -> int | None:
        """Return the decimal number in one of a pattern's groups."""
        match = self.search(pattern, claim=False)
        return None if match is None else int(next(filter(None, match.groups())))

    def words(self, pattern: re.Pattern[str]) -> list[Word]:
        """Return the descriptors matched by a pattern as name and value, all in the first line that has one.

        A descriptor at the end of the text is not read if some of its digits may be missing.
        """
        for number, line in self.lines:
            found = [
                match
                for match in pattern.finditer(line)
                if len(match[2]) <= 16 and not _GOES_ON.match(line, match.end())
            ]
            if not found:
                continue
            self.parts.claimed.add(number)
            if self.parts.ends_in(number, found[-1].end()):
                self.parts.unsaid.append(
                    f"The text ends with a descriptor in line {number}: digits or levels may be missing."
                )
                if not _is_whole(found):
                    found.pop()
            elif self.parts.is_last(number) and not _is_whole(found):
                self.parts.unsaid.append(
                    f"The text ends with line {number}: digits of its last descriptor may be missing."
                )
                if len(found[-1][2]) < min((len(one[2]) for one in found[:-1] if one[2] != "0"), default=0):
                    found.pop()  # shorter than all before it
            return [Word(match[1].lower(), int(match[2], 16), number) for match in found]
        return []

    def unread(self, words: list[Word]) -> set[str]:
        """Return the names in the line of `words` whose values can't be read, and add a sentence about each.

        Without `words`, the line is the first line that names two descriptors.
        """
        read = {one.name for one in words}
        for number, line in self.lines:
            labels = {match[1].lower(): match[2] for match in _LABEL.finditer(line)}
            if number != words[0].line if words else len(labels) < 2:
                continue
            lost = {name: value for name, value in labels.items() if name not in read}
            for name, value in lost.items():
                what = f"can't be read: {shown(value[:20])}" if value else "has no value"
                self.parts.unsaid.append(f"{name.upper()} in line {number} {what}.")
            return set(lost)
        return set()

    def values(self, words: list[Word], names: tuple[str, ...]) -> list[int | None]:
        """Return the descriptors of levels by Linux's names, down to the last; None for an unreadable descriptor.

        The levels between the first two names are folded: each repeats the first.
        """
        by_name = {one.name: one.value for one in words}
        folded = LEVELS[: LEVELS.index(names[1])]
        first = next((by_name[name] for name in folded if name in by_name), None)
        found = [first, *(by_name.get(name) for name in names[1:])]
        while found and found[-1] is None:
            found.pop()
        return found

    def say_uneven(self, pattern: re.Pattern[str]) -> None:
        """Add a sentence if the complete descriptors of a line have different lengths."""
        for number, line in self.lines:
            lengths = {len(match[2]) for match in pattern.finditer(line)}
            if lengths:
                if len(lengths) > 1:
                    self.parts.unsaid.append(
                        f"The descriptors in line {number} have not the same number of digits: some are damaged."
                    )
                return

    def say_misfit(self, register: str, said: str, found: str) -> None:
        """Add a sentence about a register that says another reason than the walk has found."""
        self.parts.unsaid.append(
            f"{register} of the {self.name} in line {self.first} says {said}, and the walk of its descriptors ends with"
            f" {found}: they were changed in between, or the text is mixed."
        )

    def add_tables(self, tables: PastedTables, name: str) -> None:
        """Add the tables on a walk, and a sentence if the text has no root address.

        `name` is the register or line that would have it.
        """
        self.parts.tables.append(tables)
        if not tables.root_is_said:
            self.parts.unsaid.append(
                f"The {self.name} in line {self.first} has no root address ({name}): {int(tables.root):#x} is put in"
                " its place."
            )
