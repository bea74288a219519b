"""Journals as files: one line of JSON for each operation, packed with gzip.

The first line is the header: ``{"format": "vmwidgets journal", "version": 3, "by": …}``.  Then come lines of these
kinds, identified by their first key:

* ``{"operation": serial, "target": path, "name": …, "arguments": {…}, "outcome": …, "result": …}``, the boot first; an
  interrupted operation has ``"stopped_at"`` too;
* ``{"script": name, "serial": …, "actions": [[target, name, {arguments}, answer, serial], …]}``: the actions of a
  learner's thread or handler, in as many lines as needed;
* ``{"line": "undone" | "branch", "after": serial}``: the operations and scripts after it were undone;
* ``{"group": name, "first": serial, "last": serial}`` and ``{"mark": name, "serial": serial}``.

The last line, ``{"end": lines, "sha256": …}``, has a check value over the bytes of all lines before it, unpacked.

Numbers and texts are JSON's.  An address is ``{"hex": "0x40_0000"}``, bytes are ``{"bytes": "00ff"}``, a part of the
machine is ``{"part": path}``, processors' settings are ``{"settings": {…}}``, any other result of an operation is
``{"value": [kind, fields]}``: it can be compared, but is not rebuilt.  The same journal gives the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import singledispatch
from importlib.metadata import PackageNotFoundError, version
from typing import Any, BinaryIO

from ...base.errors import Refused, in_ascii, shown
from ...base.files import place_of, written_whole
from ...base.journal import Group, Journal, Line, Operation
from ...base.operations import PartReference
from ...base.scripts import Action, Script
from ...base.units import Address
from ...mmu.rules import Controls

FORMAT, VERSION = "vmwidgets journal", 3
"""The format.

Earlier versions have the same lines, but the machines that wrote them did some things differently (:mod:`.load`).
"""

MOST_JOURNAL_BYTES, MOST_LINE, MOST_LINES, DEEPEST = 256 << 20, 4 << 20, 1_000_000, 16
"""The limits of an unpacked file: bytes, bytes in a line, lines, and nested lists or objects."""

MOST_ITEMS_A_LINE, MOST_ITEMS = 100_000, 20_000_000
"""The most items of lists and objects, in a line and in the whole file."""

ACTIONS_A_LINE = 500
"""The most actions in a line; a longer script has several lines."""

LONGEST_NUMBER = 40
"""The most digits of a number."""


class BadJournal(Refused):
    """Raised for a file that is damaged or not a journal: the message names the file, and the line unless it is 0."""

    def __init__(self, path: Any, line: int, why: object) -> None:
        place = f", line {line}" if line else ""
        super().__init__(f"{str(path)!r}{place}: {why}")


class Settings(dict[str, Any]):
    """Processors' settings by name, as a file has them; a machine creates its own settings object from them."""


class Written:
    """A value as a file has it, equal to every value with the same form in a file."""

    __slots__ = ("text",)
    is_data = True
    """A mark: records keep this value unchanged."""

    def __init__(self, data: Any) -> None:
        self.text = _dumped(data)

    def __eq__(self, other: object) -> bool:
        return self.text == (other.text if isinstance(other, Written) else _dumped(encode(other)))

    def __hash__(self) -> int:
        return hash(self.text)

    @in_ascii
    def __repr__(self) -> str:
        return self.text


def _dumped(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


# ---- values ------------------------------------------------------------------------------------


@singledispatch
def encode(value: Any) -> Any:
    """Return a value in JSON's form.

    >>> encode((1, b"x", Address(4096), PartReference("kernel_map")))
    [1, {'bytes': '78'}, {'hex': '0x1000'}, {'part': 'kernel_map'}]
    """
    if not is_dataclass(value) or isinstance(value, type):
        return {"value": [type(value).__name__, None]}
    held = {one.name: encode(getattr(value, one.name)) for one in fields(value)}
    return {"settings": held} if isinstance(value, Controls) else {"value": [type(value).__name__, held]}


encode.register(type(None), lambda value: value)
encode.register(bool, lambda value: value)
encode.register(int, lambda value: int(value) if value.bit_length() <= 128 else {"value": ["int", hex(value)[:64]]})
encode.register(str, str.__str__)
encode.register(float, lambda value: {"float": float.__repr__(value)})
encode.register(bytes, lambda value: {"bytes": value.hex()})
encode.register(Address, lambda value: {"hex": str(value)})
encode.register(PartReference, lambda value: {"part": str(value)})
encode.register(Written, lambda value: json.loads(value.text))
encode.register(Settings, lambda value: {"settings": {name: encode(held) for name, held in value.items()}})
encode.register(dict, lambda value: {"value": ["dict", [[encode(key), encode(held)] for key, held in value.items()]]})
for _kind in (tuple, list, set, frozenset):
    encode.register(_kind, lambda value: [encode(item) for item in value])


def decode(data: Any) -> Any:
    """Return the value from :func:`encode`'s result; raises ValueError if there is no such value."""
    if data is None or isinstance(data, (bool, int, str)):
        return data
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict) or len(data) != 1:
        raise ValueError(f"{shown(data)} is not a value")
    ((kind, held),) = data.items()
    if kind == "value" or (kind == "settings" and not isinstance(held, dict)):
        return Written(data)
    if kind == "settings":
        return Settings((name, decode(one)) for name, one in held.items())
    if not isinstance(held, str) or kind not in _TEXTS:
        raise ValueError(f"{shown(data)} is not a value")
    return _TEXTS[kind](held)


_TEXTS: dict[str, Any] = {
    "hex": lambda text: Address(int(text[: LONGEST_NUMBER + 12], 16)),
    "part": PartReference,
    "bytes": bytes.fromhex,
    "float": float,
}
"""For each kind of value, the function that creates it from its text."""


SUCH = "mine.jsonl.gz"
"""The name used in messages for a file without a name."""

# ---- writing -----------------------------------------------------------------------------------


class MachineJournal(Journal):
    """The journal of a machine, which can be saved."""

    inside = Journal.inside | {
        "amend", "append", "begin_as", "begin_cell", "bytes_an_operation", "cell", "cell_of", "cut", "events",
        "faulted", "first_from", "forget_cells", "give_up", "group", "group_of", "keeps", "mark", "most_serial",
        "next_serial", "number_of", "open_groups", "record", "reported_since", "restore", "serial", "size", "state",
        "unit_before", "units", "unrecorded",
    }  # fmt: skip  # a list

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the journal to a file, `….jsonl.gz`, from which :func:`vmwidgets.load_journal` rebuilds the machine.

        If writing fails, an existing file is unchanged.  O(operations).
        """
        if self.incomplete:
            raise Refused(f"{shown(str(path))} is not written: {self.incomplete}")
        with written_whole(place_of(path, SUCH)) as file:
            _write(self, file)

    def as_file(self) -> bytes:
        """Return the bytes that :meth:`save` writes.  O(operations)."""
        file = io.BytesIO()
        _write(self, file)
        return file.getvalue()

    def handout(self, path: str | os.PathLike[str], *pictures: Any, **options: Any) -> Any:
        """Write the machine's history to a file to step through, without a kernel: see :func:`vmwidgets.handout`."""
        return HANDED_OUT_BY[-1](self, path, pictures, options)


HANDED_OUT_BY: list[Callable[[Journal, Any, tuple[Any, ...], dict[str, Any]], Any]] = []
"""The function that writes handouts, as the last item; the views set it, since the engine does not know pictures."""


def _write(journal: Journal, file: BinaryIO) -> None:
    check, lines, size = hashlib.sha256(), 0, 0
    with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        for data in _lines(journal):
            text = f"{_dumped(data)}\n".encode()
            lines, size = lines + 1, size + len(text)
            if len(text) > MOST_LINE or size > MOST_JOURNAL_BYTES or lines >= MOST_LINES:
                raise Refused(f"the journal is too long for a file: {_LIMITS}")
            check.update(text)
            packed.write(text)
        packed.write(f"{_dumped({'end': lines, 'sha256': check.hexdigest()})}\n".encode())


_LIMITS = f"at most {MOST_LINE >> 20} MiB a line, {MOST_JOURNAL_BYTES >> 20} MiB and {MOST_LINES:,} lines, unpacked"


def _lines(journal: Journal) -> Iterator[dict[str, Any]]:
    yield {"format": FORMAT, "version": VERSION, "by": f"vmwidgets {_version()}"}
    yield from map(_operation, journal)
    yield from _scripts(journal.scripts)
    undone = [("undone", journal.undone)] if journal.undone is not None else []
    for kind, line in [*(("branch", one) for one in journal.branches), *undone]:
        yield {"line": kind, "after": line.after}
        yield from map(_operation, line.operations)
        yield from _scripts(line.scripts)
    for group in journal.groups:
        yield {"group": group.name, "first": group.first, "last": group.last}
    for mark, serial in journal.marks.items():
        yield {"mark": mark, "serial": serial}


def _version() -> str:
    try:
        return version("vmwidgets")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "of a checkout"


def _operation(one: Operation) -> dict[str, Any]:
    data = {
        "operation": one.serial,
        "target": one.target,
        "name": one.name,
        "arguments": {name: encode(value) for name, value in one.arguments},
        "outcome": one.outcome,
        "result": encode(one.result),
    }
    return data | ({"stopped_at": one.stopped_at} if one.stopped_at else {})


def _scripts(scripts: dict[str, Script]) -> Iterator[dict[str, Any]]:
    for name, script in scripts.items():
        actions = [
            [one.target, one.name, {key: encode(value) for key, value in one.arguments}, encode(one.answer), one.serial]
            for one in script
        ]
        for begin in range(0, max(1, len(actions)), ACTIONS_A_LINE):
            yield {"script": name, "serial": script.serial, "actions": actions[begin : begin + ACTIONS_A_LINE]}


# ---- reading -----------------------------------------------------------------------------------


class Loaded:
    """The contents of a file: the operations with their line numbers, and everything else as in a journal."""

    def __init__(self) -> None:
        self.version = VERSION
        """The version of the file's format."""
        self.operations: list[Operation] = []
        self.lines: dict[int, int] = {}
        """The lines of operations in the file, by serial."""
        self.scripts: dict[str, Script] = {}
        self.groups: list[Group] = []
        self.marks: dict[str, int] = {}
        self._sections: list[tuple[str, int, list[Operation], dict[str, Script]]] = []
        """The undone lines of operations: for each, its kind, the serial before it, its operations and scripts."""

    @property
    def undone(self) -> Line | None:
        """The operations that can be redone."""
        found = self._of_kind("undone")
        return found[-1] if found and found[-1].operations else None

    @property
    def branches(self) -> list[Line]:
        """The operations that were undone and then replaced by others."""
        return self._of_kind("branch")

    def all_operations(self) -> Iterator[Operation]:
        """Yield the operations, and those that were undone."""
        yield from self.operations
        for _, _, undone, _ in self._sections:
            yield from undone

    def _of_kind(self, wanted: str) -> list[Line]:
        return [Line(after, tuple(done), scripts) for kind, after, done, scripts in self._sections if kind == wanted]

    def read(self, data: dict[str, Any], count: int) -> None:
        """Read a line between the first and the last."""
        kind = next(iter(data), "")
        if kind not in _KINDS:
            raise ValueError(f"{kind!r} is not a kind of line")
        _KINDS[kind](self, data, count)

    def _operation(self, data: dict[str, Any], count: int) -> None:
        done = self._sections[-1][2] if self._sections else self.operations
        after = done[-1].serial if done else self._sections[-1][1] if self._sections else -1
        operation = _operation_of(data, after)._replace(number=len(done))
        self.lines.setdefault(operation.serial, count)
        done.append(operation)

    def _script(self, data: dict[str, Any], count: int) -> None:
        scripts = self._sections[-1][3] if self._sections else self.scripts
        script = scripts.setdefault(_text(data["script"]), Script(serial=_whole(data["serial"])))
        for one in data["actions"]:
            script.append(_action(one))

    def _line(self, data: dict[str, Any], count: int) -> None:
        if data["line"] not in ("undone", "branch"):
            raise ValueError(f"there is no {data['line']!r}")
        self._sections.append((data["line"], _whole(data["after"]), [], {}))

    def _group(self, data: dict[str, Any], count: int) -> None:
        group = Group(_text(data["group"]), _whole(data["first"]), _whole(data["last"]))
        if group.last < group.first or any(
            one.first < group.first <= one.last < group.last or group.first < one.first <= group.last < one.last
            for one in self.groups[-50:]
        ):
            raise ValueError("groups lie in one another, or apart")
        self.groups.append(group)

    def _mark(self, data: dict[str, Any], count: int) -> None:
        self.marks[_text(data["mark"])] = _whole(data["serial"])


_KINDS = {
    "operation": Loaded._operation,
    "script": Loaded._script,
    "line": Loaded._line,
    "group": Loaded._group,
    "mark": Loaded._mark,
}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise ValueError(f"{shown(value)} is not a name")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{shown(value)} is not a serial")
    return value


def _deeper(data: Any, most: int) -> bool:
    """Return whether lists and objects are nested more deeply than allowed."""
    held = [data]
    for _ in range(most):
        held = [
            item
            for one in held
            if isinstance(one, (list, dict))
            for item in (one.values() if isinstance(one, dict) else one)
            if isinstance(item, (list, dict))
        ]
        if not held:
            return False
    return True


def load(path: str | os.PathLike[str]) -> Loaded:
    """Read a journal; raises :class:`BadJournal` for other files, and if it is damaged, too large or too new."""
    loaded, reader = Loaded(), _Reader(path)
    for data in reader.lines():
        try:
            loaded.read(data, reader.count)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:  # noqa: PERF203  of this line
            raise reader.wrong(f"it is not a line of a journal ({shown(f'{error}')})") from None
    loaded.version = reader.version
    return loaded


class _Reader:
    """The lines of one file; `count` is the number of the last line read."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = place_of(path, SUCH)
        self.version = VERSION
        self.count = 0
        self._items = 0

    def wrong(self, why: str, line: int = 0) -> BadJournal:
        """Return the error for a line, by default the last."""
        return BadJournal(self._path, line or self.count, why)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the data of all lines between the header and the end."""
        check = hashlib.sha256()
        try:
            with gzip.open(self._path, "rb") as file:
                for text in self._bounded(file):
                    data = self._data(text)
                    if self.count == 1:
                        self._check_header(data)
                    elif "end" in data:
                        if (data.get("end"), data.get("sha256")) != (self.count - 1, check.hexdigest()):
                            raise self.wrong("the check value does not match: the file was changed")
                        if file.read(1):
                            raise self.wrong("there is something after the end", self.count + 1)
                        return
                    else:
                        yield data
                    check.update(text)
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:  # there is no line to name
            raise BadJournal(self._path, 0, (error.strerror or "it can't be read").lower()) from None
        except (OSError, EOFError, zlib.error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a whole gzip file"
            raise self.wrong(reason, self.count + 1) from None
        raise self.wrong("it ends too soon: the line with the check value is missing", self.count + 1)

    def _bounded(self, file: gzip.GzipFile) -> Iterator[bytes]:
        total = 0
        while text := file.readline(MOST_LINE + 1):
            total += len(text)
            self.count += 1
            if len(text) > MOST_LINE or total > MOST_JOURNAL_BYTES or self.count > MOST_LINES:
                raise self.wrong(f"it is longer than a journal is: {_LIMITS}")
            items = text.count(b",") + text.count(b"[") + text.count(b"{")
            self._items += items
            if items > MOST_ITEMS_A_LINE or self._items > MOST_ITEMS:
                raise self.wrong("it has more items than a journal has")
            yield text

    def _data(self, text: bytes) -> dict[str, Any]:
        try:
            data = json.loads(text, parse_int=_number, parse_constant=_number, parse_float=_number)
        except (ValueError, RecursionError) as error:
            raise self.wrong(f"it is not a line of JSON ({shown(f'{error}')})") from None
        if not isinstance(data, dict):
            raise self.wrong("each line is an object of JSON")
        if _deeper(data, DEEPEST):
            raise self.wrong("it is not a line of a journal (lists in lists without end)")
        return data

    def _check_header(self, data: dict[str, Any]) -> None:
        if data.get("format") != FORMAT:
            raise self.wrong(f'it is not a journal: the first line has no "format": "{FORMAT}"')
        version = data.get("version")
        if type(version) is not int or not 1 <= version <= VERSION:
            by = f"written by {shown(data.get('by'))}"
            raise self.wrong(f"it has version {shown(version)}, {by}: this vmwidgets reads versions 1 to {VERSION}")
        self.version = version


def _number(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return int(text)


def _operation_of(data: dict[str, Any], after: int) -> Operation:
    serial, stopped_at = data["operation"], data.get("stopped_at", 0)
    texts = [data["target"], data["name"], data["outcome"]]
    if type(serial) is not int or type(stopped_at) is not int or not all(isinstance(one, str) for one in texts):
        raise ValueError("an operation has a serial, a target, a name and an outcome")
    if serial <= after:
        raise ValueError("serials ascend")
    arguments = tuple((str(name), decode(value)) for name, value in data["arguments"].items())
    target, name, outcome = texts
    return Operation(0, serial, target, name, arguments, outcome, decode(data["result"]), stopped_at=stopped_at)


def _action(data: Any) -> Action:
    target, name, arguments, answer, serial = data
    if not (isinstance(target, str) and isinstance(name, str) and type(serial) is int):
        raise ValueError("an action has a target, a name and a serial")
    return Action(target, name, tuple((key, decode(value)) for key, value in arguments.items()), decode(answer), serial)
