"""What a life's Python lines call besides the machine: threads that make accesses, numbers of odd kinds, a policy."""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import IntEnum
from typing import Any

from vmwidgets.engine.base.errors import KernelError, Refused, VMError

__all__ = ["Index", "VMError", "clean_first", "dirty_first", "member", "oldest", "thread"]

Told = Callable[[tuple[Any, ...], Any], None]
"""Hears of each access of a thread at the moment when it is over: what it was, and its result or error."""


class Index:
    """A number by ``__index__`` alone."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def member(value: int) -> IntEnum:
    """A number that is a member of an IntEnum."""

    class Member(IntEnum):
        VALUE = value

    return Member.VALUE


def thread(m: Any, program: list[tuple[Any, ...]], told: Told = print) -> Callable[[], Generator[Any, Any, None]]:
    """The body of a thread that makes these accesses, one after the other; `told` hears of each."""

    def body() -> Generator[Any, Any, None]:
        for item in program:
            if item[0] == "forgets" and item[1] in m.tasks:  # its call is made, and never waited for
                getattr(m.tasks[item[1]], item[2])(*item[3:])
                return
            try:
                result = None if item[0] == "forgets" else (yield from _made(m, *item))
            except (KernelError, Refused) as error:
                result = error
            told(item, result)

    return body


SAID: list[tuple[int, bool]] = []
"""The frames that a policy chose in this operation, in order, and whether it was told that the page is dirty."""


def _first(pages: list[Any], dirty: bool) -> Any:
    chosen = next((page for page in pages if page.dirty == dirty), pages[0])
    SAID.append((chosen.frame, chosen.dirty))
    return chosen


def clean_first(pages: list[Any]) -> Any:
    """A policy: the first page that need not be written."""
    return _first(pages, False)


def dirty_first(pages: list[Any]) -> Any:
    """A policy: the first page that has to be written."""
    return _first(pages, True)


def oldest(pages: list[Any]) -> Any:
    """A policy: the page that came first."""
    return min(pages, key=lambda page: page.arrived)


def _made(m: Any, what: str, *arguments: Any) -> Generator[Any, Any, Any]:
    if what == "sleep":
        return (yield from m.tsleep("nap", ticks=arguments[0]))
    if what in ("load", "store"):
        number, name, *rest = arguments
        m.cpus[number].run(m.tasks[name])
        return (yield from getattr(m.cpus[number], what)(*rest, user=True))
    name, *rest = arguments
    return (yield from getattr(m.tasks[name], what)(*rest))
