"""The machine that a learner holds."""

from .boot import ARCHITECTURES, boot
from .kentry import MachineKentry
from .layouts import LAYOUTS, Layout
from .machine import Machine
from .maps import MachineMap
from .objects import MemoryObject
from .tasks import Task
from .walks import MachineWalk

__all__ = [
    "ARCHITECTURES",
    "LAYOUTS",
    "Layout",
    "Machine",
    "MachineKentry",
    "MachineMap",
    "MachineWalk",
    "MemoryObject",
    "Task",
    "boot",
]
