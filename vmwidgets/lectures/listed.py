"""The lectures by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import cow, faults, locality, maps, process, race, replacement, translation
from .lecture import Lecture

LECTURES: Mapping[str, Callable[[], Lecture]] = {
    "process": process.lecture,
    "maps": maps.lecture,
    "translation": translation.lecture,
    "race": race.lecture,
    "cow": cow.lecture,
    "faults": faults.lecture,
    "replacement": replacement.lecture,
    "locality": locality.lecture,
}
"""The lectures, in the order of a course."""

SHORT: Mapping[str, Callable[[], Lecture]] = {"translation": translation.short, "cow": faults.lecture}
"""The lectures of fifty minutes that have a version of twenty."""

LEAD_TO = {
    "fork": "cow",
    "copy-on-write": "cow",
    "paging": "translation",
    "tlb": "translation",
    "page-tables": "translation",
}
"""Other names for a lecture's subject."""

FORKING: Mapping[str, Callable[[str], Lecture]] = {"process": process.lecture, "faults": faults.lecture}
"""The lectures with a fork, which exist for each way to fork of :func:`vmwidgets.boot`."""

ABOUT = {
    "process": "a cell of a notebook: mapped and in memory; one address, two values (OSTEP 13, 21)",
    "maps": "entries merge, rotate the tree and are cut (OSTEP 13, 14, 17)",
    "translation": "50 minutes: a linear table, four levels, TLBs, access time (OSTEP 18 to 20)",
    "race": "a stale translation on two processors (OSTEP 19, 32)",
    "cow": "50 minutes: a first touch, fork, who copies, a forgotten flush (OSTEP 21, 23)",
    "faults": "20 minutes of it: demand paging, fork, copy-on-write (OSTEP 21, 23)",
    "replacement": "a clock with four frames (OSTEP 21, 22)",
    "locality": "two loops over one matrix, as traces and on a machine (OSTEP 22)",
}
"""The subject of each lecture, in a line; docs/chapters.md has the chapters of textbooks."""
