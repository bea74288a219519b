"""Exercises of notebook 11: more memory, more faults; a student's policy; and the frames that a program needs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from typing import Any, NamedTuple

from vmwidgets.engine.base.errors import VMError, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import KIB, PAGE, counted
from vmwidgets.engine.memory.replacement import ResidentPage
from vmwidgets.reference_strings.references import reference_string
from vmwidgets.reference_strings.references_schema import ReferencesValue

from ..chosen import Chosen
from ..criterion import Criterion, criterion, misread_key
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake

WITH_ANOMALY = ("fifo", 3), ("fifo", 4), ("fifo", 5), ("clock", 3), ("second chance", 3)
"""Policies, with numbers of frames for which one more frame can be worse."""


@frozen(slots=False)
class AnomalySheet:
    """The task: a string of this length; with one more frame than `frames`, `policy` has `more` additional faults."""

    policy: str
    frames: int
    more: int
    pages: int
    length: int

    @classmethod
    def drawn(cls, draws: Draws) -> AnomalySheet:
        """Draw the textbooks' string with more or fewer pages, two or three times, with some more references."""
        policy, frames = draws.choice(WITH_ANOMALY)
        more, others, again = draws.between(2, 3), draws.between(0, 2), draws.between(1, 6)
        return cls(policy, frames, more, frames + 2 + others, (2 * frames + 6) * more + others + again)

    @property
    def sizes(self) -> tuple[int, int]:
        """The two numbers of frames."""
        return self.frames, self.frames + 1

    @property
    def text(self) -> str:
        """The task in words."""
        few, many = self.sizes
        return (
            f"Find a string of exactly {self.length} references to exactly {self.pages} pages, for which "
            f"{self.policy} has exactly {counted(self.more, 'fault')} more with {many} frames than with {few}.\n"
            f'Check the result of `vm.reference_string(…, frames={self.sizes}, policies="{self.policy}")`.'
        )

    def start(self) -> ReferencesValue:
        """Return a string that is too short, run as the sheet says."""
        return reference_string("1 2 3", self.sizes, self.policy)


@exercise(
    "11/anomaly",
    "One frame more, and worse",
    points=5,
    takes=ReferencesValue,
    shows=lambda found: found,
    variant=AnomalySheet.drawn,
    hints=(
        (
            "In the picture of Belady's string, find the references that hit with 3 frames and fault with 4. "
            "Which earlier "
            "references made these pages the oldest pages in the larger memory?"
        ),
        (
            "Describe the string for any number of frames. What fills the larger memory? What is a hit there and a "
            "fault in the smaller memory? What then evicts a page just before its next use? What does a second "
            "round of the string do?"
        ),
        (
            "To change the length: a reference to the page used just before is a hit with any memory. A page that was "
            "never used is a fault with any memory. At the end of the string, neither changes the difference."
        ),
    ),
)
def anomaly(found: ReferencesValue, asked: AnomalySheet) -> Iterator[Criterion]:
    """Judge the string: its length, its number of pages, and the faults that more frames add are the sheet's."""
    is_run = asked.policy in found.policies and set(asked.sizes) <= set(found.frames)
    few, many = (found.faults(asked.policy, frames) if is_run else 0 for frames in asked.sizes)
    yield criterion(
        3,
        (many > few) + 2 * (many - few == asked.more),
        f"with {asked.sizes[1]} frames there are {counted(asked.more, 'fault')} more than with {asked.sizes[0]}",
        f"with {asked.sizes[1]} frames there should be exactly {counted(asked.more, 'fault')} more than with "
        f"{asked.sizes[0]}: which references add one more fault, and what if you repeat them?",
        first="" if is_run else f"run the string through {asked.policy} with frames={asked.sizes}",
        expected=f"{asked.more} more",
        actual=f"{few} with {asked.sizes[0]} frames, {many} with {asked.sizes[1]}" if is_run else "",
        mistake=FEWER if many < few else None,
    )
    yield criterion(
        1,
        len(found.pages) == asked.length,
        "the string has the right length",
        f"the string should have exactly {asked.length} references",
        actual=counted(len(found.pages), "reference"),
    )
    pages = len(set(found.pages))
    yield criterion(
        1,
        pages == asked.pages,
        "the string uses the right number of pages",
        f"the string should use exactly {asked.pages} pages",
        actual=counted(pages, "page"),
    )


FEWER = Mistake(
    "more memory, fewer faults",
    "This is true of most strings. The anomaly needs hits: with FIFO, a hit does not make a page younger.",
)

Rule = tuple[str, int]
"""The rule for favourites: its kind and its number."""

RULES: dict[str, tuple[str, Callable[[int, int], bool]]] = {
    "below": ("pages below {}", lambda page, number: page < number),
    "from": ("pages from {} on", lambda page, number: page >= number),
    "end": ("pages whose number ends in {}", lambda page, number: page % 10 == number),
}
"""The rules in words, and as functions of a page and the number."""

LAST = 200
"""The limit of page numbers."""

LOOP, PHASES, WRITES = "loop", "phases", "writes"
OTHERS = {
    LOOP: "a loop over other pages, again and again in the same order",
    PHASES: "phases: for a while some pages are used, then others, and earlier pages are not used again",
    WRITES: "a scan of other pages: written pages (`w`) are used again, and read pages are not",
}
IN_WORDS = {LOOP: "in the loop", PHASES: "in phases", WRITES: "where pages are written"}


@frozen(slots=False)
class PolicySheet:
    """A rule for favourites in a scan, and another kind of string; `strings` are both, with their frames."""

    frames: int
    rule: Rule
    other: str
    strings: tuple[str, str]

    @classmethod
    def drawn(cls, draws: Draws) -> PolicySheet:
        """Draw strings in which only favourites keep the rule."""
        frames, kind = draws.between(4, 5), draws.choice(list(RULES))
        number = draws.below(10) if kind == "end" else draws.between(3, 14) * 5
        rule = kind, LAST - number if kind == "from" else number
        favourites, others = _favourites(draws, rule)
        scan = _scan_of(draws, favourites, others, frames)
        other = draws.choice(list(OTHERS))
        return cls(frames, rule, other, (scan, _other(draws, other, others, frames)))

    @property
    def favourites(self) -> str:
        """The rule in words."""
        return RULES[self.rule[0]][0].format(self.rule[1])

    @cached_property
    def most(self) -> tuple[int, int]:
        """The most faults allowed in each string: a quarter of the way from OPT to the worst of three policies."""
        first, second = (_most(string, self.frames) for string in self.strings)
        return first, second

    @property
    def text(self) -> str:
        """The task in words."""
        return "\n".join(
            [
                f"Write a policy for {self.frames} frames that is good in two strings:",
                f"A scan of pages. Only {self.favourites} are used again, repeatedly but rarely. {self._aim(0)}",
                f"`{self.strings[0]}`",
                f"And {OTHERS[self.other]}. {self._aim(1)}",
                f"`{self.strings[1]}`",
                (
                    "The check also runs your policy on two hidden strings: another scan, whose reused pages "
                    "follow the same "
                    "rule, and another string of the second kind, with other pages."
                ),
            ]
        )

    def _aim(self, which: int) -> str:
        string = self.strings[which]
        found = reference_string(string, self.frames, ("opt", "lru"))
        opt, lru = (run.faults for run in found.runs)
        return f"At most {self.most[which]} faults of {len(found.pages)} (OPT has {opt}, LRU {lru}):"

    def start(self) -> Callable[[list[ResidentPage]], object]:
        """Return a policy that chooses no page."""
        return nothing_yet


def _most(string: str, frames: int) -> int:
    """Return the most faults that a policy may have in a string."""
    found = reference_string(string, frames, ("opt", "fifo", "lru", newest_first))
    best, *others = (run.faults for run in found.runs)
    return best + (max(others) - best) // 4


def _not_shown(asked: PolicySheet, chosen: Chosen) -> tuple[str, str]:
    """Return two more strings of the sheet's kinds, different for each function, so that no one knows them."""
    draws = chosen.draws(f"{asked.strings}|not shown")
    favourites, others = _favourites(draws, asked.rule)
    scan = _scan_of(draws, favourites, others, asked.frames)
    return scan, _other(draws, asked.other, others, asked.frames)


def _favourites(draws: Draws, rule: Rule) -> tuple[list[int], list[int]]:
    """Return all pages that keep the rule, and all others, in any order."""
    kind, number = rule
    keeps, every = RULES[kind][1], draws.shuffled(range(LAST))
    return [page for page in every if keeps(page, number)], [page for page in every if not keeps(page, number)]


def _scan_of(draws: Draws, favourites: list[int], others: list[int], frames: int) -> str:
    """Return a scan in which a few favourites recur."""
    return " ".join(_scan(draws, [str(page) for page in favourites[: frames - 2]], others, frames))


def _other(draws: Draws, kind: str, pages: list[int], frames: int) -> str:
    """Return a string of another kind."""
    if kind == LOOP:
        found = list(map(str, pages[: frames + draws.between(1, 2)])) * 6
    elif kind == PHASES:
        places = range(0, 5 * (frames - 1), frames - 1)
        found = [str(page) for at in places for page in pages[at : at + frames - 1] * 4]
    else:
        found = _scan(draws, [f"{page}w" for page in pages[: frames - 2]], pages[frames - 2 :], frames)
    return " ".join(found)


def _scan(draws: Draws, again: list[str], pages: list[int], frames: int) -> list[str]:
    """Return a scan of pages, each once, in which all of `again` recur after more references than memory has frames."""
    left, found = [str(page) for page in pages], []
    for _ in range(6):
        count = draws.between(frames + 1, frames + 3)
        found += [*left[:count], *again]
        left = left[count:]
    return found


def newest_first(pages: list[ResidentPage]) -> ResidentPage:
    """Choose the page that was brought in last."""
    return max(pages, key=lambda page: page.arrived)


def nothing_yet(pages: list[ResidentPage]) -> object:
    """Choose no page."""
    return None


def _all_strings(asked: PolicySheet, chosen: Chosen) -> list[str]:
    """Return all strings: the two on the sheet, each followed by the hidden string of its kind."""
    return [one for pair in zip(asked.strings, _not_shown(asked, chosen), strict=True) for one in pair]


def ask_policy(choose: Any, asked: PolicySheet, chosen: Chosen) -> tuple[list[list[int]], tuple[str, ...]]:
    """Return the pages that a function evicts in each string, or none and the reasons if it fails."""
    runs = [_victims(choose, string, asked.frames) for string in _all_strings(asked, chosen)]
    return [victims for victims, _ in runs], tuple(failed for _, failed in runs)


def _victims(choose: Any, string: str, frames: int) -> tuple[list[int], str]:
    try:
        run = reference_string(string, frames, choose).runs[0]
    except VMError as error:
        return [], f"{error}"
    return [int(step.victim) for step in run.steps if step.victim is not None], ""


@exercise(
    "11/policy",
    "A policy for two programs",
    points=6,
    takes=ask_policy,
    variant=PolicySheet.drawn,
    edition=3,
    hints=lambda asked: (
        f"In the scan, only {asked.favourites} are used again: page.page is a page's number. Which can be evicted?",
        {
            LOOP: "In a loop, the page used just now has its next use farthest away: look at page.used.",
            PHASES: "The pages of the phase before have gone unused the longest: look at page.used.",
            WRITES: "In the second string, the pages that are used again are dirty: look at page.dirty.",
        }[asked.other],
        (
            "First make a list of the pages that can be evicted: [page for page in pages if not …]. "
            "Choose from it with min or max and key=lambda page: page.used; if it is empty, choose from all pages."
        ),
    ),
)
def policy(chosen: Chosen, asked: PolicySheet) -> Iterator[Criterion]:
    """Judge the function: it keeps the favourites in a scan and suits the other string, even in hidden ones."""
    failed = False
    lost = {LOOP: LRU_IN_LOOPS, PHASES: EARLIER_PHASES, WRITES: CLEAN_AND_DIRTY}[asked.other]
    tried = [_tried(chosen, place, string, asked) for place, string in enumerate(_all_strings(asked, chosen))]
    kinds = zip(tried[::2], tried[1::2], ("in the scan", IN_WORDS[asked.other]), strict=True)
    for (one, unseen, what), mistake in zip(kinds, (FAVOURITES_GO, lost), strict=True):
        other = unseen if one.few else one
        yield criterion(
            3,
            one.few + 2 * other.few,
            f"the policy has few faults {what}, even in the hidden string",
            other.said
            if other.faults < 0
            else f"{what} the policy has few faults, but not in the hidden string of the same kind: which pages are "
            "used again in any such string?"
            if one.few
            else f"{what} the policy should have at most {counted(one.most, 'fault')}: which pages are used again?",
            first="let the function return a page each time" if failed else "",
            expected=f"at most {counted(other.most, 'fault')}",
            actual=other.said if other.faults >= 0 else "",
            mistake=None if other.faults < 0 else BY_HEART if one.few else mistake,
        )
        failed = other.faults < 0


BY_HEART = Mistake(
    "by heart", "The function knows the numbers or the order of the shown pages, but other strings have other pages."
)
FAVOURITES_GO = Mistake(
    "favourites go",
    "A page that is used again was evicted. It is as old as the other pages of the scan, so its age doesn't tell.",
)
LRU_IN_LOOPS = Mistake("oldest first in a loop", "In a loop, the page that has gone unused the longest is needed next.")
EARLIER_PHASES = Mistake(
    "earlier phases stay", "A page of the current phase was evicted, while a page of an earlier phase stayed."
)
CLEAN_AND_DIRTY = Mistake("written pages go", "Written pages are used again, and read pages are not.")


class _Tried(NamedTuple):
    """A function's faults in a string, as a number and in words; -1 if it can't be asked.

    `most` is the number of faults allowed.
    """

    faults: int
    most: int
    said: str

    @property
    def few(self) -> bool:
        """Return whether it has at most the allowed number of faults."""
        return 0 <= self.faults <= self.most


NO_PAGE = "each time, the function has to return one of the pages that it was given"


def _tried(chosen: Chosen, place: int, string: str, asked: PolicySheet) -> _Tried:
    """Return the faults in a string, which is run again with the pages that the function chose."""
    most = _most(string, asked.frames)
    rows = chosen.answers
    row = rows[place] if isinstance(rows, list) and place < len(rows) and isinstance(rows[place], list) else []
    left = iter(row)

    def choose(pages: list[ResidentPage]) -> ResidentPage | None:
        wanted = next(left, None)
        return next((page for page in pages if page.page == wanted), None)

    try:
        faults = reference_string(string, asked.frames, choose).runs[0].faults
    except VMError:
        return _Tried(-1, most, next(iter(chosen.failed[place : place + 1]), "") or NO_PAGE)
    return _Tried(faults, most, counted(faults, "fault"))


# ---- a program's references ----------------------------------------------------------------------


INPUT, MATRIX, COUNTS, TABLE = 0x10_0000, 0x40_0000, 0x80_0000, 0xC0_0000
"""The addresses at which the program's arrays begin."""

TABLE_PAGES = 12


@frozen(slots=False)
class TraceSheet:
    """A program that reads its input once, and then a matrix by columns, with some pages of a table after each column.

    The matrix has `rows` rows of `kib` KiB; `lookups` are the pages of the table for each column.
    """

    frames: int
    inputs: int
    rows: int
    kib: int
    lookups: tuple[tuple[int, ...], ...]

    @classmethod
    def drawn(cls, draws: Draws) -> TraceSheet:
        """Draw the program's sizes, and a memory that holds a part of its pages, but neither all nor very few."""
        rows, kib = 2 * draws.between(9, 14), draws.choice((2, 4))
        columns = draws.between(6, 9)
        lookups = tuple(tuple(sorted(draws.sample(range(TABLE_PAGES), draws.between(1, 4)))) for _ in range(columns))
        pages = rows * kib // 4
        return cls(pages - draws.between(2, 4), draws.between(3, 6), rows, kib, lookups)

    @property
    def addresses(self) -> list[int]:
        """The addresses that the program references, in order."""
        found = [INPUT + at for at in range(0, self.inputs * PAGE, 512)]
        for column, pages in enumerate(self.lookups):
            for row in range(self.rows):
                found += [MATRIX + row * self.kib * KIB + 8 * column, COUNTS + 8 * row]
            found += [TABLE + page * PAGE for page in pages]
        return found

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            "`trace_variant.given.addresses` are the addresses that a program references. It reads its input, then "
            f"{counted(len(self.lookups), 'column')} of a matrix of {self.rows} rows of {self.kib} KiB, and counts "
            "each row; after each column it looks up some pages of a table.\n"
            "Set in `answers`: `pages`, the number of pages of 4 KiB that it uses; `lru`, LRU's faults with "
            f"{counted(self.frames, 'frame')}; and `enough`, the fewest frames with which LRU faults on first "
            "references only."
        )

    def start(self) -> dict[str, int | None]:
        """Return an empty set of answers."""
        return {"pages": None, "lru": None, "enough": None}


class Solution(NamedTuple):
    """The trace's results; `fifo` is for answers with the wrong policy."""

    pages: int
    lru: int
    enough: int
    fifo: int


@cache
def solved(asked: TraceSheet) -> Solution:
    """Return the answers."""
    string = [address // PAGE for address in asked.addresses]
    pages = len(set(string))

    def faults(frames: int, policy: str = "lru") -> int:
        return reference_string(string, frames, policy).faults(policy)

    enough = 1 + bisect_left(range(1, pages + 1), True, key=lambda frames: faults(frames) == pages)
    return Solution(pages, faults(asked.frames), enough, faults(asked.frames, "fifo"))


@exercise(
    "11/trace",
    "How much memory is enough?",
    points=5,
    takes=dict,
    variant=TraceSheet.drawn,
    hints=(
        "t = vm.trace(trace_variant.given.addresses) makes a trace; t and vm.Locality(t) say what is in it.",
        (
            'found = t.faults("lru", frames=range(1, 60)) counts many sizes at once; print it. Without NumPy, with '
            "string = [a // vm.PAGE for a in trace_variant.given.addresses], it is "
            'vm.reference_string(string, frames=range(1, 60), policies="lru").'
        ),
        "The fewest faults that there can be are one for each page: which is the first line with so few?",
    ),
)
def trace(answers: dict[Any, Any], asked: TraceSheet) -> Iterator[Criterion]:
    """Judge the numbers: each must be the trace's."""
    right = solved(asked)
    given = {name: answers.get(name) for name in ("pages", "lru", "enough")}
    slip = misread_key(answers, given)
    first = "" if any(one is not None for one in given.values()) else slip or "write your answers"
    found = {name: _found(one) + (f" ({slip})" if slip and one is None else "") for name, one in given.items()}
    yield criterion(
        1,
        given["pages"] == right.pages,
        "the number of pages is right",
        "the number of pages is wrong: what does the trace say of itself?",
        first=first,
        actual=found["pages"],
    )
    yield criterion(
        2,
        given["lru"] == right.lru,
        f"the faults with {counted(asked.frames, 'frame')} are right",
        f"LRU has another number of faults with {counted(asked.frames, 'frame')}",
        first=first,
        actual=found["lru"],
        mistake=OTHER_POLICY if given["lru"] == right.fifo else None,
    )
    yield criterion(
        2,
        given["enough"] == right.enough,
        "the fewest frames that are enough are right",
        "either fewer frames are enough, or with so few a page is evicted that is used again",
        first=first,
        actual=found["enough"],
        mistake=ALL_PAGES if given["enough"] == right.pages else None,
    )


def _found(answer: Any) -> str:
    """Return an answer in words: a text of digits is not a number."""
    return (
        f"{shown(answer)}, which is text: write the number without quotes" if isinstance(answer, str) else f"{answer}"
    )


OTHER_POLICY = Mistake("another policy", "This is the number for FIFO.")
ALL_PAGES = Mistake("a frame for each page", "The pages of the input are not used again, so they need no frame later.")
