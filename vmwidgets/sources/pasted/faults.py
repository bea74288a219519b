"""Page faults of kernels for x86: an address, and an error code or its words, wherever these stand.

    pid 3 prog: trap 14 err 6 on cpu 0 eip 0x10 addr 0x4000--kill proc
    fault virtual address = 0x18
    Error Code: PROTECTION_VIOLATION | CAUSED_BY_WRITE

:data:`DRESSES` says how each system begins; the numbers in the lines after it are found by their usual names.  These
texts have no page table; the answer is looked up in a list of `info mem` or `info pg` in the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ...engine.base.units import PAGE, Address
from ...given.pasted import Listing, SaidRange, Trap
from .listings import PGDIR
from .oops_event import MADE, MESSAGES
from .parts import Parts
from .x86_codes import ALL, FLAGS, Code, P, U, code_of, code_of_words, is_possible, said_of

WORDS = ("fault", "segv", " err ", "trap", "exception", "cr2")
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


_XV6 = "xv6 for x86"
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
    Dress("OpenBSD or NetBSD", _begins(r"\buvm_fault\([^,\s]{1,20}, {va}(?:, [0-9])?, (?P<access>[1-7])\) -> [0-9a-f]"),
          base=16, words="kernel"),
    Dress("OS/161", _begins(r"(?:Fatal exception|Fatal user mode trap) {n:mips} (?:sig [0-9]{1,3} )?"
                            r"\((?P<means>[\w ]{1,40})")),
    Dress("uCore", _begins(r"page fault at {va}: [KU]/[RW] \[[\w ]{1,30}\]"), near=1),
    Dress("a tutorial's kernel", _begins(r"page fault! ?\((?P<flags>[\w ,-]{1,80})\) at {va}"), near=1),
    Dress("a kernel on x86", _begins(
        r"(?:(?<![\w*])|\bvm_)page[- _]?fault(?![s_\w])(?!.{0,9}handler)|#PF\b(?!:)|\bPF:(?=.{1,80}\berr)"
        r"|\b(?:int(?:errupt)?|trap|exception|vector|isr)(?:[ _]?(?:no|num|number|type))?[ .:=#(]{1,4}(?:14|0x0?e)\b"
        r"|\bcr2\b.{1,40}\berr(?:or)?\b|\berr(?:or)?\b.{1,40}\bcr2\b")),
)  # fmt: skip  # a system a paragraph
"""The systems; the last one is any other."""

_HINT = re.compile(r"fault|trap|cr2|#pf|\bpf:|\bv=|14|0x0?e\b|fatal exception", _FLAGS)
"""What each first line has."""

_NOT_X86 = re.compile(
    r"\b(?:scause|sepc|stval|satp|[fe]sr|far|esr_el\d|far_el\d|elr|ttbr\d?|badv?addr|mtval)\b|riscv|aarch64|arm64"
    rf"|{'|'.join(MESSAGES)}|store/amo",
    _FLAGS,
)

_S = r"[\s=:\[]{1,12}(?:[A-Za-z]{1,20}\(\s{0,20}){0,2}V?"
"""What is between a name and its number: "= ", ": VirtAddr("."""
_H = r"(?:0x([0-9a-f]{1,16})|((?:[0-9a-f]{8}){1,2}|(?=[a-f]*[0-9])[0-9a-f]{1,16}))(?![0-9a-zx_])"
"""A number in base 16, with or without 0x; a word such as "bad" is not one."""

_FIELDS: dict[str, tuple[re.Pattern[str], ...]] = {
    name: tuple(re.compile(one, _FLAGS) for one in patterns)
    for name, patterns in {
        "va": (
            rf"\bcr2\b{_S}{_H}",
            (r"(?:fault\w*|access\w*|exception|linear|virtual|bad|invalid)[ _-](?:(?:virtual|linear|memory)[ _-])?"
             rf"v?a(?:ddr)?(?:ess)?\b{_S}{_H}"
             rf"|\b(?:tried to access|access (?:to|of|at)|(?:access|referenc)(?:ed|ing)){_S}{_H}"),
            (rf"(?:page[- _]?fault|#PF)\b(?:[^\n]{{0,80}}?\b(?:at|on|for|from|to|(?:access|referenc)ing)"
             rf"(?: address)?{_S}{_H}"
             r"|: (?:0x([0-9a-f]{1,16})|([0-9a-f]{8}|[0-9a-f]{16}))(?![0-9a-z]))"),
            rf"\b(?:va|v?addr(?:ess)?)\b{_S}{_H}",
        ),
        "code": (
            (r"(?:\berr(?:or)?(?:[ _-]?code)?\b|(?:exception|fault)[ _-]code\b|(?<!exit )\bcode(?=\s{0,2}[=:]| 0x)"
             r"|\btype [0-9]{1,2} code)"
             rf"{_S}"
             r"(0b[01]{2,16}\b|(?:0x[0-9a-f]{1,16}|(?=[a-f]*[0-9])[0-9a-f]{1,16})(?![0-9a-zx_]))"),
            r"#PF\[([0-9a-f]{4})\]", r"(?:page[- _]?fault|#PF) ?\((?!14\)|0x0?e\))(0x[0-9a-f]{1,4}|[0-9]{1,2})\)",
        ),
        "pc": (
            (r"(?:\b[er]?ip|\bpc|\bEPC|instruction[ _]pointer)\b[\s=:]{1,12}(?:0x)?(?:[0-9a-f]{1,4}:)?[\[<]{0,2}"
             rf"(?:[A-Za-z]{{1,20}}\(\s{{0,20}})?{_H}"),
            rf"\bat (?:[er]?ip=|address ){_H}",
        ),
        "pid": (r"current process\s{0,9}=\s{0,9}([0-9]{1,9})\b",),
    }.items()
}  # fmt: skip
"""The usual names of a fault's numbers, the surest first."""

_NUMBERED = r"\b(?:trap|exception|vector|int(?:errupt)?|isr)(?:[ _]?(?:no|num|number|type))?[ .:=#(]{1,4}"
_OTHER = re.compile(
    r"#(?:GP|UD|DF|NP|SS|TS|DE|MC|AC|BP|DB|NM|XM|MF)\b|\b(?:general protection|double fault|invalid opcode|divide error"
    rf"|divi(?:de|sion) by zero|stack(?:[- ]segment)? fault|segment not present|invalid tss)\b"
    rf"|{_NUMBERED}(?!14\b|0x0?e\b)(?:0x[0-9a-f]{{1,2}}|[0-9]{{1,2}})\b",
    _FLAGS,
)
_PAGE_FAULT = re.compile(rf"page[- _]?fault|#PF\b|{_NUMBERED}(?:14|0x0?e)\b", _FLAGS)
"""An exception of x86 that is no page fault, and one that is: Intel SDM 6.15; CR2 may be printed with both."""
_PROSE = re.compile(
    r"\bno page[- ]?fault|\bpage[- ]?faults? (?:occurs?|happens?|means|is|are|can|may|will|would)\b", _FLAGS
)

_SAYS = re.compile(
    r"\berr|code\b|reason|cause|access|attempt|tried|while|present|violation|\bring\b|\b(?:write|user|read)\w*\s?[=:]",
    _FLAGS,
)
"""What a line with words about the access has."""

_FLAG_SET = re.compile(
    r"(?i:error[ _]?code)\W{1,12}(?:[A-Za-z]{1,20}\(\s*)?((?:[A-Z]+_[A-Z_]+[\s|,]*)+[A-Z]*|\(?empty\)?)"
    r"(?=\s*(?:\)|\n|$))"
)
"""The set bits by their names in the crate x86_64; the others are 0."""
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
    if len(heads) > MOST:
        parts.unsaid.append(f"The faults from line {heads.pop().line} on are not read: at most {MOST:,} are.")
    at = 0
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
        found = _Block(head, end, parts).trap()
        if found is not None:
            lines = [one.line for one in heads[at:inside]]
            parts.claimed.update(lines)
            parts.told.update(lines)
            parts.what[head.dress.name] = None
            parts.traps.append(_explained(*found, parts))
        at = inside


def _heads(parts: Parts) -> Iterator[_Head]:
    for number, line in enumerate(parts.lines, 1):
        if not line or number in parts.claimed or not _HINT.search(line[:WIDE]):
            continue
        for dress in DRESSES:
            match = dress.begins.search(line[:WIDE])
            if match is not None and (dress is not DRESSES[-1] or not _NOT_X86.search(match.string)):
                said = match.groupdict().get("va")
                yield _Head(number, dress, match, _own([line]) if said is None else int(said, 16))
                break


def _first(text: str, patterns: Sequence[re.Pattern[str]]) -> tuple[str, int] | None:
    """Return the first number that patterns find, the surest first, and where it ends."""
    match = next((match for one in patterns if (match := one.search(text)) is not None), None)
    return None if match is None else (next(filter(None, match.groups())), match.end())


def _searched(lines: list[str]) -> str:
    """Return the searched part of lines as one text, in which a null pointer of printf is a number."""
    return "\n".join(one[:WIDE] for one in lines).replace("(nil)", "0x0").replace("(null)", "0x0")


def _own(lines: list[str]) -> int | None:
    """Return the first address that lines name by one of the surer names."""
    found = _first(_searched(lines), _FIELDS["va"][:3])
    return None if found is None else int(found[0], 16)


def _begins_another(head: _Head, known: int | None, other: _Head) -> bool:
    """Return whether a line within a fault's lines begins the next fault, and is not a further line of the same."""
    is_same = re.sub("[0-9]", "", head.match.string) == re.sub("[0-9]", "", other.match.string)
    is_elsewhere = known is not None and other.own not in (None, known)
    return is_same or is_elsewhere or "vector" in other.match.groupdict()


class _Block:
    """The lines of one fault."""

    def __init__(self, head: _Head, end: int, parts: Parts) -> None:
        self.head, self.parts = head, parts
        self.groups = head.match.groupdict()
        self.text = _searched(parts.lines[head.line - 1 : end - 1])
        self._words = (0, 0)
        """The bits of the error code that the words say, and the mask of these."""

    def trap(self) -> tuple[Trap, Code | None] | None:
        """Return the fault, and what its code or its words mean; None if this is no fault."""
        head, dress = self.head, self.head.dress
        if dress is DRESSES[-1] and (_NOT_X86.search(self.text) or _PROSE.search(head.match.string)):
            return None
        kind = self._kind()
        address = self._address()
        if (dress is DRESSES[-1] and address is None) or (dress.name == "QEMU" and kind not in MEANS.values()):
            return None
        self.parts.claimed.add(head.line)
        bits, known = self._words = self._bits()
        code, pc = self._field("code", dress.base), self._field("pc")
        if code is None and known & FLAGS == FLAGS:
            code = bits
        elif code is not None and (bits ^ code) & known & FLAGS:
            self.parts.unsaid.append(
                f"The words of the fault in line {head.line} do not fit its error code, {code:#x}: the code is used."
            )
        said = code_of(code) if code is not None else said_of(bits, known)
        mode = _MODE.search(self.text)
        user = mode[1].lower() == "user" if mode is not None else said.user
        is_said = mode is not None or code is not None or known & U
        where = dress.where.format("user" if user else "kernel") if is_said else "x86"
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
        if self.head.dress.name in ("Pintos", DRESSES[-1].name):  # its words may stand in the lines above
            near = "\n".join([*self.parts.lines[max(self.head.line - 4, 0) : self.head.line - 1], self.text])
            if (other := _OTHER.search(near)) is not None and not _PAGE_FAULT.search(near):
                return other[0]
        vector = self.groups.get("vector")
        number = int(vector, 16) if vector else int(self.groups.get("kind") or PAGE_FAULT)
        return MEANS.get(number, f"trap {number}")

    def _address(self) -> int | None:
        """Return the failed address; cr2 is exact where the first line has its page alone."""
        again = self._field("cr2") if "va" in self.groups else None
        address = self._field("va")
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
        whole = _qemus_digits(self.text) if name == "va" and self.head.dress.name == "QEMU" else 0
        if len(digits) < whole:
            self.parts.unsaid.append(
                f"The address {digits} in line {line} is cut, and not read: QEMU prints {whole} digits."
            )
            return None
        if name == "va" and is_plain and len(digits) not in (1, 8, 16):
            self.parts.unsaid.append(f"The address {digits} in line {line} has no 0x, and is read in base 16.")
        return self._number(digits, line, end - self.text.rfind("\n", 0, end) - 1, base)

    def _number(self, digits: str, line: int, column: int, base: int) -> int | None:
        """Return a number; None if it ends the text, and is shorter than its leading zeros say."""
        is_binary = not base and re.fullmatch("0b[01]+", digits, _FLAGS) is not None
        base = 16 if digits[:2].lower() == "0x" else 2 if is_binary else base
        digits = digits[2:] if is_binary else digits.lower().removeprefix("0x")
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
            if self.parts.ends_in(line, match.end() - self.text.rfind("\n", 0, match.end()) - 1):
                self.parts.unsaid.append(f"The text ends within the error code in line {line}: flags may be missing.")
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
        where = f" in {trap.where}" * (trap.where != "x86")
        why = f": {said.why}." if said.why else "; the text does not say why."
        return replace(trap, refused=said.refused, says=f"The {made} {Address(trap.address)}{where} was refused{why}")
    address, code = trap.address, trap.code
    trap = replace(trap, decoded=said.decoded)
    who = "user code" if said.user else "the kernel"
    done = f"The {MADE[said.access]} of {Address(address)} by {who} was refused"
    by_code = replace(trap, refused=said.refused, says=f"{done}: {said.why}.")
    known = [one for one in parts.listings if "x86" in one.name or one.name == PGDIR]
    latest = sorted(known, key=lambda one: -one.line)
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
