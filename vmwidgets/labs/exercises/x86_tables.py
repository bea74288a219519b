"""Exercise of notebook 06: a descriptor by hand, and cached translations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import GIB, MIB, PAGE, Address, counted
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.arguments import whole
from vmwidgets.engine.machine.handles.cpus import MachineCpu
from vmwidgets.engine.machine.handles.tables import EDITS
from vmwidgets.engine.mmu.tables_schema import PteRunWritten, PteWritten
from vmwidgets.engine.mmu.tlb_schema import TlbFlushed

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .deeds import operations_since
from .structures import addresses, listed

TASK, OTHER = "keys", "mail"
CPUS = 3
COVERED = {2: 2 * MIB, 3: GIB}
"""The size of the range that a descriptor of each level covers."""

MARKS = 1 << 5 | 1 << 6
"""The bits of a descriptor that the hardware sets: accessed and dirty."""

ACCESSES = ("read", "write", "execute")
FORBIDDEN = {
    ("write",): "can no longer write to",
    ("execute",): "can no longer run what is in",
    ("write", "execute"): "can neither write to nor run what is in",
    ACCESSES: "can no longer read, write or run (the supervisor still can)",
}
"""The exercise's wording for the rights that are taken away."""

FIRST = "remove a permission"


@frozen(slots=False)
class ByHandSheet:
    """Pages of two tasks; the pages below one descriptor of `level` lose `rights`; `other_cpu` runs the other task."""

    pages: tuple[int, ...]
    level: int
    rights: tuple[str, ...]
    other_cpu: int

    @classmethod
    def drawn(cls, draws: Draws) -> ByHandSheet:
        """Draw two tables of 4 KiB pages below the same table, and a third table; the first pages lose rights."""
        level = draws.between(2, 3)
        first, second = draws.sample(range(1, 4), 2)
        slots = draws.sample(range(1, 500), 3)
        numbers = iter(draws.sample(range(16), 7))  # each page is in a set of its own of the TLB
        pages = [
            gib * GIB + slot * 2 * MIB + (16 * draws.below(32) + next(numbers)) * PAGE
            for gib, slot, most in zip((first, first, second), slots, (3, 2, 2), strict=True)
            for _ in range(draws.between(most - 1, most))
        ]
        return cls(tuple(pages), level, draws.choice(list(FORBIDDEN)), draws.below(CPUS))

    @property
    def meant(self) -> tuple[int, ...]:
        """The pages that lose rights: the first page, and all others below the same descriptor."""
        size = COVERED[self.level]
        return tuple(page for page in self.pages if page // size == self.pages[0] // size)

    @property
    def cpus(self) -> tuple[int, ...]:
        """The processors that run the task."""
        return tuple(number for number in range(CPUS) if number != self.other_cpu)

    @property
    def text(self) -> str:
        """The task in words."""
        one, other = self.cpus
        return (
            f"The task `{TASK}` has pages at {addresses(self.pages)}. Processors {one} and {other} run it, and have "
            f"used all its pages. Processor {self.other_cpu} runs `{OTHER}`, which has pages of its own at the same "
            "addresses, and has used them.\n"
            f"Change one descriptor of `{TASK}`, so that user code {FORBIDDEN[self.rights]} its pages "
            f"at {addresses(self.meant)}.\n"
            "All other pages and permissions must stay as they are.\n"
            "Then flush page by page: no processor may use a stale translation, and each translation that is still "
            "correct must stay in its TLB.\n"
            "Use only `set_descriptor` and the processors' `flush`; look with `walk`. (A `store` would fault, and the "
            "kernel would write your descriptor again: its map still promises `rwx`.)"
        )

    def start(self) -> Machine:
        """Return two tasks that run on three processors and have used their pages."""
        machine = boot("x86-64", cpus=CPUS)
        for name in TASK, OTHER:
            task, pages = machine.task(name), machine.object(name)
            for number, page in enumerate(self.pages):
                task.map.enter(PAGE, at=page, object=pages, offset=number * PAGE, prot="rwx")
        for cpu in machine.cpus:
            cpu.run(OTHER if cpu.number == self.other_cpu else TASK)
            for page in self.pages:
                cpu.store(page, b"key")
        return machine


@exercise(
    "06/by-hand",
    "Permissions removed by hand",
    points=8,
    takes=Machine,
    shows=lambda machine: machine.tasks[TASK].tables,
    variant=ByHandSheet.drawn,
    edition=2,
    hints=(
        "Walk the pages in question, and another one. Up to which descriptor do they share the path?",
        "Change the lowest descriptor shared by all pages in question. Which of its bits forbids which access?",
        "R/W is bit 1, U/S bit 2, XD bit 63. Then flush each page in question, on each processor that runs keys.",
    ),
)
def by_hand(machine: Machine, asked: ByHandSheet) -> Iterator[Criterion]:
    """Judge the edit: pages of "keys" lost rights by one descriptor, and processors cache only true translations."""
    edits = _edits(machine, asked)
    pairs = [(page, access) for page in asked.meant for access in asked.rights]
    left = [(page, access) for page, access in pairs if not _stopped(machine, page, access)]
    absent = [Address(page) for page, access in left if not machine.walk(page, access, user=True, task=TASK).ok]
    anothers = OTHER in machine.tasks and bool(edits.keys() & _descriptors(machine, asked, OTHER).keys())
    by_the_map = _by_the_kernel(machine, asked)
    begun = "" if len(left) < len(pairs) else FIRST
    yield criterion(
        2,
        (not begun) + (not left),
        "all pages in question have lost the permissions",
        "a page is no longer present: the next access maps it again, with all permissions"
        if absent
        else "an access is still allowed: which bit of which descriptor forbids it?",
        expected="a protection fault",
        actual=f"no page at {listed(list(dict.fromkeys(absent)))}" if absent else f"user code may {_accesses(left)}",
        mistake=NO_PAGE
        if absent
        else ANOTHER_TASK
        if anothers
        else ONE_BIT
        if len({access for _, access in left}) < len(asked.rights)
        else None,
    )
    wrong = _wrong(machine, asked)
    beside = [page for page, _ in wrong if page not in asked.meant]
    yield criterion(
        1,
        not begun and not wrong,
        "all other pages and permissions are unchanged",
        "a page of another task has changed: whose tables did you change?"
        if anothers
        else "another page has changed: what else does that descriptor map?"
        if beside
        else "a page in question is not present, or lost too much: which bit forbids only the accesses in question?",
        first="" if wrong else begun,
        actual="; ".join(dict.fromkeys(said for _, said in wrong[:4])) + " and more" * (len(wrong) > 4),
        mistake=ANOTHER_TASK if anothers else TOO_HIGH if beside else TOO_MUCH if wrong else None,
    )
    yield criterion(
        2,
        not begun and len(edits) == 1 and not by_the_map,
        "one descriptor was changed",
        "exactly one descriptor should be changed by hand: which descriptor do all pages in question share?"
        if len(edits) > 1
        else "only set_descriptor should change the descriptor, not a call of the map",
        first=begun,
        expected="1 descriptor",
        actual=counted(len(edits), "descriptor"),
        mistake=BY_THE_MAP if by_the_map else None,
    )
    stale = [
        number
        for number in asked.cpus
        if any(_remembers(machine.cpus[number], page, stale=True) for page in asked.pages)
    ]
    early = [number for number in asked.cpus if _flushed_first(machine, asked, number, edits)]
    late = sorted({*stale, *early})
    yield criterion(
        2,
        0 if begun else (not late) + (len(late) < len(asked.cpus)),
        "no processor uses stale permissions",
        "a processor still uses the permissions that it has cached: which instruction removes them?"
        if stale
        else "the flush should come after the change",
        first="" if late else begun,
        actual=", ".join(
            f"cpu:{number} {'keeps a page as it was' if number in stale else 'flushed before the change'}"
            for number in late
        ),
        mistake=FLUSHED_FIRST if early and not stale else FORGOTTEN if len(late) < len(asked.cpus) else None,
    )
    lost = {cpu.number: _lost(machine, asked, cpu) for cpu in machine.cpus}
    yield criterion(
        1,
        not begun and not any(lost.values()),
        "correct translations stay in the TLBs",
        "too much was flushed: a flush can be for one page, on one processor",
        first=begun,
        actual=", ".join(
            f"{count} of {len(asked.pages)} pages on cpu:{number}" for number, count in lost.items() if count
        ),
        mistake=ANOTHERS if lost.get(asked.other_cpu) else ALL_FLUSHED if _all_flushed(machine, asked) else STILL_TRUE,
    )


ONE_BIT = Mistake("one bit for two rights", "R/W controls writes, XD fetches, and U/S every access by user code.")
NO_PAGE = Mistake("clears P", "The handler sees that the map allows the page, and writes the descriptor again.")
ANOTHER_TASK = Mistake("another task's tables", f"Each task has its own tables: walk the address in {TASK}.")
BY_THE_MAP = Mistake("leaves it to the map", "protect changes the promise, and the kernel writes the descriptors.")
TOO_HIGH = Mistake("a table too high", "A descriptor above the last level affects all pages below it.")
TOO_MUCH = Mistake("a bit too strong", "U/S and P also stop reads; R/W forbids only writes, and XD only fetches.")
FORGOTTEN = Mistake("forgets a processor", "Each processor has its own TLB, and flushes only that TLB.")
FLUSHED_FIRST = Mistake(
    "flushes first", "Between the flush and the change, the processor can cache the old descriptor again."
)
ANOTHERS = Mistake("flushes another task's", "That processor has another task's page at this address.")
ALL_FLUSHED = Mistake(
    "flushes all", "A flush without an address also drops correct translations: each page then costs another walk."
)
STILL_TRUE = Mistake(
    "flushes what has not changed",
    "The change took nothing away from some of these pages: their translations are true.",
)


def _accesses(pairs: list[tuple[int, str]]) -> str:
    said = [f"{access} at {Address(page)}" for page, access in pairs[:4]]
    return f"{', '.join(said)} and more" if len(pairs) > 4 else listed(said)


def _stopped(machine: Machine, va: int, access: str) -> bool:
    fault = machine.walk(va, access, user=True, task=TASK).fault
    return fault is not None and fault.kind == "protection"


def _wrong(machine: Machine, asked: ByHandSheet) -> list[tuple[int, str]]:
    """Return pages that lack their frame or a right that they should have: the address, and the defect."""
    found = []
    for name in TASK, OTHER:
        whose = "" if name == TASK else f" of {OTHER}"
        for number, page in enumerate(asked.pages):
            frame = machine.objects[name].pages.get(number * PAGE)
            walk = machine.walk(page, user=False, task=name)
            if frame is None or walk.pa != frame * PAGE:
                found.append((page, f"{Address(page)}{whose} {'leads elsewhere' if walk.ok else 'is not mapped'}"))
                continue
            kept = [one for one in ACCESSES if whose or page not in asked.meant or one not in asked.rights]
            lost = [one for one in kept if not machine.walk(page, one, user=True, task=name).ok]
            if lost:
                found.append((page, f"user code may not {' or '.join(lost)} at {Address(page)}{whose}"))
    return found


def _edits(machine: Machine, asked: ByHandSheet) -> dict[int, int]:
    """Return the descriptors changed by hand and not undone, with the operation that last changed each."""
    edits: list[tuple[int, int]] = []
    for operation, events, _ in operations_since(machine, asked):
        if operation.name == "set_descriptor":
            edits += [(pa, operation.number) for pa, before, after in _written(events) if before != after]
        elif operation.name == "undo_descriptor" and operation.outcome == "done" and edits:
            edits.pop()
    return dict(edits)


def _by_the_kernel(machine: Machine, asked: ByHandSheet) -> bool:
    """Return whether anything but an edit changed the task's tables; a fault that restores a descriptor is ignored."""
    tables = {pa // PAGE for pa in _descriptors(machine, asked, TASK)}
    first: dict[int, int] = {}
    for operation, events, truncated in operations_since(machine, asked):
        if truncated:
            return True
        for pa, before, after in _written(events):
            was = first.setdefault(pa, before)
            if operation.name not in EDITS and pa // PAGE in tables and (was ^ after) & ~MARKS:
                return True
    return False


def _written(events: Iterable[Event]) -> Iterator[tuple[int, int, int]]:
    """Yield each descriptor that was written: its address, its old and its new value."""
    for event in events:
        if isinstance(event, PteWritten):
            yield event.pa, event.before, event.after
        elif isinstance(event, PteRunWritten):
            yield from event.words()


def _descriptors(machine: Machine, asked: ByHandSheet, task: str) -> dict[int, set[int]]:
    """Return the places of the descriptors on the walks of a task's pages, and the pages of each."""
    found: dict[int, set[int]] = {}
    for page in asked.pages:
        for step in machine.walk(page, task=task).steps:
            found.setdefault(step.pa, set()).add(page)
    return found


def _flushed_first(machine: Machine, asked: ByHandSheet, cpu: int, edits: dict[int, int]) -> bool:
    """Return whether a processor flushed a page before its descriptor was changed, and not again afterwards."""
    flushes = list(_flushes(machine, asked, f"cpu:{cpu}"))
    for pa, pages in _descriptors(machine, asked, TASK).items():
        for page in pages & set(asked.meant) if pa in edits else ():
            places = [place for place, at in flushes if at in (None, page)]
            if places and places[-1] < edits[pa]:
                return True
    return False


def _flushes(machine: Machine, asked: ByHandSheet, cpu: str) -> Iterator[tuple[int, int | None]]:
    """Yield the flushes of a processor: the operation, and the page; None for all.

    A flush may find nothing to drop.
    """
    for operation, events, _ in operations_since(machine, asked):
        if operation.target == cpu and operation.name in ("flush", "run"):
            at = dict(operation.arguments).get("address")
            yield operation.number, None if at is None or operation.name == "run" else whole(at, "address") & -PAGE
        for event in events:
            if isinstance(event, TlbFlushed) and event.cpu == cpu:
                yield from ((operation.number, entry.va) for entry in event.dropped)


def _all_flushed(machine: Machine, asked: ByHandSheet) -> bool:
    """Return whether a processor flushed without an address."""
    cpus = (f"cpu:{number}" for number in range(CPUS))
    return any(at is None for cpu in cpus for _, at in _flushes(machine, asked, cpu))


def _remembers(cpu: MachineCpu, va: int, *, stale: bool) -> bool:
    """Return whether a processor caches a translation of `va` that is `stale`, or up to date."""
    slot = cpu.lookup(va)
    return slot is not None and bool(slot.stale) is stale


def _lost(machine: Machine, asked: ByHandSheet, cpu: MachineCpu) -> int:
    """Return how many unchanged translations a processor no longer caches."""
    others = cpu.number == asked.other_cpu
    same = [
        page
        for page in asked.pages
        if others or all(machine.walk(page, access, user=True, task=TASK).ok for access in ACCESSES)
    ]
    return sum(not _remembers(cpu, page, stale=False) for page in same)
