"""Recordings of real programs in the package, made by `tools/record_strace.py`."""

from __future__ import annotations

import gzip
from importlib import resources
from typing import Literal, overload

from vmwidgets.engine.base.errors import in_ascii
from vmwidgets.engine.base.frozen import frozen

from ...engine.base.calls import says_what_it_takes
from ...engine.base.units import counted
from ...engine.machine import arguments
from ...reference_strings.trace import Trace
from ..record import REFERENCES, recorded_references

PROGRAMS = {
    "ls": "ls -n /usr",
    "python": "python3, which imports asyncio, decimal, json and sqlite3",
    "threads": "python3 with three threads, each of which allocates 1 MiB",
    "forks": "sh -c 'ls /usr | wc -l; (exit 3); echo $?'",
    "fails": "python3, which asks for more than its limit of addresses, and then reads address 8",
}
"""The recordings, by name."""


@frozen(repr=False)
class Recording:
    """A program that ran under ``strace -f -y`` on Debian 12, for x86-64.

    `strace` is strace's output; `maps` is the text that the program read from its own /proc/self/maps during the run,
    or "" if it did not.
    """

    name: str
    program: str
    strace: str
    maps: str

    @in_ascii
    def __repr__(self) -> str:
        lines = counted(self.strace.count("\n"), "line", "lines")
        ranges = f", and {counted(self.maps.count(chr(10)), 'range')} of its map" if self.maps else ""
        return f"<{self.program}: {lines} of strace{ranges}>"


@overload
def recording(name: Literal["rows", "columns", "list"]) -> Trace: ...  # type: ignore[overload-overlap]  # these names first
@overload
def recording(name: str) -> Recording: ...
@says_what_it_takes
def recording(name: str) -> Recording | Trace:
    """Return a recorded program: its calls ("ls", "python", "threads", "forks" or "fails"), or its references.

    The references are of three small programs in C, under Valgrind's lackey: "rows" and "columns" add up a matrix of 32
    pages, and "list" follows a linked list (:func:`vmwidgets.trace`).

    >>> import vmwidgets as vm
    >>> forks = vm.recording("forks")
    >>> vm.load_strace(vm.boot("x86-64"), forks.strace).ends
    {'ls': 'exited with 0', 'wc': 'exited with 0', 'sh 2': 'exited with 3', 'sh': 'exited with 0'}
    """
    known = arguments.known(name, (*PROGRAMS, *REFERENCES), "recording")
    if known in REFERENCES:
        return recorded_references(known)
    maps = _text(f"{known}.maps.gz") if known not in ("ls", "forks") else ""
    return Recording(known, PROGRAMS[known], _text(f"{known}.strace.gz"), maps)


def _text(name: str) -> str:
    packed = (resources.files("vmwidgets.sources") / "data" / "strace" / name).read_bytes()
    return gzip.decompress(packed).decode()
