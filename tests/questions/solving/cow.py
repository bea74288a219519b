"""Copy-on-write with dictionaries: each task's pages, and which of them are its own since its last fork."""

from __future__ import annotations

import re

from vmwidgets.questions import Question

from .reading import Solver, found, rows, those


class Tasks:
    """What each task reads, and what page tables say after forks by shadows: "", "read" or "write"."""

    def __init__(self, pages: int) -> None:
        self.private = {"parent": dict.fromkeys(range(pages), "0")}
        self.own = {"parent": set(range(pages))}
        self.tables = {"parent": dict.fromkeys(range(pages), "write")}
        self.shared = dict.fromkeys(range(pages), "0")

    def fork(self, parent: str, child: str) -> None:
        self.private[child] = dict(self.private[parent])
        self.own[parent], self.own[child] = set(), set()
        self.tables[parent] = dict.fromkeys(self.tables[parent], "read")
        self.tables[child] = {}

    def access(self, who: str, page: int, letter: str = "") -> None:
        if not letter:
            self.tables[who].setdefault(page, "write" if page in self.own[who] else "read")
            return
        self.own[who].add(page)
        self.tables[who][page] = "write"
        self.private[who][page] = letter

    def do(self, who: str, does: str) -> None:
        if does.startswith("forks"):
            self.fork(who, does.removeprefix("forks the "))
        elif "shared" in does:
            letter, page = re.fullmatch(r"writes `(\w)` to page (\d) of the shared memory", does).groups()
            self.shared[int(page)] = letter
        else:
            letter, page = re.fullmatch(r"(?:reads|writes `(\w)` to) page (\d)", does).groups()
            self.access(who, int(page), letter or "")


def after(question: Question, pages: int) -> Tasks:
    tasks = Tasks(pages)
    for _, who, does in rows(question):
        tasks.do(who, does)
    return tasks


def pages(question: Question) -> int:
    return int(found(r"has (\d) pages of private memory", question)[1])


def value(question: Question) -> set[str]:
    who, page = found(r"What does the (\w+) read in page (\d)", question).groups()
    letter = after(question, pages(question)).private[who][int(page)]
    return those(question, lambda option: option == f"`{letter}`")


def frames_of(question: Question) -> tuple[int, int]:
    """By counting who maps which frame: the copies, and the frames in the end."""
    assert found(r"counts how many tasks (map) each frame", question)
    maps: dict[str, list[object]] = {"parent": [object() for _ in range(pages(question))]}
    copied = 0
    for _, who, does in rows(question):
        if does.startswith("forks"):
            maps[does.removeprefix("forks the ")] = list(maps[who])
        elif does.startswith("writes"):
            page = int(does[-1])
            users = sum(any(frame is maps[who][page] for frame in mapped) for mapped in maps.values())
            if users > 1:
                copied += 1
                maps[who][page] = object()
    return copied, len({id(frame) for mapped in maps.values() for frame in mapped})


def copies(question: Question) -> set[str]:
    return {str(frames_of(question)[0])}


def frames(question: Question) -> set[str]:
    return {str(frames_of(question)[1])}


def fault(question: Question) -> set[str]:
    who, verb, page = found(r"Then the (\w+) (reads|writes)(?: to)? page (\d)", question).groups()
    state = after(question, pages(question)).tables[who].get(int(page), "")
    write = verb == "writes"
    fine = state == "write" or (state == "read" and not write)
    right = "no fault" if fine else f"error code {(state != '') | write << 1 | 4:#x}"
    return those(question, lambda option: option == right)


def shared(question: Question) -> set[str]:
    tasks = after(question, 2)
    right = "; ".join(f"{name} `{tasks.private[name][1]}` and `{tasks.shared[1]}`" for name in tasks.private)
    return those(question, lambda option: option == right)


SOLVERS: dict[str, Solver] = {
    "cow/value": value,
    "cow/copies": copies,
    "cow/fault": fault,
    "cow/frames": frames,
    "cow/shared": shared,
}
