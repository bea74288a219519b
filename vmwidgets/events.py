"""What can happen inside a machine, one frozen class for each kind of change: ``vm.events.TreeRotated`` and the others.

>>> import vmwidgets as vm
>>> m = vm.boot("x86-64")
>>> _ = m.kmem_malloc("8 KiB")
>>> [event.map for event in m.journal.last.events if isinstance(event, vm.events.MapLocked)]
['kmem_map']
"""

from __future__ import annotations

from .engine.base.events import *  # noqa: F403  all of it is offered here
from .engine.base.events import Event


def __dir__() -> list[str]:
    """The classes of events, without what their modules are made with."""
    return sorted(name for name, thing in globals().items() if isinstance(thing, type) and issubclass(thing, Event))
