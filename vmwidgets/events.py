"""The events inside a machine, one frozen class for each kind of change: ``vm.events.TreeRotated`` and others.

>>> import vmwidgets as vm
>>> m = vm.boot("x86-64")
>>> _ = m.kmem_malloc("8 KiB")
>>> [event.map for event in m.journal.last.events if isinstance(event, vm.events.MapLocked)]
['kmem_map']
"""

from __future__ import annotations

from .engine.base.event import *  # noqa: F403  all of it is offered here
from .engine.base.event import Event
from .engine.base.tree_schema import *  # noqa: F403
from .engine.kernel.freebsd.kmem_schema import *  # noqa: F403
from .engine.kernel.map.map_schema import *  # noqa: F403
from .engine.kernel.map.vm_object import PagerAsked as PagerAsked  # noqa: PLC0414  offered here too
from .engine.kernel.pmap.pmap_schema import *  # noqa: F403
from .engine.kernel.tasks.objects_schema import *  # noqa: F403
from .engine.kernel.threads.threads_schema import *  # noqa: F403
from .engine.kernel.x15.kentry_schema import *  # noqa: F403
from .engine.memory.injections_schema import *  # noqa: F403
from .engine.memory.pages_schema import *  # noqa: F403
from .engine.memory.replacement_schema import *  # noqa: F403
from .engine.memory.slabs_schema import *  # noqa: F403
from .engine.mmu.tables_schema import *  # noqa: F403
from .engine.mmu.tlb_schema import *  # noqa: F403
from .engine.selfpaging.calls_schema import *  # noqa: F403
from .engine.spaces.processors_schema import *  # noqa: F403
from .engine.spaces.tasks_schema import *  # noqa: F403


def __dir__() -> list[str]:
    """Return the names of the event classes, without names that their modules import."""
    return sorted(name for name, thing in globals().items() if isinstance(thing, type) and issubclass(thing, Event))
