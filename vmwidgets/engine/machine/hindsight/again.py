"""The same operations with one setting changed, and the results: another policy, another TLB, another way to fork."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import field
from typing import Any

from ...base.errors import Refused, in_ascii, shown
from ...base.frozen import frozen
from ...base.journal import Operation
from ...base.records import Raw, unpacked
from ...base.units import counted
from ...kernel.map.fits import FITS
from ...kernel.tasks.objects_schema import PageCopied, PageOut
from ...mmu.tables_schema import FaultRaised
from ...mmu.tlb_schema import TlbMissed
from ...spaces.processors_schema import TimeTaken
from .. import arguments
from ..replay import CannotGoOn, Replay, booted
from ..system import System

EVENTS = {FaultRaised.tag: "faults", TlbMissed.tag: "TLB misses", PageCopied.tag: "copies", PageOut.tag: "page-outs"}

TIME = "nanoseconds"

BOOTED = ("tlb", "fork", "quirks")
"""The settings that are chosen at boot."""

REPLACEMENT = ("set_replacement", "replace_by")
"""The operations that choose a policy: a replay with a different policy from the boot on skips them."""


@frozen(slots=False)
class Again:
    """A history replayed with one setting changed.

    `machine` is the machine of the replay, and can continue.  `counts` has two numbers for each name: without and with
    the change.  `done` of `count` operations were replayed; if not all were, `stopped` gives the reason.
    """

    machine: Any = field(repr=False)
    change: str
    counts: dict[str, tuple[int, int]]
    first_difference: Operation | None
    """The first operation with a different result, for example an error or other bytes."""
    moved: int
    """The number of addresses in arguments that moved with their range."""
    done: int
    count: int
    stopped: str

    @in_ascii
    def __repr__(self) -> str:
        lines = [f"the same history with {self.change}: {self.done} of {counted(self.count, 'operation')}"]
        if self.stopped:
            lines.append(f"it can't go on: {self.stopped}")
        lines.append(f"{'':<12}{'before':>10}{'now':>10}")
        lines += [f"{name:<12}{before:>10,}{now:>10,}" for name, (before, now) in self.counts.items()]
        if self.moved:
            lines.append(f"{counted(self.moved, 'address', 'addresses')} moved with their ranges")
        if self.first_difference is not None:
            lines.append(f"the first with another result: {self.first_difference}")
        return "\n".join(lines)


class Tally:
    """Counts events on a machine from now on."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._counts: Counter[str] = Counter()
        system.door.overhear(self._hear)

    def _hear(self, raw: Raw) -> None:
        for one in unpacked((raw,)):
            if one[0] in EVENTS:
                self._counts[EVENTS[one[0]]] += 1
            elif one[0] == TimeTaken.tag:
                self._counts[TIME] += round(one[-1])

    def counts(self) -> dict[str, int]:
        """Return the counts of each kind so far; for table pages and entries, the current numbers."""
        system = self._system
        found = {name: self._counts[name] for name in EVENTS.values()}
        if TIME in self._counts:
            found[TIME] = self._counts[TIME]
        found["table pages"] = sum(len(pmap.tables) for _, pmap in (("", system.pmap), *system.spaces()))
        found["entries"] = sum(len(vm_map.by_id) for vm_map in system.maps.values())
        found["entries"] += sum(len(vm_map.by_id) for vm_map in system.kmem_maps.values())
        return found


def again(machine: Any, changes: dict[str, Any]) -> Again:
    """Replay the operations of a machine with one setting changed."""
    given = {name: value for name, value in changes.items() if value is not None}
    if len(given) != 1:
        many = "nothing is changed" if not given else f"{counted(len(given), 'thing')} are changed"
        raise Refused(f"again: {many}: change one of {', '.join(changes)}")
    [(name, value)] = given.items()
    change = f"{name}={shown(value)}"
    journal = machine.journal
    target = _booted(machine, name, value, f"{machine.name} with {change}")
    replay, tally = Replay(target, machine), Tally(target.system)
    first: Operation | None = None
    done, stopped = 1, ""
    for then in journal[1:]:
        if name == "replacement" and then.name in REPLACEMENT:
            done += 1
            continue
        other = {"placement": value} if name == "placement" and then.name == "task" else {}
        try:
            is_same = replay.otherwise(then, **other)
        except CannotGoOn as reason:
            stopped = f"operation {then.number}, {then.target}.{then.name}: {reason}"
            break
        first = then if first is None and not is_same else first
        done += 1
    before, now = _tallied(machine, done - 1), tally.counts()
    counts = {name: (before.get(name, 0), now.get(name, 0)) for name in {**before, **now}}
    return Again(target, change, counts, first, replay.moved, done, len(journal), stopped)


def _booted(machine: Any, name: str, value: Any, title: str) -> Any:
    """Return a machine booted like another one, with one setting changed."""
    if name == "placement":
        arguments.known(value, ("x15", *FITS), "placement")
    target = booted(machine, **({name: value} if name in BOOTED else {}))
    target.name = title[:200]
    if name == "replacement":
        target.replacement = value
    return target


def _tallied(machine: Any, last: int) -> dict[str, int]:
    """Return the counts of a machine's operations, up to a given operation."""
    found: list[Tally] = []

    def begin(system: System) -> Callable[[System], None]:
        found.append(Tally(system))
        return lambda _: None

    machine.history.retrace(begin, 0, last)
    return found[0].counts()
