"""A comparison of expected and actual values, field by field."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.base.errors import in_ascii

Difference = tuple[str, Any, Any]
"""The path of a field, the recording's value, and the engine's value."""


class _Missing:
    """The value of a field that one side lacks; equal to nothing in a recording."""

    @in_ascii
    def __repr__(self) -> str:
        return "(missing)"


MISSING = _Missing()


def differences(expected: Any, actual: Any, path: str) -> list[Difference]:
    """Return all differing leaves, with their paths; equal values give an empty list.

    Booleans are not numbers here, unlike in Python.

    >>> differences({"error": None, "start": 4096}, {"error": None, "start": 8192}, "result")
    [('result.start', 4096, 8192)]
    >>> differences([1, True], [1, 1, 2], "row")
    [('row[1]', True, 1), ('row[2]', (missing), 2)]
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = [*expected, *(key for key in actual if key not in expected)]
        return [
            found
            for key in keys
            for found in differences(expected.get(key, MISSING), actual.get(key, MISSING), f"{path}.{key}")
        ]
    if isinstance(expected, list) and isinstance(actual, list):
        longest = max(len(expected), len(actual))
        return [
            found for i in range(longest) for found in differences(_at(expected, i), _at(actual, i), f"{path}[{i}]")
        ]
    if type(expected) is not type(actual) or expected != actual:
        return [(path, expected, actual)]
    return []


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else MISSING
