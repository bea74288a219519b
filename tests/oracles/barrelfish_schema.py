"""The shape of a Barrelfish trace, as JSON schemas, so that a damaged file is not mistaken for a divergence."""

from __future__ import annotations

from typing import Any

from vmwidgets.engine.selfpaging.flags import VREGION_FLAGS

_WORD = {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
_ADDRESS = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 1 << 20}
_BYTES = {"type": "integer", "minimum": 1, "maximum": 2**32}
_TEXT = {"type": "string"}
_FLAGS = {"type": "array", "items": {"enum": list(VREGION_FLAGS)}, "uniqueItems": True}
_EXPECTED: dict[str, Any] = {}
"""The fields that are compared: if another value results, the trace diverges."""


def _object(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


_SETUP = _object(
    {
        "current": {"type": "boolean"},
        "revision": _TEXT,
        "slot_first": _COUNT,
        "slot_count": {**_COUNT, "minimum": 1},
        "l2_alloc_bytes": {"enum": [1024, 4096]},
        "l1_phys": {**_ADDRESS, "multipleOf": 16384},
        "l2_phys_first": {**_ADDRESS, "multipleOf": 4096},
        "meta_phys_first": {**_ADDRESS, "multipleOf": 4096},
        "section_size": {"const": 1 << 20},
        "l1_entries": {"const": 4096},
        "l2_entries": {"const": 256},
        "l2_table_bytes": {"const": 1024},
        "vspace_begin": {**_ADDRESS, "multipleOf": 4096},
        "meta_reserved": {**_BYTES, "multipleOf": 4096},
        "user_end": {**_BYTES, "multipleOf": 1 << 20},
        "slab_block_bytes": _BYTES,
        "slab_head_bytes": _BYTES,
        "slab_buffer_bytes": _BYTES,
        "flag_values": {"const": VREGION_FLAGS},
        "init": _EXPECTED,
    },
    optional=("init", "revision"),
)

HEADER = _object(
    {
        "trace": {"const": 1},
        "system": {"const": "barrelfish"},
        "name": _TEXT,
        "page_size": {"const": 4096},
        "setup": {**_SETUP, "required": [*_SETUP["required"], "init"]},
    }
)
"""The schema of the first line."""

_CORRECT = {
    **_object(
        {
            "error": _EXPECTED,
            "retoff": _EXPECTED,
            "retsize": _EXPECTED,
            "vaddr": _EXPECTED,
            "leaves_unchanged": {"const": True},
            "slots_used": _EXPECTED,
            "slab_free": _EXPECTED,
            "entry_flags": _FLAGS,
        },
        optional=("retoff", "retsize", "vaddr", "leaves_unchanged", "slots_used", "slab_free", "entry_flags"),
    ),
    "additionalProperties": False,
}
_COMMON: dict[str, Any] = {
    "i": _WORD,
    "op": _TEXT,
    "result": _object({"error": _EXPECTED}),
    "events": _EXPECTED,
    "state": _EXPECTED,
    "quirk": _TEXT,
    "diverges": {"const": True},
    "correct": _CORRECT,
}


def _operation(**arguments: dict[str, Any]) -> dict[str, Any]:
    return _object({**_COMMON, **arguments}, optional=("events", "state", "quirk", "diverges", "correct"))


_COUNTED = _operation(count=_COUNT)
_PLACED = _operation(size=_ADDRESS, alignment=_ADDRESS)

OPERATIONS = {
    "map": _operation(
        vaddr=_ADDRESS,
        frame=_WORD,
        frame_base={"oneOf": [{"type": "null"}, _ADDRESS]},
        frame_size={"oneOf": [{"type": "null"}, _BYTES]},
        offset=_ADDRESS,
        size=_ADDRESS,
        flags=_FLAGS,
    ),
    "unmap": _operation(vaddr=_ADDRESS, size=_ADDRESS),
    "modify_flags": _operation(vaddr=_ADDRESS, size=_ADDRESS, flags=_FLAGS),
    "determine_addr": _PLACED,
    "determine_addr_raw": _PLACED,
    "vregion_add": _operation(id=_WORD, base=_ADDRESS, size=_ADDRESS),
    "vregion_remove": _operation(id=_WORD),
    "lookup": _operation(),
    "serialise": _operation(),
    "deserialise": _operation(),
    "take_slots": _COUNTED,
    "give_slots": _COUNTED,
    "ram_fail": _COUNTED,
    "reset": _operation(setup={**_SETUP, "required": ["current", "slot_first", "slot_count", "l2_alloc_bytes"]}),
}
"""The schema of each operation's line, by the operation's name."""
