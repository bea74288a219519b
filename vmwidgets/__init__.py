"""vmwidgets: a teaching laboratory for virtual memory.

Boot a small simulated machine, call the operations that a kernel calls, and see maps, trees and page tables follow::

    import vmwidgets as vm

    m = vm.boot("x86-64")
    m.kernel_map.enter("16 KiB")
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from . import events
from .engine.base.errors import Broken, CallbackFailed, KernelError, KernelPanic, Refused, VMError
from .engine.base.units import GIB, KIB, MIB, PAGE, TIB, Address, Size
from .engine.kernel.freebsd.kmem import M_NOWAIT, M_USE_RESERVE, M_WAITOK, M_ZERO
from .engine.machine import LAYOUTS, Machine, boot
from .engine.machine.boot import QUIRKS
from .engine.machine.load import load_journal

if TYPE_CHECKING:
    from .engine.machine.compare_paging import compare_paging
    from .engine.mmu.compare_formats import compare_formats
    from .labs import lab
    from .sources.compare import allocate, compare, free, lookup
    from .sources.proc_maps import load_maps
    from .sources.tables.recorded import load_tables
    from .widgets import (
        Capabilities,
        Comparison,
        Dashboard,
        Domain,
        EntryList,
        Formats,
        Frames,
        Kentry,
        Kmem,
        Map,
        Paging,
        Ribbon,
        SlabLevels,
        Slabs,
        Tables,
        Threads,
        Tlb,
        Tree,
        View,
        Vnodes,
        Vspace,
        Walk,
        show,
    )

try:
    __version__ = version("vmwidgets")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"

_LAZY = {
    **dict.fromkeys(
        ("Capabilities", "Comparison", "Dashboard", "Domain", "EntryList", "Formats", "Frames", "Kentry", "Kmem", "Map",
         "Paging", "Ribbon", "SlabLevels", "Slabs", "Tables", "Threads", "Tlb", "Tree", "View", "Vnodes", "Vspace",
         "Walk", "show"), ".widgets",
    ),
    "compare_formats": ".engine.mmu.compare_formats",
    "compare_paging": ".engine.machine.compare_paging",
    "load_maps": ".sources.proc_maps",
    "load_tables": ".sources.tables.recorded",
    **dict.fromkeys(("allocate", "compare", "free", "lookup"), ".sources.compare"),
    "lab": ".labs",
}  # fmt: skip  # read as a list of names
"""What is imported when it is first asked for: drawing costs nothing until somebody draws."""

__all__ = [
    "GIB", "KIB", "LAYOUTS", "MIB", "M_NOWAIT", "M_USE_RESERVE", "M_WAITOK", "M_ZERO", "PAGE", "QUIRKS", "TIB",
    "Address", "Broken", "CallbackFailed", "Capabilities", "Comparison", "Dashboard", "Domain", "EntryList",
    "Formats", "Frames", "Kentry", "KernelError", "KernelPanic", "Kmem", "Machine", "Map", "Paging", "Refused",
    "Ribbon", "Size", "SlabLevels", "Slabs", "Tables", "Threads", "Tlb", "Tree", "VMError", "View", "Vnodes", "Vspace",
    "Walk", "allocate", "boot", "compare", "compare_formats", "compare_paging", "events", "free", "lab",
    "load_journal", "load_maps", "load_tables", "lookup", "show",
]  # fmt: skip  # read as a list of names


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LAZY:
        raise AttributeError(f"module 'vmwidgets' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name], __name__), name)


def __dir__() -> list[str]:
    """What a learner sees behind `vm.` and a tab: what this package offers, not what it is made from."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__") and name.endswith("__"))})


def _register() -> None:
    """In a notebook, teach it how machines and their parts are shown."""
    import sys

    if "IPython" in sys.modules or "marimo" in sys.modules:
        from .widgets import register

        register()


_register()
