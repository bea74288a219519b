"""What protect, wire and their kin should do, page by page: a plain dict, and no entries at all."""

from __future__ import annotations

from dataclasses import dataclass, replace

FAULT, ACCES, INVAL, NOMEM = "FAULT", "ACCES", "INVAL", "NOMEM"
READ = 1


@dataclass(frozen=True)
class Page:
    """A page that is mapped; `behind` names its object, "" for none."""

    behind: str
    protection: int = 3
    most: int = 7
    inheritance: int = 2
    advice: int = 0
    wired: int = 0


class PlainRanges:
    """Pages by number; each change answers "" or the error, and then nothing is changed."""

    def __init__(self):
        self.pages: dict[int, Page] = {}

    def enter(self, first, end, page):
        self.pages |= dict.fromkeys(range(first, end), page)

    def remove(self, first, end):
        self.pages = {number: page for number, page in self.pages.items() if not first <= number < end}

    def _hole(self, first, end):
        return any(number not in self.pages for number in range(first, end))

    def _change(self, first, end, **changes):
        for number in range(first, end):
            if number in self.pages:
                self.pages[number] = replace(self.pages[number], **changes)
        return ""

    def inside(self, first, end):
        return [self.pages[number] for number in range(first, end) if number in self.pages]

    def protect(self, first, end, protection):
        if self._hole(first, end):
            return FAULT
        if any(protection & ~page.most for page in self.inside(first, end)):
            return ACCES
        return self._change(first, end, protection=protection)

    def limit(self, first, end, most):
        if self._hole(first, end):
            return FAULT
        if any(most & ~page.most for page in self.inside(first, end)):
            return ACCES
        for number in range(first, end):
            page = self.pages[number]
            self.pages[number] = replace(page, most=most, protection=page.protection & most)
        return ""

    def inherit(self, first, end, inheritance):
        return self._change(first, end, inheritance=inheritance)

    def advise(self, first, end, advice):
        return self._change(first, end, advice=advice)

    def wire(self, first, end, memory):
        """`memory`: what is behind a page that had nothing, once it is wired."""
        if self._hole(first, end):
            return FAULT
        if any(not page.protection & READ for page in self.inside(first, end)):
            return ACCES
        for number in range(first, end):
            page = self.pages[number]
            self.pages[number] = replace(page, wired=page.wired + 1, behind=page.behind or memory)
        return ""

    def unwire(self, first, end):
        if self._hole(first, end):
            return FAULT
        if any(not page.wired for page in self.inside(first, end)):
            return INVAL
        for number in range(first, end):
            self.pages[number] = replace(self.pages[number], wired=self.pages[number].wired - 1)
        return ""
