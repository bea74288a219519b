"""Pictures of something that changes by itself, such as a process: redrawn once a second while they are visible."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

from .refresh import refresher

EVERY = 1.0
"""The least number of seconds between two readings."""

SHARE = 100
"""The pause after a reading and its drawing, as a multiple of their time, so that both use at most 1 % of a processor.
"""


class Living(Protocol):
    """A picture of something that changes by itself."""

    alive: bool

    @property
    def in_sight(self) -> bool:
        """Return whether a reader may see the picture."""


_living: WeakSet[Living] = WeakSet()
_threads: list[threading.Thread] = []


def follow(view: Living) -> None:
    """Redraw this picture repeatedly from now on, until it is closed."""
    _living.add(view)
    if not any(one.is_alive() for one in _threads):
        _threads[:] = [threading.Thread(target=_watch, name="vmwidgets living", daemon=True)]
        with suppress(RuntimeError):  # threads don't start everywhere: then the picture stays as it is
            _threads[0].start()


def _watch() -> None:
    while True:
        begun = time.thread_time()
        seen = [view for view in list(_living) if view.in_sight]
        if seen:
            refresher.mark(seen)  # type: ignore[arg-type]  # each is a view
        del seen
        time.sleep(max(EVERY, SHARE * (time.thread_time() - begun)))
        for view in [view for view in list(_living) if not view.alive]:
            _living.discard(view)
