"""Whose page it is.  A Jupyter kernel has one; `marimo run` has all visitors of an app in one process.

Each visitor's page has models of its own and knows no others, so nothing that has a model is shared between visitors.
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
    """The thread that stands for the visitor whose cell runs: marimo gives each one; elsewhere always the same."""
    return threading.current_thread() if in_marimo() else threading.main_thread()


class OfEachVisitor(Generic[T]):
    """One thing for each visitor, made when that visitor's cells first ask for it, and gone with the visitor."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._things: weakref.WeakKeyDictionary[threading.Thread, T] = weakref.WeakKeyDictionary()

    @property
    def mine(self) -> T:
        """Return that of the visitor whose cell runs."""
        who = visitor()
        if who not in self._things:
            self._things[who] = self._make()
        return self._things[who]
