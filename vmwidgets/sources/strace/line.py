r"""One line of strace(1), read in one pass: the process, then a call, its beginning, its end, a signal or an exit.

A value is any sequence of pieces, since strace has a separate notation for each call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from .loosely import CHANGING, result_at

Value = list[Any]
"""An argument: its pieces, which are texts as they are written, and brackets."""


class Bracket(NamedTuple):
    """A struct, an array or parentheses with their contents; `kind` is the opening bracket."""

    kind: str
    values: Sequence[Value | None]


class Line(NamedTuple):
    """A line's contents: `kind` is "call", "begun", "resumed", "signal", "ended", "superseded" or "" for a remark."""

    pid: int | None
    kind: str
    parts: Any


ASKED = CHANGING | frozenset((
    "open", "openat", "openat2", "creat", "memfd_create", "dup", "dup2", "dup3", "fcntl", "close", "read", "pread64",
    "readv", "wait4", "waitpid", "exit", "exit_group", "unlink", "unlinkat", "rename", "renameat", "renameat2",
))  # fmt: skip  # read as a list of names
"""Calls whose arguments are used: they say something about memory, files or processes."""

_BLANK = r"(?:[ \t]|/\*(?:[^*]|\*(?!/))*\*/)*"
_NUMBER = r"-?(?:0x[0-9a-fA-F]{1,16}|[0-9]{1,22}(?:\.[0-9]{1,20})?)(?![0-9A-Za-z_])"
_NAME = r"[A-Za-z_][A-Za-z0-9_.?]*"
_PATH = r"<(?!\.\.\. |unfinished \.\.\.>|[0-9]+\.[0-9]+>)(?:->|[^<>\\]|\\.|<[^<>]*>)*>(?:\(deleted\))?"
_STRING = r'@?"(?:[^"\\]|\\.)*"(?:\.\.\.)?'
_HEAD = re.compile(
    r"[ \t]*(?:\[pid +([0-9]{1,10})(?:<[^<>]*>)?\][ \t]*|([0-9]{1,10})(?:<[^<>]*>)?[ \t]+)?"
    r"(?:\(?\+? *[0-9]{1,10}(?::[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?|\.[0-9]+)\)?[ \t]+){0,2}"
    r"(?:\[ *[0-9a-f?]{1,16}\][ \t]+){0,2}"
)
_CALL = re.compile(rf"({_NAME})[ \t]*\(")
_PIECE = re.compile(
    rf"{_BLANK}(?:(?P<piece>{_NUMBER}|{_STRING}|{_NAME}|\.\.\.|<<|{_PATH}|=>|==|!=|&&|\|\||>>|[=|&~!*+/^:@'?-])"
    r"|(?P<open>[{\[(])|(?P<close>[}\])])|(?P<comma>,)|(?P<cut><unfinished \.\.\.>))",
    re.DOTALL,
)
_OUTCOME = re.compile(
    rf"{_BLANK}={_BLANK}({_NUMBER}|\?)[ \t]*({_PATH})?[ \t]*(?:({_NAME})|errno=[0-9]+)?[ \t]*(?:\(.*\))?[ \t]*"
    r"(?:<[0-9]+\.[0-9]+>)?[ \t]*"
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_REST = (
    ("", re.compile(r"()(?:strace: |Process [0-9]+ |\[ Process |> ).*")),
    ("", re.compile(r"---[ \t]*()stopped[ \t]+by[ \t]+\w+[ \t]*---[ \t]*")),
    ("resumed", re.compile(r"(<\.\.\. (?:\w+|\?\?\?) resumed>.*)", re.ASCII)),
    ("signal", re.compile(rf"---[ \t]*({_NAME})[ \t]*\{{.*\}}[ \t]*---[ \t]*")),
    ("ended", re.compile(r"\+\+\+ (exited with -?[0-9]+) \+\+\+[ \t]*")),
    ("ended", re.compile(rf"\+\+\+ (killed by {_NAME})(?: \(core dumped\))? \+\+\+[ \t]*")),
    ("superseded", re.compile(r"\+\+\+ superseded by execve in pid ([0-9]{1,10}) \+\+\+[ \t]*")),
)
_CLOSES = {"{": "}", "[": "]", "(": ")"}


def integer(written: str) -> int | None:
    """Return the number that strace wrote, octal with a leading zero; None for anything but a whole number.

    >>> integer("-1"), integer("0x10"), integer("0644"), integer("?"), integer("089")
    (-1, 16, 420, None, None)
    """
    digits = written.lstrip("-")
    octal = len(digits) > 1 and digits.isdigit() and digits[0] == "0"
    try:
        return int(written, 8 if octal else 0)
    except ValueError:
        return None


def read_line(line: str) -> Line | None:
    """Return the contents of a line; None if it can't be read.

    The arguments of calls that are not in :data:`ASKED` are passed over, if their brackets have pairs.
    """
    head = _HEAD.match(line)
    assert head is not None, "each part of it may be absent"
    pid = int(head[1] or head[2]) if head[1] or head[2] else None
    call = _CALL.match(line, head.end())
    if call is None or line.startswith("strace: ", head.end()):
        found = next(((kind, match) for kind, one in _REST if (match := one.fullmatch(line, head.end()))), None)
        return None if found is None else Line(pid, found[0], found[1][1])
    if call[1] not in ASKED:
        end = result_at(line, call.end())
        other = _OUTCOME.fullmatch(line, end + 1)
        if other is not None and _is_nested(line[call.end() : end]):
            return Line(pid, "call", (call[1], (), integer(other[1]), other[3] or "", other[2] or ""))
    given, end, is_cut = _arguments(line, call.end(), strict=call[1] in CHANGING)
    if end < 0:
        return None
    if is_cut and not line[end:].strip():
        return Line(pid, "begun", (call[1], line[call.start() : end].rstrip().removesuffix("<unfinished ...>")))
    outcome = _OUTCOME.fullmatch(line, end)
    if outcome is None:
        return None
    return Line(pid, "call", (call[1], given, integer(outcome[1]), outcome[3] or "", outcome[2] or ""))


def _is_nested(arguments: str) -> bool:
    """Return whether arguments have brackets, and each bracket and quotation mark its pair."""
    plain = _QUOTED.sub("", arguments)
    pairs = _CLOSES.items()
    if '"' in plain or not any(one in plain for one in _CLOSES):
        return False
    return all(plain.count(one) == plain.count(other) for one, other in pairs)


def _arguments(line: str, at: int, *, strict: bool) -> tuple[tuple[Value | None, ...], int, bool]:
    """Return the arguments from a position on, the position after them (-1: unreadable), and whether they are cut."""
    above: list[tuple[str, list[Value | None], Value]] = []
    values: list[Value | None] = []
    value: Value = []
    is_cut = False
    while (match := _PIECE.match(line, at)) is not None:
        at, kind = match.end(), match.lastgroup
        if is_cut and kind != "close":
            break
        if kind == "piece":
            value.append(match["piece"])
        elif kind == "comma":
            values.append(value or None)
            value = []
        elif kind == "open":
            above.append((match["open"], values, value))
            values, value = [], []
        elif kind == "cut":
            if above and strict:
                break
            if not line[at:].strip():
                return (), at, True
            if above:
                break
            is_cut = True
        else:
            found = (*values, value or None) if values or value else ()
            if not above:
                return (found, at, is_cut) if match["close"] == ")" else ((), -1, False)
            opened, values, value = above.pop()
            if match["close"] != _CLOSES[opened]:
                break
            value.append(Bracket(opened, found))
    return (), -1, False
