"""What a function chose, as data: a learner's function runs in the learner's kernel, and nowhere else.

An exercise that takes a function asks it there (`asks=` of :func:`.exercise.exercise`), and keeps the answers.  What it
is asked comes from the variant and from a hash of the function's text with all that it uses, so that a table of
answers changes its own questions.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import field
from hashlib import sha256
from types import CodeType, FunctionType, ModuleType
from typing import Any

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.frozen import frozen

from .draws import Draws

MOST_SOURCE = 100_000
"""Characters of a function's text."""

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""In what an object says of itself: another one in each kernel."""


@frozen
class Chosen:
    """The `answers` that a function gave, as plain data, and its `source` with what it uses.

    `failed` are sentences about calls that failed, for the learner; they are not kept.
    """

    source: str
    answers: Any = ()
    failed: tuple[str, ...] = field(default=(), compare=False)

    def draws(self, about: str) -> Draws:
        """Return draws for what is asked: of the variant, named by `about`, and of the function."""
        return Draws(f"{about}|{sha256(self.source.encode(errors='surrogatepass')).hexdigest()}")


def source_of(function: FunctionType) -> str:
    """Return the text of a function, and before it that of the functions and the data that it uses.

    Raises :class:`Refused` for a function without a source, or with too much.

    >>> last = 3
    >>> def third(pages):
    ...     return pages[last]
    >>> print(source_of(third))
    last = 3
    def third(pages):
        return pages[last]
    """
    text = "\n".join(_lines(function.__name__, function, function.__module__, set()))
    if len(text) > MOST_SOURCE:
        raise Refused(f"`{function.__name__}` has, with its data, {len(text):,} characters, more than {MOST_SOURCE:,}")
    return text


def _lines(name: str, value: Any, module: str, seen: set[int]) -> Iterator[str]:
    """Yield a variable, and what a function uses before it; functions of other modules are known by their names."""
    if isinstance(value, ModuleType) or (isinstance(value, FunctionType) and value.__module__ != module):
        return
    if isinstance(value, type):
        parts = vars(value).items() if value.__module__ == module and id(value) not in seen else ()
        seen.add(id(value))
        for part, one in parts:
            if not part.startswith("__"):
                yield from _lines(f"{name}.{part}", one, module, seen)
        return
    if not isinstance(value, FunctionType):
        yield f"{name} = {_shown(value)}"
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    closed = inspect.getclosurevars(value)
    used = {**closed.globals, **closed.nonlocals, **{one: value.__globals__[one] for one in _inner(value)}}
    for one in sorted(used):
        yield from _lines(one, used[one], module, seen)
    for place, one in enumerate(value.__defaults__ or ()):
        if not isinstance(one, (int, str, type(None))):
            yield from _lines(f"{name}.default_{place}", one, module, seen)
    for attribute, one in vars(value).items():
        yield from _lines(f"{name}.{attribute}", one, module, seen)
    try:
        yield textwrap.dedent(inspect.getsource(value)).rstrip("\n")
    except (OSError, TypeError, SyntaxError, IndexError):
        raise Refused(f"the source of `{value.__name__}` can't be found: write it in a cell") from None


def _inner(function: FunctionType) -> set[str]:
    """Return the global variables of functions in it, which :func:`inspect.getclosurevars` does not look into."""
    names: set[str] = set()
    left: list[Any] = [function.__code__]
    while left:
        code = left.pop()
        names.update(code.co_names)
        left += [one for one in code.co_consts if isinstance(one, CodeType)]
    return names & set(function.__globals__)


def _shown(value: Any) -> str:
    """Return a value in words that are the same in each kernel, as far as it has such words."""
    try:
        text = repr(sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)
    except Exception:  # noqa: BLE001  a learner's object may do anything
        text = type(value).__name__
    return ADDRESS.sub("", text)
