"""The error for a missing attribute of a learner's object: it suggests the nearest name, or the part with that name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from inspect import getattr_static
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar

from .called import whole_name
from .errors import in_ascii


class UnknownAttribute(AttributeError):
    """Raised for an attribute that an object does not have.

    The message is built only when it is read, since `hasattr` raises many of these errors, and so does a notebook that
    looks for a way to show an object.
    """

    def __init__(self, owner: object, name: str) -> None:
        super().__init__(name=name)  # with a name, Python adds no suggestion of its own
        self._owner = owner

    def __format__(self, spec: str) -> str:
        """Return the message with unescaped names, for a page or a picture."""
        return format(_sentence(self._owner, f"{self.name}"), spec)

    @in_ascii
    def __str__(self) -> str:
        return f"{self}"

    def __reduce__(self) -> Any:
        """Pickle as the sentence: another process does not have the owner."""
        return AttributeError, (str(self),)


class Unsettable(AttributeError):
    """Raised for an attribute that can't be set; the sentence lists the attributes that can."""


class Suggesting:
    """A base class: if an attribute is missing, the error suggests the attribute that was probably meant.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> m.task("init").wlak
    Traceback (most recent call last):
    vmwidgets.engine.base.attributes.UnknownAttribute: task 'init' has no wlak; did you mean walk?
    >>> m.enter
    Traceback (most recent call last):
    vmwidgets.engine.base.attributes.UnknownAttribute: machine has no enter; its kernel_map has it: m.kernel_map.enter
    """

    absent: ClassVar[Mapping[str, str]] = {}
    """Names that people know from elsewhere, each with what there is instead, in words."""

    inside: ClassVar[frozenset[str]] = frozenset(("absent", "inside"))
    """Public names that only the package's own modules use: no completion lists them."""

    def __dir__(self) -> Iterable[str]:
        """Return the names for completion and suggestions."""
        return [name for name in super().__dir__() if name not in self.inside]

    def _noun(self) -> str:
        path = self.__dict__.get("path", getattr(type(self), "path", ""))
        return whole_name(path) if isinstance(path, str) and path else type(self).__name__

    def _has_none(self, name: str) -> str:
        return f"{self._noun()} has no {name}"

    if not TYPE_CHECKING:  # with a __getattr__, a type checker would let any name pass

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # a property raised the error itself: show that error
                return object.__getattribute__(self, name)
            raise UnknownAttribute(self, name)


class ModuleNames(Suggesting):
    """The public names of a module, for its `__getattr__` to suggest; `parts` returns the things with other names.

    >>> vm = ModuleNames("vm", ["Tables", "PAGE"], lambda: {"a task has it: task.": str})
    >>> f"{UnknownAttribute(vm, 'Tabels')}"
    "module 'vm' has no attribute 'Tabels'; did you mean Tables?"
    >>> f"{UnknownAttribute(vm, 'upper')}"
    "module 'vm' has no attribute 'upper'; a task has it: task.upper"
    """

    def __init__(self, noun: str, names: Iterable[str], parts: Callable[[], Mapping[str, object]]) -> None:
        self._called, self._names, self._places = noun, names, parts

    def _has_none(self, name: str) -> str:
        return f"module {self._called!r} has no attribute {name!r}"

    def __dir__(self) -> Iterable[str]:
        return self._names


def _sentence(owner: Any, name: str) -> str:
    has_none: str = owner._has_none(name)
    if name.startswith("_"):
        return has_none
    keys = get_close_matches(name, [key for key in owner if isinstance(key, str)], 1) if isinstance(owner, dict) else []
    if keys:
        return f"{has_none}; write a key in brackets: [{keys[0]!r}]"
    instead = owner.absent.get(name)
    found = instead if instead is not None else next(_elsewhere(owner, name), "")
    if found:
        return f"{has_none}; {found}"
    names = {one.casefold(): one for one in dir(owner) if not one.startswith("_")}
    near = get_close_matches(name.casefold(), [*names], 1, CLOSE)
    return f"{has_none}; did you mean {names[near[0]]}?" if near else f"{has_none}; dir() lists what it has"


CLOSE = 0.7
"""How alike two names are if one may be a slip for the other: "wait" is not "write"."""


def _elsewhere(owner: Any, name: str) -> Iterator[str]:
    """Yield the parts of `owner`, or of its machine, with an attribute of this name."""
    if isinstance(owner, ModuleNames):
        yield from (f"{place}{name}" for place, thing in owner._places().items() if hasattr(thing, name))
        return
    variable = "m" if not hasattr(type(owner), "machine") else type(owner).__name__.removeprefix("Machine").lower()
    for part, kind, is_one in _parts(owner):
        if hasattr(kind, name):
            place = f"{variable}.{part}" if is_one else f"{variable}.{part}[…]"
            yield f"its {part} has it: {place}.{name}" if is_one else f"each of its {part} has it: {place}.{name}"
    machine = getattr(owner, "machine", None)
    if machine is not None and (hasattr(type(machine), name) or name in machine.__dict__):
        yield f"its machine has it: m.{name}"


def _parts(owner: Any) -> Iterator[tuple[str, type, bool]]:
    """Yield the parts of an object that are :class:`Suggesting`: name, class, and whether there are several."""
    for name, value in owner.__dict__.items():
        if isinstance(value, Suggesting) and not name.startswith("_"):
            yield name, type(value), True
    for name in dir(type(owner)):
        getter = getattr(getattr_static(type(owner), name), "fget", None)
        if not isinstance(getter, FunctionType) or name.startswith("_"):
            continue
        said = str(getter.__annotations__.get("return", ""))
        many = re.fullmatch(r"Named\[(\w+)\]", said)
        kind = getter.__globals__.get(many[1] if many else said)
        if isinstance(kind, type) and issubclass(kind, Suggesting):
            yield name, kind, many is None
