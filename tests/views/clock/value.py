"""The clock as pictures see it."""

from __future__ import annotations

from dataclasses import dataclass

from vmwidgets.engine.base.past import Past


@dataclass(frozen=True)
class ClockValue:
    """The frames' pages and reference bits, and where the hand is."""

    pages: tuple[int | None, ...]
    referenced: tuple[bool, ...]
    hand: int

    def at(self, past: Past) -> ClockValue:
        """The clock before what `past` has."""
        pages = past.laid_over(dict(enumerate(self.pages)), "page", "clock")
        bits = past.laid_over(dict(enumerate(self.referenced)), "referenced", "clock")
        return ClockValue(tuple(pages.values()), tuple(bits.values()), past.one("hand", "clock", self.hand))
