"""What a picture of a large domain must show: what the last operation was about, the selection, what was opened."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.values.domains import CapRef, DomainFocus
from vmwidgets.engine.base.values.past import Past


def focus_of(events: Sequence[ev.Event], domain: str, selection: str = "", opened: Collection[str] = ()) -> DomainFocus:
    """All that `events` wrote and named in a domain, with what is selected, and the folds in `opened`.

    So a window on it can be taken back to before any of them.
    """
    past = Past(events)
    vnodes, capabilities, regions = (past.values(table, domain) for table in ("vnode", "capability", "region"))
    named = (getattr(event, part.name) for event in events if getattr(event, "domain", None) == domain
             for part in fields(event))  # fmt: skip
    kind, _, name = selection.partition(":")
    cnode, _, slot = name.removesuffix("]").rpartition("[")
    number = {int(name)} if name.isdecimal() else set()
    return DomainFocus(
        vnodes=frozenset(number if kind == "vnode" else ()).union(
            *(past.changes(table, domain) for table in ("vnode", "mapping")), (one.parent for one in vnodes)
        ),
        entries=frozenset((one.parent, one.entry) for one in vnodes),
        refs=frozenset(one for one in named if isinstance(one, CapRef)).union(
            [CapRef(cnode, int(slot))] if kind == "cap" and slot.isdecimal() else ()
        ),
        objects=frozenset(one.object for one in capabilities),
        regions=frozenset(one.base for one in regions),
        region_ids=frozenset(number if kind == "region" else ()),
        blocks=frozenset(past.changes("free block", domain)),
        grown=past.moved("pieces", domain)[0],
        opened=tuple(one for fold in opened if (one := opened_table(fold)) is not None),
        opened_cnodes=frozenset(fold.partition("/")[2] for fold in opened if fold.startswith("slots/")),
    )


def opened_table(fold: str) -> tuple[int, int] | None:
    """The table and the entry at which a fold was opened.

    >>> opened_table("tree/7/256"), opened_table("slots/slots")
    ((7, 256), None)
    """
    lane, *numbers = fold.split("/")
    if lane != "tree" or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        return None
    return int(numbers[0]), int(numbers[1])
