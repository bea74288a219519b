"""Exercises of notebook 01: an address space is an ordered set of entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.maps import MachineMap

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .deeds import ENTERED, Deed, deeds, removals
from .structures import gaps, in_words, listed, pages, runs

LETTERS = {"stack": "rw-", "hole": "", "page": "---"}
"""The rights of a page by its purpose; none if nothing is mapped."""


@frozen(slots=False)
class Stack:
    """A stack of `pages` pages; `guard`, at the end to which it grows, is "hole", "page", or empty for none."""

    name: str
    pages: int
    down: bool
    guard: str

    @property
    def text(self) -> str:
        """The stack in words."""
        guards = {
            "hole": "its guard page is a hole",
            "page": 'its guard page is mapped with no access (`prot="none"`)',
        }
        way = "down" if self.down else "up"
        return f"Stack {self.name}: {self.pages} pages, grows {way}, {guards.get(self.guard, 'has no guard page')}."


@frozen(slots=False)
class GuardSheet:
    """Stacks in address order, close together from `base` on."""

    base: int
    stacks: tuple[Stack, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> GuardSheet:
        """Draw three or four stacks, with at least one guard page of each kind."""
        guards = draws.shuffled(["hole", "page", draws.choice(["hole", "page"]), *draws.choice([[], [""]])])
        stacks = [
            Stack(name, draws.choice([2, 4, 8, 16]), draws.choice([True, False]), guard)
            for name, guard in zip("ABCD", guards, strict=False)
        ]
        return cls(draws.between(1, 9) * 0x10_0000, tuple(stacks))

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            "Map these stacks in this order, with only their guard pages between them. The lowest stack begins at "
            f"`{Address(self.base)}`; if its guard page is below it, the guard page begins there.\n"
            + "\n".join(stack.text for stack in self.stacks)
            + "\nA guard page is the page that a stack reaches first when it grows past its end. "
            "Stacks can be read and written, and nothing else is mapped."
        )

    def start(self) -> MachineMap:
        """Return an empty map."""
        return boot().task("stacks").map


def pieces(asked: GuardSheet, *, wrong_end: bool = False) -> list[tuple[int, str]]:
    """Return the pieces from the lowest: pages and purpose; with `wrong_end`, guards are at the other end."""
    found: list[tuple[int, str]] = []
    for stack in asked.stacks:
        whole = [(1, stack.guard), (stack.pages, "stack")] if stack.guard else [(stack.pages, "stack")]
        found += whole if stack.down != wrong_end else whole[::-1]
    return found


def page_by_page(asked: GuardSheet, *, wrong_end: bool = False) -> list[str]:
    """Return the purpose of each page, from the lowest."""
    return [what for count, what in pieces(asked, wrong_end=wrong_end) for _ in range(count)]


def _stack_pages(asked: GuardSheet) -> Iterator[range]:
    """Yield the pages of each stack, counted from the lowest page of all."""
    page = 0
    for count, what in pieces(asked):
        if what == "stack":
            yield range(page, page + count)
        page += count


@exercise(
    "01/guard",
    "Stacks and their guard pages",
    points=5,
    takes=MachineMap,
    variant=GuardSheet.drawn,
    edition=(1, 2),
    hints=(
        "Which way does each stack grow? A stack that grows down runs out of room at its lowest address.",
        "List the stacks by address, with each guard page below or above its stack. Then add up the pages.",
        'Enter each stack with at= its address; prot="none" maps a page with no access. For a hole, skip one page.',
    ),
)
def guard(space: MachineMap, asked: GuardSheet) -> Iterator[Criterion]:
    """Judge the pages of the stacks and guards: each as the sheet says, and nothing else mapped.

    One page at the base, or all pages at once, does not count as a beginning: most stacks and a guard must be mapped.
    """
    wanted = page_by_page(asked)
    end = asked.base + len(wanted) * PAGE
    letters = _letters(space, asked.base, len(wanted))
    wrong = {
        what: [page for page, one in enumerate(wanted) if one == what and letters[page] != LETTERS[what]]
        for what in LETTERS
    }
    other_end = page_by_page(asked, wrong_end=True)
    mirrored = all(letters[page] == LETTERS[other_end[page]] for page in chain(*wrong.values()))
    asked_for, lacking = wanted.count("stack"), wrong["stack"]
    missing = set(lacking)
    guarded = any(len(wrong[what]) < wanted.count(what) for what in ("hole", "page"))
    began = guarded and 2 * sum(missing.isdisjoint(stack) for stack in _stack_pages(asked)) > len(asked.stacks)
    first = "" if began else "map most of the stacks, with a guard"
    yield criterion(
        2,
        (2 * len(lacking) < asked_for) + (guarded and not lacking),
        "each page of the stacks can be read and written",
        "some pages of the stacks are not mapped, or can't be read and written"
        if lacking
        else "the stacks can be read and written, and so can all of their guard pages",
        expected=f"{asked_for} pages rw-",
        actual=f"{asked_for - len(lacking)} of {asked_for} pages rw-"
        + (f"; the lowest that is not: {_address(asked, lacking[0])}" if 0 < len(lacking) < asked_for else ""),
        mistake=WRONG_END if mirrored else None,
    )
    yield criterion(
        1,
        began and not wrong["hole"],
        "where a hole is required, nothing is mapped",
        "something is mapped where a hole is required",
        first=first,
        actual=_rights(asked, letters, wrong["hole"]) if began else "",
        mistake=MAPPED_HOLE if any(letters[page] == LETTERS["page"] for page in wrong["hole"]) else None,
    )
    yield criterion(
        1,
        began and not wrong["page"],
        "each mapped guard page has the protection none",
        'a guard page that should be mapped with prot="none" has another protection, or is not mapped',
        first=first,
        expected="--- (no access)" if began else "",
        actual=_rights(asked, letters, wrong["page"]) if began else "",
        mistake=HOLE_FOR_PAGE if began and not any(letters[page] for page in wrong["page"]) else None,
    )
    others = [run for run in runs(space) if run.start < asked.base or run.end > end]
    yield criterion(
        1,
        began and not others,
        "nothing else is mapped",
        "something is mapped below the first stack and its guard page, or above the last",
        first="" if others else first,
        actual=in_words(others) if others else "",
    )


WRONG_END = Mistake(
    "guard at the wrong end",
    "A stack that grows down reaches the page below its lowest address first; a stack that grows up, the page above "
    "its highest.",
)
MAPPED_HOLE = Mistake(
    "a hole that is mapped", "A hole is a range without an entry; a page with no access has an entry."
)
HOLE_FOR_PAGE = Mistake(
    "a hole for a page",
    "A page with no access has an entry in the map, so the kernel never places a later request there.",
)


def _letters(space: MachineMap, base: int, count: int) -> list[str]:
    """Return the rights of each page from `base` on, "" if nothing is mapped."""
    found = dict.fromkeys(range(count), "")
    for entry in space.entries():
        first, last = (entry.start - base) // PAGE, (entry.end - base) // PAGE
        found |= dict.fromkeys(range(max(first, 0), min(last, count)), entry.protection)
    return list(found.values())


def _address(asked: GuardSheet, page: int) -> Address:
    return Address(asked.base + page * PAGE)


def _rights(asked: GuardSheet, letters: list[str], wrong: list[int]) -> str:
    """Return the rights of the wrong pages, and their addresses."""
    return ", ".join(f"{letters[page] or 'not mapped'} at {_address(asked, page)}" for page in wrong)


@frozen(slots=False)
class GapsSheet:
    """Gaps in address order, and requests that fill them only in some orders; sizes are in pages."""

    gaps: tuple[int, ...]
    requests: tuple[int, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> GapsSheet:
        """Draw gaps of one or two requests each; the orders that come to mind first leave a gap."""
        while True:
            parts = [[draws.between(1, 6) for _ in range(count)] for count in draws.shuffled([1, 2, 2])]
            gaps, requests = tuple(map(sum, parts)), tuple(draws.shuffled(sorted(chain(*parts))))
            obvious = requests, sorted(requests), sorted(requests, reverse=True)
            if not any(fills(gaps, order) for order in obvious):
                return cls(gaps, requests)

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            f"A map of {self.size} pages has gaps of {listed(self.gaps)} pages, in this order. Make requests of "
            f"{listed(self.requests)} pages so that no gap is left.\n"
            "Don't say where to place a request (no `at`): you choose only the order of the requests."
        )

    @property
    def size(self) -> int:
        """The size of the map in pages: two used pages before, between and after the gaps."""
        return sum(self.gaps) + 2 * (len(self.gaps) + 1)

    def start(self) -> MachineMap:
        """Return the map with its gaps."""
        space = boot().task("puzzle").map
        space.enter(self.size * PAGE)
        page = 0
        for gap in self.gaps:
            page += 2
            space.remove(page * PAGE, size=gap * PAGE)
            page += gap
        return space


def fills(gaps: Sequence[int], order: Sequence[int]) -> bool:
    """Return whether requests in this order fill the gaps, if each takes the lowest gap with room."""
    left = list(gaps)
    for size in order:
        lowest = next((index for index, gap in enumerate(left) if gap >= size), None)
        if lowest is None:
            return False
        left[lowest] -= size
    return not any(left)


@exercise(
    "01/gaps",
    "Gaps and requests",
    points=4,
    takes=MachineMap,
    variant=GapsSheet.drawn,
    edition=(2, 3),
    hints=(
        "The kernel uses the lowest gap that is large enough. Where does it place your first request?",
        "Begin with the gap that only one request, or one pair of requests, can fill exactly.",
        "Cross out pages as the kernel would. If a request lands in the wrong gap, make another request before it.",
    ),
)
def gaps_and_requests(space: MachineMap, asked: GapsSheet) -> Iterator[Criterion]:
    """Judge the requests: made without an address, in any order and by any call, they fill the gaps."""
    end = asked.size * PAGE
    left = [gap for gap in gaps(space) if gap[1] <= end]
    filled = not left and space.size == end
    first = "" if filled else "fill the gaps"
    yield criterion(
        2,
        filled,
        "no gap is left",
        "a gap is left: the kernel uses the lowest gap that is large enough, so which request must come first?"
        if left or space.size < end
        else "something is mapped past the end, but all requests fit into the gaps",
        expected=f"{asked.size} pages without a gap",
        actual=f"gaps: {_gaps(left)}" if left else f"{pages(space.size)} are mapped",
    )
    requests = _requests(space, asked)
    sizes = [request.size // PAGE for request in requests]
    other_gaps = [request for request in requests if _in_used_pages(request, asked)]
    yield criterion(
        1,
        filled and sorted(sizes) == sorted(asked.requests) and not other_gaps,
        "each request was made once, and no other request was made",
        "a request lies where the map had a page in use: don't change the gaps"
        if other_gaps
        else f"there should be exactly one request each of {listed(asked.requests)} pages",
        first="" if other_gaps else first,
        expected=f"{listed(asked.requests)} pages, in any order",
        actual=f"{', '.join(map(str, sizes))} pages" if sizes else "no requests",
    )
    placed = [request for request in requests if not request.searched]
    in_vain = filled and not other_gaps and not fills(asked.gaps, sizes)
    yield criterion(
        1,
        filled and not placed and not in_vain,
        "the kernel chose the address of each request",
        "a request says where to place it"
        if placed or not in_vain
        else "in this order, the requests do not fill the gaps: undo one with puzzle.machine.undo(), or start over",
        first="" if placed else first,
        actual=", ".join(f"{pages(request.size)} with at=" for request in placed),
        mistake=SAYS_WHERE,
    )


SAYS_WHERE = Mistake("says where", "With at=, the kernel tries that address first instead of searching for a gap.")


def _gaps(left: list[tuple[int, int]]) -> str:
    return ", ".join(f"{pages(end - start)} at {Address(start)}" for start, end in left)


def _requests(space: MachineMap, asked: GapsSheet) -> list[Deed]:
    """Return the ranges entered, by any call, since the last gap was made."""
    found = deeds(space, asked)
    last = max((number for number, deed in enumerate(found, 1) if removals([deed])), default=0)
    return [deed for deed in found[last:] if deed.kind == ENTERED]


def _in_used_pages(request: Deed, asked: GapsSheet) -> bool:
    """Return whether part of a request is in pages that were in use at the start."""
    first = 0
    for gap in (*asked.gaps, 0):
        if request.start < (first + 2) * PAGE and first * PAGE < request.start + request.size:
            return True
        first += 2 + gap
    return False
