"""Values: frozen dataclasses whose methods are created at the first use.

The package has some 290 kinds of values, and a first picture uses about 60 of them.  `dataclasses` compiles up to eight
methods for each kind, which took much of the package's import time.  So :func:`frozen` only makes a class with its
slots, and leaves the rest to `dataclasses`, at the first use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, FrozenInstanceError, dataclass, field, fields
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .errors import in_ascii

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform as dataclass_transform  # noqa: PLC0414  # for `event`, too
else:

    def dataclass_transform(**_: Any) -> Any:
        """Replace `typing.dataclass_transform`, which Python 3.10 does not have and only type checkers need."""
        return lambda function: function


Kind = TypeVar("Kind", bound=type)

_MAKING = RLock()
"""The lock held while methods are created, in case two threads first use a kind at the same time."""

_OF_EACH = "__init__", "__match_args__", "__dataclass_fields__", "__dataclass_params__"


@overload
def frozen(kind: Kind, /) -> Kind: ...
@overload
def frozen(*, slots: bool = True, repr: bool = True, eq: bool = True) -> Callable[[Kind], Kind]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: Any = None, /, *, slots: bool = True, repr: bool = True, eq: bool = True) -> Any:  # noqa: A002  # as `dataclass` calls it
    """Make a class a frozen dataclass, with slots unless `slots` is False; `repr` and `eq` are as in `dataclass`.

    >>> @frozen
    ... class Frames:
    ...     first: int
    ...     count: int = 1
    >>> Frames(7), Frames(7) == Frames(7, 1), len({Frames(7), Frames(8)})
    (Frames(first=7, count=1), True, 2)
    >>> Frames(7).first = 8
    Traceback (most recent call last):
    dataclasses.FrozenInstanceError: cannot assign to field 'first'

    Everything that `dataclasses`, `copy`, `pickle`, `inspect` and `match` do with a frozen dataclass also works here.
    """

    def of(given: Any) -> Any:
        body = {name: held for name, held in vars(given).items() if name not in ("__dict__", "__weakref__")}
        made = _slotted(given, body) if slots else given
        _freeze(made)
        _promise(made, body, repr=repr, eq=eq)
        return made

    return of if kind is None else of(kind)


def own_fields(kind: type) -> tuple[str, ...]:
    """Return the names annotated as fields in a class body, in order."""
    return tuple(name for name, says in kind.__annotations__.items() if not str(says).startswith("ClassVar"))


def _slotted(given: Any, body: Mapping[str, Any]) -> Any:
    """Return a copy of the class with a slot for each field, since an existing class can't get slots."""
    names = own_fields(given)
    inherited = {slot for base in given.__mro__[1:] for slot in vars(base).get("__slots__", ())}
    slots = tuple(name for name in names if name not in inherited)
    pickled = {"__getstate__": _state, "__setstate__": _set_state}
    kept = {name: held for name, held in body.items() if name not in names}
    made = type(given)(given.__name__, given.__bases__, {**pickled, **kept, "__slots__": slots})
    made.__qualname__ = given.__qualname__
    return made


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, held in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, held)


def _freeze(made: Any) -> None:
    def refused(self: Any, name: str) -> bool:
        return type(self) is made or name in made.__dataclass_fields__

    def set_it(self: Any, name: str, held: Any) -> None:
        if refused(self, name):
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(made, self).__setattr__(name, held)

    def delete_it(self: Any, name: str) -> None:
        if refused(self, name):
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(made, self).__delattr__(name)

    made.__setattr__, made.__delattr__ = set_it, delete_it


class _Promise:
    """The placeholder in a class for a method or attribute that `dataclasses` has not created yet."""

    __slots__ = ("keep", "kind", "name")

    def __init__(self, kind: Any, name: str, keep: Callable[[], None]) -> None:
        self.kind, self.name, self.keep = kind, name, keep

    def __get__(self, instance: Any, owner: Any) -> Any:
        self.keep()
        made = vars(self.kind).get(self.name)
        if made is None and self.name == "__signature__":
            raise AttributeError(self.name)  # then `inspect` uses the signature of `__init__`, which exists now
        return made.__get__(instance, owner) if hasattr(made, "__get__") else made


def _promise(made: Any, body: dict[str, Any], **settings: bool) -> None:
    """Put placeholders in a class for everything that `dataclasses` would create from `body`."""
    by_setting = {"repr": ("__repr__",), "eq": ("__eq__", "__hash__")}
    names = [*_OF_EACH, *(name for setting, of in by_setting.items() if settings[setting] for name in of)]
    promised = [name for name in names if body.get(name) is None]

    def keep() -> None:
        with _MAKING:
            if "__signature__" not in vars(made):
                return
            whole = type(made)(made.__name__, made.__bases__, dict(body))
            whole.__qualname__ = made.__qualname__
            dataclass(frozen=True, **settings)(whole)
            for name in promised:
                method = vars(whole)[name]
                setattr(made, name, in_ascii(method) if name == "__repr__" else method)
            if "__replace__" in vars(whole):  # for `copy.replace`, from Python 3.13 on
                made.__replace__ = whole.__replace__
            for name in own_fields(made):
                if isinstance(vars(made).get(name), Field):
                    _settle(made, name, whole)
            del made.__signature__

    for name in (*promised, "__signature__"):
        setattr(made, name, _Promise(made, name, keep))


def _settle(made: Any, name: str, whole: Any) -> None:
    """Set the defaults of fields without slots as attributes of the class, instead of the result of `field()`."""
    if name in vars(whole):
        setattr(made, name, vars(whole)[name])
    else:
        delattr(made, name)
