"""A function's choices as data: a learner's function runs in the learner's kernel, and nowhere else.

An exercise that takes a function asks the function there (`asks=` of :func:`.exercise.exercise`), and keeps its
answers.  The questions depend on the variant and on a hash of the function's text with everything that it uses, so a
table of answers changes its own questions.
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
"""The most characters of a function's text."""

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
"""An address in an object's description, which differs in each kernel."""


@frozen
class Chosen:
    """A function's `answers`, as plain data, and its `source` with everything that it uses.

    `failed` are sentences about calls that failed; they are shown to the learner, but not saved.
    """

    source: str
    answers: Any = ()
    failed: tuple[str, ...] = field(default=(), compare=False)

    def draws(self, about: str) -> Draws:
        """Return draws for questions: they depend on the variant, on `about`, and on the function."""
        return Draws(f"{about}|{sha256(self.source.encode(errors='surrogatepass')).hexdigest()}")


def source_of(function: FunctionType) -> str:
    """Return a function's text, after the functions and the data that it uses.

    Raises :class:`Refused` for a function without a source, or with too much source.

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
    """Yield a variable's text; before a function, the texts that it uses; other modules' functions are only named."""
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
    yield _source_of(value)


def _source_of(function: FunctionType) -> str:
    """Return the text of a function; for a function that `exec` made, the text is unknown."""
    try:
        if function.__code__.co_filename == "<string>":  # Python 3.13 gives the text of `python -c` instead
            raise OSError
        return textwrap.dedent(inspect.getsource(function)).rstrip("\n")
    except (OSError, TypeError, SyntaxError, IndexError):
        raise Refused(f"the source of `{function.__name__}` can't be found: write it in a cell") from None


def _inner(function: FunctionType) -> set[str]:
    """Return the global variables of inner functions, which :func:`inspect.getclosurevars` does not examine."""
    names: set[str] = set()
    left: list[Any] = [function.__code__]
    while left:
        code = left.pop()
        names.update(code.co_names)
        left += [one for one in code.co_consts if isinstance(one, CodeType)]
    return names & set(function.__globals__)


def _shown(value: Any) -> str:
    """Return a value in words that are the same in each kernel, if possible."""
    try:
        text = repr(sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)
    except Exception:  # noqa: BLE001  a learner's object may do anything
        text = type(value).__name__
    return ADDRESS.sub("", text)
