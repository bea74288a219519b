"""All or nothing: what a request has done so far, and how to take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..base.events import MapUndone
from .errors import LibError

if TYPE_CHECKING:
    from .core import PmapCore

Step = Callable[[], object]


class UndoLog:
    """Steps that take back what was done; done in the opposite order."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, step: Step) -> None:
        """Something was done: `step` takes it back."""
        self.steps.append(step)

    def take_back(self) -> None:
        """Do all steps, the latest first."""
        while self.steps:
            self.steps.pop()()


@contextmanager
def all_or_nothing(core: PmapCore) -> Iterator[UndoLog]:
    """A log for what is done in here; an error takes it all back, unless the quirk `map-not-undone` is on."""
    log = UndoLog()
    try:
        yield log
    except LibError as error:
        if core.undoes and log.steps:
            log.take_back()
            emit = core.recorder.emit
            if emit is not None:
                emit((MapUndone.tag, core.name, str(error)))
        raise
