r"""The text of strace(1), line by line: calls, signals and ends, each with its process.

Format: the output of strace with any of ``-f``, ``-y``, ``-yy``, ``-Y``, ``-t`` to ``-ttt``, ``-r``, ``-T``, ``-X``,
``-i``, ``-n`` and ``-k``, to the terminal or with ``-o``.  A call that another process interrupts takes two lines,
``mmap(… <unfinished ...>`` and ``<... mmap resumed>…``: the two are put together, and read as one call.

A line that can't be read is fatal only for calls that change memory (`loosely.py`).  Other calls are read without their
arguments, and lines that are not strace's, such as the program's output, are skipped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.errors import Refused, printable
from ..foreign import MAPS, refuse_foreign
from .line import ASKED, Value, integer, read_line
from .loosely import CHANGING, SUMMARY, Loose, calls_inside, loosely, outcome

MOST_LINES = 1_000_000
"""The most lines of one text."""

MOST_IN_LINE = 1 << 20
"""The most characters of one line, or of the two lines of one call."""

_RESUMED = re.compile(r"<\.\.\. (\w+|\?\?\?) resumed> ?(.*)", re.DOTALL)
_BROKEN = re.compile(r"(?!strace: |Process )(.+?)(?:strace: )?Process [0-9]+ (?:attached|detached)", re.DOTALL)
_WRAPPED = re.compile(
    rf"(?:[0-9]+ +|\[pid +[0-9]+\] )?(?:{'|'.join(sorted(CHANGING))})\((?:[^()\"<>]|\"[^\"]*\"|<[^<>]*>)*"
)
"""A call that changes memory and continues in the next line."""

_IN_A_RESULT = re.compile(r"\) += (?:0\nx|0x([0-9a-f]*)\n)([0-9a-f]{1,16})\r?\n", re.ASCII)
"""The end of a call whose result goes on in the next line, which contains nothing else."""

DIGITS = 8, 12
"""The usual lengths of an address in a program of 32 and of 64 bits."""

_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
_STAMP = re.compile(
    rf"(?:[A-Z][a-z]{{2}} [ 0-9]?[0-9]|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[ T]{_CLOCK}Z?[ \t]+|{_CLOCK}[ \t]+(?=\[pid )",
    re.ASCII,
)
"""The stamp of another program, such as `ts`, before a line: strace writes no date, and its own clock after the pid."""

_PID = re.compile(r"\[pid +[0-9]{1,10}(?:<[^<>]*>)?\] ", re.ASCII)

_WIDEST = 400
_SHOWN = 60
_EXAMPLE = "one reads 'munmap(0x7f0000001000, 4096) = 0'"


@frozen
class Call:
    """A completed call: its arguments and its result.

    `line`, counted from 1, is where the call ended, and `begun` where it began.  `pid` is None if strace wrote none.
    `result` is a number, or None if strace has a question mark; `error` is a name such as "ENOMEM", or empty; `path` is
    the text that ``-y`` writes after a returned file descriptor, such as ``</etc/passwd>``.  `loose` marks a call that
    does not change memory and whose arguments can't be read: here, the call has none.
    """

    line: int
    begun: int
    pid: int | None
    name: str
    arguments: tuple[Value | None, ...]
    result: int | None
    error: str
    path: str
    loose: bool = False

    @property
    def failed(self) -> bool:
        """Return whether the call did nothing, as far as the text shows."""
        return bool(self.error) or self.result is None or self.result == -1


@frozen
class Unfinished:
    """A call that began in a line and never ended."""

    line: int
    pid: int | None
    name: str


@frozen
class Headless:
    """The end of a call that began before the text: its arguments are not known."""

    line: int
    pid: int | None
    name: str


@frozen
class Ended:
    """The end of a process: `how` is strace's word for it; `heir` is the process whose exec took its place."""

    line: int
    pid: int | None
    how: str
    heir: int | None = None


@frozen
class Signalled:
    """A signal to a process."""

    line: int
    pid: int | None
    name: str


@frozen
class PassedOver:
    """A line that is not strace's, or is too damaged to use."""

    line: int


Event = Call | Unfinished | Headless | Ended | Signalled | PassedOver


def parse_strace(text: str, source: str) -> Iterator[Event]:
    """Return the events, in the order of the lines.

    Raises :class:`Refused` if a call that changes memory can't be read, with the line's number, and for another
    program's text.  `source` names the text in the sentence.  Blank lines, and strace's remarks about itself, are
    skipped.  O(n).

    >>> (one,) = parse_strace("brk(NULL) = 0x1000", "a text")
    >>> one.name, len(one.arguments), hex(one.result)
    ('brk', 1, '0x1000')
    """
    return _Reader(source).events(text)


class _Waiting(NamedTuple):
    """A call that has begun: its line, and its text so far."""

    line: int
    name: str
    text: str


def _is_cut_in_its_result(line: str, following: str) -> bool:
    """Return whether the result of a call continues in the next line, since its first part is not a page's address."""
    found = _IN_A_RESULT.search(f"{line}\n{following}\n")
    if found is None or found[1] is None:
        return found is not None
    is_whole = len(found[1]) in DIGITS and found[1].endswith("000")
    return not is_whole or len(found[1] + found[2]) == max(DIGITS)


class _Reader:
    """The reader of a text; `waiting` are the calls that have begun, by process."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.waiting: dict[int | None, _Waiting] = {}
        self.lost: list[Unfinished] = []
        self.met: set[int | None] = set()
        """The processes that a line so far is about."""
        self.last = 0  # the line without an end, if there is one

    def events(self, text: str) -> Iterator[Event]:
        """Yield all events."""
        held, seen, first = "", False, 0
        self.last = text.count("\n") + 1 if not text.endswith("\n") else 0
        for number, line in self._unwrapped(text):
            content = held + line
            if len(content) > MOST_IN_LINE:
                raise self.refused(number, f"more than {MOST_IN_LINE:,} characters are not read in one line")
            if seen and SUMMARY.fullmatch(content.strip()):
                break  # the summary that -C writes after the last call
            broken = _BROKEN.fullmatch(content)
            held = broken[1] if broken is not None else ""
            if held or not content.strip():
                continue  # strace's own word in the middle of a call that goes on in the next line
            found = self._event(number, content)
            if isinstance(found, PassedOver):
                first = first or number
            else:
                seen = True
            if found is not None:
                yield found
        if held:
            yield from filter(None, [self._unread(number, held)])
        if not seen:
            self._refuse_all(text, first)
        yield from self.lost
        yield from (Unfinished(one.line, pid, one.name) for pid, one in self.waiting.items())

    def _unwrapped(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the lines with their numbers; a call that was wrapped in a book or an email is one line."""
        lines = text.removeprefix("\ufeff").split("\n")
        count, wrapped, width = len(lines) - (not lines[-1]), "", max(map(len, lines))
        for number, line in enumerate(lines, 1):
            if number > MOST_LINES:
                raise self.refused(number, f"more than {MOST_LINES:,} lines are not read")
            if len(line) == width and number < count and _is_cut_in_its_result(line, lines[number]):
                raise self.refused(
                    number,
                    f"its result goes on in the next line: a window of {width} columns wrapped it; record with -o FILE",
                )
            stamp = _STAMP.match(line)
            content = (line[stamp.end() :] if stamp is not None else line).removesuffix("\r")
            if wrapped:
                content, wrapped = f"{wrapped} {content.strip()}", ""
            goes_on = number < count and len(content) < _WIDEST and _WRAPPED.fullmatch(content) is not None
            if goes_on and not content.endswith(" ...>"):
                wrapped = content.rstrip()
            else:
                yield number, content

    def refused(self, number: int, why: str) -> Refused:
        """Return the error about a line."""
        return Refused(f"line {number} of {self.source}: {why}")

    def _refuse_all(self, text: str, first: int) -> None:
        """Refuse a text without a line of strace, and say what the text is, if that is known."""
        refuse_foreign(text, self.source, first=[MAPS])
        if not first:
            raise Refused(f"{self.source} is empty: a program makes at least one call; {_EXAMPLE}")
        raise self.refused(first, f"{_cut(text.split(chr(10))[first - 1])!r} is not a line of strace; {_EXAMPLE}")

    def _event(self, number: int, content: str) -> Event | None:
        found = read_line(content)
        if found is None:
            return self._unread(number, content)
        pid, kind, parts = found
        is_first = pid not in self.met
        if kind:
            self.met.add(pid)
        if kind == "begun":
            self._begin(number, pid, *parts)
            return None
        if kind == "resumed":
            return self._resumed(number, pid, parts, is_first)
        if kind == "call":
            return Call(number, number, pid, *_unnamed(parts))
        if kind == "signal":
            return Signalled(number, pid, parts)
        if kind == "ended":
            return Ended(number, pid, parts)
        if kind == "superseded":
            heir = int(parts)
            if heir in self.waiting:
                self.waiting[pid] = self.waiting.pop(heir)  # its exec goes on under the number of the first thread
            return Ended(number, pid, "superseded by execve", heir)
        return None

    def _begin(self, number: int, pid: int | None, name: str, text: str) -> None:
        self.met.add(pid)
        if pid in self.waiting:
            lost = self.waiting[pid]
            self.lost.append(Unfinished(lost.line, pid, lost.name))
        self.waiting[pid] = _Waiting(number, name, text)

    def _unread(self, number: int, content: str) -> Event | None:
        """Return the event of a line that can't be read as a whole."""
        found = loosely(content)
        if found is None:
            return self._beside_output(number, content)
        if found.how == "detached" or (not found.how and number == self.last):  # the last line may be cut
            return Unfinished(number, found.pid, found.name)
        if found.name in CHANGING:
            raise self.refused(number, f"{_cut(content)!r} is not a line of strace; {_EXAMPLE}")
        if found.how == "begun":
            self._begin(number, found.pid, found.name, "")
            return None
        return self._loose(number, number, found) if found.how else PassedOver(number)

    def _loose(self, number: int, begun: int, found: Loose) -> Call:
        result = integer(found.result) if found.result != "?" else None
        return Call(number, begun, found.pid, found.name, (), result, found.error, "", loose=True)

    def _beside_output(self, number: int, content: str) -> Event | None:
        """Return the event of a line with a program's output before a call, or with only a program's output."""
        whose = _PID.search(content)
        if whose is not None and whose.start() and self._is_read(content[whose.start() :]):
            return self._event(number, content[whose.start() :])
        for rest in calls_inside(content):
            inside = read_line(rest)
            if inside is not None and inside.kind == "call":
                return Call(number, number, inside.pid, *_unnamed(inside.parts))
        return PassedOver(number)

    def _is_read(self, content: str) -> bool:
        """Return whether a line can be read, instead of being refused."""
        found = loosely(content)
        if found is not None and found.name not in CHANGING:
            return bool(found.how)
        return read_line(content) is not None

    def _resumed(self, number: int, pid: int | None, tail: str, is_first: bool) -> Event:
        match = _RESUMED.fullmatch(tail)
        assert match is not None, "no other is called resumed"
        name, rest = match[1], match[2]
        whose = self._whose(pid, name)
        if whose not in self.waiting:
            if name in CHANGING and is_first:
                return Headless(number, pid, name)  # the text begins in the middle of a run, or strace -p attached
            if name in CHANGING:
                raise self.refused(number, f"{name} is resumed, but no earlier line began it")
            return self._ended(number, number, Loose(pid, name, "call"), rest)  # strace attached while it was running
        begun = self.waiting.pop(whose)
        if begun.name != name:
            raise self.refused(number, f"{name} is resumed, but line {begun.line} began {begun.name}")
        whose = whose if pid is None else pid
        whole = read_line(begun.text + rest)
        if whole is None:
            if name not in CHANGING:
                return self._ended(number, begun.line, Loose(whose, name, "call"), rest)
            if number == self.last:  # cut
                return Unfinished(begun.line, whose, name)
            raise self.refused(number, f"{_cut(tail)!r} is not a line of strace; {_EXAMPLE}")
        if whole.kind != "call":
            raise self.refused(number, f"{name} is resumed, but has no result; {_EXAMPLE}")
        return Call(number, begun.line, whose, *_unnamed(whole.parts))

    def _ended(self, number: int, begun: int, found: Loose, rest: str) -> Event:
        """Return the event of a call's second line, if the call's arguments can't be read and are not needed."""
        end = outcome(rest)
        if end is None:
            return Unfinished(begun, found.pid, found.name)
        return self._loose(number, begun, found._replace(result=end[0], error=end[1]))

    def _whose(self, pid: int | None, name: str) -> int | None:
        """Return the process of a resumed call: on a terminal, numbers are written only while there are several."""
        if pid in self.waiting or pid is not None:
            return pid if pid in self.waiting else None
        such = [one for one, begun in self.waiting.items() if begun.name == name]
        return such[0] if len(such) == 1 else None


def _unnamed(parts: Any) -> Any:
    """Return the parts of a call without parameter names, which --param-names writes before each argument."""
    name, given, *rest = parts
    if name in WITH_NAMES and given and all(one and len(one) > 2 and one[1] == "=" for one in given):
        given = tuple(one[2:] for one in given)
    return (name, given, *rest)


WITH_NAMES = ASKED - {"fork", "vfork", "clone", "clone2", "clone3"}
"""Calls whose arguments have names only with --param-names."""


def _cut(text: str) -> str:
    """Return the beginning of a line in a printable form."""
    return printable(text.strip()[:_SHOWN]) + ("…" if len(text.strip()) > _SHOWN else "")
