"""The pages that show a view, as far as they report: all pages, the pages with the view in sight, and their room."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from .silence import LOST, idle

PATIENCE = 3
"""The number of cells that may end before a page shows a new view.

After that, nothing is drawn until a page shows the view.

A page can't answer while cells are queued, and without a page (papermill, nbconvert) there is never an answer.
"""

TRUST = 100
"""The number of frames after which a page is asked whether it still exists; without an answer, it is forgotten.

A page reports that it is closed, but this last message may be lost.
"""

Room = tuple[int, int]
"""The width in pixels of a picture's space, and the height of the window."""


class Heard(NamedTuple):
    """The consequences of a page's message."""

    others: bool
    """Whether the other pages must report again too: this may be one of them, reloaded."""
    waiting: list[Callable[[], None]]
    """The functions that waited for a room."""


class Pages:
    """The pages of one view; each has a name, which begins with the name of its load in the browser."""

    def __init__(self) -> None:
        self._trust: dict[str, int] = {}  # by page: frames that may still be drawn before it has to say hello
        self._heard: dict[str, float] = {}  # by page: the kernel's idle time when the page last said something
        self._unseen: set[str] = set()
        self._rooms: dict[str, Room] = {}
        self._nth: dict[str, int] = {}
        self._ordering = threading.Lock()
        self._likely: Room | None = None
        self._awaited = 0  # the number of cells that may still end before a page says hello
        self._to_measure: list[Callable[[], None]] = []
        self._to_tell: dict[str, Any] | None = None

    @property
    def any(self) -> bool:
        """Return whether some page shows the view, as far as this can be known."""
        return self._awaited > 0 or bool(self._trust)

    @property
    def in_sight(self) -> bool:
        """Return whether a reader may see the view on some page."""
        return self.any and (not self._trust or any(page not in self._unseen for page in self._trust))

    @property
    def rooms(self) -> list[Room]:
        """The rooms of the pages; without pages, the probable room of the first page, if known."""
        return list(self._rooms.values()) or ([] if self._likely is None else [self._likely])

    @property
    def measured(self) -> bool:
        """Return whether a page has reported its room."""
        return bool(self._rooms)

    @property
    def known(self) -> bool:
        """Return whether a page has reported that it shows the view."""
        return bool(self._trust)

    @property
    def names(self) -> list[str]:
        """The pages that have reported that they show the view."""
        return list(self._trust)

    def awaited(self, likely: Room | None) -> None:
        """Note that the view was put on a page, which should say hello soon; its room is probably the last page's."""
        self._awaited = PATIENCE
        self._likely = likely or self._likely

    def gone(self) -> None:
        """Forget all pages."""
        for known in (self._trust, self._heard, self._unseen, self._rooms, self._nth):
            known.clear()
        self._awaited = 0

    def hello(self, page: str, visible: bool, room: Room | None, nth: int) -> Heard | None:
        """Note in a page's message `nth` whether it has the view in sight, and its room; None if a later one has come.

        JupyterLab sends some messages through a subshell, which runs in another thread and may be ahead of the kernel's
        main shell.
        """
        with self._ordering:
            if nth < self._nth.get(page, 0):
                return None
            self._nth[page] = nth
            self._awaited = 0
            load = page.partition("-")[0]
            others = [other for other in self._trust if other.partition("-")[0] != load and page not in self._trust]
            self._trust[page], self._heard[page] = TRUST, idle.seconds
            self._trust.update(dict.fromkeys(others, -1))
            (self._unseen.discard if visible else self._unseen.add)(page)
            if room is None:
                return Heard(bool(others), [])
            self._rooms[page] = self._likely = room
            waiting, self._to_measure = self._to_measure, []
            return Heard(bool(others), waiting)

    def once_measured(self, callback: Callable[[], None]) -> None:
        """Keep a function, to be called as soon as a page has reported its room."""
        self._to_measure.append(callback)

    def tell(self, message: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return, in a list, the message to send now: `message`, or one that waited; [] while no page may listen.

        A message to a page that does not listen yet is lost: it waits for the page's hello.
        """
        self._to_tell = message or self._to_tell
        if not self._trust or self._to_tell is None:
            return []
        told, self._to_tell = self._to_tell, None
        return [told]

    def lose(self, page: str) -> None:
        """Forget a page."""
        self._trust.pop(page, None)
        self._heard.pop(page, None)
        self._unseen.discard(page)
        self._rooms.pop(page, None)
        self._nth.pop(page, None)

    def sent(self) -> None:
        """Note that a frame was sent."""
        self._trust = {page: max(0, trust - 1) for page, trust in self._trust.items()}

    def cell_begun(self) -> None:
        """Note that a cell begins: pages that have been silent for long are forgotten."""
        for page in [page for page, heard in self._heard.items() if idle.seconds - heard > LOST]:
            self.lose(page)

    def cell_done(self) -> bool:
        """Note that a cell has ended.  Returns True if some pages with the view have been silent for long."""
        self._awaited = max(0, self._awaited - 1)
        silent = [page for page, trust in self._trust.items() if trust <= 0]
        for page in silent:
            self._trust[page] -= 1
            if self._trust[page] < -PATIENCE:
                self.lose(page)
        return any(self._trust.get(page) == -1 for page in silent)
