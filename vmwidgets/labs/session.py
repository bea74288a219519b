"""What `lab` keeps: one session for each kernel, and one for each test.

The functions of `lab` read and change the :func:`current` one.  A new session has begun nothing; it knows the
exercises, mistakes and explanations of the session in which it is made, and what it adds stays its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:  # these modules use the session
    from vmwidgets.engine.machine import Machine

    from .beginning import Beginning
    from .control import Control
    from .exercise import Exercise
    from .minutes import Minutes
    from .mistakes import Mistake
    from .predictions import Predictions
    from .publishing import Cards, Once
    from .result import Result
    from .saved import Saved


def _new(module: str, name: str) -> Callable[[], Any]:
    def made() -> Any:
        return getattr(import_module(f".{module}", __package__), name)()

    return made


def _known(what: str) -> Callable[[], Any]:
    return lambda: dict(getattr(_sessions[-1], what)) if _sessions else {}


@dataclass(eq=False)
class Session:
    """What was done in a kernel; as a context, it is the current one meanwhile.

    `begun` is the lab, `tried` are exercises that were checked without an id, and not since then; `best` are results by
    exercise and sheet, `hints` is how many were asked for, by id; `saved` is what the notebook held before.
    """

    begun: Beginning | None = None
    tried: dict[str, None] = field(default_factory=dict)
    best: dict[tuple[str, str], Result] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    saved: Saved | None = None
    minutes: Minutes | None = None
    predictions: Predictions = field(default_factory=_new("predictions", "Predictions"))
    controls: dict[str, Control] = field(default_factory=dict)
    copies: WeakSet[Machine] = field(default_factory=WeakSet)
    beginning: Once = field(default_factory=_new("publishing", "Once"))
    cards: Cards = field(default_factory=_new("publishing", "Cards"))
    exercises: dict[str, Exercise] = field(default_factory=_known("exercises"))
    mistakes: dict[str, dict[str, Mistake]] = field(default_factory=_known("mistakes"))
    explanations: dict[str, str] = field(default_factory=_known("explanations"))

    def __enter__(self) -> Session:
        _sessions.append(self)
        return self

    def __exit__(self, *_raised: object) -> None:
        _sessions.remove(self)


_sessions: list[Session] = []


def current() -> Session:
    """Return the session that the functions of `lab` use: the kernel's, made when it is first needed."""
    if not _sessions:
        _sessions.append(Session())
    return _sessions[-1]
