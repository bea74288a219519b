"""A walk as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..engine.base.units import Address, binary_size
from ..engine.mmu.format import TableFormat
from ..engine.mmu.tables_schema import FieldValue, Step, Walk


def verdict(found: Walk) -> str:
    """Return the physical address, or the fault as the processor reports it."""
    if found.fault is None:
        assert found.pa is not None
        return f"physical {Address(found.pa)}, in a page of {binary_size(found.page_size)}"
    fault = found.fault
    level = "" if fault.level is None else f" at level {fault.level}"
    code = "" if fault.code is None else f", code {fault.code:#x}"
    return f"{fault.exception}, {fault.called}{level}{code}: {fault.why}"


def walk_lines(found: Walk, fmt: TableFormat[Any], controls: Any) -> Iterator[str]:
    """Yield every step with its fields, the verdict, and the permissions of user and kernel."""
    who = "user" if found.user else "supervisor"
    register, root = fmt.rules.second_base(found.va, controls) or (fmt.base_register, found.root)
    yield f"{Address(found.va)} {who} {found.access}, {found.format} from {register} = {Address(root)}"
    for step in found.steps:
        yield f"  {step.name}[{step.index}] at {Address(step.pa)} = {step.value:#x}: {step.layout}{_target(step)}"
        fields = _fields(step.decoded)
        if fields:
            yield f"      {fields}"
    if found.fault is not None:
        yield f"  = {verdict(found)}"
        code = _fields(found.fault.decoded)
        if code:
            yield f"      code: {code}"
        syndrome = found.fault.syndrome
        if syndrome is not None:
            yield f"      {syndrome.register} {syndrome.value:#x}: {_fields(syndrome.decoded)}"
        return
    may = found.permissions
    assert may is not None
    yield f"  = {verdict(found)}; supervisor {may.supervisor}, user {may.user}"
    sets = [f"{bits:#x} in the {step.name}" for step, bits in zip(found.steps, found.sets, strict=True) if bits]
    if sets:
        yield f"      the hardware would set {', '.join(sets)}"


def _target(step: Step) -> str:
    return f" → {Address(step.address)}" if step.kind in ("table", "leaf") else ""


def _fields(decoded: tuple[FieldValue, ...]) -> str:
    """Return the nonzero fields without the address, which the line above contains."""
    found = (part for part in decoded if part.value and not part.field.name.startswith("address"))
    return " ".join(f"{field.name}={value:#x}" if value > 9 else f"{field.name}={value}" for field, value in found)
