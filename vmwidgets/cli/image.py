"""Walks of page tables in an image of memory, for ``vmwidgets read IMAGE --format NAME --root ADDR --walk VA``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused, shown
from ..engine.base.units import Address, binary_size, parse_address
from ..engine.machine.arguments import known
from ..engine.machine.boot import NICKNAMES
from ..engine.memory.ram import BusError
from ..engine.mmu.format import TableFormat
from ..engine.mmu.formats import FORMATS
from ..engine.mmu.tables_schema import FieldValue, Step, Walk
from ..engine.mmu.walk import walk
from ..real.image import saved_memory
from ..sources.tables.architectures import architecture, architectures


def walks(options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of all walks that a command asks for.

    Raises :class:`Refused` with one sentence for options that make no sense, and for a file that is not an image.
    """
    if len(options.file) > 1:
        raise Refused(f"walk one image at a time, not {len(options.file)}; the addresses come after --walk")
    if options.record or options.to is not None:
        raise Refused(f"--{'record' if options.record else 'to'} does not go with --walk, which prints each step")
    if options.format is None or options.root is None:
        raise Refused(f"--walk needs --{'root' if options.format else 'format'}: write --format x86-64 --root 0x1000")
    is_known = options.format in architectures()  # files of recorded tables have names of their own
    arch = architecture(options.format if is_known else known(options.format, FORMATS, "format", NICKNAMES))
    controls = arch.controls(dict(_options(options.option)))
    root = arch.check_root(_number(options.root, "--root"), controls)
    addresses = [arch.check_va(_number(text, "--walk")) for text in options.walk]
    path = Path("/dev/stdin" if options.file[0] == "-" else options.file[0])
    memory = saved_memory(path, _number(options.base or "0", "--base"))
    try:
        memory.read(root, arch.fmt.entry_width)
    except BusError:
        raise Refused(f"root {Address(root)} lies outside the image, which has {memory}") from None
    for va in addresses:
        found = walk(memory, arch.fmt, root, va, options.access or "read", options.user, controls)
        yield from walk_lines(found, arch.fmt, controls)


def _options(given: list[str]) -> Iterator[tuple[str, Any]]:
    words = {"on": True, "true": True, "off": False, "false": False}
    seen = set()
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refused(f"--option {shown(text)}: write NAME=VALUE, for example smep=on")
        if name in seen:
            raise Refused(f"--option {name} is given twice")
        seen.add(name)
        word = words.get(value.casefold())
        yield name, _number(value, f"--option {name}") if word is None else word


def _number(text: str, what: str) -> int:
    try:
        return parse_address(text)
    except ValueError:
        raise Refused(f"{what} {shown(text)} is not a number: write 0x1000, or 4096") from None


# ---- text --------------------------------------------------------------------------------------


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
