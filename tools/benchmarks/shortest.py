"""Each part in its shortest form: it runs to its end and makes its tables, and no figure in them means anything."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.lab import Server
from tests.grading.classroom.damaged import DAMAGED

from . import (
    against,
    faults,
    footprint,
    grading,
    hub,
    kmem,
    laptops,
    maps,
    paint,
    paint_beside,
    references,
    stepping,
    texts,
    traces,
    walks,
)

FEW = (4, 8)
"""Entries, mappings and the like."""

MOMENT = 0.001
"""Seconds."""


SHORTEST: dict[str, Callable[[], str]] = {
    "footprint": lambda: footprint.measured(1, 50),
    "maps": lambda: maps.report(*maps.measure(FEW, MOMENT, 1), FEW),
    "kmem": lambda: kmem.report(*kmem.measure(FEW, MOMENT, 1), FEW),
    "walks": lambda: walks.report(walks.measure(seconds=MOMENT)),
    "faults": lambda: faults.measure(10, FEW),
    "texts": lambda: texts.measure((50,)),
    "references": lambda: references.measure(50, (4,)),
    "traces": lambda: traces.measure(500),
    "grading": lambda: grading.measured(1, DAMAGED[:2], ("02",), (4, 8), 3),
    "against": lambda: against.report(against.measure(("kmem",), 1)),
    "hub": lambda: hub.report(hub.measure(("01",), 2)),
    "laptops": lambda: laptops.report(laptops.measure(laptops.SOME[:1])),
    "stepping": lambda: stepping.report(stepping.measure((8,), 4)),
    "paint": lambda: paint.report(paint.measure((31,), 4, others=False)),
    "paint-beside": lambda: paint_beside.report(paint_beside.measure((31,), 4, 1, Server)),
}
"""By the names of the parts."""
