"""Plain data as Python writes it: numbers, texts, lists, sets, dictionaries, and what `collections` makes of these."""

from __future__ import annotations

import collections
import math
from typing import Any

from vmwidgets.engine.base.errors import Refused, a_kind, shown
from vmwidgets.engine.base.units import Address, Size

DICTIONARIES = (dict, collections.Counter, collections.OrderedDict, collections.defaultdict)

MUTABLE = (list, set, collections.deque, *DICTIONARIES)

FACTORIES = (int, float, str, bool, list, set, dict, tuple)
"""What a defaultdict may make."""

NUMBERS = (int, Address, Size)

MOST_ITEMS, MOST_BITS = 10_000, 10_000
"""Of all rows of a variable, and of a number."""


class Literals:
    """Texts of values, for variables of one program; `uses_collections` says that they need this module."""

    def __init__(self) -> None:
        self.uses_collections = False
        self._held: set[int] = set()
        """Rows that have been written: one that two variables hold would become two."""

    def text(self, value: Any, name: str) -> str:
        """The value of the variable `name`; :class:`Refused` with its name for what is not plain data."""
        try:
            return _Literal(self, name).text(value)
        except RecursionError:
            raise Refused(f"`{name}` is nested too deeply") from None

    def hold(self, value: Any, name: str) -> None:
        """Note a row that can be changed; refused if it was written before."""
        if id(value) in self._held:
            raise Refused(f"`{name}` holds a {type(value).__name__} that is also used elsewhere: make a copy")
        self._held.add(id(value))


class _Literal:
    """One variable's."""

    def __init__(self, literals: Literals, name: str) -> None:
        self._literals = literals
        self._name = name
        self._left = MOST_ITEMS

    def text(self, value: Any) -> str:
        self._left -= 1
        if self._left < 0:
            raise Refused(f"`{self._name}` has more than {MOST_ITEMS:,} items")
        kind = type(value)
        if value is None or kind in (bool, str, bytes, range):
            return repr(value)
        if kind in NUMBERS and value.bit_length() <= MOST_BITS:
            return int.__repr__(value)
        if kind is float:
            return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
        if kind not in (*MUTABLE, tuple, frozenset):
            raise Refused(
                f"`{self._name}` is or holds {what(value)}: use numbers, strings, lists, sets or dictionaries"
            )
        if kind in MUTABLE:
            self._literals.hold(value, self._name)
        self._literals.uses_collections |= kind.__module__ == "collections"
        return self._dictionary(value) if kind in DICTIONARIES else self._row(value)

    def _row(self, value: Any) -> str:
        items, kind = [self.text(one) for one in value], type(value)
        if kind is list:
            return f"[{', '.join(items)}]"
        if kind is collections.deque:
            return f"collections.deque([{', '.join(items)}], {value.maxlen})"
        if kind is tuple:
            return f"({', '.join(items)}{',' * (len(items) == 1)})"
        return f"{kind.__name__}([{', '.join(sorted(items))}])"

    def _dictionary(self, value: Any) -> str:
        text = f"{{{', '.join(f'{self.text(key)}: {self.text(one)}' for key, one in value.items())}}}"
        kind = type(value)
        if kind is dict:
            return text
        if kind is not collections.defaultdict:
            return f"collections.{kind.__name__}({text})"
        factory = value.default_factory
        if factory is not None and factory not in FACTORIES:
            made = f"`{self._name}` makes missing values by {what(factory)}"
            raise Refused(f"{made}: use int, list, set, dict or another type of plain data")
        return f"collections.defaultdict({factory.__name__ if factory else None}, {text})"


def what(value: Any) -> str:
    """A value that is refused, in words."""
    return shown(value) if isinstance(value, int) else a_kind(value)
