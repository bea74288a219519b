"""The lectures by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import faults, maps, race, replacement, translation
from .lecture import Lecture

LECTURES: Mapping[str, Callable[[], Lecture]] = {
    "maps": maps.lecture,
    "translation": translation.lecture,
    "race": race.lecture,
    "faults": faults.lecture,
    "replacement": replacement.lecture,
}
"""In the order of a course."""
