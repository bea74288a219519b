"""What a picture of part of a self-paging domain is to show: asked of :meth:`.selfpaging.domain.Domain.window`."""

from __future__ import annotations

from dataclasses import dataclass

from .domain_values import CapRef


@dataclass(frozen=True, slots=True)
class DomainFocus:
    """What must be in a window, what must not be folded over, and how much is shown beside it.

    `vnodes` are ids, and so are the tables in `entries`: (table, entry) where something is or was.  `refs` are slots,
    `objects` numbers of what capabilities were about, `regions` addresses where one begins or began, `region_ids`
    theirs, `blocks` blocks of the slab that were taken or given.  What is not there (any more) is passed over.
    """

    vnodes: frozenset[int] = frozenset()
    entries: frozenset[tuple[int, int]] = frozenset()
    refs: frozenset[CapRef] = frozenset()
    objects: frozenset[int] = frozenset()
    regions: frozenset[int] = frozenset()
    region_ids: frozenset[int] = frozenset()
    blocks: frozenset[int] = frozenset()
    grown: int = 0
    """How many of the newest pieces of the slab must be there."""
    opened: tuple[tuple[int, int], ...] = ()
    """(Table, entry): so many children of the table are shown from there on."""
    opened_cnodes: frozenset[str] = frozenset()
    """Cnodes of which more slots are shown."""
