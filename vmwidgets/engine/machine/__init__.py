"""The machine that a learner holds."""

from .boot import boot
from .caches import MachineCaches
from .cpu import MachineCpu
from .cpus import MachineCpus
from .domain import MachineDomain
from .domain_capabilities import MachineCapability
from .frames import MachineFrames
from .kentry import MachineKentry
from .kmem import MachineKmem, MachineKmemMap
from .layouts import ARCHITECTURES, LAYOUTS, Layout
from .machine import Machine
from .maps import MachineMap
from .objects import MemoryObject
from .tables import MachineTables
from .tasks import Task
from .threads import MachineThread, MachineThreads
from .walks import MachineWalk

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
