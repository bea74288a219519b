"""Machines on paper by arithmetic on the numbers in the text, and no engine."""

from __future__ import annotations

from fractions import Fraction

from vmwidgets.questions import Question

from .reading import Solver, found, grouped, number, rows


def widths(question: Question) -> tuple[int, int, int]:
    """The bits of a virtual and of a physical address, and the bytes of a page."""
    said = found(
        r"virtual addresses have (\d+) bits, physical addresses have (\d+) bits, and a page has (\d+) b", question
    )
    return int(said[1]), int(said[2]), int(said[3])


def asked(question: Question) -> int:
    return number(found(r"virtual address `(\w+)`", question)[1])


def which_page(question: Question) -> set[str]:
    return {grouped(asked(question) // widths(question)[2])}


def translated(question: Question) -> set[str]:
    page = widths(question)[2]
    width = int(found(r"entries of (\d+) bits", question)[1])
    entries = {int(at): number(word) for at, word in rows(question)}
    word = entries[asked(question) // page]
    assert word >> width - 1 == 1, "V is set"
    return {grouped(word % 2 ** (width - 1) * page + asked(question) % page)}


def tlb_tag(question: Question) -> set[str]:
    sets = int(found(r"A TLB has (\d+) sets", question)[1])
    return {grouped(asked(question) // widths(question)[2] // sets)}


def cache_tag(question: Question) -> set[str]:
    page = widths(question)[2]
    mapped = found(r"Page `(\w+)` is in frame `(\w+)`", question)
    shape = found(r"cache has (\d+) sets of \d+ blocks? of (\d+) bytes", question)
    assert asked(question) // page == number(mapped[1])
    pa = number(mapped[2]) * page + asked(question) % page
    return {grouped(pa // int(shape[2]) // int(shape[1]))}


def average(question: Question) -> set[str]:
    tlb, share = found(r"takes (\d+) ns and hits for (\d+) %", question).groups()
    levels = int(found(r"of (\d) levels? in memory", question)[1])
    memory = int(found(r"to memory takes (\d+) ns", question)[1])
    hit, missed = Fraction(int(share), 100), Fraction(100 - int(share), 100)
    time = hit * (int(tlb) + memory) + missed * (int(tlb) + (levels + 1) * memory)
    return {str(time)}


def through_levels(question: Question) -> set[str]:
    va_bits, _, page = widths(question)
    width = int(found(r"entries of (\d+) bits", question)[1])
    words = {number(at): number(word) for at, word in rows(question)}
    frame = number(found(r"begins in frame `(\w+)`", question)[1])
    digits = f"{asked(question):0{va_bits}b}"
    for bits in found(r"the tables have ([\d, ]+) index bits", question)[1].split(", "):
        index, digits = int(digits[: int(bits)], 2), digits[int(bits) :]
        word = words[frame * page + index * width // 8]
        assert word >> width - 1 == 1, "V is set"
        frame = word % 2 ** (width - 1)
    return {grouped(frame * page + asked(question) % page)}


SOLVERS: dict[str, Solver] = {
    "paper/vpn": which_page,
    "paper/linear": translated,
    "paper/tag": tlb_tag,
    "paper/cache": cache_tag,
    "paper/time": average,
    "paper/levels": through_levels,
}
