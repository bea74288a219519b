"""Exercise of notebook 05: a handler that frees only what is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.scripts import Action
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.allocations import Allocation
from vmwidgets.engine.machine.arguments import aligned, whole

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .structures import listed, pages

CALLER = "caller"
ROWS = 5
FULL = 64
"""The pages of kmem_map in the layout "tiny"."""

FIRST = "get the caller its memory"
"""The criterion that must be met first: the others are judged only if the caller got its memory."""

FREEING = ("kmem_free", "kmem_free_wakeup")
HANDLER = "on_lowmem:"
"""The beginning of handlers' names in a journal."""

CHANGING = (*FREEING, "kmem_malloc", "kmem_alloc")


class Block(NamedTuple):
    """Pages of kmem_map, counted from its start; they are the cache's ("cache"), others' ("used"), or free ("")."""

    page: int
    length: int
    whose: str

    @property
    def text(self) -> str:
        """Its pages: "3" or "3–5"."""
        return f"{self.page}–{self.page + self.length - 1}" if self.length > 1 else f"{self.page}"


@frozen(slots=False)
class HandlerSheet:
    """The blocks that fill kmem_map, in address order, and the number of consecutive pages that the caller needs."""

    blocks: tuple[Block, ...]
    wanted: int

    @classmethod
    def drawn(cls, draws: Draws) -> HandlerSheet:
        """Draw blocks with one best choice, which is more than one block and not in the first row with room."""
        while True:
            rows = [_row(draws) for _ in range(ROWS)]
            others = FULL - sum(count for count, _ in chain(*rows))
            parts = _parts(draws, others, ROWS + 1)
            laid = [piece for part, row in zip(parts, [*rows, []], strict=True) for piece in [*part, *row]]
            starts = accumulate((count for count, _ in laid), initial=0)
            sheet = cls(
                tuple(Block(page, *piece) for page, piece in zip(starts, laid, strict=False)), draws.between(4, 7)
            )
            first, *more = choices(sheet) or [()]
            if len(first) > 1 and (not more or _cost(more[0]) > _cost(first)) and first_row_is_not(sheet, first):
                return sheet

    @property
    def cache(self) -> tuple[Block, ...]:
        """The cache's blocks."""
        return tuple(block for block in self.blocks if block.whose == "cache")

    @property
    def text(self) -> str:
        """The task in words."""
        free = [block.text for block in self.blocks if not block.whose]
        example = max(self.cache, key=lambda block: block.length)
        return (
            f"The thread `{CALLER}` requests {self.wanted} pages of `kmem_map`, which is nearly full. Counted in pages "
            "from the map's start,\n"
            f"these are free: {listed(free)};\n"
            f"the cache has these blocks: {listed([block.text for block in self.cache])};\n"
            "all other pages are in use.\n"
            f"Write a handler that frees blocks of the cache, so that `{CALLER}` gets its memory at the first try. "
            "Keep as many pages of the cache as possible.\n"
            f"A block is freed as a whole: for {example.text} that is `kmem_free(start + {example.page} * vm.PAGE, "
            f"{example.length} * vm.PAGE)`, where `start` is the machine's `kmem.kmem_map.start`."
        )

    def start(self) -> Machine:
        """Return a machine with these blocks, and the caller, which has not begun yet."""
        machine = boot("x86-64", layout="tiny")
        addresses = [machine.kmem_malloc(block.length * PAGE) for block in self.blocks]
        for block, address in zip(self.blocks, addresses, strict=True):
            if not block.whose:
                machine.kmem_free(address, block.length * PAGE)
        machine.spawn(machine.kmem_malloc, self.wanted * PAGE, name=CALLER)
        return machine


def choices(asked: HandlerSheet) -> list[tuple[Block, ...]]:
    """Return the choices of cache blocks whose freeing makes room, the cheapest first."""
    found = set()
    for start in range(len(asked.blocks)):
        row: list[Block] = []
        for block in asked.blocks[start:]:
            if block.whose == "used":
                break
            row.append(block)
            if sum(one.length for one in row) >= asked.wanted:
                found.add(tuple(one for one in row if one.whose))
                break
    return sorted(found, key=lambda row: (_cost(row), row))


def first_row_is_not(asked: HandlerSheet, best: Sequence[Block]) -> bool:
    """Return whether taking the first row that is large enough misses the best choice."""
    return min(choices(asked))[0].page < best[0].page


def _row(draws: Draws) -> list[tuple[int, str]]:
    """Return adjacent blocks of the cache, in some rows with a free range at one end."""
    row = [(draws.between(1, 3), "cache") for _ in range(draws.between(1, 3))]
    if draws.below(5) < 2:
        row.insert(draws.choice([0, len(row)]), (draws.between(1, 3), ""))
    return row


def _parts(draws: Draws, total: int, count: int) -> list[list[tuple[int, str]]]:
    """Return blocks of others, `total` pages in `count` rows, none of them empty."""
    cuts = sorted(draws.sample(range(1, total), count - 1))
    sizes = [end - start for start, end in zip([0, *cuts], [*cuts, total], strict=True)]
    return [[(min(4, size - at), "used") for at in range(0, size, 4)] for size in sizes]


def _cost(row: Sequence[Block]) -> int:
    return sum(block.length for block in row)


@exercise(
    "05/handler",
    "A handler that frees what is needed",
    points=6,
    takes=Machine,
    alive=False,
    shows=lambda machine: machine.kmem,
    variant=HandlerSheet.drawn,
    edition=2,
    hints=(
        "One request gets one range of addresses. Which blocks and free pages are adjacent?",
        (
            "Write down each row of adjacent pages. Which rows are long enough? How many cached pages does each of "
            "them cost?"
        ),
        "A row may be longer than needed: choose the part with the fewest pages of the cache. Free pages cost nothing.",
    ),
)
def handler(machine: Machine, asked: HandlerSheet) -> Iterator[Criterion]:
    """Judge the handler of vm_lowmem: it freed the cheapest blocks of the cache, and the caller got its memory."""
    got = _got(machine, asked)
    served = got is not None
    gone = _gone(machine, asked, got)
    cache = [block for block in gone if block.whose == "cache"]
    why = "" if served else _why_not(machine)
    yield criterion(
        2,
        served * (1 + (machine.threads.ticks == 0)),
        "the caller got its memory at the first try, without a sleep",
        "the first try should succeed; the thread sleeps after each try that fails"
        if served
        else "the caller should get its memory: all its pages in one row",
        expected=f"{pages(asked.wanted * PAGE)} for {CALLER} at tick 0",
        actual=f"tick {machine.threads.ticks:,}" if served else why,
        mistake=TOO_LATE if served else APART if machine.door.dead and _cost(cache) >= asked.wanted else None,
    )
    by_handler, by_others = _frees(machine, asked, gone)
    yield criterion(
        1,
        by_handler > 0 and not by_others,
        "the handler freed the memory",
        "only the handler should free memory, when the kernel calls it",
        first="" if gone or by_others else "free something",
        actual=by_others,
        mistake=TOO_EARLY,
    )
    in_use = [block.text for block in gone if block.whose == "used"]
    yield criterion(
        1,
        served and not in_use,
        "nothing in use was freed",
        "a handler asked to free pages in use: free only pages of the cache",
        first="" if in_use else FIRST,
        actual=f"pages {listed(in_use[:6])}{' and more' if len(in_use) > 6 else ''}",
        mistake=NOT_ITS_OWN,
    )
    needed = _cost(choices(asked)[0])
    yield criterion(
        2,
        (served and bool(cache)) * ((_cost(cache) <= needed) + (len(cache) < len(asked.cache))),
        "only the necessary pages of the cache were freed",
        "more pages of the cache were freed than necessary: which blocks are enough?",
        first="" if served and cache else FIRST,
        expected=f"{needed} of its {_cost(asked.cache)} pages",
        actual=f"{_cost(cache)} of them",
        mistake=ALL_OF_IT if len(cache) == len(asked.cache) else None,
    )


TOO_LATE = Mistake("a piece at a time", "A handler is called at each try, and a thread sleeps between two tries.")
APART = Mistake(
    "counts pages, not rows", "One request needs contiguous addresses: pages that are not adjacent don't help."
)
TOO_EARLY = Mistake(
    "frees too early", "The cache should free memory only when memory is short: then the kernel calls the handler."
)
NOT_ITS_OWN = Mistake("frees what is in use", "The map does not record who owns a block, so kmem_free frees anyone's.")
ALL_OF_IT = Mistake("frees all that it has", "If the cache is empty, each page must be read from disk again.")


def _got(machine: Machine, asked: HandlerSheet) -> Allocation | None:
    """Return the caller's allocation."""
    results = [one.result for one in machine.threads if one.name == CALLER and one.state == "returned"]
    found = machine.kmem.allocations.at(results[0]) if results and results[0] else None
    return found if found is not None and found.size == asked.wanted * PAGE else None


def _gone(machine: Machine, asked: HandlerSheet, got: Allocation | None) -> list[Block]:
    """Return the blocks that are free or once were; the caller's memory may be in one of them.

    A block that a handler freed counts as lost, even if the handler allocates the same addresses again.
    """
    start = machine.kmem.kmem_map.start
    live = {(one.start, one.end) for one in machine.kmem.allocations if one != got}
    ends = ((block, start + block.page * PAGE, start + (block.page + block.length) * PAGE) for block in asked.blocks)
    freed = _freed_by_handlers(machine)
    return [
        block
        for block, first, end in ends
        if block.whose and ((first, end) not in live or any(low <= first < high for low, high in freed))
    ]


def _freed_by_handlers(machine: Machine) -> list[tuple[int, int]]:
    """Return the ranges that handlers asked to free."""
    scripts = machine.journal.scripts.items()
    handled = (script for name, script in scripts if name.startswith(HANDLER))
    return [_range(one) for script in handled for one in script if one.name in FREEING]


def _why_not(machine: Machine) -> str:
    """Return why the caller has no memory: its handler failed, the kernel panicked, or it has not run."""
    callers = [one for one in machine.threads if one.name == CALLER]
    if callers and callers[-1].error:
        return str(callers[-1].error)
    if callers and callers[-1].state == "ready":
        return f"{CALLER} has not run"
    return str(machine.door.dead or "") or f"the largest gap of kmem_map is {machine.kmem.kmem_map.largest_gap}"


def _frees(machine: Machine, asked: HandlerSheet, gone: Sequence[Block]) -> tuple[int, str]:
    """Return how many of these blocks handlers freed and, in words, who else freed or allocated any."""
    given = 2 + len(asked.blocks) + sum(not block.whose for block in asked.blocks)
    scripts = machine.journal.scripts.items()
    counts = {name: sum(one.name in CHANGING for one in script) for name, script in scripts}
    handled = [name for name in counts if name.startswith(HANDLER)]
    ranges = _freed_by_handlers(machine)
    start = machine.kmem.kmem_map.start
    by_handler = sum(any(first <= start + block.page * PAGE < end for first, end in ranges) for block in gone)
    by_caller = sum(count for name, count in counts.items() if name.split("#")[0] == CALLER)
    others = {
        "a cell": sum(one.outcome == "done" and one.name in CHANGING for one in machine.journal[given:]),
        "a thread": sum(counts.values()) - sum(counts[name] for name in handled) - by_caller,
    }
    return by_handler, " and ".join(f"{count} times from {who}" for who, count in others.items() if count)


def _range(action: Action) -> tuple[int, int]:
    """Return the addresses that a call should free; none if its arguments were refused."""
    given = dict(action.arguments)
    try:
        start = whole(given.get("address"), "address")
        return start, start + aligned(given.get("size"), "size")
    except Refused:
        return 0, 0
