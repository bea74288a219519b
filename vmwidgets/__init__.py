"""vmwidgets: a virtual memory lab for Jupyter.

Boot a small simulated machine, call its kernel's functions, and see maps, trees and page tables follow::

    import vmwidgets as vm

    m = vm.boot("x86-64")
    m.kernel_map.enter("16 KiB")
"""

from __future__ import annotations

from . import launched as launched  # before all other imports, which it may have to prevent

# isort: split
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from . import events
from .engine.base.errors import Broken, CallbackFailed, KernelError, KernelPanic, Refused, VMError
from .engine.base.journal import EXPLAINED_BY, Told
from .engine.base.units import GIB, KIB, MIB, PAGE, TIB, Address, Size
from .engine.kernel.freebsd.kmem import M_NOWAIT, M_USE_RESERVE, M_WAITOK, M_ZERO
from .engine.machine import LAYOUTS, Machine, boot
from .engine.machine.boot import QUIRKS
from .engine.machine.kept.journal_file import HANDED_OUT_BY
from .engine.machine.load import load_journal
from .pictures.keeping import EXAMINED_BY, KEPT_BY
from .pictures.listed import MODULE_OF

if TYPE_CHECKING:
    from .comparisons.formats import compare_formats
    from .comparisons.paging import compare_paging
    from .engine.machine.hindsight.lockstep import lockstep
    from .engine.machine.hindsight.orders import orders
    from .engine.memory.costs import Costs
    from .engine.memory.replacement import Replacement, ResidentPage
    from .labs import lab
    from .on_paper.buddy import buddy
    from .on_paper.machine import paper
    from .on_paper.segments import BaseAndBounds, Segments
    from .pictures.handing_out import handout
    from .pictures.hello import hello
    from .pictures.load_curve import load_curve
    from .pictures.registry import picture
    from .real import attach, memory_image, xv6
    from .real.linux import compare_with_linux
    from .real.own.forked import copy_on_write
    from .real.own.measure import memory
    from .real.own.pager import pager
    from .real.own.process import process
    from .reference_strings.references import reference_string
    from .reference_strings.trace import trace
    from .sources import workload
    from .sources.compare import compare
    from .sources.door import load
    from .sources.map_diff import diff
    from .sources.proc_maps import load_maps
    from .sources.strace.load import load_strace
    from .sources.strace.recordings import recording
    from .sources.tables.recorded import load_tables, recorded_tables
    from .views.story.pseudocode import pseudocode
    from .widgets import *  # noqa: F403  the pictures: widgets/__init__.pyi has a class for each
    from .widgets import View, show

try:
    __version__ = version("vmwidgets")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"

_LAZY = {
    **dict.fromkeys((*MODULE_OF, "View", "show"), ".widgets"),
    "BaseAndBounds": ".on_paper.segments",
    "Costs": ".engine.memory.costs",
    "Segments": ".on_paper.segments",
    "attach": ".real",
    "buddy": ".on_paper.buddy",
    "memory": ".real.own.measure",
    "pager": ".real.own.pager",
    "paper": ".on_paper.machine",
    "memory_image": ".real",
    "process": ".real.own.process",
    "xv6": ".real",
    "Replacement": ".engine.memory.replacement",
    "ResidentPage": ".engine.memory.replacement",
    "compare_formats": ".comparisons.formats",
    "compare_with_linux": ".real.linux",
    "copy_on_write": ".real.own.forked",
    "compare_paging": ".comparisons.paging",
    "diff": ".sources.map_diff",
    "handout": ".pictures.handing_out",
    "hello": ".pictures.hello",
    "load": ".sources.door",
    "load_curve": ".pictures.load_curve",
    "lockstep": ".engine.machine.hindsight.lockstep",
    "orders": ".engine.machine.hindsight.orders",
    "load_maps": ".sources.proc_maps",
    "load_strace": ".sources.strace.load",
    "recording": ".sources.strace.recordings",
    "load_tables": ".sources.tables.recorded",
    "record": ".sources.record",
    "recorded_tables": ".sources.tables.recorded",
    "picture": ".pictures.registry",
    "play": ".sources.programs",
    "pseudocode": ".views.story.pseudocode",
    "reference_string": ".reference_strings.references",
    "trace": ".reference_strings.trace",
    "compare": ".sources.compare",
    "workload": ".sources",
    "lab": ".labs",
}  # fmt: skip  # read as a list of names
"""The names imported at their first use: drawing costs nothing until something is drawn."""

__all__ = [
    "GIB", "KIB", "LAYOUTS", "MIB", "M_NOWAIT", "M_USE_RESERVE", "M_WAITOK", "M_ZERO", "PAGE", "QUIRKS", "TIB",
    "Address", "BaseAndBounds", "Broken", "CallbackFailed", "Costs", "KernelError", "KernelPanic", "Machine",
    "Refused", "Replacement", "ResidentPage", "Segments", "Size", "VMError", "View", "attach", "boot", "buddy",
    "compare",
    "compare_formats", "compare_paging", "compare_with_linux", "copy_on_write", "diff", "events", "handout", "hello",
    "lab",
    "load", "load_curve", "load_journal", "load_maps", "load_strace", "load_tables", "lockstep", "memory",
    "memory_image", "orders", "pager", "paper", "picture",
    "play",  # noqa: F405  it comes from __getattr__
    "process", "pseudocode",
    "record",  # noqa: F405  so does this
    "recorded_tables", "recording", "reference_string", "show", "trace", "workload", "xv6",
]  # fmt: skip  # read as a list of names
__all__ += [*MODULE_OF]  # noqa: PLE0604  the names of the pictures


def __getattr__(name: str) -> Any:
    from importlib import import_module

    module = _LAZY.get(name)
    if module is None and name[:1].isupper() and import_module(".pictures.registry", __name__).picture_named(name):
        module = ".widgets"  # a picture that was added
    if module is None:
        raise _unknown(name)
    return getattr(import_module(module, __name__), name)


def _unknown(name: str) -> AttributeError:
    """Return the error for a name that the package does not have: perhaps a part of a machine has it."""
    from .engine.base.attributes import ModuleNames, UnknownAttribute

    return UnknownAttribute(ModuleNames("vmwidgets", __all__, _elsewhere), name)


def _elsewhere() -> dict[str, object]:
    """Return the things with other names: each with the words before such a name."""
    from .engine.machine.handles.cpus import MachineCpu
    from .engine.machine.handles.maps import MachineMap
    from .engine.machine.handles.tasks import Task

    parts = {"a task has it: task.": Task, "a machine has it: m.": Machine, "lab has it: vm.lab.": __getattr__("lab")}
    return {**parts, "a map has it: task.map.": MachineMap, "a processor has it: m.cpus[0].": MachineCpu}


def __dir__() -> list[str]:
    """Return the names that a learner sees after `vm.` and Tab: the package's public names, without its modules."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__") and name.endswith("__"))})


def _explained(operation: Any) -> Told:
    """Return the story of an operation; the words are imported when they are needed."""
    from .pictures.explanation import explained

    return explained(operation)


EXPLAINED_BY.append(_explained)


def _handed_out(*given: Any) -> Any:
    """Return the handout of a journal; pictures are imported when they are needed."""
    from .pictures.handing_out import handout_of_journal

    return handout_of_journal(*given)


HANDED_OUT_BY.append(_handed_out)


def _examined(*given: Any) -> Any:
    """Return the exam of a worksheet, as a file; questions are imported when they are needed."""
    from importlib import import_module

    return import_module(".questions.blanks", __package__).write_exam(*given)


EXAMINED_BY.append(_examined)


def _kept(name: str) -> Any:
    """Return the store for a picture's answers; labs are imported when the store is needed."""
    from .labs.pressing import Presses

    return Presses(name)


KEPT_BY.append(_kept)


def _pages(line: str, cell: str) -> None:
    """Run a cell, and show what it did to the memory of this process: ``%%pages``, ``%%pages --lines``."""
    from IPython import get_ipython

    from .labs.cell_memory import pages

    pages(get_ipython(), line, cell)


def _register() -> None:
    """Register how a notebook shows machines and their parts."""
    import sys

    if "IPython" in sys.modules or "marimo" in sys.modules:
        from .widgets import register

        register()
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()) is not None:
        shell.register_magic_function(_pages, "cell", "pages")


_register()
