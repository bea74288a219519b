"""The visitor of a page.  A Jupyter kernel has one visitor; `marimo run` has all visitors of an app in one process.

Each visitor's page has its own models and knows no other models, so nothing with a model is shared between visitors.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


def in_marimo() -> bool:
    """Return whether the page may be marimo's."""
    return "marimo" in sys.modules


def visitor() -> threading.Thread:
    """Return the thread of the visitor whose cell runs: marimo has a thread for each visitor, other hosts only one."""
    return threading.current_thread() if in_marimo() else threading.main_thread()


class OfEachVisitor(Generic[T]):
    """One object for each visitor, made when the visitor's cells first need it, and dropped with the visitor."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._things: weakref.WeakKeyDictionary[threading.Thread, T] = weakref.WeakKeyDictionary()

    @property
    def mine(self) -> T:
        """The object of the visitor whose cell runs."""
        who = visitor()
        if who not in self._things:
            self._things[who] = self._make()
        return self._things[who]
