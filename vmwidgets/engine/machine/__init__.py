"""The machine that a learner holds."""

from .boot import boot
from .capabilities import MachineCapability
from .cpus import MachineCpu, MachineCpus
from .domain import MachineDomain
from .kmem import MachineKmem, MachineKmemMap
from .layouts import LAYOUTS, Layout
from .machine import Machine
from .maps import MachineMap
from .memory import MachineCaches, MachineFrames, MachineKentry
from .objects import MemoryObject
from .tables import MachineTables, MachineWalk
from .tasks import Task
from .threads import MachineThread, MachineThreads

__all__ = [
    "LAYOUTS",
    "Layout",
    "Machine",
    "MachineCaches",
    "MachineCapability",
    "MachineCpu",
    "MachineCpus",
    "MachineDomain",
    "MachineFrames",
    "MachineKentry",
    "MachineKmem",
    "MachineKmemMap",
    "MachineMap",
    "MachineTables",
    "MachineThread",
    "MachineThreads",
    "MachineWalk",
    "MemoryObject",
    "Task",
    "boot",
]
