"""Stale translations: what a TLB keeps, beside what a walk of the tables gives now."""

from __future__ import annotations

from dataclasses import replace

from ..base.tlb_values import Difference
from ..base.units import Address, binary_size
from ..base.walk_values import Permissions
from .format import C
from .tlb_line import TlbLine, is_global, path_of
from .walk import WordReader, walk

_BARRED = ("protection", "domain")
"""Faults of an access that is not allowed, where there is a translation nevertheless."""


def differences(memory: WordReader, line: TlbLine[C], root: int, controls: C) -> tuple[Difference, ...]:
    """In what an entry differs from a fresh walk of the tables at `root`; empty if it is not stale.  O(levels).

    Only what matters counts: a dirty bit that the tables have and the entry has not costs a walk and does no harm;
    the other way round, writes would go unnoticed.
    """
    now = walk(memory, line.fmt, root, line.va, "read", line.rights.user, controls)
    if now.fault is not None and now.fault.kind not in _BARRED:
        return (Difference("mapping", f"physical {Address(line.pa)}", f"{now.fault.kind}: {now.fault.why}"),)
    found: list[Difference] = []
    assert now.permissions is not None, "a page was found"
    address = now.steps[-1].address | line.va & now.page_size - 1
    _compare(found, "address", Address(line.pa), Address(address))
    _compare(found, "page size", binary_size(line.size), binary_size(now.page_size))
    line.forbids("read", False, controls)  # so that its rights are those of these settings
    _compare(found, "rights", _told(line.permissions), _told(now.permissions))
    path = path_of(line.fmt, replace(now, sets=()), controls)
    _compare(found, "global", _whose(line.asid is None), _whose(is_global(path)))
    unmarked = line.fmt.rules.accessed(path[-1].descriptor, True, controls) & ~path[-1].word
    if not line.pending and unmarked and not found:
        found.append(Difference("dirty", "a page that was written to", "one that was not"))
    return tuple(found)


def _compare(found: list[Difference], what: str, kept: object, now: object) -> None:
    if kept != now:
        found.append(Difference(what, str(kept), str(now)))


def _told(may: Permissions) -> str:
    return f"supervisor {may.supervisor}, user {may.user}"


def _whose(everybodys: bool) -> str:
    return "all spaces" if everybodys else "one space"
