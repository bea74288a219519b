"""Expected against actual, field by field."""

from __future__ import annotations

from typing import Any

Difference = tuple[str, Any, Any]
"""Path of a field, what the recording has, what the engine did."""

_MISSING = "(missing)"


def differences(expected: Any, actual: Any, path: str) -> list[Difference]:
    """All leaves that differ, with their paths; equal values give an empty list.

    Booleans are not numbers here, though Python counts them so.

    >>> differences({"error": None, "start": 4096}, {"error": None, "start": 8192}, "result")
    [('result.start', 4096, 8192)]
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = [*expected, *(key for key in actual if key not in expected)]
        return [
            found
            for key in keys
            for found in differences(expected.get(key, _MISSING), actual.get(key, _MISSING), f"{path}.{key}")
        ]
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [(f"{path} (length)", len(expected), len(actual)), *_common(expected, actual, path)]
        return _common(expected, actual, path)
    if type(expected) is not type(actual) or expected != actual:
        return [(path, expected, actual)]
    return []


def _common(expected: list[Any], actual: list[Any], path: str) -> list[Difference]:
    pairs = enumerate(zip(expected, actual, strict=False))
    return [found for i, (left, right) in pairs for found in differences(left, right, f"{path}[{i}]")]
