"""Exercises of notebook 04: the map that needs memory to describe memory."""

from __future__ import annotations

from collections.abc import Iterator

from vmwidgets.engine.base.units import PAGE, Size
from vmwidgets.engine.base.values.maps import EntryValue
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.arguments import whole

from ..criterion import Criterion, criterion
from ..exercise import exercise
from .structures import done_to

WANTED = 100 * PAGE
FEW, SOME = 6, 60


@exercise(
    "04/thrifty",
    "Two hundred pages with a handful of slots",
    points=5,
    takes=Machine,
    alive=False,
    shows=lambda machine: machine.kernel_map,
)
def thrifty(machine: Machine) -> Iterator[Criterion]:
    """A hundred pages rw and a hundred r in the kernel's map, entered one by one, with few entries.

    Alive is a part of it: the careless way uses the kentry area up, and that is a panic.
    """
    yield criterion(
        1,
        not machine.dead,
        "the machine is alive",
        "the machine is dead: a request wanted an entry, and no slot was left for it",
        actual=machine.door.dead or "",
    )
    own = [entry for entry in machine.kernel_map.entries() if not entry.role and entry.object is None]
    mapped = {letters: _bytes(own, letters) for letters in ("rw-", "r--")}
    yield criterion(
        2,
        sum(size == WANTED for size in mapped.values()),
        "a hundred pages can be read and written, a hundred can only be read",
        "there should be a hundred pages rw and a hundred pages r",
        expected=f"{Size(WANTED)} each",
        actual=", ".join(f"{letters} {Size(size)}" for letters, size in mapped.items()),
    )
    calls = _calls(machine)
    complete = all(size == WANTED for size in mapped.values()) and calls == 200
    yield criterion(
        2,
        complete * ((len(own) <= FEW) + (len(own) <= SOME)),
        "they took six slots or fewer, since neighbours of one kind are one entry",
        "each page should have a call of its own, and few an entry of their own: what decides whether two may be one?",
        expected=f"200 calls for one page each, at most {FEW} slots",
        actual=f"{calls} such calls, {len(own)} slots",
    )


def _bytes(entries: list[EntryValue], letters: str) -> int:
    return sum(entry.size for entry in entries if entry.protection == letters)


def _calls(machine: Machine) -> int:
    """How often one page was entered into the kernel's map."""
    return sum(whole(dict(call.arguments)["size"], "size") == PAGE for call in done_to(machine.kernel_map, "enter"))
