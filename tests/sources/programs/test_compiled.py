"""The lists of accesses that ship are what the C programs do: compiled, run, and each access noted with its line."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest

from vmwidgets.sources.programs.listed import PROGRAMS, steps_of, text_of

TRACER = Path(__file__).parent / "tracer.c"
WRAPPED = ("mmap", "malloc", "free", "fork", "_exit")
MISSING = (
    "needs gcc and binutils, and Linux with glibc on x86-64: the lists say what malloc asks of the kernel there"
    if not (shutil.which("gcc") and shutil.which("addr2line"))
    or (platform.system(), platform.machine(), platform.libc_ver()[0]) != ("Linux", "x86_64", "glibc")
    else ""
)


class Done(NamedTuple):
    """A step of a program; its memory is called after its place among all that the program got."""

    line: int
    process: str
    what: str
    memory: int
    offset: int
    size: int


def listed(name: str) -> list[Done]:
    """What the list that ships says."""
    known: dict[str, int] = {}
    found = []
    for one in steps_of(name):
        if one.what in ("map", "heap"):
            known[one.name] = len(known)
        memory = known.get(one.name, -1)
        found.append(Done(one.line, one.process, one.what, memory, one.offset, one.size))
    return found


def run(*command: str | Path) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def compiled(name: str, folder: Path) -> list[Done]:
    """What the program does when it is compiled and run."""
    source = resources.files("vmwidgets.sources") / "data" / "programs" / f"{name}.c"
    text, program = folder / f"{name}.c", folder / name
    text.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    run("gcc", "-O0", "-g", "-fno-pie", "-fsanitize=thread", "-c", text, "-o", folder / "program.o")
    run("gcc", "-O0", "-fno-pie", "-c", TRACER, "-o", folder / "tracer.o")
    wraps = [f"-Wl,--wrap={one}" for one in WRAPPED]
    run("gcc", "-no-pie", *wraps, folder / "program.o", folder / "tracer.o", "-o", program)
    starts: list[tuple[int, int]] = []
    found = []
    for address, size, line in statics(program, text):
        found.append(Done(line, "main", "map", len(starts), 0, size))
        starts.append((address, size))
    notes = [row.split() for row in run(program).splitlines()]
    places = run("addr2line", "-e", program, *[note[2] for note in notes]).splitlines()
    for (what, process, _, where, length), place in zip(notes, places, strict=True):
        address, size = int(where, 16), int(length)
        if what in ("map", "heap"):
            starts.append((address, size))
        inside = [at for at, (start, room) in enumerate(starts) if start <= address < start + room]
        memory = inside[-1] if inside else -1
        offset = address - starts[memory][0] if inside else 0
        found.append(Done(int(re.split(r"[: ]", place)[1]), process, what, memory, offset, size))
    return found


def statics(program: Path, text: Path) -> list[tuple[int, int, int]]:
    """The global variables of the program's own text: address, size and line."""
    rows = (row.split(maxsplit=4) for row in run("nm", "-S", "-l", program).splitlines() if str(text) in row)
    return [(int(row[0], 16), int(row[1], 16), int(row[-1].rpartition(":")[2])) for row in rows if row[2] in ("B", "D")]


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_compiled_program_does_what_the_list_says(name: str, tmp_path: Path) -> None:
    assert compiled(name, tmp_path) == listed(name)


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_step_is_of_a_line_of_the_text(name: str) -> None:
    text = text_of(name)
    for step in steps_of(name):
        assert 1 <= step.line <= len(text)
        assert text[step.line - 1].strip()
