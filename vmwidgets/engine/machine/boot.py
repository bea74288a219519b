"""Booting a machine by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..base.calls import says_what_it_takes
from ..base.errors import Refused, shown
from ..base.units import GIB, MIB, binary_size
from ..kernel.tasks.forks import FORKS, SAME_AS, USUAL
from ..kernel.x15 import X15_QUIRKS
from ..mmu.formats import FORMATS
from ..selfpaging.errors import BARRELFISH_QUIRKS
from . import arguments
from .handles.cpus import cpu_settings
from .machine import Machine
from .replay import BOOTED_BY
from .stages.layouts import layouts_of

NICKNAMES = {
    "amd64": "x86-64", "x64": "x86-64", "x86-64": "x86-64", "intel64": "x86-64", "em64t": "x86-64", "ia-32e": "x86-64",
    "x86-32": "x86", "ia32": "x86", "ia-32": "x86", "386": "x86", "i386": "x86", "i486": "x86", "i586": "x86",
    "i686": "x86", "intel": "x86", "pae": "x86-pae", "i686-pae": "x86-pae", "la57": "x86-64-la57",
    "arm": "armv7", "arm32": "armv7", "armhf": "armv7", "armv7-a": "armv7", "armv7a": "armv7", "armv7l": "armv7",
    "aarch32": "armv7", "arm64": "aarch64", "armv8": "aarch64", "armv8-a": "aarch64", "armv9": "aarch64",
    "riscv": "riscv-sv39", "risc-v": "riscv-sv39", "riscv64": "riscv-sv39", "risc-v64": "riscv-sv39",
    "rv64": "riscv-sv39", "rv64gc": "riscv-sv39", "sv39": "riscv-sv39",
    "riscv32": "", "rv32": "", "sv32": "", "sv48": "", "sv57": "", "riscv-sv32": "", "riscv-sv48": "", "riscv-sv57": "",
    "armv5": "", "armv6": "", "ia64": "", "ia-64": "",
}  # fmt: skip  # pairs
"""Other names of architectures, with the name here; "" for one that there is not, though its name is like another's."""

LEAST_RAM, MOST_RAM = 4 * MIB, 16 * GIB


@says_what_it_takes
def boot(
    architecture: str = "x86-64",
    *,
    ram: int | str = "64 MiB",
    layout: str = "small",
    quirks: Iterable[str] = (),
    seed: int = 0,
    cpus: int = 1,
    tlb: tuple[int, int] = (16, 4),
    asids: bool = False,
    fork: str = USUAL,
) -> Machine:
    """Return a new machine.  Each boot stage is an event of its first operation.

    `architecture` is the format of the page tables and the place of user and kernel addresses: "x86", "x86-pae",
    "x86-64", "x86-64-la57", "armv7", "aarch64" or "riscv-sv39".  `ram` is a number of bytes or a string; only touched
    pages use your computer's memory.  `layout` is "small", "tiny", or a layout of the originals
    (:data:`~vmwidgets.engine.machine.stages.layouts.LAYOUTS`).  `quirks` names the originals' bugs to switch on, from
    :data:`~vmwidgets.engine.machine.boot.QUIRKS`.

    With `seed` 0, threads run in the order in which they became ready.  Any other seed draws the next thread at random,
    in the same way in every run.

    There are `cpus` processors.  Each has a TLB; `tlb` gives its numbers of sets and ways.  With `asids`, TLB entries
    carry an address-space number (PCID on x86).  Without `asids`, a processor drops a task's translations when it loads
    another task's tables.

    `fork` says how `task.fork()` copies private memory.  "counted" or "cow": parent and child share frames, and no
    descriptor allows a write to them: the first task to write faults and gets a copy, and the last keeps the frame, as
    in Linux and in xv6's lab.  "eager": each page is copied immediately, as in xv6 (`uvmcopy`).  "shadow": both share a
    memory object.  The first write puts a shadow in front of it, as in Mach and 4.4BSD.

    >>> [entry.role for entry in boot("x86-64", ram="32 MiB", layout="tiny").kernel_map]
    ['boot range', 'kentry area', 'kernel memory']
    """
    name = arguments.known(architecture, FORMATS, "architecture", NICKNAMES)
    size = arguments.whole(ram, "ram")
    if not LEAST_RAM <= size <= MOST_RAM:
        raise Refused(f"ram={binary_size(size)}: a machine has {binary_size(LEAST_RAM)} to {binary_size(MOST_RAM)}")
    size = arguments.aligned(size, "ram")
    reach = 1 << FORMATS[name].physical_bits
    if size > reach:
        raise Refused(f"ram={binary_size(size)}: pages of {name} lie below {binary_size(reach)}")
    layouts = layouts_of(FORMATS[name])
    chosen = layouts[arguments.known(layout, layouts, f"layout of {name}")]
    settings, order = cpu_settings(FORMATS[name], cpus, tlb, asids), arguments.word(seed, "seed")
    way = arguments.known(fork, (*FORKS, *SAME_AS), "fork")
    way = SAME_AS.get(way, way)
    return Machine(name, size, chosen, _quirks(quirks), cpus=settings, seed=order, fork=way)


def _quirks(given: Any) -> frozenset[str]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        kind = "one text" if isinstance(given, str) else f"a {type(given).__name__}"
        raise Refused(f"quirks={shown(given)} is {kind}: write a list or set of names, such as {{'out-of-map'}}")
    return frozenset(arguments.known(quirk, QUIRKS, "quirk") for quirk in arguments.in_order(given))


QUIRKS = {**X15_QUIRKS, **BARRELFISH_QUIRKS}
"""The name and the meaning of each quirk."""

BOOTED_BY.append(boot)
