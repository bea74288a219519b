"""Two machines compared object by object: do they hold the same, and do they share anything that can change?"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from vmwidgets.engine.base.journal import Journal
from vmwidgets.engine.base.operations import Door
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.machine import Machine, Part, System
from vmwidgets.engine.machine.learners.callbacks import Callbacks, Handler
from vmwidgets.engine.machine.system import constants
from vmwidgets.engine.mmu.levels import WalkEntry
from vmwidgets.engine.mmu.tables_schema import Permission, Permissions, Rights

OUTSIDE = (Machine, System, Part, Door, Recorder, Journal, Callbacks, Handler)
CONSTANTS = (int, float, str, bytes, type(None), type, FunctionType, BuiltinFunctionType, ModuleType, range, slice)
FORMAT_OBJECTS = {id(one) for one in constants()}
CONSTANT_PARTS = ("_by_name", "_encoding")
"""Attributes that hold constants of the formats."""


def differences(one: Machine, other: Machine) -> Iterator[str]:
    """Where the structures of two machines differ, as paths of attributes; none if they are the same throughout.

    Order counts, of dictionaries too.  Two objects in one place must be two objects in that place of the other, but for
    values that can't change.
    """
    met: dict[int, int] = {}
    todo: list[tuple[str, Any, Any]] = [("", one.system.structures(), other.system.structures())]
    kept = []
    while todo:
        path, a, b = todo.pop()
        if isinstance(a, OUTSIDE) or id(a) in FORMAT_OBJECTS:
            if type(a) is not type(b):
                yield f"{path}: {a!r} and {b!r}"
        elif type(a) is not type(b):
            yield f"{path}: a {type(a).__name__} and a {type(b).__name__}"
        elif isinstance(a, (*CONSTANTS, frozenset)):
            if a != b:
                yield f"{path}: {a!r} and {b!r}"
        elif id(a) in met:
            if met[id(a)] != id(b):
                yield f"{path}: another object of its kind"
        else:
            if not _is_value(a):
                kept.append((a, b))  # so that no id is used again
                met[id(a)] = id(b)
            if len(parts(a)) != len(parts(b)):
                yield f"{path}: {len(parts(a))} and {len(parts(b))} items"
            todo += [
                (f"{path}.{name}", left, right)
                for (name, left), (named, right) in zip(parts(a), parts(b), strict=False)
            ]


def _is_value(one: Any) -> bool:
    """Whether it can't change, so that nobody can see whether it is one or two."""
    of_values = type(one) is tuple and all(map(_is_value, one))
    return of_values or isinstance(one, (Rights, Permissions, Permission, WalkEntry))


def parts(value: Any) -> list[tuple[str, Any]]:
    """What an object holds, by names."""
    if isinstance(value, dict):
        keys = [(f"key {at}", key) for at, key in enumerate(value)]
        return [*keys, *((f"[{at}]", held) for at, held in enumerate(value.values()))]
    if isinstance(value, (list, tuple, deque)):
        return [(f"[{at}]", held) for at, held in enumerate(value)]
    if isinstance(value, set):
        return [
            (f"[{at}]", held) for at, held in enumerate(sorted(value, key=lambda one: str(getattr(one, "name", one))))
        ]
    if isinstance(value, bytearray):
        return [("bytes", bytes(value))]
    if isinstance(value, MethodType):
        return [("self", value.__self__), ("function", value.__func__)]
    if isinstance(value, partial):
        return [("function", value.func), ("arguments", value.args), ("words", value.keywords)]
    if isinstance(value, GeneratorType):
        return [("function", value.__qualname__)]
    if isinstance(value, BaseException):
        return [("arguments", value.args)]
    if hasattr(value, "getstate"):  # random.Random
        return [("state", value.getstate())]
    # Where the search for a free name begins is remembered; a name that was recorded is not searched for.  Which frames
    # were written since a reader asked last is not part of what a machine is.
    names = [name for kind in type(value).__mro__ for name in kind.__dict__.get("__slots__", ())]
    held = [
        (name, getattr(value, name))
        for name in names
        if hasattr(value, name) and name not in ("__weakref__", "written")
    ]
    found = [*held, *sorted(one for one in getattr(value, "__dict__", {}).items() if one[0] != "_numbers")]
    return found or [("text", repr(value))]


def shared(one: Machine, other: Machine) -> list[str]:
    """What can change and is reached from the structures, journals and records of both: where, none if all is well."""
    mine, theirs = dict(_mutable(one)), dict(_mutable(other))
    return sorted(mine[key][0] for key in mine.keys() & theirs.keys())


def _mutable(machine: Machine) -> Iterator[tuple[int, tuple[str, Any]]]:
    todo: list[tuple[str, Any]] = [
        ("", machine.system.structures()),
        ("scripts", machine.journal.scripts),
        ("recorded", machine.system.callbacks.recorded),
    ]
    met: dict[int, Any] = {}
    while todo:
        path, value = todo.pop()
        if id(value) in met or isinstance(value, (*OUTSIDE, *CONSTANTS)) or id(value) in FORMAT_OBJECTS:
            continue
        met[id(value)] = value
        changes = isinstance(value, (list, dict, set, deque, bytearray)) or (
            type(value).__module__.startswith("vmwidgets") and not isinstance(value, tuple) and not _frozen(value)
        )
        if changes:
            yield id(value), (f"{path}: {type(value).__name__}", value)
        if not isinstance(value, GeneratorType):
            todo += [(f"{path}.{name}", held) for name, held in parts(value) if name not in CONSTANT_PARTS]


def _frozen(value: Any) -> bool:
    return bool(getattr(getattr(value, "__dataclass_params__", None), "frozen", False))
