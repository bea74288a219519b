"""Whether two public values are alike, one of each package: classes and fields have the same names."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import zip_longest
from typing import Any

from tests.beside.before import said

RENAMED = {"RegionValue": "Vregion"}
"""Kinds of values that have another name today."""

ADDED = {
    "CapabilityValue": ("source_gone",), "MachineWalk": ("without",), "ObjectsValue": ("counted",),
    "TablesWalk": ("without",), "Walk": ("without",), "Why": ("address",),
}  # fmt: skip  # a list
"""Fields that values have only today; the others are compared."""

_PLAIN = (int, float, bool, bytes, bytearray, type(None))
_NOTHING = object()


def unlike(one: Any, other: Any, path: str = "") -> str:
    """Return where two values differ first, and in what; "" for values that are alike."""
    kind = type(one)
    if kind is type(other) and kind in _PLAIN:
        if one == other or (kind is float and repr(one) == repr(other)):  # nan is not nan
            return ""
        return _unlike_bytes(one, other, path) if kind is bytes else f"{path}: {one!r} and {other!r}"
    if isinstance(one, str) and isinstance(other, str):
        return "" if one == other else _unlike_texts(said(one), said(other), path)
    if RENAMED.get(kind.__name__, kind.__name__) != type(other).__name__:
        return f"{path}: {kind.__name__} and {type(other).__name__}: {said(repr(one))} and {said(repr(other))}"
    if isinstance(one, Enum):
        return "" if one.name == other.name else f"{path}: {one} and {other}"
    if isinstance(one, int):
        return "" if int(one) == int(other) else f"{path}: {one!r} and {other!r}"
    if names := _fields(kind):
        others = tuple(name for name in _fields(type(other)) if name not in ADDED.get(kind.__name__, ()))
        if names != others:
            return f"{path}: {kind.__name__} has the fields {names} and {others}"
        return _first((f"{path}.{name}", getattr(one, name), getattr(other, name)) for name in names)
    return _unlike_collections(one, other, path)


def _unlike_collections(one: Any, other: Any, path: str) -> str:
    if isinstance(one, Mapping):
        return unlike([*one], [*other], f"{path} keys") or _first(
            (f"{path}[{key!r}]", held, others) for (key, held), others in zip(one.items(), other.values(), strict=True)
        )
    if isinstance(one, Set):
        return unlike(sorted(map(repr, one)), sorted(map(repr, other)), path)
    if isinstance(one, (list, tuple)):
        if len(one) != len(other):
            extra = (one[len(other) :] or other[len(one) :])[0]
            ends = f"{path}: {len(one)} and {len(other)} items, the first of the longer's: {said(repr(extra))}"
            return _in_turn(one, other, path) or ends
        return _in_turn(one, other, path)
    return "" if said(repr(one)) == said(repr(other)) else f"{path}: {said(repr(one))} and {said(repr(other))}"


def _unlike_texts(one: str, other: str, path: str) -> str:
    if one == other:
        return ""
    if max(len(one), len(other)) > 400:
        ends = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
        first = max(0, next(ends, min(len(one), len(other))) - 80)
        return f"{path}, from character {first} on: {one[first : first + 200]!r} and {other[first : first + 200]!r}"
    return f"{path}: {one!r} and {other!r}"


def _unlike_bytes(one: bytes, other: bytes, path: str) -> str:
    if len(one) != len(other):
        return f"{path}: {len(one)} and {len(other)} bytes"
    first = next(at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
    return f"{path}: at {first:#x} {one[first : first + 8]!r} and {other[first : first + 8]!r}"


def _in_turn(one: Any, other: Any, path: str) -> str:
    pairs = zip_longest(one, other, fillvalue=_NOTHING)
    return _first((f"{path}[{at}]", a, b) for at, (a, b) in enumerate(pairs) if a is not _NOTHING and b is not _NOTHING)


def _first(pairs: Any) -> str:
    for path, one, other in pairs:
        if found := unlike(one, other, path):
            return found
    return ""


_KNOWN: dict[type, tuple[str, ...]] = {}


def _fields(kind: type) -> tuple[str, ...]:
    """Return the names of what a value of this kind holds: an event, a dataclass or a named tuple."""
    known = _KNOWN.get(kind)
    if known is None:
        known = _KNOWN[kind] = _found(kind)
    return known


def _found(kind: type) -> tuple[str, ...]:
    if hasattr(kind, "field_names"):
        return tuple(kind.field_names)
    if is_dataclass(kind):
        return tuple(one.name for one in fields(kind) if one.compare)
    return tuple(getattr(kind, "_fields", ()))
