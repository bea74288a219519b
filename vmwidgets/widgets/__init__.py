"""Live pictures for notebooks."""

from vmwidgets.engine.base.values.comparisons import ComparisonValue, PagingComparison
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.boot import booted
from vmwidgets.engine.machine.cpus import MachineCpu, MachineCpus
from vmwidgets.engine.machine.domain import MachineDomain
from vmwidgets.engine.machine.frames import MachineCaches, MachineFrames, MachineKentry
from vmwidgets.engine.machine.kmem import MachineKmem, MachineKmemMap
from vmwidgets.engine.machine.maps import MachineMap
from vmwidgets.engine.machine.tables import MachineTables, MachineWalk
from vmwidgets.engine.machine.tasks import Task
from vmwidgets.engine.machine.threads import MachineThread, MachineThreads
from vmwidgets.engine.mmu.compare_formats import FormatComparison
from vmwidgets.engine.mmu.tables import PageTables, TablesWalk

from .compare import Comparison
from .compare_formats import Formats
from .compare_paging import Paging
from .dashboard import Dashboard
from .domain import Capabilities, Domain, SlabLevels, Vnodes, Vspace
from .frames import Frames
from .kentry import Kentry
from .kmem import Kmem
from .pictures import machine_booted
from .show import register, show, shown_as
from .slabs import Slabs
from .tables import Tables
from .threads import Threads
from .tlb import Tlb
from .view import View
from .vm_map import EntryList, Map, Ribbon, Tree
from .walk import Walk

__all__ = [
    "Capabilities", "Comparison", "Dashboard", "Domain", "EntryList", "Formats", "Frames", "Kentry", "Kmem", "Map",
    "Paging", "Ribbon", "SlabLevels", "Slabs", "Tables", "Threads", "Tlb", "Tree", "View", "Vnodes", "Vspace", "Walk",
    "register", "show",
]  # fmt: skip  # read as a list of names

booted.append(machine_booted)
shown_as(Machine, Dashboard)
shown_as(ComparisonValue, Comparison)
shown_as(MachineMap, Map)
shown_as(MachineKentry, Kentry)
shown_as(MachineWalk, Walk)
shown_as(PagingComparison, Paging)
shown_as(FormatComparison, Formats)
shown_as(TablesWalk, Walk)
shown_as(MachineCpus, Tlb)
shown_as(MachineCpu, Tlb)
shown_as(MachineTables, Tables)
shown_as(PageTables, Tables)
shown_as(MachineKmem, Kmem)
shown_as(MachineKmemMap, Kmem)
shown_as(MachineFrames, Frames)
shown_as(MachineCaches, Slabs)
shown_as(MachineThreads, Threads)
shown_as(MachineThread, Threads)
shown_as(MachineDomain, Domain)
shown_as(Task, lambda task: Dashboard(task.map))
