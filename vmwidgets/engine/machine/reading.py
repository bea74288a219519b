"""Read-only access for learners to a machine's structures: they can only be changed by operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base.errors import Refused, in_ascii
from ..base.units import listed


class NotForReading(Refused, AttributeError):
    """Raised for an attribute of a structure that can't be read."""


class Reading:
    r"""A read-only structure of a machine: only the attributes in its class's `readable` can be read.

    The structure is looked up at each use, so it is always the machine's current one.  `instead` names the call that
    changes the structure.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> m.ram.read(0x1000, 4)
    b'\x00\x00\x00\x00'
    >>> m.ram.write(0x1000, b"text")
    Traceback (most recent call last):
    vmwidgets...NotForReading: m.ram.write: m.ram is there to be read, by read, read_word and size; what changes ...
    """

    __slots__ = ("_find", "_instead", "_name")

    def __init__(self, name: str, find: Callable[[], Any], instead: str) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_find", find)
        object.__setattr__(self, "_instead", instead)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{self._name} has no {name}")  # Python and notebooks ask for such names themselves
        found = self._find()
        if name not in found.readable:
            raise self._refused(name)
        return getattr(found, name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise self._refused(name)

    def __getitem__(self, _place: object) -> Any:
        names = listed(sorted(self._find().readable))
        raise Refused(f"{self._name}[…]: {self._name} has no items in brackets; it is there to be read, by {names}")

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse `copy` and `pickle`: the object refers to its machine."""
        raise Refused(f"{self._name} can't be copied: m.branch() makes another machine, with all that is in it")

    def _refused(self, name: str) -> NotForReading:
        names = listed(sorted(self._find().readable))
        return NotForReading(f"{self._name}.{name}: {self._name} is there to be read, by {names}; {self._instead}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reading) and self._find() is other._find()

    def __hash__(self) -> int:
        return id(self._find())

    def __dir__(self) -> list[str]:
        return sorted(self._find().readable)

    @in_ascii
    def __repr__(self) -> str:
        return f"<{self._name}, to be read: {', '.join(dir(self))}>"


OF_MEMORY = "what changes memory is an operation: m.write(…), m.task(…).write(…) or m.set_descriptor(…)"
OF_PAGES = "what allocates or frees pages is an operation: m.take_pages(…), m.give_pages(…)"
OF_TABLES = (
    "what changes tables is an operation: those of maps, such as enter and remove, m.unchecked, m.set_descriptor(…)"
)
