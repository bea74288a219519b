"""The lectures by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import cow, faults, locality, maps, process, race, replacement, translation
from .lecture import Lecture

READY = tuple(one.READY for one in (process, maps, translation, race, cow, faults, replacement, locality))
"""The lectures, in the order of a course.

A new one is its module, with three questions and five chapters at least; its name here and in the import above; a row
in docs/lecture.md at the same place; and its name in the rows of its chapters in docs/chapters.md.
"""

LECTURES: Mapping[str, Callable[[], Lecture]] = {one.name: one.make for one in READY}

SHORT = {one.name: one.short for one in READY if one.short}
"""The lectures of fifty minutes that have a version of twenty."""

LEAD_TO = {also: one.name for one in READY for also in one.also}
"""Other names for a lecture's subject."""

FORKING = {one.name: one.of_fork for one in READY if one.of_fork}
"""The lectures with a fork, which exist for each way to fork of :func:`vmwidgets.boot`."""

ABOUT = {one.name: f"{one.minutes} minutes: {one.about}" for one in READY}
"""The subject of each lecture, in a line; docs/chapters.md has the chapters of textbooks."""
