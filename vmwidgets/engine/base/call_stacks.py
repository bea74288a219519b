"""Which kernel functions are under way: of each simulated thread its own, since threads take turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .events import Called, Returned, ThreadEnded, ThreadRuns, ThreadSlept, Unwound

MOVING = frozenset((Called.tag, Returned.tag, Unwound.tag, ThreadRuns.tag, ThreadSlept.tag, ThreadEnded.tag))
"""Tags of the events that say so; others need not be shown to a :class:`CallStacks`."""


class CallStacks:
    """What is under way while events are gone through, each with :meth:`begin` before it is looked at, then `end`.

    >>> stacks = CallStacks()
    >>> for raw in [(Called, "f"), (ThreadSlept, ""), (ThreadRuns, "sh"), (Called, "g"), (ThreadSlept, "sh")]:
    ...     stacks.begin(*raw)
    ...     print(repr(stacks.runner), stacks.stack)
    ...     stacks.end(*raw)
    '' ['f']
    '' ['f']
    'sh' []
    'sh' ['g']
    'sh' ['g']
    >>> stacks.runner, stacks.stack
    ('', ['f'])
    """

    __slots__ = ("_stacks", "runner", "stack")

    def __init__(self) -> None:
        self.runner = ""
        """Who runs: a thread's name, or "" for the learner's cell."""
        self.stack: list[str] = []
        """Its functions, outermost first."""
        self._stacks = {self.runner: self.stack}

    def begin(self, tag: str, *fields: Any) -> None:
        """An event comes: a call is under way from here on, as is what a thread that goes on had begun."""
        if tag == Called.tag:
            self.stack.append(fields[0])
        elif tag == Unwound.tag:
            self._unwind(fields)
        elif tag == ThreadRuns.tag:
            self._switch(fields[0])

    def end(self, tag: str, *fields: Any) -> None:
        """An event is behind us: a call that returned is over, and the thread that slept or ended runs no more."""
        if tag == Returned.tag:
            if self.stack:
                self.stack.pop()
        elif tag in (ThreadSlept.tag, ThreadEnded.tag):
            if tag == ThreadEnded.tag:  # of one that is given up, who runs is somebody else
                self._stacks.pop(fields[0], None)
            if fields[0] == self.runner:
                self._switch("")

    def _switch(self, runner: str) -> None:
        self.runner = runner
        self.stack = self._stacks.setdefault(runner, [])

    def _unwind(self, fields: Sequence[Any]) -> None:
        while self.stack and self.stack[-1] != fields[0]:
            self.stack.pop()
