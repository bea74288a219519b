"""Replacement: a task with more pages than frames, and a hand that looks for one to evict."""

from __future__ import annotations

from vmwidgets.engine.machine import boot
from vmwidgets.labs.instruments.memory import resident_pages, use_pages
from vmwidgets.pictures.registry import known_pictures

from .lecture import Lecture

OPTIONS = ["page 0", "page 1", "page 2", "page 3"]


def lecture() -> Lecture:
    """Four frames, a clock, and four pages that have to go.

    >>> [answer for _, _, answer, _ in lecture().ask.values()]
    ['page 0', 'page 2', 'page 1']
    """
    machine = boot("x86-64", layout="small")
    machine.swap_on("256 KiB")
    machine.replacement = "clock"
    task = machine.task("init")
    start = task.mmap("64 KiB")
    task.limit("rss", "16 KiB")
    told = Lecture("Replacement: which page goes?", machine)
    told.show(known_pictures()["Clock"](task))
    told.mark(
        "four frames",
        "The task may have four frames, and has mapped sixteen pages from 0x1_0000 on: page 4 is 0x1_4000. "
        "It uses four. rss, the resident set size, is how much of a task is in memory. Its frames are a ring.",
    )
    use_pages(task, start, "0 1 2 3")
    told.mark(
        "full",
        "Each page was used, so the processor has set its reference bit (R 1). The ring has a "
        "hand. Vote, then step: each bit that is cleared is a step.",
    )

    def need(page: str, moment: str, text: str, options: list[str], why: str) -> None:
        before = resident_pages(task, start, 16)
        use_pages(task, start, page)
        (gone,) = before - resident_pages(task, start, 16)
        told.question(moment, text, options, f"page {gone}", why)

    need(
        "4", "full", "Page 4 needs a frame. All four reference bits are set. Which page is evicted?", OPTIONS,
        "The hand clears bit after bit, once around. Then the bit of page 0 is clear, and page 0 is evicted.",
    )  # fmt: skip
    told.mark("once around", "If all bits are set, the clock is FIFO. Only the newcomer has its bit now.")
    use_pages(task, start, "1")
    told.mark("page 1 is used", "The program uses page 1 again, so its bit is set again. The hand is at page 1.")
    need(
        "5", "page 1 is used", "Page 5 needs a frame. Which page is evicted?", ["page 1", "page 2", "page 3", "page 4"],
        "Page 1 has its bit: a second chance. Page 2 has none, and goes.",
    )  # fmt: skip
    told.mark("a second chance", "That is the whole idea: one bit from the processor comes near to LRU.")
    use_pages(task, start, "3 4")
    told.mark("pages 3 and 4 are used", "Have the class walk the hand: which bits are set, and where does it stand?")
    need(
        "6", "pages 3 and 4 are used", "Page 6 needs a frame. Which page is evicted?",
        ["page 1", "page 3", "page 4", "page 5"],
        "The hand passes what has its bit and clears it. Page 1 lost its bit the last time, and was not used since.",
    )  # fmt: skip
    told.mark(
        "and back from the disk",
        "Page 2 was evicted. Its next use is a major fault: ten milliseconds, not microseconds.",
    )
    use_pages(task, start, "2")
    return told
