"""Exercises of notebook 01: an address space is an ordered set of entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.maps import MachineMap

from ..criterion import Criterion
from ..draws import Draws
from ..rubric import Rubric
from .deeds import ENTERED, Deed, deeds, removals
from .structures import gaps, in_words, listed, outside, pages, rights_of_pages

GUARD, GAPS = Rubric(__file__, "01/guard"), Rubric(__file__, "01/gaps")

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
        way, guard = GUARD.say("down" if self.down else "up"), GUARD.say(self.guard or "none")
        return GUARD.say("stack", name=self.name, pages=self.pages, way=way, guard=guard)


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
        return GUARD.say("text", base=Address(self.base), stacks="\n".join(stack.text for stack in self.stacks))

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


@GUARD.judge(takes=MachineMap, variant=GuardSheet.drawn, edition=(1, 2))
def guard(space: MachineMap, asked: GuardSheet) -> Iterator[Criterion]:
    """Judge the pages of the stacks and guards: each as the sheet says, and nothing else mapped.

    One page at the base, or all pages at once, does not count as a beginning: most stacks and a guard must be mapped.
    """
    wanted = page_by_page(asked)
    end = asked.base + len(wanted) * PAGE
    rights = rights_of_pages(space, asked.base, len(wanted))
    letters = [rights.get(page, "") for page in range(len(wanted))]
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
    first = "" if began else GUARD.say("begin")
    held = GUARD.say("held", of=asked_for, found=asked_for - len(lacking))
    lowest = GUARD.say("lowest", address=_address(asked, lacking[0])) if 0 < len(lacking) < asked_for else ""
    yield GUARD(
        "stacks",
        (2 * len(lacking) < asked_for) + (guarded and not lacking),
        "no" if lacking else "guards",
        expected=GUARD.say("wanted", of=asked_for),
        actual=held + lowest,
        mistake="guard at the wrong end" if mirrored else "",
    )
    mapped = any(letters[page] == LETTERS["page"] for page in wrong["hole"])
    yield GUARD(
        "holes",
        began and not wrong["hole"],
        first=first,
        actual=_rights(asked, letters, wrong["hole"]) if began else "",
        mistake="a hole that is mapped" if mapped else "",
    )
    holes = began and not any(letters[page] for page in wrong["page"])
    yield GUARD(
        "pages",
        began and not wrong["page"],
        first=first,
        expected=GUARD.say("no access") if began else "",
        actual=_rights(asked, letters, wrong["page"]) if began else "",
        mistake="a hole for a page" if holes else "",
    )
    others = outside(space, asked.base, end)
    yield GUARD(
        "nothing else",
        began and not others,
        first="" if others else first,
        actual=in_words(others) if others else "",
    )


def _address(asked: GuardSheet, page: int) -> Address:
    return Address(asked.base + page * PAGE)


def _rights(asked: GuardSheet, letters: list[str], wrong: list[int]) -> str:
    """Return the rights of the wrong pages, and their addresses."""
    found = ((letters[page] or GUARD.say("not mapped"), _address(asked, page)) for page in wrong)
    return ", ".join(GUARD.say("rights", rights=rights, address=address) for rights, address in found)


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
        return GAPS.say("text", size=self.size, gaps=listed(self.gaps), requests=listed(self.requests))

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


@GAPS.judge(takes=MachineMap, variant=GapsSheet.drawn, edition=(2, 3))
def gaps_and_requests(space: MachineMap, asked: GapsSheet) -> Iterator[Criterion]:
    """Judge the requests: made without an address, in any order and by any call, they fill the gaps."""
    end = asked.size * PAGE
    left = [gap for gap in gaps(space) if gap[1] <= end]
    filled = not left and space.size == end
    first = "" if filled else GAPS.say("fill")
    yield GAPS(
        "no gap",
        filled,
        "no" if left or space.size < end else "past the end",
        expected=GAPS.say("no gap", size=asked.size),
        actual=GAPS.say("gaps", gaps=_gaps(left)) if left else GAPS.say("mapped", pages=pages(space.size)),
    )
    requests = _requests(space, asked)
    sizes = [request.size // PAGE for request in requests]
    other_gaps = [request for request in requests if _in_used_pages(request, asked)]
    yield GAPS(
        "once",
        filled and sorted(sizes) == sorted(asked.requests) and not other_gaps,
        "in used pages" if other_gaps else "no",
        first="" if other_gaps else first,
        expected=GAPS.say("requests", sizes=listed(asked.requests)),
        actual=GAPS.say("made", sizes=", ".join(map(str, sizes))) if sizes else GAPS.say("none made"),
        requests=listed(asked.requests),
    )
    placed = [request for request in requests if not request.searched]
    in_vain = filled and not other_gaps and not fills(asked.gaps, sizes)
    yield GAPS(
        "chosen",
        filled and not placed and not in_vain,
        "no" if placed or not in_vain else "in vain",
        first="" if placed else first,
        actual=", ".join(GAPS.say("placed", pages=pages(request.size)) for request in placed),
        mistake="says where",
    )


def _gaps(left: list[tuple[int, int]]) -> str:
    return ", ".join(GAPS.say("gap", pages=pages(end - start), address=Address(start)) for start, end in left)


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
