r"""The readable parts of strace's lines that can't be read as a whole.

Arguments matter only for calls that change memory or create processes (:data:`CHANGING`).  For any other call, the name
and the result are enough: strace has a notation for each call, and new calls bring new notations.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

CHANGING = frozenset((
    "mmap", "mmap2", "old_mmap", "munmap", "mprotect", "pkey_mprotect", "brk", "mremap", "madvise", "msync",
    "execve", "execveat", "fork", "vfork", "clone", "clone2", "clone3",
))  # fmt: skip  # read as a list of names
"""Calls whose arguments are read strictly, since the map depends on them."""

SUMMARY = re.compile(r"% time +seconds +usecs/call +calls +errors syscall")
"""The beginning of the summary that ``-C`` writes after the calls."""

_STAMPS = (
    r"(?:\(?\+? *[0-9]{1,10}(?::[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?|\.[0-9]+)\)?[ \t]+){0,2}(?:\[ *[0-9a-f?]{1,16}\] +){0,2}"
)
_PID = r"(?:\[pid +([0-9]{1,10})(?:<[^<>]*>)?\][ \t]+|([0-9]{1,10})(?:<[^<>]*>)?[ \t]+)?"
_BEGINS = re.compile(rf"[ \t]*{_PID}{_STAMPS}([A-Za-z_][A-Za-z0-9_.]*|\?\?\?)\((.*)", re.DOTALL | re.ASCII)
_RESULT = re.compile(r"\)[ \t]*=")
_ENDS = re.compile(
    r"\)[ \t]*= (\?|-?(?:0x[0-9a-f]{1,16}|[0-9]{1,20}))(?:<[^>]*>)?(?:[ \t]+([A-Z][A-Z0-9_]*|errno=[0-9]+))?"
    r"(?:[ \t]+\(.*\))?(?:[ \t]+<[^<>]*>)*[ \t]*",
    re.DOTALL | re.ASCII,
)
_INSIDE = re.compile(rf"(?:\[pid +[0-9]{{1,10}}\] )?(?<![A-Za-z0-9_])(?:{'|'.join(sorted(CHANGING))})\(", re.ASCII)

MOST_INSIDE = 20
"""The most calls that are tried in a line that begins with something else."""


class Loose(NamedTuple):
    """A line about a call: its name, its process, and how far it got.

    `how` is "call" for a completed call, with `result` and `error`, "begun" for a call that another one interrupts,
    "detached" for a call that strace left, and "" if the call's end can't be read.
    """

    pid: int | None
    name: str
    how: str
    result: str = ""
    error: str = ""


def loosely(line: str) -> Loose | None:
    """Return the readable parts of a line without its arguments; None for a line that is not strace's.

    >>> loosely("7 recvmsg(3, {what=[{is]}, new) = 12")
    Loose(pid=7, name='recvmsg', how='call', result='12', error='')
    >>> loosely("restart_syscall(<... resuming interrupted read ...> <detached ...>").how, loosely("hello")
    ('detached', None)
    """
    match = _BEGINS.fullmatch(line)
    if match is None:
        return None
    pid, name, rest = match[1] or match[2], match[3], match[4].rstrip()
    whose = int(pid) if pid else None
    for mark, how in (("<unfinished ...>", "begun"), ("<detached ...>", "detached")):
        if rest.endswith(mark):
            return Loose(whose, name, how)
    end = _ENDS.fullmatch(rest, result_at(rest)) or _ENDS.fullmatch(")" + rest)
    return Loose(whose, name, "call", end[1], (end[2] or "").upper()) if end is not None else Loose(whose, name, "")


def outcome(rest: str) -> tuple[str, str] | None:
    """Return the result and the error at the end of a line."""
    end = _ENDS.fullmatch(rest, result_at(rest))
    return None if end is None else (end[1], end[2] or "")


def result_at(line: str, start: int = 0) -> int:
    """Return the place of the bracket before the last equals sign that follows one: there a call ends; else `start`."""
    at = start
    for found in _RESULT.finditer(line, start):
        at = found.start()
    return at


def calls_inside(line: str) -> list[str]:
    """Return the rest of a line from each call that changes memory on; a program's output may come before the call.

    >>> calls_inside("$ munmap(0x1000, 4096) = 0")
    ['munmap(0x1000, 4096) = 0']
    """
    return [line[found.start() :] for found in islice(_INSIDE.finditer(line), MOST_INSIDE) if found.start()]
