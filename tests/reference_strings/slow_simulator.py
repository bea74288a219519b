"""Page replacement as a textbook tells it, reference by reference over plain lists: slow, and easy to check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass
class Frame:
    page: int
    came: int
    used: int
    bit: bool = True
    dirty: bool = False
    counter: int = 0


def simulate(policy: str, pages: Sequence[int], writes: Sequence[bool], frames: int, tick: int = 0) -> tuple[int, int]:
    """Return the faults, and the dirty pages that went."""
    memory: list[Frame] = []
    hand = faults = written = 0
    for time, (page, is_write) in enumerate(zip(pages, writes, strict=True)):
        if tick and time and time % tick == 0:
            for one in memory:
                one.counter = (one.counter + 256 * one.bit) // 2
                one.bit = False
        found = [one for one in memory if one.page == page]
        if not found:
            faults += 1
            new = Frame(page, time, time)
            if len(memory) < frames:
                memory.append(new)
            else:
                if policy == "clock":
                    while memory[hand].bit:
                        memory[hand].bit = False
                        hand = (hand + 1) % frames
                    place = hand
                    hand = (hand + 1) % frames
                else:
                    place = victim(policy, memory, pages[time:])
                written += memory[place].dirty
                memory[place] = new
            found = [new]
        found[0].used, found[0].bit = time, True
        found[0].dirty |= is_write
    return faults, written


def victim(policy: str, memory: list[Frame], rest: Sequence[int]) -> int:
    """The place of the page that goes."""

    def worth(one: Frame) -> tuple[int, ...]:
        if policy == "lru":
            return (one.used,)
        if policy == "opt":  # the farthest next use goes; of pages that are not used again, the highest number
            return (-rest.index(one.page), 0) if one.page in rest else (-len(rest), -one.page)
        if policy == "aging":
            return one.counter, one.came
        if policy == "nru":
            return 2 * one.bit + one.dirty, one.came
        return (one.came,)

    return min(range(len(memory)), key=lambda place: worth(memory[place]))
