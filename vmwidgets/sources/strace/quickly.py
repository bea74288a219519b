"""Lines of strace that need no grammar: calls whose arguments are numbers, names, strings and file descriptors.

The result is the same as the grammar's, some ten times as fast; all other lines are left to the grammar.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from .loosely import CHANGING

PLAIN = frozenset((
    "open", "openat", "openat2", "creat", "memfd_create", "dup", "dup2", "dup3", "fcntl", "close", "read", "pread64",
    "readv", "wait4", "waitpid", "exit", "exit_group", "unlink", "unlinkat", "rename", "renameat", "renameat2",
))  # fmt: skip  # read as a list of names
"""Calls that change no memory, but whose arguments are used: they say something about files and processes."""

ASKED = PLAIN | CHANGING

_HEAD = (
    r"[ \t]*(?:\[pid[ \t]+([0-9]{1,10})(?:<[^<>]*>)?\][ \t]+|([0-9]{1,10})(?:<[^<>]*>)?[ \t]+)?"
    r"(?:\(?\+?[ ]*[0-9]{1,10}(?::[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?|\.[0-9]+)\)?[ \t]+){0,2}"
)
_END = (
    r"\)[ \t]*=[ \t]*(\?|-?[0-9]{1,20}|0x[0-9a-f]{1,16})(<[^<>\"\\]*>)?(?:[ \t]+(?:([A-Z][A-Z0-9_]*)[ \t]+"
    r"|errno=[0-9]+[ \t]+)?\([^()]*\))?"
    r"(?:[ \t]+<[0-9]+\.[0-9]+>)?[ \t]*"
)
_SIMPLE = r"((?:[^\"<>{}\[\]()/\\'?*.]|\"(?:[^\"\\]|\\.)*\"(?:\.\.\.)?|<[^<>\"\\]*>)*)"
_CALL = re.compile(rf"{_HEAD}([A-Za-z_][A-Za-z0-9_]*)\({_SIMPLE}{_END}", re.ASCII)
_OTHER = re.compile(rf"{_HEAD}([A-Za-z_][A-Za-z0-9_]*)\(((?:[^\"]|\"(?:[^\"\\]|\\.)*\")*){_END}", re.ASCII)
_BEGUN = re.compile(rf"{_HEAD}(([A-Za-z_][A-Za-z0-9_]*)\(.*?)[ \t]*<unfinished \.\.\.>[ \t]*", re.ASCII)
_RESUMED = re.compile(rf"{_HEAD}(<\.\.\. (?:[A-Za-z_][A-Za-z0-9_]*) resumed>.*)", re.ASCII | re.DOTALL)
_ARGUMENT = re.compile(r"[ \t]*((?:[^,\"<]|\"(?:[^\"\\]|\\.)*\"(?:\.\.\.)?|<[^<>\"\\]*>)*)(?:,|$)", re.ASCII)
_PIECE = re.compile(
    r"[ \t]*(-?(?:0x[0-9a-fA-F]{1,16}|[0-9]{1,22})(?![0-9A-Za-z_])|@?\"(?:[^\"\\]|\\.)*\"(?:\.\.\.)?"
    r"|[A-Za-z_][A-Za-z0-9_]*|<<|>>|<[^<>\"\\]*>(?:\(deleted\))?|=>|==|!=|&&|\|\||[=|&~!+^:@-])",
    re.ASCII,
)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class Quick(NamedTuple):
    """A line's contents: `kind` is "call", "begun" or "resumed", and `parts` what the grammar returns for it."""

    pid: int | None
    kind: str
    parts: Any


def quickly(line: str, *, whole: bool) -> Quick | None:
    """Return the contents of a simple line; None for any other line.

    Without `whole`, calls whose arguments are not used are returned without arguments, even if their arguments are hard
    to read.
    """
    match = _CALL.fullmatch(line)
    if match is not None:
        pid, name = match[1] or match[2], match[3]
        arguments = _arguments(match[4])
        if arguments is not None:
            return Quick(
                int(pid) if pid else None, "call", (name, arguments, _number(match[5]), match[7] or "", match[6] or "")
            )
        return None
    if line.endswith("<unfinished ...>"):
        match = _BEGUN.fullmatch(line)
        if match is not None and match[4] not in CHANGING:
            pid = match[1] or match[2]
            return Quick(int(pid) if pid else None, "begun", (match[4], match[3]))
        return None
    if "<... " in line:
        match = _RESUMED.fullmatch(line)
        if match is not None:
            pid = match[1] or match[2]
            return Quick(int(pid) if pid else None, "resumed", match[3])
        return None
    if whole:
        return None
    match = _OTHER.fullmatch(line)
    if match is None or match[3] in ASKED or not _is_balanced(match[4]):
        return None
    pid = match[1] or match[2]
    return Quick(int(pid) if pid else None, "call", (match[3], (), _number(match[5]), match[7] or "", match[6] or ""))


def _number(written: str) -> int | None:
    if written == "?":
        return None
    digits = written.lstrip("-")
    octal = len(digits) > 1 and digits.isdigit() and digits[0] == "0"
    try:
        return int(written, 8 if octal else 0)
    except ValueError:
        return None


def _is_balanced(arguments: str) -> bool:
    plain = _STRING.sub("", arguments)
    return all(plain.count(one) == plain.count(other) for one, other in ("{}", "[]", "()"))


def _arguments(text: str) -> tuple[list[str] | None, ...] | None:
    """Return the arguments of a call as lists of pieces; None if they are not simple."""
    if not text.strip():
        return ()
    if '"' not in text and "<" not in text:
        parts = text.split(",")
    else:
        parts, at = [], 0
        while True:
            match = _ARGUMENT.match(text, at)
            if match is None:
                return None
            parts.append(match[1])
            at = match.end()
            if not match[0].endswith(","):
                break
        if at != len(text):
            return None
    found: list[list[str] | None] = []
    for part in parts:
        value = _value(part)
        if value is None:
            return None
        found.append(value or None)
    return tuple(found)


@lru_cache(1 << 12)
def _value(text: str) -> list[str] | None:
    """Return the pieces of an argument; None if any piece is not simple."""
    pieces, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _PIECE.match(text, at)
        if match is None:
            return None
        pieces.append(match[1])
        at = match.end()
    return pieces
