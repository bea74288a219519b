"""Captions of changed ranges: what was asked for, and what it did to entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..engine.base import events as ev
from ..engine.base.events import EntryJoined, EntryWired
from ..engine.base.journal import Operation
from ..engine.base.protection import ADVICE, INHERITANCE, name_of, protection_text
from ..engine.base.units import binary_size
from .addresses import AddressStyle
from .text import visible

Words = tuple[str, str]

FUNCTIONS = {
    "vm_map_protect": "protect",
    "vm_map_inherit": "inherit",
    "vm_map_madvise": "advise",
    "vm_map_wire": "wire",
    "vm_map_unwire": "unwire",
    "vm_map_simplify_entry": "simplify",
    "vm_map_submap": "submap",
}
"""Kernel functions and the operations that they stand behind."""


def range_story(operation: Operation, given: dict[str, Any], events: Sequence[Any], style: AddressStyle) -> Words:
    """What an operation on a range did, and to how many entries."""
    called = next((one for one in events if isinstance(one, ev.Called) and one.name in FUNCTIONS), None)
    if called is None:
        return f"{visible(operation.target)}: {operation.name}.", ""
    start, end, *rest = called.arguments
    where = f"{binary_size(end - start)} at {style.long(start)}"
    return _TEXTS[FUNCTIONS[called.name]](where, rest, operation), _entries(events)


def _entries(events: Sequence[Any]) -> str:
    """How entries changed: counted, in a sentence or two."""
    changed = {one.after[0] for one in events if isinstance(one, ev.EntryChanged)}
    changed |= {one.entry for one in events if isinstance(one, EntryWired)}
    joined = sum(isinstance(one, EntryJoined) for one in events)
    cuts = sum(isinstance(one, ev.Called) and one.name.startswith("vm_map_clip_") for one in events)
    parts = [f"{_counted(len(changed), 'entry', 'entries')} changed" if changed else "No entry had to change"]
    if cuts:
        parts.append(f"{_counted(cuts, 'cut', 'cuts')} at the edges")
    if joined:
        parts.append(f"{joined} joined with a neighbour that is alike now")
    return "; ".join(parts) + "."


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _protect(where: str, rest: Sequence[Any], operation: Operation) -> str:
    protection, maximum = rest
    most = "at most " if maximum else ""
    return f"{where} may be used {most}{protection_text(protection)}."


_TEXTS: dict[str, Callable[[str, Sequence[Any], Operation], str]] = {
    "protect": _protect,
    "inherit": lambda where, rest, _: f"Of {where} a child gets: {name_of(rest[0], INHERITANCE)}.",
    "advise": lambda where, rest, _: f"{where} will be used: {name_of(rest[0], ADVICE)}.",
    "wire": lambda where, rest, _: f"Wired {where}: its pages are in memory, and stay.",
    "unwire": lambda where, rest, _: f"One wiring was taken off {where}.",
    "simplify": lambda where, rest, operation: f"Joined what is alike: {operation.result:,} entries fewer.",
    "submap": lambda where, rest, _: f"{where} is the place of {visible(str(rest[0]))} now.",
}
