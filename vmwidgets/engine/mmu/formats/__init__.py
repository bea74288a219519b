"""All formats by name."""

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
"""By the names that machines are booted with."""
