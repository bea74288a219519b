"""What a map should do, with a plain sorted list of ranges: each question is answered by looking at all of them.

Written from the facts, for a map without quirks.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from tests.engine.kernel.maps import NOMERGE, NONE

NOMEM = "NOMEM"


@dataclass(eq=False)
class Range:
    start: int
    end: int
    target: str | None
    offset: int
    flags: int

    def __lt__(self, other):
        return self.start < other.start

    @property
    def row(self):
        return (self.start, self.end, self.target, self.offset, self.flags)


class PlainMap:
    def __init__(self, start, end):
        self.start, self.end = start, end
        self.ranges = []
        self.find_cache, self.threshold = 0, NONE
        self.looked_up = None

    @property
    def rows(self):
        return [one.row for one in self.ranges]

    @property
    def size(self):
        return sum(one.end - one.start for one in self.ranges)

    def nearest(self, address):
        found = next((one for one in self.ranges if address < one.end), None)
        if found is not None:
            self.looked_up = found
        return found

    def take_out(self, one):
        self.ranges.remove(one)
        if self.looked_up is one:
            self.looked_up = None

    # ---- where -------------------------------------------------------------------------------

    def fits(self, start, size):
        if start < self.start or start + size > self.end:
            return False
        above = self.nearest(start)
        return above is None or start + size <= above.start

    def place(self, start, size, align, fixed):
        if fixed or start:
            if self.fits(start, size):
                return start
            if fixed:
                return self.forget()
        if size > self.threshold:
            found = self.first_gap(self.find_cache, size, align)
            if found is not None or self.find_cache == self.start:
                return self.forget() if found is None else found
        self.threshold = 0
        found = self.first_gap(self.start, size, align)
        return self.forget() if found is None else found

    def first_gap(self, base, size, align):
        above = self.nearest(base)
        others = [] if above is None else self.ranges[self.ranges.index(above) :]
        begins = [base, *(one.end for one in others)]
        ends = [*(one.start for one in others), self.end]
        for begin, end in zip(begins, ends, strict=True):
            position = -(-begin // align) * align if align else begin
            if position + size > self.end:
                return None
            if position + size <= end:
                self.find_cache = position + size
                return position
            self.threshold = max(self.threshold, end - position)
        return None

    def forget(self):
        self.find_cache, self.threshold = 0, NONE
        return NOMEM

    # ---- what --------------------------------------------------------------------------------

    def enter(self, start, size, align, flags, target, offset, fixed):
        found = self.place(start, size, align, fixed)
        if found != NOMEM:
            self.insert(Range(found, found + size, target, offset, flags))
        return found

    def insert(self, new):
        def joins(one):
            plain = one.target is None and new.target is None and not (one.flags | new.flags) & NOMERGE
            return plain and one.flags == new.flags

        below = next((one for one in self.ranges if one.end == new.start and joins(one)), None)
        above = next((one for one in self.ranges if one.start == new.end and joins(one)), None)
        for one in (below, above):
            if one is not None and (one is below or below is None):
                self.take_out(one)
                new.start, new.end = min(new.start, one.start), max(new.end, one.end)
                one.start, one.end = new.start, new.end
                new = one
            elif one is not None:
                self.take_out(one)
                new.end = one.end
        insort(self.ranges, new)

    def remove(self, start, end):
        if self.nearest(start) is None:
            return
        for cut in (start, end):
            inside = next((one for one in self.ranges if one.start < cut < one.end), None)
            if inside is not None and (cut == start or inside.start < end):
                self.split(inside, cut, keeps_high=cut == start)
        for one in [one for one in self.ranges if start <= one.start and one.end <= end]:
            self.take_out(one)
        self.forget()

    def split(self, one, cut, keeps_high):
        """The entry that was there stays the high part when its start is clipped, else the low part."""
        self.take_out(one)
        offset = one.offset + cut - one.start if one.target is not None else 0
        low, high = (one.start, cut, one.offset), (cut, one.end, offset)
        mine, others = (high, low) if keeps_high else (low, high)
        one.start, one.end, one.offset = mine
        insort(self.ranges, one)
        insort(self.ranges, Range(others[0], others[1], one.target, others[2], one.flags))
