"""The machine that a learner holds."""

from .boot import boot
from .caches import MachineCaches, MachineKentry
from .capabilities import MachineCapability
from .cpus import MachineCpu, MachineCpus
from .domain import MachineDomain
from .frames import MachineFrames
from .kmem import MachineKmem
from .kmem_maps import MachineKmemMap
from .layouts import ARCHITECTURES, LAYOUTS, Layout
from .machine import Machine
from .maps import MachineMap
from .objects import MemoryObject
from .tables import MachineTables, MachineWalk
from .tasks import Task
from .threads import MachineThread, MachineThreads

__all__ = [
    "ARCHITECTURES",
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
