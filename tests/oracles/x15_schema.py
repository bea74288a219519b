"""The shape of an X15 trace, as JSON schemas, so that a damaged file is not mistaken for a divergence."""

from __future__ import annotations

from typing import Any

_WORD = {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
_SMALL = {"type": "integer", "minimum": 0, "maximum": 15}
_BITS = {"type": "integer", "minimum": 0, "maximum": 7}
_BOOL = {"type": "boolean"}
_TEXT = {"type": "string"}
_NAME = {"type": ["string", "null"]}
_EXPECTED: dict[str, Any] = {}
"""The fields that are compared: if another value results, the trace diverges."""


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


_STATE = _object(
    {
        "size": _WORD,
        "nr_entries": _WORD,
        "find_cache": _WORD,
        "find_cache_threshold": _WORD,
        "entries": {"type": "array"},
        "tree": {"type": "array"},
        "klimit": _WORD,
        "kgrows": _WORD,
    },
    optional=("klimit", "kgrows"),
)
_RANGE = _object({"start": _WORD, "end": _WORD})
_KENTRY = _object(
    {
        "start": _WORD,
        "area_size": _WORD,
        "slab_size": {"const": 4096},
        "nr_slabs": {**_WORD, "maximum": 1 << 20},
        "table_pages": _WORD,
    }
)

HEADER = _object(
    {
        "trace": {"const": 1},
        "system": {"const": "x15"},
        "name": _TEXT,
        "page_size": {"const": 4096},
        "map": _object({"start": _WORD, "end": _WORD, "kernel": _BOOL}),
        "build": {"enum": ["debug", "ndebug"]},
        "bits": {"enum": [32, 64]},
        "objects": {"type": "array", "items": _object({"id": _TEXT, "max_pages": _WORD})},
        "variant": {"const": "corrected"},
        "state_every": {**_WORD, "minimum": 1},
        "no_find_cache": _WORD,
        "setup": _object(
            {
                "state": _STATE,
                "boot": _RANGE,
                "l2_shift": {"type": "integer", "minimum": 12, "maximum": 63},
                "kentry": _KENTRY,
            },
            optional=("boot", "l2_shift", "kentry"),
        ),
    },
    optional=("variant",),
)
"""The schema of the first line."""

_COMMON: dict[str, Any] = {"i": _WORD, "op": _TEXT, "after": _EXPECTED}

OPERATIONS = {
    "enter": _object(
        {
            **_COMMON,
            "hint": _WORD,
            "size": _WORD,
            "align": _WORD,
            "object": _NAME,
            "offset": _WORD,
            "prot": _BITS,
            "maxprot": _BITS,
            "inherit": _SMALL,
            "advice": _SMALL,
            "fixed": _BOOL,
            "nomerge": _BOOL,
            "result": _EXPECTED,
        }
    ),
    "remove": _object({**_COMMON, "start": _WORD, "end": _WORD, "result": _EXPECTED}),
    "lookup": _object({**_COMMON, "addr": _WORD, "result": _EXPECTED}),
    "fault": _object({**_COMMON, "addr": _WORD, "access": _BITS, "result": _EXPECTED}),
    "info": _object({**_COMMON, "result": _EXPECTED}),
    "kentry_alloc": _object({**_COMMON, "result": _EXPECTED}),
    "kentry_free": _object({**_COMMON, "va": _WORD, "result": _EXPECTED}),
}
"""The schema of each operation's line, by the operation's name."""

LAST = _object({"end": _TEXT, "ops": _WORD})
"""The schema of the last line."""
