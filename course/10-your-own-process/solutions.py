"""Solutions of lab 10."""

from __future__ import annotations

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.own_process import BEGINNING, LoaderSheet, StackSheet

PAGE = 4096


def loaded(
    asked: LoaderSheet,
    *,
    constants: str = "r",
    code: str = "",
    variables: str = "private fixed",
    zeroed: bool = True,
    more: str = "",
    backwards: bool = False,
) -> str:
    """All parts by mmap; `code` is how the first task gets its code, if not by mmap."""
    lines = []
    for task, base in sorted(asked.bases.items(), reverse=backwards):
        lines.append(f'task = thing.tasks["{task}"]')
        for part in asked.parts[::-1] if backwards else asked.parts:
            at, rights = base + part.address, constants if part.name == "constants" else part.rights
            if part.name == "code" and code and task == min(asked.bases):
                lines.append(code.format(at=at, size=part.in_file, file=asked.file, offset=part.offset))
                continue
            flags = variables if part.rights == "rw" else "private fixed"
            place = f'"{flags}", "{asked.file}", {part.offset}, at={at:#x}'
            lines.append(f'task.mmap({part.in_file}, "{rights}", {place})')
        last = asked.parts[-1]
        end, stop = base + last.address + last.in_file, base + last.address + last.in_memory
        rest = -end % PAGE
        lines += [f"task.write({end:#x}, bytes({rest}))"] if zeroed else []
        lines.append(f'task.mmap({stop - end - rest}, "rw", "private fixed", at={end + rest:#x})')
    writer = next(iter(asked.bases))
    lines.append(f'thing.tasks["{writer}"].write({asked.bases[writer] + asked.variable:#x}, b"{asked.value}")')
    return "\n".join([*lines, more])


COPIED = """task.mmap({size}, "rw", "private fixed", at={at})
task.write({at}, thing.files["{file}"].read({offset}, {size}))
task.mprotect({at}, {size}, "rx")"""
"""Code in memory without a file, its bytes copied."""


def as_a_linker(asked: LoaderSheet) -> str:
    """One call finds room for all parts, others take its place, and the gap is unmapped: as ld.so does it."""
    lines, last = [], asked.parts[-1]
    pages = -(-(last.address + last.in_memory) // PAGE) * PAGE
    for task, base in asked.bases.items():
        lines += [
            f'task = thing.tasks["{task}"]',
            f'task.mmap({pages}, "rw", "private fixed", at={base:#x})',
        ]
        for part in asked.parts:
            place = f'"private fixed", "{asked.file}", {part.offset}, at={base + part.address:#x}'
            lines.append(f'task.mmap({part.in_file}, "{part.rights}", {place})')
        gap = asked.parts[-2].address + asked.parts[-2].in_file
        lines.append(f"task.munmap({base + gap:#x}, {last.address - gap})")
        end = base + last.address + last.in_file
        lines.append(f"task.write({end:#x}, bytes({-end % PAGE}))")
    writer = next(iter(asked.bases))
    lines.append(f'thing.tasks["{writer}"].write({asked.bases[writer] + asked.variable:#x}, b"{asked.value}")')
    return "\n".join(lines)


def elsewhere(asked: LoaderSheet) -> str:
    return loaded(asked, more='task.mmap("4 KiB", at=0x1000_0000_0000)')


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
    "10/loader": Solved(
        right=[loaded, as_a_linker],
        spoilt=[
            lambda asked: loaded(asked, constants="rw"),
            lambda asked: loaded(asked, code=COPIED),
            lambda asked: loaded(asked, variables="shared fixed"),
            lambda asked: loaded(asked, zeroed=False),
            elsewhere,
        ],
        points=[6, 7, 6, 7, 7],  # the places in neither task; zeroes in whole pages only: 1 of 2
    ),
    "10/stack": Solved(
        right=[trace, lambda asked: trace(asked, start=0x7E00_0000_0000, backwards=True)],
        spoilt=[
            lambda asked: trace(asked, longer=PAGE),
            lambda asked: trace(asked, heap=asked.heap + 1),
            lambda asked: trace(asked, idle="getpid() = 7"),
        ],
        points=[5, 4, 4],  # the fault, but of another page: 1 of 2
        tells=frozenset({"most"}),
    ),
}
