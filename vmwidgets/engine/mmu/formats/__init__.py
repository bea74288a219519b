"""The page-table formats, each in the file of its family, and all of them by name in :data:`FORMATS`.

A new format needs one file here and one more name in FORMATS; walker, editor, TLB, pmap, machine, views and case files
ask the format for everything else.  (Self-paging domains work on two formats only, and have their own tables for these:
`selfpaging/layouts.py`, `capabilities.py`, `cpu_driver.py`.)  The file has:

* *controls*: a frozen dataclass derived from :class:`~.rules.Controls`, the processor's settings that a walk depends
  on;
* *rules*: a subclass of :class:`~.rules.Rules`, the rules that the manual states in words (checks, rights, faults,
  base registers, bits that the hardware sets, global pages);
* *levels*: :class:`~.levels.Level` and :class:`~.levels.Descriptor`, the manual's tables of bit ranges.  A word of 0 is
  a descriptor of nothing, and pages of 4 KiB are among the sizes;
* a :class:`~.format.TableFormat` of all these, with the sizes of addresses and of ASIDs, and the place of a kernel.
"""

from __future__ import annotations

from typing import Any

from ..format import TableFormat
from .aarch64 import AARCH64
from .armv7 import ARMV7
from .riscv import SV39
from .x86 import X86_32, X86_64, X86_64_LA57, X86_PAE

FORMATS: dict[str, TableFormat[Any]] = {
    fmt.name: fmt for fmt in (X86_32, X86_PAE, X86_64, X86_64_LA57, ARMV7, AARCH64, SV39)
}
"""The formats by the names under which machines are booted."""
