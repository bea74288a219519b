"""What an event is: a frozen record of one thing that happened, and the kernel function that did it.

Ids are small integers given once and never reused: an entry's id names the entry, its tree node and
its card in every picture.  Frames are page frame numbers (physical address >> 12).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..values.past import Row

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """Python 3.10 has none; only type checkers need it."""
        return lambda cls: cls


EVENTS: dict[str, type[Event]] = {}
"""Every class of events by its tag."""


@dataclass_transform(frozen_default=True)
@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened during an operation; a subclass with annotated fields declares a kind of event.

    `function` is the kernel function that did it, `depth` how deep in the operation that was.  A structure reports a
    tuple of the class's `tag` and its fields in order: `(EntryLinked.tag, name, fields, previous, following)`.  The
    tag is a text, so that the garbage collector need not follow what is kept.  A kind of event that changes something
    says which rows it wrote (:meth:`writes`), and so carries what takes it back.

    >>> class Rang(Event):
    ...     bell: str
    >>> Rang("door").bell, Rang.tag
    ('door', 'Rang')
    >>> EVENTS.pop("Rang").__name__
    'Rang'
    """

    tag: ClassVar[str]
    function: str = field(default="", repr=False, compare=False)
    depth: int = field(default=0, repr=False, compare=False)

    def __init_subclass__(cls) -> None:
        """Make the class a frozen dataclass and list it; a name with an underscore only shares its fields."""
        dataclass(frozen=True)(cls)
        cls.tag = cls.__name__
        if not cls.tag.startswith("_"):
            EVENTS[cls.tag] = cls

    def writes(self) -> Iterable[Row]:
        """The rows that it wrote (:mod:`.values.past`).  None, unless it says so."""
        return ()


# ---- kernel functions ------------------------------------------------------------------------


class Called(Event):
    """A kernel function began, with these `arguments` (as its caller gave them)."""

    name: str
    arguments: tuple[Any, ...] = ()


class Returned(Event):
    """The innermost kernel function that had begun is done; `result` is what it gave back."""

    result: Any = None


class Unwound(Event):
    """The function `to` caught an error: those it had called are done.

    With `to` "" a thread's own code caught it, with "LowMemory" the handler of the latest :class:`LowMemory`.
    """

    to: str


# ---- the machine -----------------------------------------------------------------------------


class BootStage(Event):
    """A stage of the boot was reached."""

    name: str
    what: str


class Panicked(Event):
    """The kernel gave up."""

    name: str
    reason: str
