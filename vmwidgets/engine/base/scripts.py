"""What learners' code did: which operations a thread or a handler called, and how they were answered.

A Python function is no data, so the journal keeps this; a machine that is made again repeats it.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, overload


class Action(NamedTuple):
    """One thing that a learner's code did during the operation `serial`: an operation of `target`, and its answer.

    Without target it is how the code began or ended ("begins", "returned", "failed", "closed").
    """

    target: str
    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    answer: Any = None
    serial: int = 0

    def agrees(self, other: Action) -> bool:
        """Whether it is the same call, with the same answer."""
        return self[:4] == other[:4]


class Script(Sequence[Action]):
    """What one thread, or all runs of one handler, did so far; it came to be in the operation `serial`.

    >>> script = Script([Action("machine", "tsleep", serial=3), Action("", "returned", serial=5)], serial=2)
    >>> script.pack()
    >>> len(script), script[1].name, len(script.until(4))
    (2, 'returned', 1)
    """

    __slots__ = ("_actions", "_count", "last", "serial")

    def __init__(self, actions: Iterable[Action] = (), serial: int = 0) -> None:
        self._actions: list[Action] | bytes = list(actions)
        """What it is, or that packed."""
        self._count = len(self._actions)
        self.last = self._actions[-1].serial if self._actions else serial
        """The operation in which it did the latest."""
        self.serial = serial

    def append(self, action: Action) -> None:
        """Note one thing more.  O(1)."""
        self._opened().append(action)
        self._count += 1
        self.last = action.serial

    def answered(self, place: int, answer: Any) -> None:
        """Note the answer of a call that was waited for."""
        actions = self._opened()
        actions[place] = actions[place]._replace(answer=answer)

    def pack(self) -> None:
        """Keep it in a quarter of the memory: it has ended."""
        if isinstance(self._actions, list):
            plain = [tuple(action) for action in self._actions]
            self._actions = zlib.compress(pickle.dumps(plain, pickle.HIGHEST_PROTOCOL), 1)

    def until(self, serial: int) -> Script:
        """What of it was done up to an operation; what is packed is not copied."""
        if serial < self.last:
            return Script((action for action in self if action.serial <= serial), self.serial)
        same = Script((), self.serial)
        same._actions = self._actions if isinstance(self._actions, bytes) else list(self._actions)
        same._count, same.last = self._count, self.last
        return same

    def _opened(self) -> list[Action]:
        if isinstance(self._actions, bytes):
            self._actions = list(_unpacked(self._actions))
        return self._actions

    def _read(self) -> Sequence[Action]:
        return _unpacked(self._actions) if isinstance(self._actions, bytes) else self._actions

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Action: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Action]: ...
    def __getitem__(self, index: int | slice) -> Action | Sequence[Action]:
        return self._read()[index]

    def __iter__(self) -> Iterator[Action]:
        return iter(self._read())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Script) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes, as a list does


@lru_cache(maxsize=64)
def _unpacked(data: bytes) -> tuple[Action, ...]:
    return tuple(Action(*one) for one in pickle.loads(zlib.decompress(data)))
