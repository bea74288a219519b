"""The recorded actions of learners' code: the operations that a thread or a handler called, with their results.

A Python function is not data, so the journal keeps its actions; a rebuilt machine repeats them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, overload

from .packed import squeezed, unsqueezed


class Action(NamedTuple):
    """One action of a learner's code during the operation `serial`: an operation of `target`, and its result.

    An action without a target records how the code began or ended ("begins", "returned", "failed", "closed").
    """

    target: str
    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    answer: Any = None
    serial: int = 0

    def agrees(self, other: Action) -> bool:
        """Return whether `other` is the same call, with the same result."""
        return self[:4] == other[:4]


PIECE = 1000
"""The number of actions of a script that are packed together."""


class Script(Sequence[Action]):
    """The actions so far of one thread, or of all runs of one handler, created in the operation `serial`.

    >>> script = Script([Action("machine", "tsleep", serial=3), Action("", "returned", serial=5)], serial=2)
    >>> script.pack()
    >>> len(script), script[1].name, len(script.until(4))
    (2, 'returned', 1)
    """

    __slots__ = ("_before", "_open", "_packed", "last", "serial")

    def __init__(self, actions: Iterable[Action] = (), serial: int = 0) -> None:
        self._packed: list[bytes] = []
        """The first actions, PIECE in each piece except the last."""
        self._before = 0
        """The number of actions in the packed pieces."""
        self._open = list(actions)
        """The actions after the packed pieces, while more actions may be appended."""
        self.last = self._open[-1].serial if self._open else serial
        """The operation of the script's latest action."""
        self.serial = serial

    def append(self, action: Action) -> None:
        """Append an action; old actions are packed.  O(1), amortized."""
        if len(self._open) >= 2 * PIECE:
            self._pack(PIECE)
        self._opened().append(action)
        self.last = action.serial

    def answered(self, place: int, answer: Any) -> None:
        """Note the result of a call that was waiting."""
        while place < self._before:
            self._unpack()
        at = place - self._before
        self._open[at] = self._open[at]._replace(answer=answer)

    def pack(self) -> None:
        """Pack the script, which has ended: it then takes a quarter of the memory."""
        while self._open:
            self._pack(PIECE)

    def _pack(self, count: int) -> None:
        self._opened()
        plain = [tuple(action) for action in self._open[:count]]
        self._packed.append(squeezed(plain))
        self._before += len(plain)
        del self._open[:count]

    def _unpack(self) -> None:
        """Unpack the last piece."""
        piece = _unpacked(self._packed.pop())
        self._before -= len(piece)
        self._open[:0] = piece

    def _opened(self) -> list[Action]:
        """Return the actions to which more can be appended: the pieces before them are complete."""
        if self._before % PIECE:
            self._unpack()
        return self._open

    def until(self, serial: int) -> Script:
        """Return the actions up to an operation; packed actions are not copied."""
        if serial < self.last:
            return Script((action for action in self if action.serial <= serial), self.serial)
        same = Script(self._open, self.serial)
        same._packed, same._before, same.last = list(self._packed), self._before, self.last
        return same

    def __len__(self) -> int:
        return self._before + len(self._open)

    @overload
    def __getitem__(self, index: int) -> Action: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Action]: ...
    def __getitem__(self, index: int | slice) -> Action | Sequence[Action]:
        if isinstance(index, slice):
            return tuple(self)[index]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"the script has {len(self)} actions, and none at {index}")
        if place < self._before:
            return _unpacked(self._packed[place // PIECE])[place % PIECE]
        return self._open[place - self._before]

    def __iter__(self) -> Iterator[Action]:
        for piece in tuple(self._packed):
            yield from _unpacked(piece)
        yield from tuple(self._open)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Script) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes, as a list does


@lru_cache(maxsize=64)
def _unpacked(data: bytes) -> tuple[Action, ...]:
    return tuple(Action(*one) for one in unsqueezed(data))
