"""Copies of a machine's structures, as bytes: the same structures can be rebuilt from them, any number of times.

A copy shares nothing changeable with its machine.  It contains only structures.  Other objects (the machine itself, its
door, its recorder, its handles, the table formats) are only named in the copy, and a machine that restores the copy
puts its own objects in their place.

An object is written as empty first, and its contents later: lists and trees of any length are written without
recursion.  A simulated thread in the middle of a call can't be copied, since Python can't copy a generator.  The page
daemon can be copied between two of its passes: a new daemon starts at the top of its loop.

The bytes are compressed: most of a machine's memory is zeros.
"""

from __future__ import annotations

import gc
import pickle
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from itertools import count
from operator import attrgetter
from types import FunctionType, GeneratorType
from typing import Any

_OWN = __name__.partition(".")[0]
"""The package whose objects are written empty first."""

FASTEST = 1
"""The compression level of zlib: higher levels would take more time than they are worth."""


class NoCopy(Exception):
    """Raised if something can't be copied: a thread in the middle of a call, or a learner's object."""


def freeze(state: Any, outside: Mapping[int, tuple[Any, ...]]) -> bytes:
    """Return `state` and everything that it refers to as compressed bytes.  O(objects), some microseconds each.

    `outside` lists, by `id`, the objects that are not copied, with their replacements in the copy: the name of a maker,
    and the maker's argument.

    >>> from vmwidgets.engine.base.recorder import Recorder
    >>> inside, outside = [1], Recorder()
    >>> data = freeze((inside, inside, outside), {id(outside): ("named", "ours")})
    >>> one, same, out = thaw(data, {"named": str.upper})
    >>> one is same, one is inside, out
    (True, False, 'OURS')
    """
    out = BytesIO()
    pickler = _Pickler(out, outside)
    try:
        with no_collection():
            pickler.dump(state)
            while pickler.empty:
                objects, pickler.empty = pickler.empty, {}
                pickler.dump([_columns(kind, ones) for kind, ones in objects.items()])
            del pickler  # with its memo, so that the garbage collector has nothing to do
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise NoCopy(f"{error}") from error
    return zlib.compress(out.getbuffer(), FASTEST)


def thaw(data: bytes, makers: Mapping[str, Callable[..., Any]]) -> Any:
    """Return frozen structures, rebuilt; `makers` create the objects that were not copied."""
    written = zlib.decompress(data)
    unpickler = _Unpickler(BytesIO(written), makers)
    with no_collection():
        state = unpickler.load()
        while unpickler.file.tell() < len(written):
            for kind, objects, columns, others in unpickler.load():
                for name, column in columns.items():
                    deque(map(getattr(kind, name).__set__, objects, column), maxlen=0)  # the loop runs in C
                for one, held in zip(objects, others, strict=False):
                    for name, value in held.items():
                        object.__setattr__(one, name, value)
    return state


@contextmanager
def no_collection() -> Iterator[None]:
    """Turn the garbage collector off in this block: if all new objects stay, it would run for nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _columns(kind: Any, objects: list[Any]) -> tuple[Any, list[Any], dict[str, tuple[Any, ...]], list[dict[str, Any]]]:
    """Return the contents of objects of one kind: slots in columns if all are set, everything else by object."""
    slots = _slots(kind)
    if slots and not hasattr(objects[0], "__dict__"):
        try:
            return kind, objects, {slot: tuple(map(attrgetter(slot), objects)) for slot in slots}, []
        except AttributeError:
            pass
    return kind, objects, {}, [contents(one) for one in objects]


class _Pickler(pickle.Pickler):
    def __init__(self, out: BytesIO, outside: Mapping[int, tuple[Any, ...]]) -> None:
        super().__init__(out, pickle.HIGHEST_PROTOCOL)
        self._outside = outside
        self.empty: dict[Any, list[Any]] = {}
        """The objects that were written empty, and whose contents come next, by their kind."""

    def reducer_override(self, value: Any) -> Any:
        """Return the written form of one object."""
        kind: Any = type(value)
        if kind is type or kind is FunctionType:
            return NotImplemented  # by its name; objects without a name are refused
        place = self._outside.get(id(value))
        if place is not None:
            return make, place
        if kind is GeneratorType:
            if value.gi_frame is not None:
                raise NoCopy(f"{value.__qualname__} is in the middle of something")
            return make, ("nothing",)
        if kind is count:  # Python 3.14 and later can't pickle it
            return count, (int(repr(value).removeprefix("count(").removesuffix(")")),)
        if issubclass(kind, BaseException):
            return _error, (kind, value.args, value.__dict__)
        if _by_identity(kind):
            self.empty.setdefault(kind, []).append(value)
            return object.__new__, (kind,)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BytesIO, makers: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(file)
        self.file = file
        self._makers = makers

    def find_class(self, module: str, name: str) -> Any:
        """Return a class or function by its name, or :meth:`make` for objects that were not copied."""
        return self._make if (module, name) == (__name__, "make") else super().find_class(module, name)

    def _make(self, maker: str, *given: Any) -> Any:
        return None if maker == "nothing" else self._makers[maker](*given)


def make(maker: str, *given: Any) -> Any:
    """Represent an object that is not copied; :func:`thaw` calls one of its `makers` instead."""
    raise RuntimeError(f"{maker}{given} is made by thaw()")


@cache
def _by_identity(kind: Any) -> bool:
    """Return whether this is one of our own classes whose objects are compared by identity."""
    return bool(kind.__hash__ is object.__hash__ and kind.__module__.startswith(_OWN))


def _error(kind: type[BaseException], args: tuple[Any, ...], held: dict[str, Any]) -> BaseException:
    made = kind.__new__(kind, *args)
    made.args = args
    made.__dict__.update(held)
    return made


def contents(value: Any) -> dict[str, Any]:
    """Return the contents of an object, by attribute."""
    kind: Any = type(value)
    held = {name: getattr(value, name) for name in _slots(kind) if hasattr(value, name)}
    held.update(getattr(value, "__dict__", ()))
    return held


@cache
def _slots(kind: Any) -> tuple[str, ...]:
    found: list[str] = []
    for one in kind.__mro__:
        slots = one.__dict__.get("__slots__", ())
        found += (slots,) if isinstance(slots, str) else slots
    return tuple(name for name in found if name not in ("__dict__", "__weakref__"))
