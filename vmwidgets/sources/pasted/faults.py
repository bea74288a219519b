"""Faults of small kernels on any processor: an address, and a code or its words, wherever these stand.

    pid 3 prog: trap 14 err 6 on cpu 0 eip 0x10 addr 0x4000--kill proc
    Error Code: PROTECTION_VIOLATION | CAUSED_BY_WRITE
    "Synchronous Abort" handler, esr 0x96000007, far 0xf0000

:data:`DRESSES` says how each system begins; the numbers in the lines after it are found by their usual names.  Without
a system's name, :data:`PROCESSORS` says whose registers and words the lines have: without any, the fault is a kernel's,
and its code is not decoded.  These texts have no page table; the answer is looked up in a list of `info mem` or
`info pg` in the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from ...engine.base.units import PAGE, Address
from ...given.pasted import Listing, SaidRange, Trap
from . import oops_arm, oops_arm64, oops_riscv
from .listings import PGDIR
from .oops_event import IS, MADE, MESSAGES, Event
from .parts import Parts
from .x86_codes import ALL, FLAGS, Code, P, U, code_of, code_of_words, is_possible, said_of

WORDS = ("fault", "segv", " err ", "trap", "exception", "cr2", "abort", "esr", "fsr", "cause")
"""Words that make a line of a long text relevant to this reader, in small letters."""

_FLAGS = re.IGNORECASE | re.ASCII

NEAR = 24
"""The lines in which the rest of a fault is printed."""

MOST = 2_000
"""The most lines of a text that are read as the first line of a fault."""

WIDE = 400
"""The number of characters of a line that are searched."""

PAGE_FAULT = 14

MEANS = {
    0: "divide error", 1: "debug exception", 3: "breakpoint", 4: "overflow", 5: "bound range exceeded",
    6: "invalid opcode", 7: "device not available", 8: "double fault", 10: "invalid TSS", 11: "segment not present",
    12: "stack fault", 13: "general protection fault", 14: "page fault", 16: "x87 error", 17: "alignment check",
    18: "machine check", 19: "SIMD error",
}  # fmt: skip
"""Intel SDM volume 3A, table 6-1."""


class Dress(NamedTuple):
    """How a system prints a fault: its first line, where ("{}" is the mode), and the base of its code (0: as written).

    Groups of `begins` are a fault's fields; what it leaves out is found in the lines after it, at most `near` lines.
    `words` is what the system says by printing this at all.
    """

    name: str
    begins: re.Pattern[str]
    where: str = "{} mode"
    base: int = 0
    words: str = ""
    near: int = NEAR


def _begins(line: str) -> re.Pattern[str]:
    """Return the pattern of a first line, in which "{va}" is a number in base 16, and "{n:pid}" one in base 10."""
    line = re.sub(r"\{n:(\w+)\}", r"(?P<\1>-?[0-9]{1,10})", line)
    return re.compile(re.sub(r"\{([a-z]\w*)\}", r"(?:0x)?(?P<\1>[0-9a-f]{1,16})(?![0-9a-zx])", line), _FLAGS)


_NOT_MORE = r"(?![0-9a-zx_]|[:.,][0-9]|[ -]?(?:[kmgt]i?b|[mun]?s|pages?|times|bytes|faults?|hz)\b|%)"
"""What ends a number: the digits of a clock, a decimal or a size are none of an address."""

_PARTS = {
    "{end}": _NOT_MORE,
    "{to}": rf"(?: ?\([\w ]{{1,20}}\))?{IS}(?:[A-Za-z]{{1,20}}\(\s{{0,20}}){{0,2}}V?",
    "{is}": IS,
    "{hex}": r"(?:0x(?:0(?=[0-9a-f]{16}\b))?([0-9a-f]{1,16})|((?:[0-9a-f]{8}){1,2}|(?=[a-f]*[0-9])[0-9a-f]{1,16}))"
    + _NOT_MORE,
    "{code}": r"([01]{2,16}b\b|0b[01]{2,16}\b|(?:0x[0-9a-f]{1,16}|(?=[a-f]*[0-9])[0-9a-f]{1,16})" + _NOT_MORE + ")",
    "{trap}": r"\b(?:trap|exception|vector|int(?:errupt)?|isr)(?:[ _]?(?:no|num|number|type))?[ .:=#(]{1,40}",
    "{14}": r"(?:14\b|0x0*e\b|e\b(?=\s+err|\s*\(#pf))",
    "{esr}": rf"\bESR(?:_EL[123n])?{IS}(?:0x[0-9a-f]{{1,2}}/)?(?:0x)?(?:0{{8}})?",
}
"""Parts of patterns: what is between a name and its number ("= ", ": VirtAddr(", " (CR2): "), a number in base 16 (a
word such as "bad" is not one), an error code in any base, an exception's number, that of a page fault, and ESR."""


def _any(*patterns: str) -> re.Pattern[str]:
    """Return the pattern of any of these, in which names in braces stand for parts."""
    whole = "|".join(patterns)
    for name, part in _PARTS.items():
        whole = whole.replace(name, part)
    return re.compile(whole, _FLAGS)


_XV6, BSD, ANY, X86 = "xv6 for x86", "OpenBSD or NetBSD", "a kernel", "x86"
DRESSES = (
    Dress(_XV6, _begins(r"\bpid {n:pid} ?\S{0,40}: trap {n:kind} err {n:code} on cpu [0-9]{1,3} [er]?ip {pc}"
                        r" (?:addr|cr2) {va}"), "user trap", 10, near=1),
    Dress(_XV6, _begins(r"unexpected trap {n:kind} from cpu [0-9]{1,3} [er]?ip {pc} \(cr2={va}\)?"), near=1,
          words="kernel"),
    Dress("Pintos", _begins(r"Page fault at {va}: (?:not present|rights violation) error (?:reading|writing)"
                            r" page in (?:user|kernel) context"), "{} context"),
    Dress("Pintos", _begins(r"\bcr2={va} error={code}"), "{} context", 16, near=1),
    Dress("JOS", _begins(r"\[(?P<env>[0-9a-f]{8})\] user fault va {va} ip {pc}"), words="user"),
    Dress("JOS", _begins(r"^\s*trap\s+0x0{0,7}e\b")),
    Dress("Linux on x86", _begins(r"\[{n:pid}\]: segfault at {va} [re]?ip:? ?{pc} [re]?sp:? ?[0-9a-f]{1,16}"
                                  r" error:? ?{code}"), base=16, near=1),
    Dress("QEMU", _begins(r"\bv=(?P<vector>[01][0-9a-f]) e={code} i=[01] cpl=[0-3]"), base=16),
    Dress("FreeBSD", _begins(r"Fatal trap [0-9]{1,3}: (?P<means>[\w -]{1,60}?) while in (?:user|kernel|vm86) mode")),
    Dress(BSD, _begins(r"\buvm_fault\([^,\s]{1,20}, {va}(?:, [0-9])?, (?P<access>[1-7])\) -> [0-9a-f]"),
          base=16, words="kernel"),
    Dress("OS/161", _begins(r"(?:Fatal exception|Fatal user mode trap) {n:mips} (?:sig [0-9]{1,3} )?"
                            r"\((?P<means>[\w ]{1,40})")),
    Dress("uCore", _begins(r"page fault at {va}: [KU]/[RW] \[[\w ]{1,30}\]"), near=1),
    Dress("Wine", _begins(r"Unhandled page fault on (?:read|write|execute) access to {va} at address {pc}"), near=1),
    Dress("a tutorial's kernel", _begins(r"page fault! ?\((?P<flags>[\w ,-]{1,80})\) at {va}"), near=1),
    Dress(ANY, _any(r"\b(?:data|prefetch|instruction)[ -]abort\b", r"\[(?:Data|Prefetch) Abort\]"), near=2 * NEAR),
    Dress(ANY, _any(
        r"(?:(?<![\w*])|\b(?:do|vm)_)page[- _]?fault(?![s_\w+(])(?!.{0,9}handler)", r"#PF\b(?!:|.{0,9}handler)",
        r"\bPF:(?=.{1,80}\berr)", "{trap}{14}", r"\bcr2\b.{1,40}\berr(?:or)?\b", r"\berr(?:or)?\b.{1,40}\bcr2\b",
        r"\b(?:bad|fatal|unhandled|invalid) (?:kernel|user|read|write|instruction) (?:page )?fault\b",
        "RISCV64 Exception",
        r"\b(?:[DI]?FAR|[DIE]?F?SR|[SM]?CAUSE|[SM]?TVAL|BADADDR)(?:_EL[123n])?{is}(?:0x)?[0-9A-F]")),
)  # fmt: skip  # a system a paragraph
"""The systems; the last two are any other."""

_HINT = re.compile(r"fault|trap|cr2|#pf|\bpf:|\bv=|14|0x0?e\b|exception|abort|[ef]sr|far|cause|tval|badaddr", _FLAGS)
"""What each first line has."""

PROCESSORS: tuple[tuple[Any, ...], ...] = (
    ("AArch64", _any("{esr}[0-9a-f]{8,16}"), _any(
        r"\bFAR(?:_EL[123n])?\b", r"\b(?:abort|fault(?:ed|ing)?)[ _](?:at )?addr", "{esr}[89][26]00")),
    ("ARM", _any(r"\*pgd=", r"\b[DI]?FSR\b")),
    ("RISC-V", _any(r"\b[SM]?CAUSE{is}(?:0x)?[0-9a-f]", "RISCV64 Exception"), _any(r"\b[SM]?(?:TVAL|BADADDR){is}")),
    ("another", _any(r"\bbadv(?:addr|a)?\b", r"\b(?:dsisr|scause|esr)\b", "store/amo", r"\bttbr", *MESSAGES)),
    ("x86", _any(r"\A(?![\s\S]*\b(?:data|prefetch|instruction)[ -]abort\b)"), _any(
        r"\bcr[0234]\b", "#PF", r"\bapic id\b", r"(?<![\w%])[er](?:ip|[abcd]x|[sb]p|flags)\b",
        r"\b(?:x86|i[36]86|amd64|x64|ia32)\b", "caused_by_write", "protection_violation", "malformed_table",
        r"\bring ?:? ?[03]\b", r"\berr(?:or)?[ _-]?code\b", r"\berr\b", r"\bpresent ?[:= ] ?[01]\b", r"\bP:[01] ",
        r"\brsvd\b", "{trap}{14}")),
)  # fmt: skip
"""What shows whose fault it is: the first row of which every pattern is in the lines; another's is not read."""

READERS = {"AArch64": oops_arm64, "ARM": oops_arm, "RISC-V": oops_riscv}

_DEVICE = _any(
    "amdgpu|radeon|nouveau|panfrost|adreno|kgsl|etnaviv|amd-vi|iommu|smmu|nvrm|_FAULT_STATUS",
    r"\b(?:drm|i915|xe|xid|v3d|mali|x?gpu[0-9]*|gfxhub[0-9]*|mmhub[0-9]*)\b",
    r"\b(?:dmar?|dma-?remap|iova|p?asid|vmid|gart)\b|\bin AS[0-9]|\bdevice [0-9a-f:]{5,12}\.[0-7]\b",
)
"""Devices that walk page tables of their own: no processor's fault."""

_FIELDS = {
    "va": (
        _any(r"\bcr2\b\)?{to}{hex}"),
        _any(
            r"(?:fault(?:ed|ing)?|access\w*|exception|linear|virtual|bad|invalid|abort)[ _-]"
            r"(?:(?:virtual|linear|memory)[ _-])?v?a(?:ddr)?(?:ess)?\b{to}{hex}",
            r"\b(?:tried to access|access (?:to|of|at)|(?:access|referenc)(?:ed|ing)){to}{hex}"),
        _any(
            r"(?:page[- _]?fault|#PF)\b[^\n]{0,80}?(?<!\bpc )(?<!ip )(?<!instruction )(?<!executing )"
            r"\b(?:at|on|for|from|to|(?:access|referenc)ing)(?: address)?{to}{hex}",
            r"(?:page[- _]?fault|#PF)\b: (?:0x([0-9a-f]{1,16})|([0-9a-f]{8}|[0-9a-f]{16}))(?![0-9a-z])",
            r"(?:page[- _]?fault|#PF)\b(?:[ ,]{1,3}(?:from|in|by|of|user|kernel|supervisor|mode|space|va|address"
            r"|(?:read|writ)(?:e|ing)?)\b)*[ ,]{1,3}0x([0-9a-f]{1,16}){end}"),
        _any(r"\b(?:va|v?addr(?:ess)?)\b{to}{hex}"),
    ),
    "code": (
        _any(
            r"(?:\berr(?:or)?[ _-]?code|\b(?:exception|fault)[ _-]code|\bexceptiondata|\btype [0-9]{1,2} code)\b"
            "{to}{code}"),
        _any(
            r"(?:\berr|\berror(?=\s{0,9}[=:])|(?-i:\b[Ee]rror)|(?<!exit )\bcode(?=\s{0,2}[=:]| 0x)){to}{code}",
            r"#PF\[([0-9a-f]{4})\]", r"(?:page[- _]?fault|#PF) ?\((?!14\)|0x0?e\))(0x[0-9a-f]{1,4}|[0-9]{1,2})\)"),
    ),
    "pc": (
        _any(
            r"(?:\b[er]?ip|\bpc|\bEPC|instruction[ _]pointer)\b[\s=:-]{1,40}(?:0x)?(?:[0-9a-f]{1,4}:)?[\[<]{0,2}"
            r"(?:[A-Za-z]{1,20}\(\s{0,20})?{hex}"),
        _any(r"\bat [er]?ip={hex}", r"(?:0x[0-9a-f]+ |[0-9a-f]{8} |\n)at address {hex}", r"\b(?:pc|[er]?ip) at {hex}"),
    ),
    "pid": (_any(r"current process\s{0,9}=\s{0,9}([0-9]{1,9})\b"),),
}  # fmt: skip
"""The usual names of a fault's numbers, the surest first."""

_OTHER = _any(
    r"#(?:GP|UD|DF|NP|SS|TS|DE|MC|AC|BP|DB|NM|XM|MF)\b",
    r"\b(?:general protection|double fault|invalid opcode|divide error|divi(?:de|sion) by zero"
    r"|stack(?:[- ]segment)? fault|segment not present|invalid tss)\b",
    r"{trap}(?!14\b|0x0?e\b)(?:0x[0-9a-f]{1,2}|[0-9]{1,2})\b",
)
_PAGE_FAULT = _any("page[- _]?fault", r"#PF\b", "{trap}{14}")
"""An exception of x86 that is no page fault, and one that is: Intel SDM 6.15; CR2 may be printed with both."""
_PROSE = _any(
    r"(?P<only>\bno page[- ]?fault"
    r"|\bpage[- ]?faults? (?:occurs?|happens?|means|is|are|can|may|will|would|rate|count)\b)",
    r"(?<!not )(?<!be )(?<!trap )(?<!stack )\b(?:load(?:ed|ing)|serv(?:ed|iced)|handled|resolved|swapped|evict\w*"
    r"|replac\w*|victim|brought|mapped (?:in|to)|frame|copied|cow|copy[- ]on[- ]write|handling|tlb (?:hit|miss)"
    r"|demand|laz(?:y|ily)|allocat\w*|major|minor|soft|hits|latency|cycles)\b",
)
"""Words around a fault that was served, or is only mentioned: no access is refused for good."""

_SAYS = re.compile(
    r"\berr|code\b|reason|cause|access|attempt|tried|while|present|violation|\bring\b|\b(?:write|user|read)\w*\s?[=:]",
    _FLAGS,
)
"""What a line with words about the access has."""

_FLAG_SET = re.compile(
    r"(?i:error[ _]?code)\W{1,12}(?:[A-Za-z]{1,20}\(\s*)?((?:[A-Z]+_[A-Z_]+[\s|,]*)+[A-Z]*|\(?empty\)?)"
    r"(?=\s*(?:[),}]|\n|$))"
)
"""The set bits by their names in the crate x86_64; the others are 0."""
_CRATE = frozenset(
    ("PROTECTION_VIOLATION", "CAUSED_BY_WRITE", "USER_MODE", "MALFORMED_TABLE", "INSTRUCTION_FETCH", "PROTECTION_KEY",
     "SHADOW_STACK", "SGX", "RMP")
)  # fmt: skip
"""The names of the bits in that crate."""
_FAULT = _any(
    "page[- _]?fault",
    r"\b(?:kernel|user) fault\b",
    r"#PF\b",
    r"\bPF:",
    r"\b(?:data|prefetch|instruction)[ -]abort\b",
    "{trap}",
)
"""What begins a fault that no register shows."""
_FIRST = re.compile(r"\berr(?:or)?\b|code\b", _FLAGS)
_MODE = re.compile(r"\b(user|kernel|supervisor)[ -](?:mode|context|land|space)", _FLAGS)
_ACCESS = ("", "read", "write", "write", "fetch", "fetch", "write", "write")
"""Accesses by the bits of `vm_prot_t`."""

_MISS, _ERROR = "the TLB has no valid entry for it", "it is not aligned, or the kernel's (address error)"
_MIPS = {
    1: ("store", "the TLB's entry does not allow writes (D is 0)"),
    2: ("load", _MISS),
    3: ("store", _MISS),
    4: ("load", _ERROR),
    5: ("store", _ERROR),
}
"""The causes of OS/161 for MIPS about an address (ExcCode of the register Cause), each with its access."""


class _Head(NamedTuple):
    """A line at which a fault may begin, and the address that the line itself names."""

    line: int
    dress: Dress
    match: re.Match[str]
    own: int | None


def read(parts: Parts) -> None:
    """Add the faults that kernels for x86 print."""
    heads = [*islice(_heads(parts), MOST + 1)]
    rest, at, before = heads[MOST:], 0, len(parts.traps)
    del heads[MOST:]
    while at < len(heads):
        head, inside = heads[at], at + 1
        last = min(head.line + head.dress.near, len(parts.lines) + 1)
        known = head.own
        while inside < len(heads) and heads[inside].line < last:
            known = _own(parts.lines[head.line - 1 : heads[inside].line - 1]) if known is None else known
            if _begins_another(head, known, heads[inside]):
                break
            inside += 1
        end = min(heads[inside].line if inside < len(heads) else last, last)
        block = _Block(head, end, parts)
        lines = [one.line for one in heads[at:inside]]
        if (reader := READERS.get(block.processor)) is not None:
            whole = [(number, parts.lines[number - 1]) for number in range(head.line, end) if parts.lines[number - 1]]
            reader.read(Event(head.line, whole, True, parts, "fault"), parts)
            parts.claim_doubled(whole)
        elif (found := block.trap()) is not None:
            parts.what[head.dress.name + " on x86" * (block.is_any and block.processor == X86)] = None
            parts.traps.append(_explained(*found, parts))
        else:
            lines = []
        parts.claimed.update(lines)
        parts.told.update(lines)
        at = inside
    if rest and len(parts.traps) > before:
        parts.unsaid.append(f"The faults from line {rest[0].line} on are not read: at most {MOST:,} are.")


def _heads(parts: Parts) -> Iterator[_Head]:
    for number, line in enumerate(parts.lines, 1):
        if not line or number in parts.claimed or not _HINT.search(line[:WIDE]):
            continue
        for dress in DRESSES:
            match = dress.begins.search(line[:WIDE])
            if match is not None:
                said = match.groupdict().get("va")
                yield _Head(number, dress, match, _own([line]) if said is None else int(said, 16))
                break


def _is_x86(listing: Listing) -> bool:
    return X86 in listing.name or listing.name == PGDIR


def _processor(text: str) -> str:
    """Return the processor whose registers and words a text has; "" if it shows none."""
    return next((name for name, *evidence in PROCESSORS if all(one.search(text) for one in evidence)), "")


def _first(text: str, patterns: Sequence[re.Pattern[str]]) -> tuple[str, int] | None:
    """Return the first number that patterns find, the surest first, and where it ends."""
    match = next((match for one in patterns if (match := one.search(text)) is not None), None)
    return None if match is None else (next(filter(None, match.groups())), match.end())


def _searched(lines: list[str]) -> str:
    """Return the searched part of lines as one text, in which a null pointer of printf is a number."""
    return "\n".join(one[:WIDE] for one in lines).replace("(nil)", "0x0").replace("(null)", "0x0").replace("\\n", "")


def _own(lines: list[str]) -> int | None:
    """Return the first address that lines name by one of the surer names."""
    found = _first(_searched(lines), _FIELDS["va"][:3])
    return None if found is None else int(found[0], 16)


def _begins_another(head: _Head, known: int | None, other: _Head) -> bool:
    """Return whether a line within a fault's lines begins the next fault, and is not a further line of the same."""
    is_same = re.sub("[0-9]", "", head.match.string) == re.sub("[0-9]", "", other.match.string)
    is_elsewhere = known is not None and other.own not in (None, known)
    return is_same or is_elsewhere or other.dress.name == "uCore" or "vector" in other.match.groupdict()


class _Block:
    """The lines of one fault."""

    def __init__(self, head: _Head, end: int, parts: Parts) -> None:
        self.head, self.parts = head, parts
        self.groups = head.match.groupdict()
        numbered = enumerate(parts.lines[head.line - 1 : end - 1], head.line)
        self.text = _searched(["" if number in parts.claimed else line for number, line in numbered])
        self.is_any = head.dress.name == ANY
        """Whether the first line names no system."""
        is_device = self.is_any and _DEVICE.search("\n".join(parts.lines[max(head.line - 3, 0) : head.line + 1]))
        is_open = self.is_any or head.dress.name == BSD
        self.processor = "a device" if is_device else _processor(self.text) if is_open else X86
        if not self.processor and (not self.is_any or any(map(_is_x86, parts.listings))):
            self.processor = X86
        self._words = (0, 0)
        """The bits of the error code that the words say, and the mask of these."""

    def trap(self) -> tuple[Trap, Code | None] | None:
        """Return the fault, and what its code or its words mean; None if this is no fault."""
        head, dress = self.head, self.head.dress
        if self.is_any and self.processor not in ("", X86):
            return None
        kind, address = self._kind(), self._address()
        has_none = self.is_any or dress.name == "JOS"  # uCore prints such a frame beside its own line
        if (has_none and address is None) or (dress.name == "QEMU" and kind not in MEANS.values()):
            return None
        bits, known = self._words = self._bits()
        code, pc = self._field("code", dress.base), self._field("pc")
        mentioned = _PROSE.search(head.match.string) if self.is_any else None
        is_sure = code is not None and self.processor
        if (mentioned and (mentioned["only"] or not is_sure)) or (
            self.is_any and not (is_sure or _FAULT.search(head.match.string))
        ):
            return None
        self.parts.claimed.add(head.line)
        if not self.processor:
            if code is not None:
                self.parts.unsaid.append(
                    f"The code {code:#x} of the fault in line {head.line} is not decoded: the text does not say of"
                    " which processor it is."
                )
            code = None
        elif code is None and known & FLAGS == FLAGS:
            code = bits
        elif code is not None and (bits ^ code) & known & FLAGS:
            self.parts.unsaid.append(
                f"The words of the fault in line {head.line} do not fit its error code, {code:#x}: the code is used."
            )
        said = code_of(code) if code is not None else said_of(bits, known)
        if not self.processor:
            there = "a page is there, and does not allow it" if bits & P else "no page is there"
            said = said._replace(refused="", why=there * bool(known & P))
        mode = _MODE.search(self.text)
        user = mode[1].lower() == "user" if mode is not None else said.user
        is_said = mode is not None or code is not None or known & U
        where = dress.where.format("user" if user else "kernel") if is_said else self.processor or "a kernel"
        pid = int(self.groups["env"], 16) if self.groups.get("env") else self._field("pid", 10)
        is_fault = kind == MEANS[PAGE_FAULT]
        trap = Trap(
            where,
            head.line,
            code,
            kind,
            pid,
            pc,
            address if is_fault or "mips" in self.groups else None,
            register="error code",
        )
        if "mips" in self.groups:
            return replace(trap, code=int(self.groups["mips"]), register="exception code"), None
        return trap, said

    def _kind(self) -> str:
        """Return the name of the exception."""
        if self.groups.get("means"):
            return self.groups["means"].strip()
        if self.head.dress.name in ("Pintos", ANY):  # its words may stand in the lines above
            near = "\n".join([*self.parts.lines[max(self.head.line - 4, 0) : self.head.line - 1], self.text])
            if (other := _OTHER.search(near)) is not None and not _PAGE_FAULT.search(near):
                return other[0]
        vector = self.groups.get("vector")
        number = int(vector, 16) if vector else int(self.groups.get("kind") or PAGE_FAULT)
        return MEANS.get(number, f"trap {number}")

    def _address(self) -> int | None:
        """Return the failed address; cr2 is exact where the first line has its page alone."""
        again = self._field("cr2") if "va" in self.groups else None
        address = self._field("cr2" if self.head.dress.name == "JOS" and "va" not in self.groups else "va")
        if "access" in self.groups and again is None and address is not None and address % PAGE == 0:
            self.parts.unsaid.append(f"Line {self.head.line} has a page's first address: the exact one may be another.")
        if address is None or again is None or again == address:
            return address
        if again - address == again % PAGE:
            return again
        self.parts.unsaid.append(
            f"The fault in line {self.head.line} has another address, {Address(again)}: one of the two is damaged."
        )
        return address

    def _field(self, name: str, base: int = 16) -> int | None:
        """Return a number of the fault: from its first line, or by its usual names."""
        if self.groups.get(name):
            return self._number(self.groups[name], self.head.line, self.head.match.end(name), base)
        found = _first(self.text, _FIELDS["va"][:1] if name == "cr2" else _FIELDS[name])
        if found is None:
            return None
        digits, end = found
        line = self.head.line + self.text.count("\n", 0, end)
        self.parts.claimed.add(line)
        self.parts.told.add(line)
        is_plain = digits.isdigit() and self.text[: end - len(digits)][-2:].lower() != "0x"
        if name == "va" and is_plain and not self.processor and len(digits) not in (8, 16):
            return None
        whole = 16 if digits[0] == "0" and len(digits) in (9, 11, 13, 14, 15) else 0  # with zeros, as it is printed
        whole = _qemus_digits(self.text) if self.head.dress.name == "QEMU" else whole
        if name in ("va", "cr2") and len(digits) < whole:
            self.parts.unsaid.append(
                f"The address {digits} in line {line} is cut, and not read: it has {len(digits)} of {whole} digits."
            )
            return None
        if name == "va" and is_plain and len(digits) not in (1, 8, 16):
            self.parts.unsaid.append(f"The address {digits} in line {line} has no 0x, and is read in base 16.")
        return self._number(digits, line, end - self.text.rfind("\n", 0, end) - 1, base)

    def _number(self, digits: str, line: int, column: int, base: int) -> int | None:
        """Return a number; None if it ends the text, and is shorter than its leading zeros say."""
        base = 16 if digits[:2].lower() == "0x" else base
        digits = digits.lower().removeprefix("0x")
        if not base and (binary := re.fullmatch("0b([01]+)|([01]{2,})b", digits)) is not None:
            return int(binary[1] or binary[2], 2)
        if self.parts.ends_in(line, column):
            self.parts.unsaid.append(f"The text ends with a number in line {line}: digits may be missing.")
            if digits[0] == "0" and len(digits) not in (1, 4, 8, 16):
                return None
        if base or not digits.isdigit() or len(digits) > 3:
            return int(digits, base or 16)
        return self._of_two_bases(digits, line)

    def _of_two_bases(self, digits: str, line: int) -> int:
        """Return an error code without its base: in base 10, if it is then a possible code that fits the words."""
        bits, known = self._words
        one, other = ((int(digits, base), name) for base, name in ((10, "decimal"), (16, "hexadecimal")))
        fits = [is_possible(code) and not (bits ^ code) & known & FLAGS for code, _ in (one, other)]
        one, other = (other, one) if fits == [False, True] else (one, other)
        why = "" if all(fits) else f"; as a {other[1]} number, it is no error code of this fault"
        if one[0] != other[0]:
            self.parts.unsaid.append(
                f"The error code {digits} in line {line} has no 0x, and is read as a {one[1]} number, {one[0]:#x}{why}."
            )
        return one[0]

    def _bits(self) -> tuple[int, int]:
        """Return the bits of the error code that the words say, and the mask of the bits that they say."""
        lines = self.text.split("\n")[: NEAR // 2]
        texts = sorted((one for one in lines[1:] if _SAYS.search(one)), key=lambda one: not _FIRST.search(one))
        texts.insert(sum(map(bool, map(_FIRST.search, texts))), lines[0])
        texts = [_ACCESS[int(self.groups.get("access") or 0)], *texts, self.head.dress.words]
        bits = known = 0
        if flags := (self.groups.get("flags") or "").lower():  # of a tutorial, which prints P the wrong way round
            bits, known = code_of_words(flags.replace("read-only", "write"))[0] & ~P, ALL
            bits |= P * ("present" not in flags)
            if re.search(r"(?<!not-)(?<!not )\bpresent", flags):
                self.parts.unsaid.append(
                    f"Line {self.head.line} prints 'present', which the tutorial's handler does where P is 0: it is"
                    " read so. If your handler was mended, P was 1."
                )
            elif bits & P:
                self.parts.unsaid.append(
                    f"Line {self.head.line} does not print 'present', which the tutorial's handler does where P is 0: P"
                    " is read as 1. If your handler was mended, P was 0."
                )
        elif (match := _FLAG_SET.search(self.text)) is not None:
            line = self.head.line + self.text.count("\n", 0, match.end())
            is_cut = self.parts.ends_in(line, match.end() - self.text.rfind("\n", 0, match.end()) - 1)
            if is_cut or not {*re.findall(r"[A-Z]\w*", match[1])} <= _CRATE:
                self.parts.unsaid.append(f"The error code in line {line} may be cut: its flags are not read.")
            else:
                bits, known = code_of_words(match[1])[0], ALL
        for text in texts:
            more, mask = code_of_words(text)
            bits |= more & ~known
            known |= mask
        return bits, known


def _qemus_digits(text: str) -> int:
    """Return the number of digits of an address in QEMU's log: its program for x86-64 prints 16, that for i386 8."""
    return 16 if re.search(r"\b(?:pc|IP|SP|R\w{1,2})=(?:[0-9a-f]{4}:)?[0-9a-f]{16}\b", text, _FLAGS) else 8


def _explained(trap: Trap, said: Code | None, parts: Parts) -> Trap:
    if said is None:
        return _of_mips(trap, parts)
    if trap.means != MEANS[PAGE_FAULT]:
        return replace(trap, says=f"{trap.means}; this is not a page fault.")
    if trap.address is None:
        parts.unsaid.append(f"The fault in line {trap.line} has no address.")
        return replace(trap, says="The text does not say which address failed.")
    if trap.code is None:
        parts.unsaid.append(f"The fault in line {trap.line} has no error code: what its words leave out is not said.")
        made = f"{MADE[said.access]} of" if said.is_known else "access to"
        where = f" in {trap.where}" * (trap.where not in (X86, "a kernel"))
        why = f": {said.why}." if said.why else "; the text does not say why."
        return replace(trap, refused=said.refused, says=f"The {made} {Address(trap.address)}{where} was refused{why}")
    address, code = trap.address, trap.code
    trap = replace(trap, decoded=said.decoded)
    who = "user code" if said.user else "the kernel"
    done = f"The {MADE[said.access]} of {Address(address)} by {who} was refused"
    by_code = replace(trap, refused=said.refused, says=f"{done}: {said.why}.")
    latest = sorted(filter(_is_x86, parts.listings), key=lambda one: -one.line)
    listing = next((one for one in latest if not one.unsaid_at(address)), None)
    if listing is None and latest:
        parts.unsaid.append(
            f"{Address(address)} is not looked up in {latest[0].name} from line {latest[0].line}, which may lack it:"
            f" {latest[0].unsaid_at(address)}."
        )
    if listing is None:
        parts.unsaid.append(
            f"The text has no page table for the fault in line {trap.line}: the error code does not say which"
            f" descriptor it was."
        )
        return by_code
    bit, why = _by_listing(listing, address, said)
    parts.unsaid.append(
        f"The fault in line {trap.line} is looked up in {listing.name} from line {listing.line}: the text does"
        f" not say that it was"
        " in use, and it may have changed in between."
    )
    piece, asked = listing.at(address), {"read": 3, "write": 1, "execute": 2}[said.access]
    if not bit and piece is not None and code & P and "?" in (piece.rights[asked], piece.rights[3]):
        return replace(
            trap, refused=said.refused, says=f"{done}: {said.why}; {listing.name} does not say these rights."
        )
    if not bit or (bit == "P") == bool(code & P):
        parts.unsaid.append(f"The error code {code} does not fit {listing.name}: that was listed at another time.")
        return by_code
    return replace(trap, refused=bit, says=f"{done}: {why}.")


def _of_mips(trap: Trap, parts: Parts) -> Trap:
    """Return a trap of OS/161: MIPS walks no table, so the TLB alone refuses, and the kernel fills it."""
    access, why = _MIPS.get(trap.code or 0, ("", ""))
    if trap.address is None:
        parts.unsaid.append(f"The fault in line {trap.line} has no address.")
        return replace(trap, says=f"{trap.means}; the text does not say which address failed.")
    if not why:
        return replace(trap, address=None, says=f"{trap.means}; this is not a fault of an address.")
    where = f"The {access} {'to' if access == 'store' else 'of'} {Address(trap.address)} in {trap.where} was refused"
    return replace(trap, says=f"{where}: {why}. MIPS walks no table: the kernel fills the TLB, and had no page for it.")


def _by_listing(listing: Listing, address: int, said: Code) -> tuple[str, str]:
    piece: SaidRange | None = listing.at(address)
    if piece is None:
        return "P", f"{listing.name} does not have it, so P is 0 in a descriptor on the way"
    checks = (
        (said.user, 3, "U/S", "user code may not touch a supervisor page, U/S is 0"),
        (said.access == "write", 1, "R/W", "the page may not be written, R/W is 0"),
        (said.access == "execute", 2, "XD", "nothing may be fetched, XD is 1"),
    )
    has = f"{listing.name} has {piece.rights} there"
    return next(
        ((bit, f"{has}: {why}") for is_asked, at, bit, why in checks if is_asked and piece.rights[at] == "-"), ("", "")
    )
