"""TLBs as lists: the entry that was used last is behind all others."""

from __future__ import annotations

import re

from vmwidgets.questions import Question

from .reading import Solver, found, number, rows, those

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def size(text: str) -> int:
    amount, unit = text.split()
    return int(amount) * UNITS[unit]


class List:
    """A set of a TLB."""

    def __init__(self, ways: int) -> None:
        self.ways, self.kept = ways, []

    def use(self, key: object) -> bool:
        """Whether it was there."""
        hit = key in self.kept
        if hit:
            self.kept.remove(key)
        self.kept = [*self.kept[len(self.kept) >= self.ways :], key]
        return hit


def ways(question: Question) -> int:
    return int(found(r"of (\d+) ways?", question)[1])


def which_set(question: Question) -> set[str]:
    sets, modulus = (int(found(pattern, question)[1]) for pattern in (r"has (\d+) sets", r"mod (\d+)"))
    assert sets == modulus
    asked = found(r"Address `(\w+)` lies in a page of (\d+ \w+)\.", question)
    return {str(number(asked[1]) // size(asked[2]) % sets)}


def reach(question: Question) -> set[str]:
    sets, per_set, page = found(r"has (\d+) sets of (\d+) ways.*pages of (\d+ \w+)\?", question).groups()
    return those(question, lambda option: size(option.replace(",", "")) == int(sets) * int(per_set) * size(page))


def misses(question: Question) -> set[str]:
    sets = int(found(r"mod (\d+)", question)[1])
    assert sets == int((re.search(r"has (\d+) sets", question.text) or [0, 1])[1])
    used = [int(page) for page in found(r"in this order: `([\d ]+)`", question)[1].split()]
    tlb = [List(ways(question)) for _ in range(sets)]
    return {str(sum(not tlb[page % sets].use(page) for page in used))}


def stale(question: Question) -> set[str]:
    """The tables, and what is kept of them."""
    tables = {
        number(page): frame for page, frame in re.findall(r"of `(\w+)` (?:maps )?the frame at `(\w+)`", question.text)
    }
    assert len(tables) == 2
    kept: dict[int, str] = {}

    def read(page: int) -> str | None:
        if page not in kept and page in tables:
            kept[page] = tables[page]
        return kept.get(page)

    for _, step in rows(question):
        page = number((re.search(r"`(\w+)", step) or ["", "0"])[1])
        if step.startswith("user code reads"):
            read(page)
        elif "INVLPG" in step:
            kept.pop(page, None)
        elif "CR3" in step:
            kept.clear()
        elif step.endswith("to 0"):
            del tables[page]
        else:
            tables[page] = re.search(r"frame `?(\w+)", step)[1]
    frame = read(number(found(r"Then user code reads `(\w+)`", question)[1]))
    return those(question, lambda option: option == f"the frame at `{frame}`" or (frame is None and "fault" in option))


def spaces(question: Question) -> set[str]:
    numbered = "PCID" in question.text
    tlb, missed, last = List(ways(question)), 0, ""
    for process, pages in rows(question):
        if process != last and not numbered:
            tlb.kept = []
        last = process
        missed += sum(not tlb.use((process, page)) for page in pages.split())
    return {str(missed)}


def reads(question: Question) -> set[str]:
    small, large = (
        int(one) for one in found(r"reads (\d) descriptors for a page of 4 KiB and (\d)", question).groups()
    )
    pages = [(number(start), size(length)) for start, length in rows(question)]
    tlb, total = List(ways(question)), 0
    for text in re.findall(r"`(\w+)`", found(r"in this order: (.*?)\. How", question)[1]):
        (page,) = [(start, length) for start, length in pages if start <= number(text) < start + length]
        if not tlb.use(page):
            total += small if page[1] == 4096 else large
    return {str(total)}


SOLVERS: dict[str, Solver] = {
    "tlb/set": which_set,
    "tlb/reach": reach,
    "tlb/misses": misses,
    "tlb/stale": stale,
    "tlb/spaces": spaces,
    "tlb/reads": reads,
}
