"""Calls as they might be typed: equivalent Python, in one line of limited length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from vmwidgets.engine.base.errors import printable, shown
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.operations import PartReference
from vmwidgets.engine.base.units import PAGE, Address, binary_size

ADDRESSES = {"at", "address", "start", "end", "offset", "pa", "value"}
"""Arguments written in hexadecimal."""

SIZES = {"size", "page"}
"""Arguments written in binary units."""

LONGEST = 40
"""The most characters of a value."""


def typed(operation: Operation) -> str:
    """Return the call of an operation.

    >>> import vmwidgets as vm
    >>> space = vm.boot().task("stacks").map
    >>> a = space.enter(8 * vm.PAGE, at=0x30_0000, prot="rw")
    >>> typed(space.machine.journal.last)
    'stacks.map.enter(size="32 KiB", at=0x30_0000, prot="rw")'
    """
    given = dict(arguments_of(operation))
    if operation.name == "set_controls":
        return f"{called(operation.target)}.controls = {_settings(given.get('controls'))}"
    written = ", ".join(f"{name}={value(name, one)}" for name, one in given.items())
    return printable(f"{called(operation.target)}.{operation.name}({written})").replace("`", "'")


def arguments_of(operation: Operation) -> Sequence[tuple[str, Any]]:
    """Return the arguments of an operation's call, without the record of how far threads ran, which is not typed."""
    is_of_threads = operation.name == "run" and operation.target == "machine"
    return () if is_of_threads else operation.arguments


def called(path: str) -> str:
    """Return the name of a machine's part in a question.

    >>> [called(path) for path in ("task:init/map", "cpu:1", "machine", "kmem/exec_map", "domain:log/slots[0]#10")]
    ['init.map', 'cpus[1]', 'machine', 'exec_map', 'log.slots[0]']
    """
    if path.startswith(("object:", "file:")):
        return path.partition(":")[2].replace("%2F", "/").replace("%25", "%")
    head, _, rest = path.partition("/")
    kind, _, name = head.partition(":")
    if kind == "cpu":
        return f"cpus[{name}]"
    if kind == "kmem" and rest:
        return rest
    return ".".join(part for part in (name or kind, rest.partition("#")[0]) if part)


def value(name: str, given: Any) -> str:
    """Return an argument as it might be typed.

    >>> value("at", 0x1000), value("size", 8192), value("size", 16_793_600), value("data", b"x" * 100)
    ('0x1000', '"8 KiB"', '4100 * vm.PAGE', 'b"x" * 100')
    """
    if isinstance(given, PartReference):
        name = called(given)
        return f'"{name}"' if given.startswith(("object:", "file:")) else name
    if isinstance(given, int) and not isinstance(given, bool):
        if name in ADDRESSES or isinstance(given, Address):
            return str(Address(given))
        return _size(given) if name in SIZES and given and given % PAGE == 0 else str(int(given))
    if isinstance(given, bytes) and len(given) > LONGEST // 2 and len(set(given)) == 1:
        return f'b"{chr(given[0])}" * {len(given)}' if chr(given[0]).isalnum() else f"{len(given)} bytes"
    return _short(given)


def _size(pages: int) -> str:
    text = binary_size(pages)
    return f"{pages // PAGE} * vm.PAGE" if "." in text else f'"{text}"'


def _settings(given: Any) -> str:
    """Return the settings of processors that differ from the settings at boot."""
    own = [one for one in fields(given) if getattr(given, one.name) != one.default] if is_dataclass(given) else []
    values = ", ".join(f"{one.name}={_bits(getattr(given, one.name))}" for one in own)
    return f"replace(…, {values})" if own else _short(given)


def _bits(given: Any) -> str:
    return str(given) if isinstance(given, bool) or not isinstance(given, int) else str(Address(given))


def _short(given: Any) -> str:
    if isinstance(given, str):
        return f'"{given}"' if len(given) <= LONGEST else f'"{given[:LONGEST]}…"'
    text = shown(given)
    return text if len(text) <= 3 * LONGEST else f"{text[: 3 * LONGEST]}…"
