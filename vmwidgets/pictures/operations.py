"""The names of the operations around a moment, for the list from which a reader chooses."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from vmwidgets.engine.base.errors import printable, shown
from vmwidgets.engine.base.journal import ACCESSES, Journal, Operation
from vmwidgets.engine.base.units import Address, Size, counted
from vmwidgets.engine.kernel.tasks.forks import USUAL
from vmwidgets.engine.spaces.paths import unquoted

AROUND = 12
"""The number of operations before and after a moment that are named."""

LONGEST = 60
"""The most characters of a name."""

_PLACES = frozenset(("address", "at", "start", "end", "to", "hint", "pa"))
"""The names of arguments that are addresses."""

_SIZES = frozenset(("size", "bytes", "ram"))
"""The names of arguments that are sizes."""


def operations_around(journal: Journal, number: int, asks: bool = False) -> list[tuple[int, str]]:
    """Return the first operation, the latest, and the operations around `number`, each with number and name.

    For a picture that `asks`, the names do not show that an access failed.  O(named operations).

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.task("init").mmap("64 KiB", at=0x40_0000)
    >>> operations_around(m.journal, 2)
    [(0, '0 · boot x86-64 64 MiB'), (1, '1 · task init'), (2, '2 · mmap 64 KiB at 0x40_0000, of init')]
    """
    latest = len(journal) - 1
    near = range(max(0, number - AROUND), min(latest, number + AROUND) + 1)
    known = _NAMES.setdefault(journal, {})
    if len(known) > MOST_KNOWN:
        known.clear()
    named = [(one, _known(journal, known, one)) for one in dict.fromkeys((0, *near, latest)) if 0 <= one <= latest]
    return [(one, without_end(words) if asks and is_access(journal[one]) else words) for one, words in named]


FAILED = " ✗"
"""The end of a failed operation's name."""


def without_end(name: str) -> str:
    """Return the name of an operation, without the sign of a failure."""
    return name.partition(FAILED)[0]


def is_access(operation: Operation) -> bool:
    """Return whether an operation is an access, whose outcome a picture may ask for."""
    return operation.name in ACCESSES


MOST_KNOWN = 1_000
"""The most names of a machine's operations that are cached."""

_NAMES: weakref.WeakKeyDictionary[Journal, dict[tuple[int, int], str]] = weakref.WeakKeyDictionary()
"""The names by number and serial: after an undo, another operation gets the same number."""


def _known(journal: Journal, known: dict[tuple[int, int], str], number: int) -> str:
    key = number, journal.serial(number)
    if key not in known or number == len(journal) - 1:  # the latest may still be running
        known[key] = name_of(journal[number])
    return known[key]


def name_of(operation: Operation) -> str:
    """Return an operation in few words: its number, the call, the arguments, and the part of the machine."""
    words = sorted(_words(operation), key=lambda word: word.startswith(("at ", "to ")))
    if isinstance(operation.result, Address) and not any(word.startswith("at ") for word in words):
        words.append(f"at {operation.result}")
    kind, _, name = operation.target.partition("/")[0].rpartition(":")
    whose = f"cpu {name}" if kind == "cpu" else unquoted(name)
    text = " ".join([operation.name, *words]) + (f", of {whose}" if operation.target != "machine" else "")
    how = {"error": "", "panic": " panic", "interrupted": " stopped"}.get(operation.outcome)
    failed = "" if how is None else f"{FAILED}{how}"
    text = printable(text)
    room = LONGEST - len(failed)
    return f"{operation.number:,} · {text if len(text) <= room else text[: room - 1] + '…'}{failed}"


def _words(operation: Operation) -> Iterator[str]:
    """Yield an operation's arguments, as far as a few words can give them."""
    usual = {"fork": USUAL} if operation.name == "boot" else {}
    for name, value in operation.arguments:
        if value == usual.get(name, ...):
            continue
        if name in _PLACES and isinstance(value, int):
            yield f"{'to' if name in ('end', 'to') else 'at'} {Address(value)}"
        elif name in _SIZES and isinstance(value, int) and not isinstance(value, bool):
            yield str(Size(value))
        elif operation.name == "set_descriptor" and isinstance(value, int):
            yield f"{value:#x}"
        elif isinstance(value, (bytes, bytearray)):
            yield counted(len(value), "byte")
        elif isinstance(value, bool) or value is None or name in ("layout", "ram", "steps"):
            continue
        elif isinstance(value, (str, int)) and name != "quirks":
            yield _short(value)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else shown(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
