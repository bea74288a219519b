"""Notebook 10."""

from __future__ import annotations

from collections.abc import Sequence

from vmwidgets.engine.kernel.map.diffs_schema import RangeDiff
from vmwidgets.labs.exercises.own_process import BEGINNING, ExecveSheet, StackSheet, ranges_of

from . import Solved, Table

PAGE = 4096


def entered(row: RangeDiff, pieces: Sequence[tuple[int, int]]) -> str:
    """Lines that map the range, in pieces: where each begins in it, and its length."""
    assert row.system is not None
    name, prot, lines = row.system.name, row.system.protection, []
    for start, size in pieces:
        at = row.start + start
        if name.startswith("/"):
            place = f'object=thing.machine.object("{name}"), offset={row.system.offset + start}'
            lines.append(f'thing.map.enter({int(size)}, at={at}, fixed=True, prot="{prot}", {place})')
        else:
            lines.append(f'thing.mmap({int(size)}, "{prot}", "private fixed", at={at})')
    return "\n".join(lines)


def execve(asked: ExecveSheet, without: str = "", *, split: bool = False) -> str:
    """All ranges of the sheet; `without` the first of one kind; or each in two pieces, from the highest on."""
    rows = [row for name, some in ranges_of(asked).items() for row in (some[1:] if name == without else some)]
    if not split:
        return "\n".join(entered(row, [(0, row.size)]) for row in rows)
    halves = [(row, row.size // PAGE // 2 * PAGE) for row in reversed(rows)]
    return "\n".join(
        entered(row, [(half, row.size - half), (0, half)] if half else [(0, row.size)]) for row, half in halves
    )


def elsewhere(asked: ExecveSheet) -> str:
    return f'{execve(asked)}\nthing.mmap("4 KiB", at=0x1000_0000_0000)'


PROTECTION = {"---": "PROT_NONE", "r--": "PROT_READ", "rw-": "PROT_READ|PROT_WRITE"}


def trace(
    asked: StackSheet,
    *,
    start: int = 0x7F00_0000_0000,
    heap: int = 0,
    longer: int = 0,
    idle: str = "",
    backwards: bool = False,
) -> str:
    """One mmap with the rights of most pieces, and a call for each of the others."""
    rights = [one for one, _ in asked.pieces]
    base = max(PROTECTION, key=rights.count)
    calls, at = [], start
    sizes = [size * PAGE for _, size in asked.pieces]
    sizes[0] += longer
    for one, size in zip(rights, sizes, strict=True):
        if one != base:
            calls.append(f"mprotect({at:#x}, {size}, {PROTECTION[one]}) = 0" if one else f"munmap({at:#x}, {size}) = 0")
        at += size
    where = f"mmap(NULL, {sum(sizes)}, {PROTECTION[base]}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = {start:#x}"
    end = 0x5555_0000 + (heap or asked.heap) * PAGE
    moved = f"brk({end:#x}) = {end:#x}"
    lines = [where, *reversed(calls), moved] if backwards else [moved, where, *calls]
    return f'thing = vm.load_strace(vm.boot("x86-64"), """{BEGINNING}{chr(10).join([*lines, idle])}""")'


SOLVED: Table = {
    "10/execve": Solved(
        right=[execve, lambda asked: execve(asked, split=True)],
        spoilt=[
            lambda asked: execve(asked, "program"),
            lambda asked: execve(asked, "interpreter"),
            lambda asked: execve(asked, "without file"),
            elsewhere,
        ],
    ),
    "10/stack": Solved(
        right=[trace, lambda asked: trace(asked, start=0x7E00_0000_0000, backwards=True)],
        spoilt=[
            lambda asked: trace(asked, longer=PAGE),
            lambda asked: trace(asked, heap=asked.heap + 1),
            lambda asked: trace(asked, idle="getpid() = 7"),
        ],
    ),
}
