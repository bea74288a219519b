"""Exercises of notebook 09: a refill inside two others, 8 MiB by four slots, and rights in spite of a bug."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmwidgets.engine.base.events import Event, MappingFlagsInvoked
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import KIB, MIB, PAGE, Address, Size
from vmwidgets.engine.base.values.domains import DomainValue, SlabHeadValue, VnodeValue
from vmwidgets.engine.machine.arguments import mapping_flags_text, region_flags
from vmwidgets.engine.machine.domain import MachineDomain
from vmwidgets.engine.selfpaging.flags import kernel_flags

from ..criterion import Criterion, criterion
from ..exercise import exercise

LEVELS = 3
SMALL_FRAME = 512 * KIB
"""The smallest outermost frame that takes three levels; from it 8,191 blocks come."""

NEEDED = 8 * MIB
FEW_SLOTS, SOME_SLOTS = 4, 20
"""Two frames of 4 MiB by sections; eight of 1 MiB, with the refill that they need."""

TEXT_AT = 0x5000_0000
TEXT = b"what the program wrote"
TEXT_PAGES = 4


@exercise(
    "09/refill",
    "A refill inside a refill inside a refill",
    points=5,
    takes=MachineDomain,
    shows=lambda domain: domain,
)
def refill(domain: MachineDomain) -> Iterator[Criterion]:
    """One map refilled three deep, seen in the slab's frames; and the map was no larger than needed."""
    deepest = max(nests(domain.snapshot()), key=len, default=[])
    levels = len(deepest)
    yield criterion(
        3,
        min(levels, LEVELS),
        "a map refilled, inside that refilled, and inside that refilled again",
        "for each further level, the frame of the level above has to need more blocks than are free: so it must be "
        "larger, or fewer must be free",
        first="" if levels else "make a map refill the slab",
        expected=f"{LEVELS} levels in one map",
        actual=f"{levels}: frames of {' and '.join(str(Size(head.bytes)) for head in reversed(deepest))}"
        if levels
        else "",
    )
    outermost = deepest[-1].bytes if levels >= LEVELS else 0
    yield criterion(
        2,
        0 < outermost <= SMALL_FRAME,
        "the map was no larger than it had to be",
        "a smaller map could do it: how few blocks may be free when it begins, and which maps lead there?",
        first="" if outermost else "reach three levels",
        expected=f"an outermost frame of {Size(SMALL_FRAME)}",
        actual=str(Size(outermost)) if outermost else "",
    )


def nests(value: DomainValue) -> list[list[SlabHeadValue]]:
    """The slab's frames, those of one refill with refills inside together, innermost first.

    An outer frame is allocated before an inner one, and mapped after it: so capabilities of nested ones get younger
    towards lower addresses.  Refills one after the other get older.
    """
    ages = {one.ref: one.id for cnode in value.cnodes for one in cnode.capabilities}
    frames = {leaf.va: ages[leaf.cap] for leaf in leaves(value.root) if leaf.cap in ages}
    heads = sorted((head for head in value.slab.heads if head.address), key=lambda head: head.address)
    found: list[list[SlabHeadValue]] = []
    for head in heads:
        if found and frames[head.address] < frames[found[-1][-1].address]:
            found[-1].append(head)
        else:
            found.append([head])
    return found


def leaves(node: VnodeValue) -> Iterator[VnodeValue]:
    """The leaves of a shadow tree, by their addresses."""
    if not node.is_table:
        yield node
    for child in sorted(node.children, key=lambda child: child.va):
        yield from leaves(child)


@exercise("09/thrift", "Eight MiB by four slots", points=5, takes=MachineDomain, shows=lambda domain: domain)
def thrift(domain: MachineDomain) -> Iterator[Criterion]:
    """8 MiB of RAM to read and write; few slots in use, and no second-level table."""
    value = domain.snapshot()
    reached = Size(0 if _edited(domain) else PAGE * len(writable_frames(domain, value)))
    half, complete = reached >= NEEDED // 2, reached >= NEEDED
    yield criterion(
        2,
        half + complete,
        "8 MiB of memory can be read and written",
        _EDITED
        if _edited(domain)
        else "8 MiB of RAM should be mapped to read and write; a frame mapped twice counts once, a device not",
        expected=f"{Size(NEEDED)} of RAM",
        actual=str(reached),
    )
    used = sum(len(cnode.capabilities) + len(cnode.reserved) for cnode in value.cnodes if cnode.name == "slots")
    yield criterion(
        2,
        complete * ((used <= SOME_SLOTS) + (used <= FEW_SLOTS)),
        "four slots are enough for it",
        "fewer slots could do it: each frame, each mapping, and each table takes its own",
        first="" if complete else "map all of it",
        expected=f"at most {FEW_SLOTS} slots in use" if complete else "",
        actual=f"{used:,}" if complete else "",
    )
    second = sum(child.is_table for child in value.root.children)
    yield criterion(
        1,
        complete and not second,
        "no second-level table is needed",
        "there are second-level tables: which pages need none?",
        first="" if complete else "map all of it",
        expected="no second-level table" if complete else "",
        actual=f"{second:,}" if complete else "",
    )


def writable_frames(domain: MachineDomain, value: DomainValue) -> set[int]:
    """Page frames of RAM that the program can write somewhere."""
    found: set[int] = set()
    for leaf in leaves(value.root):
        if value.meta_start <= leaf.va < value.meta_end:
            continue
        for va in range(leaf.va, leaf.va + leaf.span, PAGE):
            walk = domain.walk(va, "write")
            if walk.pa is not None and walk.pa < domain.machine.ram_bytes:
                found.add(walk.pa // PAGE)
    return found


@exercise("09/bug", "Read-only in spite of a bug", points=5, takes=MachineDomain, shows=lambda domain: domain)
def bug(domain: MachineDomain) -> Iterator[Criterion]:
    """Four pages are read-only with what was written; and one modify_flags asked the kernel for something else."""
    pages = [page_rights(domain, TEXT_AT + number * PAGE) for number in range(TEXT_PAGES)]
    only_read = 0 if _edited(domain) else pages.count("r-")
    yield criterion(
        2,
        (only_read > 0) + (only_read == TEXT_PAGES),
        "all four pages can be read, and not written",
        _EDITED
        if _edited(domain)
        else "all four pages should be readable and not writable; which other calls decide what a mapping allows?",
        expected="r- for each page",
        actual=" ".join(pages),
    )
    start = domain.walk(TEXT_AT).pa
    kept = start is not None and domain.machine.ram.read(start, len(TEXT)) == TEXT
    yield criterion(
        1,
        only_read > 0 and kept,
        "what was written is still there",
        "what was written should still be there: the frame has to be the same",
        first="" if only_read else "make it read-only",
        expected=f"{TEXT.decode()!r} at {Address(TEXT_AT)}",
    )
    asked, passed_on = _worst_call(domain)
    wrong = bool(passed_on - {asked})
    yield criterion(
        2,
        wrong + (wrong and len(passed_on) > 1),
        "one call of modify_flags gave parts of its range different rights",
        "where does a range have to lie so that its parts are treated differently?",
        first="" if wrong else "call modify_flags so that it goes wrong",
        actual=_in_words(asked, passed_on),
    )


_EDITED = "descriptors of this domain are edited by hand: what the program can do by itself counts; undo that"


def _edited(domain: MachineDomain) -> bool:
    """Whether the domain's tables are edited past the kernel."""
    return any(edit.space == domain.path for edit in domain.machine.standing_edits)


def page_rights(domain: MachineDomain, va: int) -> str:
    """What the program may do with a page: "rw", "r-", "--", or "no page"."""
    fault = domain.walk(va).fault
    if fault is not None and fault.kind == "not-present":
        return "no page"
    return "".join(letter if domain.walk(va, letter).ok else "-" for letter in "rw")


def _worst_call(domain: MachineDomain) -> tuple[int, set[int]]:
    """The call of modify_flags with the most wrong flags: which flags it was given, and which it gave the kernel."""
    journal = domain.machine.journal
    done = [one for one in journal if (one.target, one.name, one.outcome) == (domain.path, "modify_flags", "done")]
    calls = [(_asked(one), _passed_on(journal.events(one.number))) for one in done]
    return max(calls, key=lambda call: (bool(call[1] - {call[0]}), len(call[1])), default=(0, set()))


def _asked(operation: Operation) -> int:
    return kernel_flags(region_flags(dict(operation.arguments)["flags"]))


def _passed_on(events: Iterable[Event]) -> set[int]:
    return {event.flags for event in events if isinstance(event, MappingFlagsInvoked) and event.error is None}


def _in_words(asked: int, passed_on: set[int]) -> str:
    if not passed_on:
        return ""
    flags = " and ".join(repr(mapping_flags_text(one)) for one in sorted(passed_on))
    return f"modify_flags was asked for {mapping_flags_text(asked)!r}, and asked the kernel for {flags}"
