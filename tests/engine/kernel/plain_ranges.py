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

    def enter(self, span, page):
        self.pages |= dict.fromkeys(range(*span), page)

    def remove(self, span):
        self.pages = {number: page for number, page in self.pages.items() if not span[0] <= number < span[1]}

    def _hole(self, span):
        return any(number not in self.pages for number in range(*span))

    def _change(self, span, **changes):
        for number in range(*span):
            if number in self.pages:
                self.pages[number] = replace(self.pages[number], **changes)
        return ""

    def inside(self, span):
        return [self.pages[number] for number in range(*span) if number in self.pages]

    def protect(self, span, protection):
        if self._hole(span):
            return FAULT
        if any(protection & ~page.most for page in self.inside(span)):
            return ACCES
        return self._change(span, protection=protection)

    def limit(self, span, most):
        if self._hole(span):
            return FAULT
        if any(most & ~page.most for page in self.inside(span)):
            return ACCES
        for number in range(*span):
            page = self.pages[number]
            self.pages[number] = replace(page, most=most, protection=page.protection & most)
        return ""

    def inherit(self, span, inheritance):
        return self._change(span, inheritance=inheritance)

    def advise(self, span, advice):
        return self._change(span, advice=advice)

    def wire(self, span, memory):
        """`memory`: what is behind a page that had nothing, once it is wired."""
        if self._hole(span):
            return FAULT
        if any(not page.protection & READ for page in self.inside(span)):
            return ACCES
        for number in range(*span):
            page = self.pages[number]
            self.pages[number] = replace(page, wired=page.wired + 1, behind=page.behind or memory)
        return ""

    def unwire(self, span):
        if self._hole(span):
            return FAULT
        if any(not page.wired for page in self.inside(span)):
            return INVAL
        for number in range(*span):
            self.pages[number] = replace(self.pages[number], wired=self.pages[number].wired - 1)
        return ""
