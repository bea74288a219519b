"""What `%%pages` says of ten cells whose truth is known, beside other magics for cells, and what each costs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from shutil import rmtree
from time import perf_counter
from typing import Any, NamedTuple

from .table import ratio, table

SIZE = 64
"""Mebibytes of the arrays."""

OBJECTS, EACH = 200_000, 336 + 8
"""Small objects, and the bytes of each: 290 and a header, in steps of 16; and a place in the list."""


class Cell(NamedTuple):
    """A cell, what runs before it, and what is true: mebibytes mapped and in memory, more than before."""

    name: str
    before: str
    code: str
    mapped: float
    resident: float


CELLS = (
    Cell("nothing", "", "pass", 0, 0),
    Cell("zeros, not touched", "", "big = np.zeros(4 * N, np.uint8)", 4, 0),
    Cell("a quarter is written", "big = np.zeros(4 * N, np.uint8)", "big[:N] = 1", 0, 1),
    Cell("ones", "", "big = np.ones(N, np.uint8)", 1, 1),
    Cell("ones, freed at the end", "", "np.ones(N, np.uint8).sum()", 0, 0),
    Cell("del", "big = np.ones(N, np.uint8)", "del big", -1, -1),
    Cell("many small objects", "", f"small = [bytes(290) for _ in range({OBJECTS})]", OBJECTS * EACH / 2**20 / SIZE,
         OBJECTS * EACH / 2**20 / SIZE),
    Cell("zeros, only read", "big = np.zeros(N, np.uint8)", "int(big[::4096].sum())", 0, 0),
    Cell("a file, mapped and read", "open('file', 'wb').write(bytes(N))",
         "big = np.memmap('file', mode='r')\nint(big[::4096].sum())", 1, 1),
    Cell("a child of a fork writes", "big = np.ones(N, np.uint8)",
         "if (child := os.fork()) == 0:\n    big[:] = 2\n    os._exit(0)\n_ = os.waitpid(child, 0)", 0, 0),
)  # fmt: skip  # one after the other
"""Each in multiples of :data:`SIZE`."""


def _found(pattern: str, text: str) -> str:
    """The numbers of a pattern in what a tool said, as it said them."""
    found = re.search(pattern, text)
    return " ".join(found.groups()) if found else "?"


def of_pages(text: str) -> str:
    """The sentence of `%%pages`."""
    return _found(r"CellMemory: (?:This cell )?(.*)", text)


def of_memit(text: str) -> str:
    """Return what `%%memit` calls the increment: the peak, less what was there."""
    return _found(r"increment: (\S+ \w+)", text)


def of_memprofiler(text: str) -> str:
    """Return what `%%mprof_run` says is used, and the peak."""
    return _found(r"used (\S+ \w+) RAM", text) + ", peak " + _found(r"peak of (\S+ \w+)", text)


def of_memray(_: str) -> str:
    """Return what the page that `%%memray_flamegraph` writes calls the peak."""
    pages = [*Path("memray-results").glob("*/flamegraph.html")]
    return "peak " + _found(r"Peak memory usage: ([\d.]+ \w+)", pages[0].read_text()) if pages else "?"


class Tool(NamedTuple):
    """A cell magic: the module that has it, its name, and how to read what it says."""

    module: str
    magic: str
    says: Callable[[str], str]


TOOLS = {
    "%%pages": Tool("vmwidgets", "pages", of_pages),
    "%%memit": Tool("memory_profiler", "memit", of_memit),
    "%%mprof_run": Tool("memprofiler", "mprof_run", of_memprofiler),
    "%%memray_flamegraph": Tool("memray", "memray_flamegraph", of_memray),
}  # fmt: skip  # by what one writes


def run(name: str, number: int, size: int) -> dict[str, Any]:
    """Run one cell under one tool, or under none (""), in this interpreter: what was said, and the seconds."""
    shell = import_module("IPython.core.interactiveshell").InteractiveShell.instance()
    cell, tool = CELLS[number], TOOLS.get(name)
    if tool is not None:
        import_module(tool.module)
        shell.extension_manager.load_extension(tool.module)
    begin = f"%%{tool.magic}\n" if tool else ""
    shell.run_cell(f"import os\nimport numpy as np\nN = {size} << 20\n{cell.before}\n_ = np.ones(8).sum()")
    with redirect_stdout(StringIO()):
        shell.run_cell(f"{begin}pass")  # what a tool imports at its first cell is no cell's
    rmtree("memray-results", ignore_errors=True)
    with redirect_stdout(StringIO()) as said:
        begun = perf_counter()
        shell.run_cell(f"{begin}{cell.code}")
        seconds = perf_counter() - begun
    return {"says": tool.says(said.getvalue()) if tool else "", "seconds": seconds}


def _apart(name: str, number: int, size: int) -> dict[str, Any]:
    """The same in an interpreter and a folder of its own."""
    root = Path(__file__).parents[2]
    program = f"import sys; sys.path.insert(0, {str(root)!r}); from tools.benchmarks.cell_memory import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", program, name, str(number), str(size)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Run one cell, and print the result as JSON."""
    name, number, size = sys.argv[1:]
    print("\n" + json.dumps(run(name, int(number), int(size))))


def _is_there(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True


HELD = """
import mmap
kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
ranges = [mmap.mmap(-1, 4096, kind, 1 + 2 * (number % 2)) for number in range({ranges})]
room = mmap.mmap(-1, {size}, kind)
room.madvise({advice})
for page in range(0, {size}, 4096):
    room[page] = 1
print(flush=True)
input()
"""
"""A process that has so many ranges, and bytes in memory."""


def _reading(ranges: int, size: int, advice: str, turns: int) -> float:
    """Seconds to read such a process once, the least of some turns."""
    text = HELD.format(ranges=ranges, size=size, advice=f"mmap.MADV_{advice}")
    child = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    process: Any = import_module("vmwidgets").process(child.pid)  # it teaches IPython its magic when it is imported
    found = []
    for _ in range(turns):
        begun = perf_counter()
        process.at()
        found.append(perf_counter() - begun)
    child.communicate(b"\n")
    return min(found)


def _readings(mebibytes: int, turns: int) -> str:
    """Return what it costs to read smaps, which the kernel makes anew from all page tables."""
    size = mebibytes << 20
    cases = [
        ("a small process", 0, 4096, "NOHUGEPAGE"), ("1,000 ranges more", 1_000, 4096, "NOHUGEPAGE"),
        (f"{60 * mebibytes:,} ranges more", 60 * mebibytes, 4096, "NOHUGEPAGE"),
        (f"{mebibytes:,} MiB more in memory, 4 KiB pages", 0, size, "NOHUGEPAGE"),
        (f"{mebibytes:,} MiB more in memory, huge pages if there are any", 0, size, "HUGEPAGE"),
    ]  # fmt: skip  # a case a line
    rows = [[name, f"{1000 * _reading(*case, turns):,.1f} ms"] for name, *case in cases]
    return table("What one reading of /proc/PID/smaps takes", ["process", "time"], rows)


def measure(size: int = SIZE, cells: int = len(CELLS), turns: int = 3, held: int = 1024) -> str:
    """The tables: what each tool says of each cell, what it costs, and what a reading of a huge process does."""
    tools = [name for name, tool in TOOLS.items() if _is_there(tool.module)]
    absent = [f"{tool.module} ({name}) is not installed, and left out" for name, tool in TOOLS.items()
              if name not in tools]  # fmt: skip  # a line
    rows = []
    for number, cell in enumerate(CELLS[:cells]):
        truth = f"{cell.mapped * size:+,.0f}, {cell.resident * size:+,.0f} MiB"
        rows.append([cell.name, truth, *(_apart(name, number, size)["says"] for name in tools)])
    said = table(
        "What is said of ten cells whose truth is known (mapped, in memory)", ["cell", "truth", *tools], rows,
        "; ".join(absent),
    )  # fmt: skip  # a title, columns
    costs = []
    for number in [place for place in (0, 6) if place < cells]:
        plain = min(_apart("", number, size)["seconds"] for _ in range(turns))
        each = [min(_apart(name, number, size)["seconds"] for _ in range(turns)) for name in tools]
        more = [f"{1000 * (one - plain):+,.0f} ms" for one in each]
        if number:  # nothing has no ratio
            more = [f"{words}, {ratio(one / plain)}" for words, one in zip(more, each, strict=True)]
        costs.append([CELLS[number].name, f"{1000 * plain:,.1f} ms", *more])
    return f"{said}\n\n" + table("What it costs", ["cell", "alone", *tools], costs) + "\n\n" + _readings(held, turns)
