"""The recorded actions of learners' code: the operations that a thread or a handler called, with their results.

A Python function is not data, so the journal keeps its actions; a rebuilt machine repeats them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .packed import PackedList, squeezed, unsqueezed


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


class Script(PackedList[Action]):
    """The actions so far of one thread, or of all runs of one handler, created in the operation `serial`.

    >>> script = Script([Action("machine", "tsleep", serial=3), Action("", "returned", serial=5)], serial=2)
    >>> script.pack()
    >>> len(script), script[1].name, len(script.until(4))
    (2, 'returned', 1)
    """

    def __init__(self, actions: Iterable[Action] = (), serial: int = 0) -> None:
        super().__init__(actions)
        self.serial = serial
        self.last = self[-1].serial if self else serial
        """The operation of the script's latest action."""

    def append(self, action: Action) -> None:
        """Append an action."""
        super().append(action)
        self.last = action.serial

    def answered(self, place: int, answer: Any) -> None:
        """Note the result of a call that was waiting."""
        self[place] = self[place]._replace(answer=answer)

    def until(self, serial: int) -> Script:
        """Return the actions up to an operation; packed actions are not copied."""
        if serial >= self.last:
            return self.begin(len(self))
        return Script((action for action in self if action.serial <= serial), self.serial)

    @staticmethod
    def _packed(items: Sequence[Action]) -> bytes:
        return squeezed([tuple(action) for action in items])

    @staticmethod
    def _unpacked(data: bytes) -> list[Action]:
        return [Action(*one) for one in unsqueezed(data)]
