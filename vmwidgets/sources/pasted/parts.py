"""The findings in a terminal's text: each reader adds its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ...given.pasted import Listing, Panic, Trap
from ..cleaned import Cleaned
from .said import PastedTables


@dataclass
class Parts:
    """Tables, listings, traps and panics; `unsaid` are sentences about what the text lacks.

    `what` names the programs that printed them, and `claimed` are the numbers of their lines.
    """

    text: Cleaned
    tables: list[PastedTables] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    traps: list[Trap] = field(default_factory=list)
    panics: list[Panic] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    """The sentences that say why a part of the text is not read; a refusal begins with them."""
    what: dict[str, None] = field(default_factory=dict)
    claimed: set[int] = field(default_factory=set)
    told: set[int] = field(default_factory=set)
    """The lines of faults that are read: a "panic:" in one says nothing more."""

    _has_pa: bool | None = None
    _of_riscv: tuple[tuple[int, int], tuple[list[PastedTables], list[int], list[Listing]]] | None = None

    def refuse(self, words: str) -> None:
        """Add a sentence that says why a part of the text is not read."""
        self.unsaid.append(words)
        self.reasons.append(words)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.lines

    def has_pa(self, test: Callable[[list[str]], bool]) -> bool:
        """Return what a test of all lines says, which is made once."""
        if self._has_pa is None:
            self._has_pa = test(self.lines)
        return self._has_pa

    def claim_doubled(self, lines: Sequence[tuple[int, str]]) -> None:
        """Claim the lines that repeat claimed lines of the same text, as a second console prints them."""
        said = {line for number, line in lines if number in self.claimed}
        self.claimed.update(number for number, line in lines if line in said)

    def is_last(self, line: int) -> bool:
        """Return whether only empty lines follow a line."""
        return line >= self._last_line

    @cached_property
    def _last_line(self) -> int:
        return next((number for number in range(len(self.lines), 0, -1) if self.lines[number - 1].strip()), 0)

    @property
    def of_riscv(self) -> tuple[list[PastedTables], list[int], list[Listing]]:
        """The tables of RISC-V in their order, the last line of each, and the lists that are not of x86."""
        counts = len(self.tables), len(self.listings)
        if self._of_riscv is None or self._of_riscv[0] != counts:
            tables = [one for one in self.tables if one.fmt.name.startswith("riscv")]
            tables.sort(key=lambda one: one.lines[1])
            listings = sorted((one for one in self.listings if "x86" not in one.name), key=lambda one: one.line)
            self._of_riscv = counts, (tables, [one.lines[1] for one in tables], listings)
        return self._of_riscv[1]

    def ends_in(self, line: int, end: int) -> bool:
        """Return whether the text ends right after column `end` of a line, so that a number there may be cut off."""
        return not self.text.is_ended and line == len(self.lines) and end >= len(self.lines[-1].rstrip())
