"""The findings in a terminal's text: each reader adds its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...engine.mmu.pasted import Listing, Panic, Trap
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

    @property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.lines

    def is_last(self, line: int) -> bool:
        """Return whether only empty lines follow a line."""
        return not any(map(str.strip, self.lines[line:]))

    def ends_in(self, line: int, end: int) -> bool:
        """Return whether the text ends right after column `end` of a line, so that a number there may be cut off."""
        return not self.text.is_ended and line == len(self.lines) and end >= len(self.lines[-1].rstrip())
