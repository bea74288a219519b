"""Walks by arithmetic on the numbers in the text: shifts and masks from the manuals, and no engine."""

from __future__ import annotations

import re
from itertools import product

from vmwidgets.questions import Question

from .reading import Solver, found, grouped, number, rows, those

BITS = {
    "32-bit x86 paging": (4, (22, 12), (10, 10)),
    "x86-64 paging with four levels": (8, (39, 30, 21, 12), (9, 9, 9, 9)),
    "RISC-V Sv39 paging": (8, (30, 21, 12), (9, 9, 9)),
    "ARMv7 paging with short descriptors": (4, (20, 12), (12, 8)),
}
"""Bytes of a descriptor; lowest bit and number of bits of each index, the root's first."""

TABLES = {
    "32-bit x86 paging": ("PD", "PT"),
    "x86-64 paging with four levels": ("PML4", "PDPT", "PD", "PT"),
    "RISC-V Sv39 paging": ("level 2 table", "level 1 table", "level 0 table"),
    "ARMv7 paging with short descriptors": ("first-level table", "second-level table"),
}


def the_format(question: Question) -> str:
    return next(name for name in BITS if name in question.text)


def index(name: str, level: int, va: int) -> int:
    _, lows, counts = BITS[name]
    return va >> lows[level] & (1 << counts[level]) - 1


def memory(question: Question) -> dict[int, int]:
    return {number(at): number(word) for at, word in rows(question)}


def root(question: Question) -> int:
    return number(found(r"has its root table, the [\w -]+, at `(0x\w+)`\.", question)[1])


def descend(question: Question, va: int) -> tuple[list[int], int, int]:
    """The descriptors on the way, where the page begins, and how many bits its offset has; -1: nothing is there."""
    name, words, table, path = the_format(question), memory(question), root(question), []
    width, lows, _ = BITS[name]
    for level, low in enumerate(lows):
        word = words.get(table + index(name, level, va) * width, 0)
        path.append(word)
        if not word & 3 if name.startswith("ARM") else not word & 1:
            return path, -1, 0
        last = level == len(lows) - 1
        if name.startswith("ARM"):
            if not last and word & 3 == 2:
                return path, word >> 20 << 20, 20
            table = word >> 12 << 12 if last else word >> 10 << 10
        elif name.startswith("RISC"):
            table = (word >> 10 & (1 << 44) - 1) << 12
            if word & 0b1110:
                return path, table, low
        else:
            table = word & (1 << 52) - 1 & -4096
            if not last and word >> 7 & 1:
                return path, table >> low << low, low
    return path, table, 12


def reached(question: Question, va: int) -> int:
    _, page, bits = descend(question, va)
    return page | va & (1 << bits) - 1


def which_index(question: Question) -> set[str]:
    name = the_format(question)
    asked = found(r"Which descriptor of the (.+?) does a walk for `(\w+)`", question)
    return {str(index(name, TABLES[name].index(asked[1]), number(asked[2])))}


def which_descriptor(question: Question) -> set[str]:
    name = the_format(question)
    asked = found(r"the ([\w -]+?) that a walk for `(\w+)` reads begins at physical address `(\w+)`", question)
    level, va, table = TABLES[name].index(asked[1]), number(asked[2]), number(asked[3])
    at = table + BITS[name][0] * index(name, level, va)
    return those(question, lambda option: number(option) == at)


def which_physical(question: Question) -> set[str]:
    at = reached(question, number(found(r"User code reads `(\w+)`", question)[1]))
    return those(question, lambda option: number(option) == at) if question.options else {grouped(at)}


def may(path: list[int], page: int, access: str, *, user: bool) -> bool:
    """Whether x86 lets an access through, with CR0.WP and without SMAP."""
    if page < 0:
        return False
    together = path[0]
    for word in path:
        together &= word
    return bool(together & 4 or not user) and bool(together & 2 or access != "write")


def which_fault(question: Question) -> set[str]:
    who, access, va = found(r"this access: (user code|the supervisor) (read|write)s `(\w+)`", question).groups()
    path, page, _ = descend(question, number(va))
    code = (page >= 0) | (access == "write") << 1 | (who == "user code") << 2
    allowed = may(path, page, access, user=who == "user code")
    right = "no fault" if allowed else f"a page fault with error code {code:#x}"
    return those(question, lambda option: option == right)


def which_access(question: Question) -> set[str]:
    goes = found(r"Which of these accesses (succeeds|faults)\?", question)[1] == "succeeds"

    def is_right(option: str) -> bool:
        who, access, va = re.fullmatch(r"(user code|the supervisor) (read|write)s `(\w+)`", option).groups()
        path, page, _ = descend(question, number(va))
        return may(path, page, access, user=who == "user code") is goes

    return those(question, is_right)


def which_virtual(question: Question) -> set[str]:
    """Every pair of indexes that memory has a descriptor for is tried."""
    name, pa = the_format(question), number(found(r"physical address `(\w+)`\?", question)[1])
    width, lows, counts = BITS[name]
    indexes = [
        {(at - start) // width for at in memory(question) for start in tables if 0 <= at - start < width << count}
        for tables, count in zip(((root(question),), set(second_tables(question))), counts, strict=True)
    ]
    tried = (first << lows[0] | second << lows[1] | pa & 0xFFF for first, second in product(*indexes))
    return {grouped(va) for va in tried if reached(question, va) == pa}


def second_tables(question: Question) -> list[int]:
    upper = range(root(question), root(question) + 0x4000)
    return [word >> 10 << 10 & (-1 << 12 if "x86" in question.text else -1)
            for at, word in memory(question).items() if at in upper]  # fmt: skip


SOLVERS: dict[str, Solver] = {
    "walk/index": which_index,
    "walk/descriptor": which_descriptor,
    "walk/physical": which_physical,
    "walk/large": which_physical,
    "walk/fault": which_fault,
    "walk/rights": which_access,
    "walk/reverse": which_virtual,
}
