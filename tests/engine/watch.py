"""Looking at a machine in the middle of its operations, at the very events that it reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vmwidgets.engine.base.recorder import Raw, Recorder, expanded


class Watch:
    """Takes values by `look` at those events of a recorder's owner that `wanted` picks.

    `seen` are the values, each with how many events of the operation it has behind it; :meth:`begin` forgets them.
    """

    def __init__(self, recorder: Recorder, look: Callable[[], Any], wanted: Callable[[], bool]) -> None:
        self.seen: list[tuple[int, Any]] = []
        self._look, self._wanted = look, wanted
        self._count = 0
        self._listener: Callable[[Raw], None] | None = None
        self._listens = False
        watch = self

        class Watched(Recorder):
            __slots__ = ()

            @property
            def emit(self) -> Any:
                return watch.note if watch._listens else None

            @emit.setter
            def emit(self, listener: Callable[[Raw], None] | None) -> None:
                watch._listens = listener is not None
                if listener is not None and listener != watch.note:
                    watch._listener = listener

        recorder.__class__ = Watched

    def begin(self) -> None:
        """An operation comes."""
        self.seen.clear()
        self._count = 0

    def note(self, raw: Raw) -> None:
        """An event is reported."""
        assert self._listener is not None
        self._listener(raw)
        self._count += sum(1 for _ in expanded([raw]))
        if self._wanted():
            self._listens = False
            self.seen.append((self._count, self._look()))
            self._listens = True
