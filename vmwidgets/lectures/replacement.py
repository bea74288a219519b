"""Replacement: a task with more pages than frames, and a hand that looks for a page to evict."""

from __future__ import annotations

from vmwidgets.engine.base.units import PAGE, Address
from vmwidgets.engine.machine import boot
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.reference_strings.references import reference_string

from .lecture import Lecture, Ready

USES = "0 1 2 3 4 1 5 3 4 6 2"
"""All references to pages, in order."""


def lecture() -> Lecture:
    """Return the lecture on four frames, a clock, and four pages to evict.

    >>> [answer for _, _, answer, _ in lecture().ask.values()]
    ['0 · 0x1_0000', '2 · 0x1_2000', '1 · 0x1_1000', '7']
    """
    machine = boot("x86-64", layout="small")
    machine.swap_on("256 KiB")
    machine.replacement = "clock"
    task = machine.task("init")
    start = task.mmap("64 KiB")
    task.limit("rss", "16 KiB")
    told = Lecture("Replacement: which page is evicted?", machine, of_rings=True)
    told.show(known_pictures()["Clock"](task))
    told.mark(
        "four frames",
        "The task may have four frames, and has mapped sixteen pages from 0x1_0000 on: page 4 is 0x1_4000. "
        "It writes to four. rss, the resident set size, is how much of a task is in memory. Its frames are a ring. "
        "A card says *used* where the reference bit R is set, and *written* where the dirty bit D is.",
        minutes=3,
        by="operation",
    )
    task.use_pages(start, "0 1 2 3", "write")
    told.mark(
        "full",
        "Each page was used, so the processor has set its reference bit: R is 1. The ring has a "
        "hand. Vote, then step: each look of the hand is a step.",
        minutes=4,
        by="step",
    )

    def named(page: int) -> str:
        return f"{page} · {Address(start + page * PAGE)}"

    def need(page: int, moment: str, text: str, options: list[int], why: str, wrong: dict[int, str]) -> None:
        before = task.resident_pages(start, 16)
        task.use_pages(start, str(page), "write")
        (gone,) = before - task.resident_pages(start, 16)
        told.question(
            moment,
            text,
            [named(one) for one in options],
            named(gone),
            why,
            {named(one): comment for one, comment in wrong.items()},
        )

    need(
        4,
        "full",
        "Page 4 needs a frame, and R is 1 for all pages. Which page is evicted?",
        [0, 1, 2, 3],
        "The hand clears all bits, and is back at page 0.",
        {
            1: "The hand is at page 0, and is there again after one round.",
            2: "No bit tells page 2 from the others.",
            3: "It was used last, and so LRU would keep it; the clock can't see that here.",
        },
    )
    told.mark(
        "once around",
        "If all bits are set, the clock is FIFO. Only the newcomer has its bit now.",
        minutes=1,
        by="operation",
    )
    task.use_pages(start, "1")
    told.mark(
        "page 1 is used",
        "The program uses page 1 again, so its bit is set again. The hand is at page 1.",
        minutes=3,
        by="step",
    )
    need(
        5,
        "page 1 is used",
        "Page 5 needs a frame. Which page is evicted?",
        [1, 2, 3, 4],
        "Page 1 has its bit: a second chance. Page 2 has none.",
        {
            1: "Its bit is set, for it was used again: FIFO would evict it.",
            3: "Its bit is clear too, but the hand reaches page 2 first.",
            4: "Its bit is set, and it was brought in last.",
        },
    )
    told.mark(
        "a second chance",
        "That is the whole idea: one bit from the processor approximates LRU.",
        minutes=1,
        by="operation",
    )
    task.use_pages(start, "3 4")
    told.mark(
        "pages 3 and 4 are used",
        "Have the class walk the hand: which bits are set, and where does it stand?",
        minutes=4,
        by="step",
    )
    need(
        6,
        "pages 3 and 4 are used",
        "Page 6 needs a frame. Which page is evicted?",
        [1, 3, 4, 5],
        "The hand clears the bits of 3 and 4. Page 1 lost its bit before.",
        {
            3: "The hand is there, but its bit is set.",
            4: "Its bit is set: it was used again.",
            5: "Its bit is set, and the hand reaches page 1 first.",
        },
    )
    told.mark(
        "and back from the disk",
        "Page 1 was evicted, and before it page 2, which was paged out to swap space. The next use of page 2 is a "
        "major fault: ten milliseconds, not microseconds.",
        minutes=2,
        by="step",
    )
    task.use_pages(start, "2")
    runs = reference_string(USES, frames=4, policies=("fifo", "lru", "opt")).runs
    fifo, lru, opt = (run.faults for run in runs)
    clock = machine.fault_count
    told.mark(
        "who faults less",
        f"The pages were used in this order: {USES}. The clock had {clock} faults; with as many frames FIFO has "
        f"{fifo}, LRU {lru}, and OPT, which knows the future, {opt}. Seven are first uses, which no policy spares.",
        minutes=2,
    )
    told.question(
        "who faults less",
        f"The clock had {clock} faults in these 11 uses. How many has OPT, which knows the future?",
        ["6", "7", "8"],
        opt,
        f"Seven pages are used for the first time, and each costs a fault. LRU has {lru}, FIFO {fifo}.",
        {
            "6": "Seven pages are used, and each of them faults at its first use.",
            "8": "OPT would not have evicted page 2, which is used once more.",
        },
    )
    return told


READY = Ready("replacement", 20, "a clock with four frames (OSTEP 21, 22)", lecture)
