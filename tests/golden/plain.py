"""Public values as lines of text: the same on every Python, in every process, for ever."""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from operator import itemgetter
from typing import Any

from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.units import Address

Line = tuple[str, str]
"""What a line is of, and what it says."""

LATER = re.compile(r"(^|_)before$|^was_")
"""Fields of events that repeat what was before: the structures say that too, and a redesign leaves such fields out."""

_OBJECT = re.compile(r" at 0x[0-9a-f]{6,}")
_NUMBERED = re.compile(r"\bmachine \d+")


def said(text: object) -> str:
    """A text without the number that a machine is called by if it has no name: that depends on what ran before."""
    return _NUMBERED.sub("machine", str(text))


def digest(content: str | bytes) -> str:
    """A short check value, as a line has it in place of a long text."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return "#" + b32encode(sha256(data).digest())[:9].decode().lower()


def flat(value: Any, path: str = "") -> list[Line]:
    """A value as lines: a path of fields, keys and places, and what is there; sets and mappings in a fixed order."""
    found: list[Line] = []
    _flat(value, path, found)
    return found


def _flat(value: Any, path: str, found: list[Line]) -> None:
    if (one := _one(value)) is not None:
        found.append((path, one))
    elif isinstance(value, Event):
        found.append((path, value.tag))
        for name in value.field_names:
            if not LATER.search(name):
                _flat(getattr(value, name), f"{path}.{name}", found)
    elif names := _fields(type(value)):
        for name in names:
            _flat(getattr(value, name), f"{path}.{name}", found)
    elif isinstance(value, Mapping):
        found.append((path, f"{len(value)} keys"))
        for key, held in sorted(((text_of(key), held) for key, held in value.items()), key=itemgetter(0)):
            _flat(held, f"{path}[{key}]", found)
    elif isinstance(value, Set):
        found.append((path, "{" + ", ".join(sorted(map(text_of, value))) + "}"))
    elif isinstance(value, Iterable):
        place = -1
        for place, held in enumerate(value):
            _flat(held, f"{path}[{place}]", found)
        found.append((path, f"{place + 1} items"))
    else:
        found.append((path, _OBJECT.sub("", said(repr(value)))))


def _one(value: Any) -> str | None:
    """A number, a text or a name as text; None for what holds others."""
    if type(value) in _SIMPLE:
        return repr(value)
    if isinstance(value, Enum):
        return value.name or str(value.value)
    if isinstance(value, Address):
        return str(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str):
        return repr(str(value))
    return _of_bytes(bytes(value)) if isinstance(value, (bytes, bytearray)) else None


_SIMPLE = frozenset((int, str, bool, float, type(None)))

_KNOWN: dict[type, tuple[str, ...]] = {}


def _fields(kind: type) -> tuple[str, ...]:
    """The names of what a value of this kind holds, if it is a dataclass or a named tuple."""
    names = _KNOWN.get(kind)
    if names is None:
        held = tuple(one.name for one in fields(kind) if one.compare) if is_dataclass(kind) else ()
        names = _KNOWN[kind] = held or getattr(kind, "_fields", ())
    return names


def text_of(value: Any) -> str:
    """A value in one line."""
    return "; ".join(f"{path}={text}" if path else text for path, text in flat(value))


def _of_bytes(value: bytes) -> str:
    if len(value) > 64 and len(set(value)) == 1:
        return f"{len(value)} times {value[:1]!r}"
    return repr(value) if len(value) <= 64 else f"{len(value)} bytes {digest(value)}"


def lines(pairs: Iterable[tuple[str, Any]]) -> list[str]:
    """Lines of a moment: what each is of, a tab, and what it says on one line; sorted."""
    return sorted(f"{of}\t{said(text)}".replace("\r", "\\r").replace("\n", "\\n") for of, text in pairs)
