"""The state of `lab`: one session for each kernel, and one for each test.

A module declares its state with :class:`Kept`, and asks the current session for it.  A new session has begun nothing;
it knows the exercises, mistakes and explanations of the session in which it began, and keeps its own additions to
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Session:
    """The state of a kernel, by :class:`Kept`; as a context, it is the current session."""

    def __init__(self) -> None:
        self.things: dict[Kept[Any], Any] = {}

    def __enter__(self) -> Session:
        before = current().things
        self.things |= {
            kept: kept.copied(one) for kept, one in before.items() if kept.copied and kept not in self.things
        }
        _sessions.append(self)
        return self

    def __exit__(self, *_raised: object) -> None:
        _sessions.remove(self)


class Kept(Generic[T]):
    """A thing that each session has one of, such as its predictions.

    `new` creates the thing; if a session begins within another, `copied` makes it from the outer session's thing.
    """

    def __init__(self, new: Callable[[], T], copied: Callable[[T], T] | None = None) -> None:
        self.new, self.copied = new, copied

    def now(self) -> T:
        """Return the current session's thing."""
        things = current().things
        if self not in things:
            things[self] = self.new()
        found: T = things[self]
        return found


_sessions = [Session()]


def current() -> Session:
    """Return the session that the functions of `lab` use: the kernel's, unless another one has begun."""
    return _sessions[-1]
