"""Injected failures: requests at named points of the kernel that are made to fail, by count."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.recorder import Recorder
from .injections_schema import Injected

POINTS = {
    "page_alloc": "a frame",
    "table_page": "a frame for a page table",
    "pager_read": "a page from a file or from swap space",
    "swap_full": "a slot of swap space",
}
"""The points at which requests can fail, with what is requested there."""

TABLES = "page tables of "
"""The beginning of table pages' owner names."""


@dataclass
class Rule:
    """A rule: after `after` requests, one in `every` at `point` fails, at most `times` times (0: no limit)."""

    point: str
    every: int
    after: int
    times: int
    asked: int = 0
    failed: int = 0

    def fails(self) -> bool:
        """Return whether this request fails."""
        self.asked += 1
        number = self.asked - self.after
        hit = number > 0 and number % self.every == 0 and not (self.times and self.failed == self.times)
        self.failed += hit
        return hit


class Injections:
    """The rules of a machine, by number, which the structures consult."""

    def __init__(self, recorder: Recorder) -> None:
        self.rules: dict[int, Rule] = {}
        self._recorder = recorder
        self._made = 0

    def add(self, rule: Rule) -> int:
        """Add a rule; returns its number."""
        self._made += 1
        self.rules[self._made] = rule
        return self._made

    def hit(self, point: str) -> bool:
        """Return whether a request at `point` fails, counting it in every rule."""
        hits = [rule for rule in self.rules.values() if rule.point == point and rule.fails()]
        emit = self._recorder.emit
        if emit is not None and hits:
            emit((Injected.tag, point, hits[0].asked))
        return bool(hits)

    def no_frame(self, owner: str) -> bool:
        """Return whether the page allocator's next request fails; a request for a table counts at both points."""
        for_table = owner.startswith(TABLES) and self.hit("table_page")
        return self.hit("page_alloc") or for_table
