"""What goes between the two sides, as JSON: plain data, pages in memory, and of all else the name of its class.

Neither side trusts the other: what is sent is cut, and what comes may be anything.
"""

from __future__ import annotations

from dataclasses import fields
from itertools import islice
from typing import Any

from vmwidgets.engine.memory.replacement import ResidentPage

CLASSES: dict[str, type] = {"ResidentPage": ResidentPage}
"""Frozen dataclasses of the engine's that functions are given, and may give."""

MOST_ITEMS, MOST_TEXT, MOST_BITS, DEEPEST = 1000, 1000, 4096, 8
"""Of a row, characters of a text, bits of a number, and rows in rows; what is more is cut or loses its content."""


def sent(value: Any, depth: int = 0) -> Any:
    """A value as JSON can say it; asks nothing of objects that are not plain data.

    >>> made(sent([1, "two", (3.5, None), {4: 5}]))
    [1, 'two', (3.5, None), {4: 5}]
    >>> type(made(sent(range(3)))).__name__
    'range'
    """
    kind = type(value)
    if value is None or kind in (bool, float):
        return value
    if kind is str:
        return value[:MOST_TEXT]
    if kind is int:
        return value if value.bit_length() <= MOST_BITS else {"bits": value.bit_length()}
    if depth < DEEPEST:
        if kind is list or kind is tuple:
            return {kind.__name__: [sent(one, depth + 1) for one in value[:MOST_ITEMS]]}
        if kind is dict:
            pairs = islice(value.items(), MOST_ITEMS)
            return {"dict": [[sent(key, depth + 1), sent(one, depth + 1)] for key, one in pairs]}
        if kind in CLASSES.values():
            return {kind.__name__: [sent(getattr(value, one.name), depth + 1) for one in fields(kind)]}
    return {"a": kind.__name__[:MOST_TEXT]}


def made(data: Any) -> Any:
    """The value of what came; raises :class:`ValueError` for what is none.

    Of what was not plain data there is an object whose class has the same name.
    """
    try:
        return _made(data)
    except (TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError("it is not a value") from error


def _made(data: Any) -> Any:
    if not isinstance(data, dict):
        if data is None or isinstance(data, (bool, int, float, str)):
            return data
        raise ValueError("it is not a value")
    ((kind, content),) = data.items()
    if kind == "bits":
        return 1 << min(max(content, 1), 1 << 24) - 1
    if kind == "list":
        return [_made(one) for one in content]
    if kind == "tuple":
        return tuple(_made(one) for one in content)
    if kind == "dict":
        return {_made(key): _made(one) for key, one in content}
    if kind in CLASSES:
        return CLASSES[kind](*map(_made, content))
    if kind == "a" and content.isidentifier():
        return type(content, (), {})()
    raise ValueError("it is not a value")
