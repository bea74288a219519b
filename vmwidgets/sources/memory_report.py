"""What Linux prints when memory runs out: a task is killed, or an allocation fails.  Two different things."""

from __future__ import annotations

import re
from dataclasses import replace

from vmwidgets.engine.base.frozen import frozen

from ..engine.base.errors import in_ascii, printable
from ..engine.base.units import PAGE, counted
from .cleaned import Cleaned

WORDS = ("oom", "killed process", "allocation failure")
"""Words that make a line of a long text relevant to this reader, in small letters."""

LARGEST = 5
"""The number of tasks in the words of a report."""

_KILLED = re.compile(
    r"\bKilled process ([0-9]{1,10}) \((.{1,64}?)\)[^()]{0,40}? ?total-vm:([0-9]{1,15})kB,"
    r"((?: *[a-z]+-rss:[0-9]{1,15}kB,?)+)(?:.{0,40} pgtables:([0-9]{1,15})kB)?"
)
_USED = re.compile(r"memory: usage ([0-9]{1,15})kB, limit ([0-9]{1,15})kB\b")
_GROUP = re.compile(r"\boom_memcg=([^,\s]{1,200})|killed as a result of limit of (\S{1,200})")
_FAILED = re.compile(r"(\S.{0,64}): page allocation failure[.:] order:([0-9]{1,2})\b")
_FREE = re.compile(r"Node [0-9]+ \w+:((?: [0-9]{1,9}\*[0-9]{1,9}kB(?: \([A-Z]*\))?)+) = [0-9]+kB")
_SAYS = re.compile("|".join(one.pattern for one in (_KILLED, _USED, _GROUP, _FAILED, _FREE)) + "|invoked oom-killer")
"""A line of a report outside its table."""


@frozen
class TaskMemory:
    """The memory of one task in bytes: mapped, in memory, and of its page tables (None if the text lacks them)."""

    pid: int
    name: str
    mapped: int
    resident: int
    tables: int | None


@frozen(repr=False, slots=False)
class MemoryReport:
    """A report of Linux that memory ran out: in words, and its `tasks` by what they have in memory, the most first.

    `page` is the bytes of a page, computed from the text, which counts some things in pages and some in kilobytes.
    `unsaid` has sentences about what the text does not contain.
    """

    says: str
    page: int = PAGE
    killed: TaskMemory | None = None
    tasks: tuple[TaskMemory, ...] = ()
    unsaid: tuple[str, ...] = ()

    @in_ascii
    def __repr__(self) -> str:
        rows = [f"{cells[0]:<24}{''.join(f'{one:>12}' for one in cells[1:])}" for cells in self._rows]
        return "\n".join((self.says, *rows, *self.unsaid))

    def _repr_markdown_(self) -> str:
        head, *rows = [f"| {' | '.join(cells)} |" for cells in self._rows] or [""]
        table = ["\n".join((head, "|---|--:|--:|--:|", *rows))] * bool(rows)
        return "\n\n".join((f"**{self.says}**", *table, *self.unsaid))

    @property
    def _rows(self) -> list[tuple[str, str, str, str]]:
        """The table of the largest tasks, with its head; none without tasks."""
        rows = [
            (f"{one.name} ({one.pid})", in_words(one.resident), in_words(one.mapped), in_words(one.tables))
            for one in self.tasks[:LARGEST]
        ]
        return [("task", "in memory", "mapped", "page tables"), *rows] if rows else []


def in_words(size: int | None) -> str:
    """Return a size with three digits, or a dash.

    >>> in_words(500 << 12), in_words(1_200_000 << 10), in_words(0), in_words(1023 << 10), in_words(None)
    ('1.95 MiB', '1.14 GiB', '0 B', '1,023 KiB', '–')
    """
    if size is None:
        return "–"
    unit = max((at for at in range(5) if size >= 1 << 10 * at), default=0)
    number = size / (1 << 10 * unit)
    return f"{number:{',.0f' if number >= 100 else '.3g'}} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[unit]}"


def read_memory_report(text: Cleaned) -> tuple[MemoryReport | None, frozenset[int]]:
    """Return a text's first report that a task was killed, or else that an allocation failed, and its lines' numbers.

    None for a text without a report.  O(characters).
    """
    lines = text.lines
    begins = [at for at, line in enumerate(lines) if _begins(line)]
    kills = [at for at, line in enumerate(lines) if "Killed process" in line and _KILLED.search(line)]
    failures = [at for at, line in enumerate(lines) if "page allocation failure" in line and _FAILED.search(line)]
    if begins or kills:
        first = min([*begins[:1], *kills[:1]])
        last = next(iter(kills), min([at for at in failures if at > first] or [len(lines)]) - 1)
        found = _out_of_memory(lines[first : last + 1])
    elif failures:
        first = failures[0]
        last = min([*failures[1:2], len(lines)]) - 1
        found = _failure(lines[first : last + 1])
    else:
        return None, frozenset()
    said = [at + 1 for at in range(first, last + 1) if lines[at].startswith("[") or _SAYS.search(lines[at])]
    others = [at + 1 for at in (*begins, *kills, *failures) if not first <= at <= last]
    more = (f"Another report is at line {min(others)}: load it by itself.",) if others else ()
    return replace(found, unsaid=(*found.unsaid, *more)), frozenset(said)


def _begins(line: str) -> bool:
    """Return whether a line is the first of a report, or the head of its table."""
    head, bracket, columns = line.partition("]")
    is_head = bracket and head.strip(" [") == "pid" and {"total_vm", "rss", "name"} <= {*columns.split()}
    return bool(is_head) or "invoked oom-killer" in line


def _free(lines: list[str]) -> list[tuple[int, int]]:
    """Return the sizes of free blocks in the lists of zones, in bytes, and how many there are of each."""
    lists = [zone[1] for line in lines if (zone := _FREE.search(line))]
    return [(int(size) << 10, int(n)) for one in lists for n, size in re.findall(r"([0-9]+)\*([0-9]+)kB", one)]


def _failure(lines: list[str]) -> MemoryReport:
    """Return the report of an allocation that failed, with the free blocks of the lines below it."""
    found, free = _FAILED.search(lines[0]), _free(lines)
    assert found is not None, "the report begins with it"
    page, order = min(free, default=(PAGE, 0))[0], int(found[2])
    says = (
        f"{printable(found[1])} asked for {counted(1 << order, 'page')} in a row ({in_words(page << order)}) and got"
        " none: the allocation failed, and no task is killed for it."
    )
    if not free:
        return MemoryReport(says, page, unsaid=("The text has no lists of free blocks.",))
    largest = max((size for size, count in free if count), default=0)
    total = in_words(sum(size * count for size, count in free))
    return MemoryReport(f"{says} {total} is free; the largest block has {in_words(largest)}.", page)


def _out_of_memory(lines: list[str]) -> MemoryReport:
    """Return the report of these lines, which ends with the task that was killed."""
    killed, report = _KILLED.search(lines[-1]), "\n".join(lines)
    rows, unsaid = _table(lines)
    page, its = (
        min(_free(lines), default=(0, 0))[0],
        next((row for row in rows if killed and row[0] == int(killed[1])), None),
    )
    if killed and its:
        mapped = int(killed[3]) << 10
        page = min((PAGE << more for more in range(5)), key=lambda one: abs(its[2]["total_vm"] * one - mapped))
    elif rows and not page:
        unsaid.append("The text does not give the size of a page: 4 KiB is assumed.")
    page = page or PAGE
    tasks = [
        TaskMemory(pid, name, row["total_vm"] * page, row["rss"] * page, _tables(row, page)) for pid, name, row in rows
    ]
    says, victim = "Memory ran out; the text does not say which task was killed.", None
    if killed:
        resident = sum(int(one) for one in re.findall(r"-rss:([0-9]+)", killed[4])) << 10
        tables = int(killed[5]) << 10 if killed[5] else _tables(its[2], page) if its else None
        victim = TaskMemory(int(killed[1]), printable(killed[2]), int(killed[3]) << 10, resident, tables)
        says = f"{victim.name} ({victim.pid}) was killed: {in_words(resident)} in memory, of {in_words(victim.mapped)}"
        says += f" mapped{'.' if tables is None else f'; its page tables take {in_words(tables)}.'}"
    if "emory cgroup out of memory" in report or "CONSTRAINT_MEMCG" in report:
        group, used = _GROUP.search(report), _USED.search(report)
        had = f"had {in_words(int(used[1]) << 10)} of at most {in_words(int(used[2]) << 10)}" if used else "was full"
        name = printable(group[1] or group[2]) + " " if group else ""
        says += f" Its group {name}{had}: only tasks of the group could be chosen."
    if not rows:
        unsaid.append("The text has no table of tasks.")
    return MemoryReport(
        says, page, victim, tuple(sorted(tasks, key=lambda one: (-one.resident, one.pid))), tuple(unsaid)
    )


def _tables(row: dict[str, int], page: int) -> int | None:
    """Return the bytes of a task's page tables, which older kernels count in pages; None if the table lacks them."""
    pages = [row[one] for one in ("nr_ptes", "nr_pmds", "nr_puds") if one in row]
    return row.get("pgtables_bytes", sum(pages) * page if pages else None)


def _table(lines: list[str]) -> tuple[list[tuple[int, str, dict[str, int]]], list[str]]:
    """Return the pid, the name, and the numbers by column of each task in a table, and a sentence on damaged lines."""
    rows, names, damaged = {}, [""], 0
    for line in lines:
        pid, _, rest = line[1:].partition("]")
        *numbers, name = rest.split(maxsplit=len(names)) or [""]
        if pid.strip() == "pid":
            names = rest.split()[:-1]
        elif {"total_vm", "rss"} <= {*names} and line.startswith("["):
            if is_whole := len(numbers) == len(names) and all(
                re.fullmatch("-?[0-9]{1,19}", one) for one in (pid.strip(), *numbers)
            ):
                rows[int(pid)] = (int(pid), printable(name.strip()), dict(zip(names, map(int, numbers), strict=True)))
            damaged += not is_whole
    return [*rows.values()], [f"{counted(damaged, 'line')} of the table can't be read."] * bool(damaged)
