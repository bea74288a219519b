"""An oops of Linux on x86: `BUG: … address: …`, `#PF: error_code(0x0002)`, `PGD 1234067 P4D 1234067 PUD 0`.

The descriptors are printed from the root down, up to the first descriptor that is not present or maps a large page.
Their names give their levels, so that an unreadable descriptor does not shift the others.  With four levels, P4D
repeats PGD.  32-bit kernels print `*pde = … *pte = …`, or with PAE `*pdpt = … *pde = …`.

Xen, WinDbg (`!pte`), crash (`vtop`) and Linux's "Bad page map" print the descriptors of a walk by other names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from ...engine.base.units import Address
from ...engine.mmu.format import TableFormat
from ...engine.mmu.formats.x86 import X86_32, X86_64, X86_64_LA57, X86_PAE, X86Controls
from ...engine.mmu.tables import TablesWalk
from ...given.pasted import Trap
from . import levels
from .oops_event import FAILED_AT, MADE, Event, Refusing, Word, said_refused
from .parts import Parts
from .x86_codes import PK, RSVD, Code, P, W, code_of

WHAT = "an oops of Linux on x86"

_FLAGS = re.IGNORECASE | re.ASCII
_H = r"(?:0x)?([0-9a-f]{8}`[0-9a-f]{8}|[0-9a-f]{1,16}|\(null\))(?![0-9a-z`])"
_ADDRESS = re.compile(
    (
        rf"(?:{FAILED_AT}|Pagetable walk from|\bvtop(?: -[uk])?|^\s*VA|\baddr:"
        r"|^\s*(?=[0-9a-f]{8}\s+- PDE at)"
        rf"|^(?=[0-9a-f]{{6,16}}\s+(?:[0-9a-f]+|\(not mapped\))\s*$)) ?{_H}"
    ),
    _FLAGS,
)
_CR2 = re.compile(rf"\b(?:CR2|Faulting linear address): {_H}", _FLAGS)
_CODE = re.compile(
    r"error_code(?:\(0x|=)([0-9a-f]{1,8})[)\]]|#PF\[([0-9a-f]{4})\]|\bOops: ([0-9a-f]{1,8}) \[#"
    r"|^\W*Oops: ([0-9a-f]{4})\b",
    _FLAGS,
)
_PF = re.compile(r"#PF: (supervisor|user) (read access|write access|instruction fetch) in (kernel|user) mode", _FLAGS)
_WORDS = re.compile(r"\b(PGD|P4D|PUD|PMD|PTE) (?:0x)?([0-9a-fA-F]{1,40})\b(?! bytes)", re.ASCII)
_OLD = re.compile(r"\*(pdpt|pde|pte) ?= ?(?:0x)?([0-9a-fA-F]{1,40})\b", re.ASCII)
_WIDE = re.compile(r"(?:\*pde ?= ?(?:0x)?|\bcontains )[0-9a-f]{16}\b", _FLAGS)
_PC = re.compile(
    r"\b[RE]?IP: +(?:[0-9a-f]{2,4}:)?(?:\[<([0-9a-f]{6,16})>\]|0x([0-9a-f]{6,16})\b|([0-9a-f]{8,16})\b)", _FLAGS
)
_CR = {
    name: re.compile(rf"\b{name}: (?:0x)?([0-9a-f]{{16}}|[0-9a-f]{{8}})\b", _FLAGS) for name in ("CR0", "CR3", "CR4")
}
_FLAGS_REGISTER = re.compile(r"\b[ER]?FLAGS: (?:0x)?([0-9a-f]{8,16})\b")
_NO_ADDRESS = r"general protection(?: fault)?(?:: ([0-9a-f]{4}) \[#| ip[: ])|\]:? trap (?P<means>[\w -]{3,30}?) ip[: ]"
_GP = re.compile(
    r"general protection fault, (?:probably|maybe) for (?:non-canonical )?address (?:0x)?([0-9a-f]{1,16})"
    rf"(?:: ([0-9a-f]{{4}}))?|{_NO_ADDRESS}",
    _FLAGS,
)
_WALKS = {
    "xen": ("Xen", r"Pagetable walk from"),
    "windbg": ("!pte of WinDbg", r"^\s*(?:VA [0-9a-f`]{8,17}\s*$|[0-9A-F]{8}\s+- PDE at\s)"),
    "crash": ("vtop of crash", r"\bvtop (?:-[uk] )?(?:0x)?[0-9a-fA-F]{6,16}\s*$|\bVIRTUAL\s+PHYSICAL\s*$"),
    "map": ("a check of Linux", r"BUG: Bad page map in process"),
    "levels": ("a kernel's own walk", f"(?i:{re.sub('[?]P<[a-z]*>', '?:', levels.LINE.pattern)})"),
}
"""What prints a walk, and its first line."""
WALKS = re.compile("|".join(f"(?P<{name}>{begins})" for name, (_, begins) in _WALKS.items()))
"""The first lines of walks."""
_ENTRY = re.compile(r": (?:ffff[0-9a-f]{12}|[c-f][0-9a-f]{7}) =>", _FLAGS)
"""An entry's address in the kernel's half, as crash prints it on other processors than x86-64."""
_XEN_LEVELS, _CRASH_LEVELS, _MAP_LEVELS, _WINDBG_LEVELS = _LEVELS = (
    re.compile(
        r"\b(?P<name>L[1-4])(?=\[0x| =)(?:\[0x(?P<entry>[0-9a-fA-F]{0,3})\]?)?(?: = ?)?"
        r"(?P<value>[0-9a-fA-F]{0,16})(?![0-9a-zA-Z])"
    ),
    re.compile(
        r"\b(?P<name>PAGE DIRECTORY|P[GUM4]D|PTE)"
        r":(?: (?P<entry>[0-9a-fA-F]{1,16}) =>?)? ?(?P<value>[0-9a-fA-F]{0,16})(?![0-9a-zA-Z])"
    ),
    re.compile(r"\b(?P<name>p[gum4]d|pte):(?P<value>[0-9a-fA-F]{0,16})(?![0-9a-zA-Z])"),
    re.compile(
        r"\b(?P<name>P[XPDT]E) at\s{1,9}(?P<entry>[0-9A-Fa-f`]{8,17})"
        r"|\bcontains\b ?(?P<value>[0-9A-Fa-f]{0,16})(?![0-9A-Za-z])"
    ),
)
"""Descriptors by the names that walks give to their levels; WinDbg prints the names and then the values.

`entry` is a descriptor's address; Xen prints its index.
"""
_NAMES = {
    "l4": "pgd",
    "l3": "pud",
    "l2": "pmd",
    "l1": "pte",
    "page directory": "pgd",
    "pxe": "pgd",
    "ppe": "pud",
}
_SHIFTS = {"pgd": 39, "pud": 30, "pmd": 21, "pte": 12}
"""The lowest bit of an address that selects a descriptor of each level, with descriptors of 8 bytes."""

_PID = re.compile(r"\bPID: ([0-9]{1,9})\b")

WP, SMEP, SMAP, LA57, AC = 1 << 16, 1 << 20, 1 << 21, 1 << 12, 1 << 18
"""CR0.WP; CR4.SMEP, SMAP and LA57; RFLAGS.AC."""


EVIDENCE = re.compile(
    rf"{'|'.join(re.sub('[?]P<[a-z]*>', '?:', one.pattern) for one in (_PF, _CR['CR4'], _GP, _CR2, _OLD))}|\b[RE]IP: "
    rf"|{_WORDS.pattern}",
    _FLAGS,
)
"""Lines that only this processor's oopses have."""


def read(event: Event, parts: Parts) -> None:
    """Add the fault, and the tables on its walk."""
    walk = WALKS.search(parts.lines[event.first - 1])
    if walk is not None and walk["levels"]:
        levels.read(event)
        return
    parts.what[WHAT if walk is None else _WALKS[walk.lastgroup or ""][0]] = None
    parts.claimed.add(event.first)
    if walk is not None:
        parts.claimed.update(number for number, line in event.lines if "FATAL" in line or "linear address" in line)
    if walk is not None and walk["xen"] is None:
        _walk_alone(walk, event)
        return
    gp = _GP.search(parts.lines[event.first - 1])
    if gp is not None:
        parts.traps.append(_general_protection(gp, event))
        return
    code = event.number(_CODE)
    has_l4 = any("L4[" in line for _, line in event.lines)
    address = event.address(_ADDRESS, _CR2, () if walk is None else (16,) if has_l4 else (8, 16))
    chain = _descriptors(event, address)
    in_words = _of_words(event)
    if not event.header and address is None and code is None and in_words is None:
        address = levels.named_above(event, event.first)
        if address is None or chain is None:
            parts.refuse(f"Line {event.first} has descriptors, and the text does not name their address.")
        else:
            levels.conclude(event, "Linux on x86", chain.fmt, address, chain.values, chain.lines)
        return
    said = code_of(code) if code is not None else in_words
    if said is not None and in_words is not None and (said.access, said.user) != (in_words.access, in_words.user):
        both = (f"a {one.access} by {'user code' if one.user else 'the kernel'}" for one in (in_words, said))
        event.say(f"says two accesses: {' in words, '.join(both)} in its error code, which is used: one is damaged")
    user, decoded = (False, ()) if said is None else (said.user, said.decoded if code is not None else ())
    trap = event.trap(user, code, "page fault", _PID, _PC, address, register="error code", decoded=decoded)
    if code is None:
        event.say("has no error code (error_code, or Oops: …)")
    if address is None:
        event.say_without_address(trap)
        return
    if said is None:
        said = Code("read", False, (), "", "", is_known=False)
        event.say("does not say which access it was: a read is walked")
    parts.traps.append(_explained(trap, said, chain, event, parts))


def _of_words(event: Event) -> Code | None:
    """Return what `#PF: supervisor write access in kernel mode` means, without the error code."""
    match = event.search(_PF)
    if match is None:
        return None
    bits = {"read access": 0, "write access": 2, "instruction fetch": 16}[match[2].lower()]
    return code_of(1 | bits | (4 if match[1].lower() == "user" else 0))._replace(refused="", why="", decoded=())


def _walk_alone(match: re.Match[str], event: Event) -> None:
    """Add the walk that a debugger or a check of Linux printed: nothing accessed the address."""
    where = _WALKS[match.lastgroup or ""][0]
    parts, address = event.parts, event.number(_ADDRESS, () if match["crash"] else (8, 16))
    fmt: TableFormat[Any] | None = X86_64
    if match["crash"] and len(words := _of_levels(event, address)) > 1:
        kind = levels.kind_of([one.value for one in words])
        kind = kind or "x86" * (event.search(_ENTRY, claim=False) is None)
        fmt = levels.format_of(kind, 4 if kind == "x86" or any(one.name == "pud" for one in words) else 3)
    values: list[int | None] = []
    if fmt is not X86_64:
        values, lines = [one.value for one in words], (words[0].line, words[-1].line)
    elif (chain := _descriptors(event, address)) is not None:
        fmt, values, lines = chain
    if address is None or not values:
        parts.refuse(f"The walk in line {event.first} has no {'address' if address is None else 'descriptors'}.")
        return
    above = values[-2] if len(values) > 1 else None
    is_open = above and above & (P | W) != P | W and match["map"]
    levels.conclude(event, where, None if is_open else fmt, address, values, lines)


def _general_protection(match: re.Match[str], event: Event) -> Trap:
    address = int(match[1], 16) if match[1] else None
    code = int(match[2] or match[3] or "0", 16)
    line = event.parts.lines[event.first - 1]
    program = re.search(r"\[(?P<pid>[0-9]{1,9})\]:? .* ip[: ](?P<pc>[0-9a-f]{1,16})\b", line)
    means = match["means"] or "general protection fault"
    says = f"{means[0].upper()}{means[1:]}: it has no address, and no page table was asked."
    if address is not None and address >> 47 not in (0, (1 << 17) - 1):
        says = (
            f"{Address(address)} is not canonical: bits 63 to 47 are not all equal. So the processor raises #GP"
            f" and looks at no"
            " page table."
        )
    elif address is not None:
        says = (
            f"The text says {Address(address)}, which is canonical with four levels of tables; no page table was asked."
        )
    return Trap(
        "user mode" if program else "kernel mode", event.first, code, means, int(program["pid"]) if program else None,
        int(program["pc"], 16) if program else event.number(_PC), address, None, "", says, "error code",
    )  # fmt: skip


NAMES = {
    X86_64: ("pgd", "pud", "pmd", "pte"),
    X86_64_LA57: ("pgd", "p4d", "pud", "pmd", "pte"),
    X86_PAE: ("pdpt", "pde", "pte"),
    X86_32: ("pde", "pte"),
}
"""Linux's names of the levels, the root's first."""


class _Chain(NamedTuple):
    """The descriptors of an oops, the root's first; None for a descriptor that is missing or can't be read."""

    fmt: TableFormat[Any]
    values: list[int | None]
    lines: tuple[int, int]


def _descriptors(event: Event, address: int | None) -> _Chain | None:
    """Return the descriptors by their names; None if the text has none.  Folded levels appear once."""
    words, unsaid = event.words(_WORDS) or event.words(_OLD) or _of_levels(event, address), event.parts.unsaid
    unread = event.unread(words)
    if not words:
        return None
    event.say_uneven(_OLD)
    line = words[0].line
    by_name: dict[str, int | None] = {one.name: one.value for one in words}
    if {"pdpt", "pde"} & {*by_name, *unread}:
        fmt = X86_PAE if "pdpt" in {*by_name, *unread} or event.search(_WIDE) else X86_32
    else:
        fmt = _of_64_bits(event, by_name, unread, address or 0, line)
    names = NAMES[fmt]
    last = max((at for at, name in enumerate(names) if name in by_name), default=-1)
    missing = [name.upper() for name in names[: last + 1] if name not in by_name and name not in unread]
    if missing:
        unsaid.append(f"Line {line} has no {' and no '.join(missing)}: which table is below is not said.")
    return _Chain(fmt, [by_name.get(name) for name in names[: last + 1]], (line, words[-1].line))


def _of_levels(event: Event, address: int | None) -> list[Word]:
    """Return the descriptors of a walk, one of each level, by Linux's names; those that are cut are named, and left."""
    found: dict[str, Word] = {}
    is_stated = address is not None and levels.stated(event, address) is not None
    for pattern in _LEVELS:
        matches = [(number, match) for number, line in event.lines for match in pattern.finditer(line)]
        heads = [match for _, match in matches if match["name"]]
        values = [(number, match) for number, match in matches if match["value"] is not None]
        if len(heads) != len(values):
            break  # a value of WinDbg is missing, and which one is not said
        names = [match["name"].lower() for match in heads]
        all_levels = ["pmd" if one == "pde" and "pxe" in names else _NAMES.get(one, one) for one in names]
        least = _least(pattern, names, [match["value"] for _, match in values])
        for head, level, (number, match) in zip(heads, all_levels, values, strict=True):
            event.parts.claimed.add(number)
            digits, entry = match["value"], head.groupdict().get("entry")
            if head["name"] == "PAGE DIRECTORY" and digits.endswith("000"):
                continue  # the root, whose descriptor crash prints below
            has_no_arrow = pattern is _CRASH_LEVELS and entry is None and head["name"] != "PAGE DIRECTORY"
            if len(digits) < least or has_no_arrow:
                _say_cut(event, head, number)
                continue
            is_cut = event.parts.ends_in(number, match.end())
            if is_cut:
                event.parts.unsaid.append(f"The text ends with a descriptor in line {number}: digits may be missing.")
            elif pattern is _CRASH_LEVELS and digits != "0" and event.parts.is_last(number) and not is_stated:
                others = [len(one["value"]) for _, one in values[:-1]] or [len(entry or digits)]
                if len(digits) < min(others) or max(others) < len(digits) < 16:
                    _say_cut(event, head, number)
                    continue
                event.parts.unsaid.append(f"The text ends with line {number}: digits of its descriptor may be missing.")
            if not is_cut or len(digits) == 16 or digits == "0":
                _say_other_entry(event, head, level, all_levels, address)
                found.setdefault(level, Word(level, int(digits, 16), number))
        if heads:
            break
    return [*found.values()]


def _say_cut(event: Event, head: re.Match[str], line: int) -> None:
    event.parts.refuse(f"{head['name']} in line {line} is cut, and not read.")


def _least(pattern: re.Pattern[str], names: list[str], values: list[str]) -> int:
    """Return the least digits of a descriptor: crash alone prints no leading zeros."""
    if pattern is _WINDBG_LEVELS:
        return 16 if "pxe" in names or any(len(one) > 8 for one in values) else 8
    return {_XEN_LEVELS: 16, _MAP_LEVELS: 8}.get(pattern, 1)


def _say_other_entry(event: Event, head: re.Match[str], level: str, levels: list[str], address: int | None) -> None:
    """Add a sentence if a walk names another entry of a table than the address has there."""
    entry, shift = head.groupdict().get("entry"), _SHIFTS.get(level)
    is_long = {"pgd", "pud"} & {*levels} and (level != "pgd" or ("p4d" not in levels and "pud" in levels))
    if not entry or shift is None or not is_long or address is None:
        return
    number = int(entry.replace("`", ""), 16)
    index, right = number if head["name"][0] == "L" else number % 4096 // 8, address >> shift & 511
    if index != right:
        event.say(
            f"has entry {index:#x} of a table as its {head['name']}, and {Address(address)} has entry {right:#x} there:"
            " one of the two is damaged, or the text is mixed. The descriptor is used"
        )


def _of_64_bits(
    event: Event, by_name: dict[str, int | None], unread: set[str], address: int, line: int
) -> TableFormat[Any]:
    """Return the format, four levels or five; with four, PGD and P4D are the same, so one of them is enough."""
    pgd, p4d, cr4 = by_name.get("pgd"), by_name.get("p4d"), event.number(_CR["CR4"])
    unsaid = event.parts.unsaid
    if cr4 is not None:
        five = bool(cr4 & LA57)
    elif pgd is None or p4d is None:
        five = address >> 47 not in (0, (1 << 17) - 1) and "p4d" in {*by_name, *unread}
        if not five and unread & {"pgd", "p4d"} and (pgd is not None or p4d is not None):
            unsaid.append(f"Line {line} has PGD or P4D alone: four levels are taken, with which they are the same.")
    else:
        five = pgd != p4d
        if sum(one != other for one, other in zip(f"{pgd:016x}", f"{p4d:016x}", strict=True)) == 1:
            unsaid.append(
                f"PGD and P4D in line {line} differ in one digit: five levels are taken. If one of them is damaged,"
                " there are four."
            )
    if five:
        return X86_64_LA57
    if pgd is not None and p4d is not None and pgd != p4d:
        unsaid.append(
            f"PGD and P4D in line {line} differ, and CR4.LA57 is 0, with which they are the same: one of them is"
            " damaged."
        )
        by_name["pgd"] = None
    elif pgd is None and p4d is not None:
        by_name["pgd"] = p4d
    return X86_64


def _controls(event: Event, fmt: TableFormat[Any], code: int) -> X86Controls:
    """Return the controls in the text; a key that refused the supervisor shows that SMAP was off for the access."""
    cr0, cr4, flags = (event.number(one) for one in (_CR["CR0"], _CR["CR4"], _FLAGS_REGISTER))
    return X86Controls(
        wp=bool((WP if cr0 is None else cr0) & WP),
        smep=bool((cr4 or 0) & SMEP),
        smap=bool((cr4 or 0) & SMAP),
        ac=bool((flags or 0) & AC or code & PK),
        nxe=fmt is not X86_32,
        maxphyaddr=52,
    )


def _explained(trap: Trap, said: Code, chain: _Chain | None, event: Event, parts: Parts) -> Trap:
    address = trap.address or 0
    done = said_refused(MADE[said.access], trap, is_known=said.is_known)
    by_code = replace(trap, refused=said.refused, says=f"{done}: {said.why or 'the text does not say why'}.")
    if chain is None:
        event.say("has no descriptors (a line such as 'PGD 0 P4D 0')")
        return by_code
    fmt, values, lines = chain
    code = trap.code
    controls = _controls(event, fmt, code or 0)
    if fmt.word_bits == 32 and address >> 32:
        event.say("has an address of more than 32 bits with tables of 32 bits")
        return by_code
    cr3 = event.number(_CR["CR3"])
    root = cr3 & (0xFFFF_FFE0 if fmt is X86_PAE else (1 << 52) - 4096) if cr3 else None

    tables, walk = event.walk(fmt, controls, address, values, root, lines, said.access, said.user)
    for other in _other_controls(controls, walk, said, code):
        again, found = event.walk(fmt, other, address, values, root, lines, said.access, said.user)
        if found and found.fault and (found.fault.kind == "reserved") == (said.refused == "RSVD"):
            controls, tables, walk = other, again, found
            break
    event.add_tables(tables, "CR3")
    if walk is None and None in values:
        assumed = levels.walk_without(fmt, controls, address, values, said.access, said.user)
        if assumed is None or assumed.fault is None:
            return by_code
        return replace(trap, refused=REFUSING.of(assumed), says=f"{done}: {assumed.fault.why}.")
    if walk is None:
        event.say("lacks descriptors: the text leaves out a level, or is cut")
        return by_code
    if walk.fault is None and said.refused in ("PK", "RMP"):
        why = f"{said.why}; the descriptors' other bits allow it"
        return replace(trap, walk=walk, refused=said.refused, says=f"{done}: {why}.")
    if walk.fault is not None and code is not None and (walk.fault.kind == "not-present") == bool(code & P):
        parts.unsaid.append(
            f"The error code {code:#x} does not fit the descriptors in line {lines[0]}: they were changed in between,"
            " or are damaged."
        )
        why = f"the error code says: {said.why}; the descriptors in the text do not fit it"
        return replace(trap, walk=walk, refused=said.refused, says=f"{done}; {why}.")
    by = f"; the error code says: {said.why}" if said.why else ""
    return event.judged(trap, walk, done, by, REFUSING.of, is_known=said.is_known)


def _other_controls(
    controls: X86Controls, walk: TablesWalk | None, said: Code, code: int | None
) -> Iterator[X86Controls]:
    """Yield controls with which the descriptors may refuse what the error code says: fewer address bits, SMEP, SMAP."""
    if code is not None and code & RSVD:
        for bits in (48, 46, 45, 43, 42, 40, 39, 38, 36):
            yield replace(controls, maxphyaddr=bits)
    elif walk and walk.ok and code is not None and code & (P | PK) == P and not said.user and walk.rights.user:
        if controls.ac and said.access != "execute":
            return  # the text says that SMAP was off
        yield replace(controls, smep=said.access == "execute", smap=said.access != "execute", ac=False)


REFUSING = Refusing(
    {"not-present": "P", "reserved": "RSVD"},
    {"U/S is 0": "U/S", "R/W is 0": "R/W", "XD is 1": "XD", "CR4.SMEP": "SMEP", "CR4.SMAP": "SMAP"},
)
"""The bits that refuse a walk of x86; SMEP and SMAP are of CR4."""
