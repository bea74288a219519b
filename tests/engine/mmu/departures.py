"""Where Unicorn departs from the manuals, as data: what it does, and how a walk tells that it may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.engine.mmu.unicorn_cpus import Answer
from vmwidgets.engine.mmu.tables_schema import Walk


@dataclass(frozen=True)
class Departure:
    """`applies` says, of our walk, its controls and Unicorn's answer, whether this is what it does otherwise."""

    formats: tuple[str, ...]
    reason: str
    applies: Callable[[Walk, Any, Answer], bool]


def _kind(walk: Walk) -> str | None:
    return None if walk.fault is None else walk.fault.kind


def _domain_bits(walk: Walk, controls: Any) -> int:
    """What DACR has for the domain of the first-level descriptor; a supersection is in domain 0."""
    word = walk.steps[0].value
    domain = 0 if "supersection" in walk.steps[0].layout else word >> 5 & 0xF
    return int(controls.dacr >> 2 * domain & 3)


def _domain_first(walk: Walk, controls: Any, answer: Answer) -> bool:
    """Unicorn reports a domain fault, or for a fetch only that there is a fault."""
    closed = bool(walk.steps) and _domain_bits(walk, controls) in (0, 2)
    return (
        closed and _kind(walk) in ("not-present", "access-flag") and answer.code in (9, 11, None) and answer.pa is None
    )


def _manager(walk: Walk, controls: Any, answer: Answer) -> bool:
    return _kind(walk) == "access-flag" and _domain_bits(walk, controls) == 3 and answer.pa is not None


def _cut_supersection(walk: Walk, controls: Any, answer: Answer) -> bool:
    return walk.pa is not None and walk.pa >> 32 > 0 and answer.pa == walk.pa & 0xFFFF_FFFF


def _block_at_the_root(walk: Walk, controls: Any, answer: Answer) -> bool:
    return len(walk.steps) == 1 and walk.steps[0].value & 3 == 1 and walk.steps[0].level == 4


def _reserved_block_bits(walk: Walk, controls: Any, answer: Answer) -> bool:
    last = walk.steps[-1] if walk.steps else None
    return last is not None and last.layout.endswith("block") and _low_bits(last.level, last.value) != 0


def _low_bits(level: int, value: int) -> int:
    """Bits of a block's address that must be 0: below 2 MiB or 1 GiB, from bit 12 up."""
    return value & {3: (1 << 30) - 4096, 2: (1 << 21) - 4096}.get(level, 0)


def _unchecked_sv39(walk: Walk, controls: Any, answer: Answer) -> bool:
    """Reserved high bits anywhere, and A, D or U of a pointer."""
    pointer = any(step.kind == "table" and step.value & 0xD0 for step in walk.steps)
    return _kind(walk) == "reserved" and (pointer or any(step.value >> 54 for step in walk.steps))


def _unchecked_pdpte(walk: Walk, controls: Any, answer: Answer) -> bool:
    return _kind(walk) == "reserved" and len(walk.steps) == 1 and walk.steps[0].value & 0x1E6 != 0


DEPARTURES = (
    Departure(("armv7",), "the domain is checked before the second-level descriptor is read", _domain_first),
    Departure(("armv7",), "no access flag is looked at in a manager domain", _manager),
    Departure(("armv7",), "a supersection's address above 4 GiB is cut to 32 bits", _cut_supersection),
    Departure(("aarch64",), "a block at level 0 is taken for one of 512 GiB", _block_at_the_root),
    Departure(("aarch64",), "bits of a block's address that must be 0 are part of it", _reserved_block_bits),
    Departure(("riscv-sv39",), "bits 63:54, and A, D and U of pointers, are not checked", _unchecked_sv39),
    Departure(("x86-pae",), "reserved bits 8:5 and 2:1 of a PDPTE are not checked", _unchecked_pdpte),
)
"""Left out of the comparison where they make a difference."""
