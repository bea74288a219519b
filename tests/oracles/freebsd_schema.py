"""The shape of a FreeBSD trace, as JSON schemas, so that a damaged file is not mistaken for a divergence."""

from __future__ import annotations

from typing import Any

_WORD = {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
_PAGES = {"type": "integer", "minimum": 0, "maximum": 1 << 40}
_TEXT = {"type": "string"}
_RANGE = {"type": "array", "items": [_WORD, _WORD], "minItems": 2, "maxItems": 2}
_EXPECTED: dict[str, Any] = {}
"""The fields that are compared: if another value results, the trace diverges."""


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


HEADER = _object(
    {
        "trace": {"const": 1},
        "system": {"const": "freebsd"},
        "name": _TEXT,
        "page_size": {"const": 4096},
        "setup": _object(
            {
                "vm_min_kernel_address": _WORD,
                "kernel_map": _RANGE,
                "boot": _RANGE,
                "pages": _PAGES,
                "free_reserved": _PAGES,
                "interrupt_free_min": _PAGES,
                "hz": _PAGES,
            }
        ),
    }
)
"""The schema of the first line."""

_FREE = {"type": "array", "items": [_TEXT, _WORD, _WORD], "minItems": 3, "maxItems": 3}
_ACTIONS = {"type": "array", "items": {"oneOf": [{"type": "null"}, _FREE]}}
_HOOKS = {
    **_object(
        {
            "vm_wait": {"type": "array", "items": _PAGES},
            "vm_lowmem": _ACTIONS,
            "tsleep": _ACTIONS,
            "create_fails": {"type": "boolean"},
        },
        optional=("vm_wait", "vm_lowmem", "tsleep", "create_fails"),
    ),
    "additionalProperties": False,
}
_COMMON: dict[str, Any] = {"i": _WORD, "op": _TEXT, "result": _EXPECTED, "events": _EXPECTED, "hooks": _HOOKS}


def _operation(**arguments: dict[str, Any]) -> dict[str, Any]:
    return _object({**_COMMON, **arguments}, optional=("hooks",))


_SIZED = _operation(map=_TEXT, size=_WORD)
_FREED = _operation(map=_TEXT, addr=_WORD, size=_WORD)
_COUNTED = _operation(n=_PAGES)
_FLAGS = {
    "type": "array",
    "items": {"enum": ["M_NOWAIT", "M_WAITOK", "M_ZERO", "M_USE_RESERVE"]},
    "uniqueItems": True,
}

OPERATIONS = {
    "kmem_init": _operation(start=_WORD, end=_WORD),
    "kmem_suballoc": _operation(parent=_TEXT, name=_TEXT, size=_WORD),
    "kmem_alloc_nofault": _SIZED,
    "kmem_alloc": _SIZED,
    "kmem_alloc_wait": _SIZED,
    "kmem_malloc": _operation(map=_TEXT, size=_WORD, flags=_FLAGS),
    "kmem_free": _FREED,
    "kmem_free_wakeup": _FREED,
    "resume": _operation(thread=_EXPECTED, call=_EXPECTED),
    "set_system_map": _operation(map=_TEXT),
    "take_pages": _COUNTED,
    "give_pages": _COUNTED,
    "cache_pages": _COUNTED,
    "zero_pages": _COUNTED,
    "end": _operation(),
}
"""The schema of each operation's line, by the operation's name."""
