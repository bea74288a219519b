"""Events: frozen records of single steps and changes, each with the kernel function that did it.

IDs are small integers, assigned once and never reused: an entry's ID names the entry, its tree node and its card in
every picture.  Frames are page frame numbers (physical address >> 12).
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, field
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import in_ascii
from .frozen import dataclass_transform, own_fields

EVENTS: dict[str, type[Event]] = {}
"""Every event class, by its tag."""

WRITING: set[str] = set()
"""The tags of events that report a change."""

ROLES: dict[str, str] = {}
"""By tag, the role of an event in tracking the running functions of each thread.

A function is "called", "returned" or "unwound"; a thread "runs", "sleeps" or "ends"; the running function calls
"handlers", which are then "handled"; a processor "faults".
"""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class _Declared:
    """A base class that tells type checkers that annotated names are fields."""


class Event(_Declared):
    """An event during an operation; a subclass with annotated fields declares a kind of event.

    `function` is the kernel function that did it, and `depth` its nesting in the operation.  A structure reports a
    tuple of the class's `tag` and its fields in order: `(EntryLinked.tag, name, fields, previous, following)`.  The tag
    is a string, so that the garbage collector need not follow stored events.

    >>> class Rang(Event):
    ...     bell: str
    >>> Rang("door").bell, Rang.tag
    ('door', 'Rang')
    >>> EVENTS.pop("Rang").__name__
    'Rang'

    There are some 160 kinds, and a first picture needs only a few, so all kinds share the methods below.
    """

    tag: ClassVar[str]
    field_names: ClassVar[tuple[str, ...]] = ("function", "depth")
    """The names of all its fields."""
    _names: ClassVar[frozenset[str]] = frozenset(field_names)
    _told: ClassVar[tuple[str, ...]] = ()
    """The names of its fields, without `function` and `depth`."""
    _defaults: ClassVar[dict[str, Any]] = {"function": "", "depth": 0}

    if TYPE_CHECKING:
        function: str = field(default="", kw_only=True)
        depth: int = field(default=0, kw_only=True)

    def __init_subclass__(cls, role: str = "", *, changes: bool = False) -> None:
        """Register the class; a class whose name begins with an underscore only shares its fields.

        A class declares whether its events report a change (`changes`), so that changes outside operations are noticed.
        """
        cls.tag = cls.__name__
        own = own_fields(cls)
        cls._told = (*cls._told, *own)
        cls.field_names = (*Event.field_names, *cls._told)
        cls._names = frozenset(cls.field_names)
        cls._defaults = {**cls._defaults, **{name: vars(cls)[name] for name in own if name in vars(cls)}}
        if cls.tag.startswith("_"):
            return
        EVENTS[cls.tag] = cls
        if changes:
            WRITING.add(cls.tag)
        if role:
            ROLES[cls.tag] = role

    def __init__(self, *given: Any, **named: Any) -> None:
        held = self.__dict__
        held.update(self._defaults)
        held.update(zip(self._told, given, strict=False))
        held.update(named)
        if held.keys() != self._names or len(given) > len(self._told):
            raise TypeError(f"{self.tag} has the fields {', '.join(self._told)}; got {given} and {named}")

    def __setattr__(self, name: str, held: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    @in_ascii
    def __repr__(self) -> str:
        return f"{self.tag}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._told)})"

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[Any, ...]:
        return tuple(self.__dict__[name] for name in self._told)


# ---- kernel functions ------------------------------------------------------------------------


class Called(Event, role="called"):
    """A kernel function began, with `arguments` as passed by its caller."""

    name: str
    arguments: tuple[Any, ...] = ()


class Returned(Event, role="returned"):
    """The innermost running kernel function returned `result`."""

    result: Any = None


class Unwound(Event, role="unwound"):
    """The function `to` caught an error: the functions that it had called have ended.

    If `to` is "", a thread's own code caught it; if `to` is "LowMemory", the handler of the latest :class:`LowMemory`
    did.
    """

    to: str


# ---- the machine -----------------------------------------------------------------------------


class BootStage(Event):
    """A stage of the boot was reached."""

    name: str
    what: str


class Panicked(Event):
    """The kernel stopped for good."""

    name: str
    reason: str
