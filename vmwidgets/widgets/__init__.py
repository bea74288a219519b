"""Live pictures for notebooks."""

from vmwidgets.engine.machine import Machine, MachineKentry, MachineMap, MachineWalk, Task
from vmwidgets.engine.machine.boot import booted

from .dashboard import Dashboard
from .kentry import Kentry
from .pictures import machine_booted
from .show import register, show, shown_as
from .view import View
from .vm_map import EntryList, Map, Ribbon, Tree
from .walk import Walk

__all__ = ["Dashboard", "EntryList", "Kentry", "Map", "Ribbon", "Tree", "View", "Walk", "register", "show"]

booted.append(machine_booted)
shown_as(Machine, Dashboard)
shown_as(MachineMap, Map)
shown_as(MachineKentry, Kentry)
shown_as(MachineWalk, Walk)
shown_as(Task, lambda task: Dashboard(task.map))
