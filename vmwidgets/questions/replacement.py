"""Questions on page replacement: a string of references, a few frames, and the evicted page."""

from __future__ import annotations

from collections.abc import Callable

from vmwidgets.labs.draws import Draws
from vmwidgets.pictures.registry import picture
from vmwidgets.reference_strings.references import reference_string
from vmwidgets.reference_strings.references_schema import PageReference, ReferencesValue
from vmwidgets.views.scene.model import Scene

from .question import (
    NUMBER,
    Again,
    Kind,
    Question,
    drawing,
    numbers_around,
    options_of,
    table,
)

RULES = {
    "fifo": "FIFO: the page that was brought in first is evicted",
    "lru": "LRU: the least recently used page is evicted",
    "opt": "OPT: the page whose next use is farthest in the future is evicted, or a page that is never used again",
}
"""Policies, in words."""

FRAMES = (
    "**Faults:** A memory is empty at first. If a needed page is not in memory, there is a fault. The page "
    "gets a free frame; if no frame is free, another page is evicted. The faults of the first pages count too."
)

CLOCK = (
    "**The clock:** Frames form a ring in the order of their numbers. A hand moves around the ring. If the "
    "reference bit "
    "of a page is set, the page stays, and its bit is cleared; the first page whose bit is clear is evicted. The new "
    "page gets its frame, and then the hand points at the next frame. A new page has its bit set, and each use sets it."
)


def drawn_string(draws: Draws, pages: int, length: int) -> str:
    """Return references to this many pages, without immediate repetitions, as textbooks write them."""
    string: list[str] = []
    while len(string) < length:
        page = str(draws.below(pages))
        if string[-1:] != [page]:
            string.append(page)
    return " ".join(string)


def solved(found: ReferencesValue) -> Callable[[], Scene]:
    """Return a function that draws the frames after each reference."""
    return lambda: picture(found).scene()


def _given(string: str, frames: int, rule: str) -> str:
    return f"A memory has {frames} frames. The rule is {rule}. Pages are used in this order: `{string}`."


def faults(draws: Draws) -> Question:
    """Make a question on the number of faults of FIFO or LRU."""
    policy, frames, string = draws.choice(("fifo", "lru")), 3, drawn_string(draws, draws.between(4, 6), 12)
    found = reference_string(string, frames, policy)
    victims = [f"{step.page} for {step.victim}" for step in found.runs[0].steps if step.victim is not None]
    return Question(
        f"{_given(string, frames, RULES[policy])} How many faults are there?",
        str(found.faults(policy, frames)),
        f"Each new page, and the page that it replaces: {', '.join(victims) or 'no page is replaced'}. The pages "
        "that got a "
        f"free frame are faults too. (`vm.reference_string`, policy {policy})",
        NUMBER,
        rules=(FRAMES,),
        solution=solved(found),
    )


def resident(draws: Draws) -> Question:
    """Make a question on which pages are in memory at the end."""
    policy, frames, string = draws.choice(("fifo", "lru")), 3, drawn_string(draws, draws.between(5, 6), 11)
    found = reference_string(string, frames, ("fifo", "lru", "opt", "clock"))
    ends = {run.policy: _pages(run.steps[-1]) for run in found.runs}
    used = sorted(set(string.split()))
    others = [", ".join(sorted(draws.sample(used, frames))) for _ in range(20)]
    mistakes = {one: _not_there(one, ends[policy]) for one in others}
    mistakes |= {end: f"that is what {name.upper()} leaves" for name, end in ends.items() if end != ends[policy]}
    return Question(
        f"{_given(string, frames, RULES[policy])} Which pages are in memory at the end?",
        ends[policy],
        f"The frames after each reference are in the picture. (`vm.reference_string`, policy {policy})",
        options=options_of(draws, ends[policy], [*ends.values(), *others]),
        rules=(FRAMES,),
        mistakes=mistakes,
        solution=solved(reference_string(string, frames, policy)),
    )


def _pages(step: PageReference) -> str:
    return ", ".join(sorted(str(page) for page in step.pages if page is not None))


def _not_there(option: str, right: str) -> str:
    """Return which pages of an option are not in memory."""
    gone = sorted({*option.split(", ")} - {*right.split(", ")})
    return f"page {gone[0]} is not there" if len(gone) == 1 else f"the pages {', '.join(gone)} are not there"


def victim(draws: Draws) -> Question:
    """Make a question on which page the clock evicts."""
    frames = draws.choice((4, 5))
    string = drawn_string(draws, frames + 3, draws.between(frames + 5, frames + 9)).split()
    before = reference_string(string, frames, "clock").runs[0].steps[-1]
    absent = [str(page) for page in range(frames + 3) if page not in before.pages]
    if None in before.pages or before.hand is None or not 0 < len(before.referenced) < frames:
        raise Again
    wanted = draws.choice(absent)
    found = reference_string([*string, wanted], frames, "clock")
    last = found.runs[0].steps[-1]
    assert last.victim is not None, "memory was full"
    rows = [(str(frame), str(page), str(int(frame in before.referenced))) for frame, page in enumerate(before.pages)]
    passed = [
        str(page)
        for frame, page in enumerate(before.pages)
        if frame in before.referenced and frame not in last.referenced
    ]
    if not passed:
        raise Again
    return Question(
        f"A memory of {frames} frames is full. The rule is the clock. The hand points at frame {before.hand}.\n\n"
        f"{table(('frame', 'page', 'reference bit'), rows)}\n\nNow page {wanted} is used. Which page is evicted?",
        f"page {last.victim}",
        f"From frame {before.hand} on, the hand clears the bits of {_named(passed)}. It stops at the first page whose "
        "bit is clear; this page is evicted. (`Clock.candidates`; Corbató 1968)",
        options=options_of(draws, f"page {last.victim}", draws.shuffled([f"page {page}" for page in before.pages])),
        rules=(CLOCK,),
        mistakes={
            f"page {page}": "its bit is set: it stays, and loses the bit"
            if frame in before.referenced
            else "the hand finds another page before it"
            for frame, page in enumerate(before.pages)
        },
        figure=lambda: drawing(picture(reference_string(string, frames, "clock")), "What came before"),
        solution=solved(found),
    )


def _named(pages: list[str]) -> str:
    return f"the pages {', '.join(pages)}" if pages[1:] else f"page {pages[0]}"


def optimal(draws: Draws) -> Question:
    """Make a question on the fewest possible faults."""
    frames, string = 3, drawn_string(draws, draws.between(5, 9), 13)
    found = reference_string(string, frames, "opt")
    return Question(
        f"A memory has {frames} frames. Pages are used in this order: `{string}`. The kernel chooses which page "
        "to evict, "
        "and knows this order. What is the smallest possible number of faults?",
        str(found.faults("opt", frames)),
        f"{RULES['opt']}; no policy has fewer faults. (`Optimal.candidates`; Belady 1966)",
        NUMBER,
        rules=(FRAMES,),
        solution=solved(found),
    )


BELADY = (0, 1, 2, 3, 0, 1, 4, 0, 1, 2, 3, 4)
"""The shortest string with more FIFO faults with 4 frames than with 3; renaming pages gives all others."""


def _anomalous(draws: Draws) -> str:
    """Return Belady's string with other page names and one more reference: it may not be anomalous any longer."""
    string, place = list(BELADY), draws.between(1, len(BELADY) - 1)
    string.insert(place, draws.choice([page for page in range(5) if page not in string[place - 1 : place + 1]]))
    names = draws.shuffled("01234")
    return " ".join(names[page] for page in string)


def more(draws: Draws) -> Question:
    """Make a question on the effect of one more frame on FIFO: each change is equally likely, even a rare one."""
    wanted = draws.choice((-3, -2, -1, 0, 1))
    while True:  # draw another string, but not another change: otherwise rare changes would not be asked
        string = _anomalous(draws) if wanted > 0 else drawn_string(draws, 5, len(BELADY) + 1)
        found = reference_string(string, (3, 4), "fifo")
        few, many = found.faults("fifo", 3), found.faults("fifo", 4)
        if many - few == wanted:
            break
    same, other = (draws.shuffled([sign * size for size in (1, 2, 3)]) for sign in ((-1, 1) if wanted < 0 else (1, -1)))
    alike = [one for one in same if one != wanted]  # two that fall and two that grow, next to "it stays the same"
    nearby = [0, *alike[: 1 + (wanted == 0)], *other[:2]]
    return Question(
        f"{_given(string, 3, RULES['fifo'])} The same pages are used with a memory of 4 frames. How does the "
        "number of faults "
        "change?",
        _change(wanted),
        f"With 3 frames there are {few} faults, with 4 there are {many}. "
        + ("That is Belady's anomaly. " if many > few else "")
        + "(`vm.reference_string`, policy fifo; Belady, Nelson and Shedler 1969)",
        options=options_of(draws, _change(wanted), map(_change, nearby)),
        rules=(FRAMES,),
        mistakes={_change(one): f"4 frames would then have {few + one} faults, and they have {many}" for one in nearby},
        solution=solved(found),
    )


def _change(change: int) -> str:
    if change == 0:
        return "it stays the same"
    return f"it {'grows' if change > 0 else 'falls'} by {abs(change)}"


def enough(draws: Draws) -> Question:
    """Make a question on how many frames LRU needs."""
    pages = draws.between(6, 9)
    string = drawn_string(draws, pages, 20)
    sizes = range(1, pages + 1)
    found = reference_string(string, sizes, "lru")
    counts = [found.faults("lru", size) for size in sizes]
    size = draws.between(4, pages - 1)
    if counts[size - 1] == counts[size - 2]:
        raise Again
    least = counts[size - 1]
    wrong = {
        one: f"that has {counts[one - 1]} faults" if one < size else f"it is enough, but {_frames(size)} are enough too"
        for one in range(1, 13)
    }
    by_size = ", ".join(f"{size}: {count}" for size, count in zip(sizes, counts, strict=True))
    return Question(
        f"The rule is {RULES['lru']}. Pages are used in this order: `{string}`. How many frames does the smallest "
        f"memory with at most {least} faults have?",
        f"{size} frames",
        f"Faults by frames: {by_size}. (`vm.reference_string`, policy lru; LRU is a stack algorithm, Mattson 1970)",
        rules=(FRAMES,),
        **numbers_around(draws, size, wrong, _frames),
        solution=solved(reference_string(string, (size - 1, size), "lru")),
    )


def _frames(number: int) -> str:
    return f"{number} frame{'s' * (number > 1)}"


KINDS = (
    Kind("replacement/faults", 1, "the faults of FIFO or LRU", faults, ("5", "6", "7", "8", "9", "10")),
    Kind("replacement/resident", 1, "the pages that are in memory at the end", resident),
    Kind("replacement/victim", 2, "the page that the clock evicts, given its hand and bits", victim),
    Kind(
        "replacement/optimal", 2, "the fewest faults that any policy can have", optimal, ("5", "6", "7", "8", "9", "10")
    ),
    Kind(
        "replacement/more", 3, "how the number of faults changes with one more frame, including Belady's anomaly", more
    ),
    Kind(
        "replacement/enough",
        3,
        "the smallest memory with at most the given number of faults",
        enough,
        [*map(_frames, range(4, 9))],
    ),
)
