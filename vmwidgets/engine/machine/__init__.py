"""The machine that a learner holds."""

from .boot import ARCHITECTURES, boot
from .layouts import LAYOUTS, Layout
from .machine import Machine
from .maps import MachineMap
from .objects import MemoryObject
from .tasks import Task

__all__ = ["ARCHITECTURES", "LAYOUTS", "Layout", "Machine", "MachineMap", "MemoryObject", "Task", "boot"]
