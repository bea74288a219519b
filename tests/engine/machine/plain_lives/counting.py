"""What lives did, by kind, and how often each kind came."""

from __future__ import annotations

from collections import Counter

WANTED = (
    "read", "write", "touch", "second processor", "mmap", "populate", "stack", "munmap", "mprotect", "dontneed",
    "inherit", "wire", "unwire", "peek", "page out", "brk", "object", "fork", "exit", "exec", "limit", "file",
    "spawn", "run", "kill", "shortage", "injected", "replacement", "sleep", "read in a thread", "write in a thread",
    "second processor in a thread",
)  # fmt: skip  # a list
"""The kinds each of which has to be 1 % of the steps; accesses of threads are steps too."""


def shares(counts: Counter[str]) -> dict[str, float]:
    """The part of all steps that each kind wanted was; journeys are one kind, whichever they were."""
    total = counts.total()
    journeys = sum(count for kind, count in counts.items() if kind.startswith("journey"))
    return {**{kind: counts[kind] / total for kind in WANTED}, "journey": journeys / total}


def table(counts: Counter[str]) -> str:
    """The counts as text, the most frequent kind first."""
    total = counts.total()
    return "\n".join(f"{kind:30} {count:9,} {count / total:6.1%}" for kind, count in counts.most_common())
