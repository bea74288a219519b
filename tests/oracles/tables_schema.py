"""The shape of a case, as a JSON schema, so that a damaged file is not mistaken for a file with other answers."""

from __future__ import annotations

from typing import Any

_WORD = {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
_COUNT = {"type": "integer", "minimum": 0}


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_QUERY = _object({"va": _COUNT, "access": {"enum": ["read", "write", "execute"]}, "user": {"type": "boolean"}})
_FAULT = _object({"kind": {"type": "string"}, "level": {"type": ["integer", "null"]}, "code": {"type": "integer"}})
_ANSWER = {**_object({"pa": _WORD, "fault": _FAULT}, ("pa", "fault")), "minProperties": 1, "maxProperties": 1}
_CHUNK = {"type": "array", "items": [_WORD, {"type": "string"}], "minItems": 2, "maxItems": 2}

CASE = _object(
    {
        "arch": {"type": "string"},
        "root": _COUNT,
        "options": {"type": "object"},
        "memory": {"type": "array", "items": _CHUNK},
        "queries": {"type": "array", "items": _QUERY},
        "answers": {"type": "array", "items": _ANSWER},
    },
    ("answers",),
)
"""The schema of a line."""
