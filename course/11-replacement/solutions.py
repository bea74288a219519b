"""Solutions of lab 11."""

from __future__ import annotations

from dataclasses import replace

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.replacement import LOOP, PHASES, WRITES, AnomalySheet, PolicySheet, TraceSheet, solved


def string(asked: AnomalySheet, *, first: int = 1) -> str:
    """Belady's string for these frames, repeated; then pages that are new, and one that is used again and again."""
    few = asked.frames
    once = [*range(1, few + 2), 1, 2, few + 2, 1, 2, *range(3, few + 3)]
    found = once * asked.more
    found += range(few + 3, asked.pages + 1)
    found += [found[-1]] * (asked.length - len(found))
    return " ".join(str(page + first) for page in found)


def run(asked: AnomalySheet, sizes: str, policies: str, text: str) -> str:
    return f'thing = vm.reference_string("{text}", frames={sizes}, policies={policies})'


def repeated(asked: AnomalySheet) -> str:
    return run(asked, str(asked.sizes), f'"{asked.policy}"', string(asked))


def among_others(asked: AnomalySheet) -> str:
    """Other pages, more sizes, another policy beside it."""
    return run(asked, str([*asked.sizes, 7]), f'("opt", "{asked.policy}")', string(asked, first=20))


def once_too_few(asked: AnomalySheet) -> str:
    return repeated(replace(asked, more=asked.more - 1))


def one_longer(asked: AnomalySheet) -> str:
    return repeated(replace(asked, length=asked.length + 1))


def one_page_more(asked: AnomalySheet) -> str:
    return repeated(replace(asked, pages=asked.pages + 1, length=asked.length))


RULES = {"below": "page.page < {}", "from": "page.page >= {}", "end": "page.page % 10 == {}"}


def chosen(asked: PolicySheet, how: str, *, keeps: bool = True, clean: bool = False) -> str:
    """A policy that keeps the favourites, unless not; and dirty pages, if so; of the others goes the min or max."""
    kind, number = asked.rule
    stays = [RULES[kind].format(number)] if keeps else []
    stays += ["page.dirty"] if clean else []
    rest = f"[page for page in pages if not ({' or '.join(stays)})] or pages" if stays else "pages"
    return f"def thing(pages):\n    rest = {rest}\n    return {how}"


BEST = {LOOP: "max", PHASES: "min", WRITES: "max"}


def kept(asked: PolicySheet) -> str:
    return chosen(asked, f"{BEST[asked.other]}(rest, key=lambda page: page.used)", clean=asked.other == WRITES)


def kept_in_order(asked: PolicySheet) -> str:
    """The pages come in the order of their arrival: that will do as well."""
    return chosen(asked, f"rest[{0 if asked.other == PHASES else -1}]", clean=asked.other == WRITES)


def favourites_go(asked: PolicySheet) -> str:
    how = f"{BEST[asked.other]}(rest, key=lambda page: page.used)"
    return chosen(asked, how, keeps=False, clean=asked.other == WRITES)


def other_way(asked: PolicySheet) -> str:
    """The favourites are kept, and of the others the wrong ones go."""
    return chosen(asked, f"{'max' if asked.other == PHASES else 'min'}(rest, key=lambda page: page.used)")


def written(asked: TraceSheet, **more: int) -> str:
    right = solved(asked)
    answers = {"pages": right.pages, "lru": right.lru, "enough": right.enough}
    changed = {name: number + more.get(name, 0) for name, number in answers.items()}
    return "\n".join(f"thing[{name!r}] = {number}" for name, number in changed.items())


def all_at_once(asked: TraceSheet) -> str:
    right = solved(asked)
    return f"thing = dict(enough={right.enough}, lru={right.lru}, pages={right.pages}, of='my trace')"


def without_numpy(asked: TraceSheet) -> str:
    return f"""
import vmwidgets as vm
string = [address // vm.PAGE for address in {asked.addresses}]
found = vm.reference_string(string, frames=range(1, 60), policies="lru")
pages = len(set(string))
enough = next(frames for frames in range(1, 60) if found.faults("lru", frames) == pages)
thing = dict(pages=pages, lru=found.faults("lru", {asked.frames}), enough=enough)"""


def one_page_less(asked: TraceSheet) -> str:
    return written(asked, pages=-1)


def as_fifo(asked: TraceSheet) -> str:
    right = solved(asked)
    return written(asked, lru=right.fifo - right.lru or 1)


def a_frame_for_each_page(asked: TraceSheet) -> str:
    right = solved(asked)
    return written(asked, enough=right.pages - right.enough or 1)


SOLVED: Table = {
    "11/anomaly": Solved(
        right=[repeated, among_others],
        spoilt=[once_too_few, one_longer, one_page_more],
        points=[3, 4, 4],  # fewer faults more than asked: 1 of 3
        tells=frozenset({"sizes"}),
    ),
    "11/policy": Solved(
        right=[kept, kept_in_order],
        spoilt=[favourites_go, other_way],
        points=[3, 3],
        tells=frozenset({"favourites", "most"}),
    ),
    "11/trace": Solved(
        right=[written, all_at_once, without_numpy],
        spoilt=[one_page_less, as_fifo, a_frame_for_each_page],
        points=[4, 3, 3],
        tells=frozenset({"addresses"}),
    ),
}
