"""The error code of an x86 page fault in words: Intel SDM volume 3A, 4.7 (without SGX and shadow stacks)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...engine.mmu.rules import Access

P, W, U, RSVD, I, PK, SS = (1 << bit for bit in range(7))  # noqa: E741  the manual's letters
RMP = 1 << 31
"""AMD64 Architecture Programmer's Manual volume 2, 15.36.10: SEV-SNP."""

FLAGS = P | W | U
"""The bits that every error code says."""
ALL = (1 << 7) - 1

_BITS = (
    ("P", "a descriptor on the way was not present", "all descriptors were present, and one of them refused"),
    ("W/R", "the access was not a write", "the access was a write"),
    ("U/S", "the supervisor made it", "user code made it"),
    ("RSVD", "", "a reserved bit was set in a present descriptor"),
    ("I/D", "", "it was an instruction fetch"),
    ("PK", "", "a protection key refused it"),
    ("SS", "", "it was an access to a shadow stack"),
)
"""The bits from 0: the name of each, and the meanings of 0 and 1; "" if a 0 means nothing."""


_FLAG = re.compile(
    r"\b(\w+(?:/\w)?(?= ?[=:])|write|user|present|fetch)(?: ?[=:] ?| (?=[01]))(yes|no|true|false|[01yn])\b",
    re.IGNORECASE,
)
_NAMED = {
    "p": P, "present": P, "w": W, "wr": W, "rw": W, "w/r": W, "r/w": W, "write": W, "u": U, "us": U, "u/s": U,
    "user": U, "rsvd": RSVD, "reserved": RSVD, "i": I, "id": I, "i/d": I, "fetch": I, "instruction": I,
}  # fmt: skip
_WORDS = tuple(
    (re.compile(words, re.IGNORECASE | re.ASCII), mask, value)
    for words, mask, value in (
        (r"(?<![a-z])no[nt][- _]?present|\bno[- ]page\b|\b(?:not|un)[- ]?mapped", P, 0),
        (r"violat|(?-i:\bPROT\b)|\bprotection(?![- _]key)|(?:^|[(,|:;/]\s*|\b(?:page|is|was) )present\b", P, P),
        (r"\bfetch|\binstruction(?!\w)(?! (?:pointer|at\b))|\binstruction_fetch|\bexecut(?:e|ing)\b", W | I, I),
        (r"writ|\bstor(?:e|ing)\b|\b[KSU]/W\b", W | I, W),
        (r"\bread(?:ing)?\b(?!-only| only)|\bload(?:ing)?\b|\b[KSU]/R\b", W | I, 0),
        (r"\bsupervis|(?<!\[)\bkernel\b(?![\]:]|[-_]?[0-9]* +\|)|\b[KS]/[RW]\b|\bring:? ?0\b", U, 0),
        (r"\buser(?!\S* +\|)|(?-i:\bUS\b)|\bU/[RW]\b|\bring:? ?3\b", U, U),
        (r"\breserved|\brsvd?\b|\bmalformed", RSVD, RSVD),
        (r"\bprotection[- _]key", PK, PK),
        (r"\bshadow[- _]stack", SS, SS),
    )
)
"""Words of kernels, the bits that they are about, and these bits' values."""


class Code(NamedTuple):
    """The meaning of an error code: the access, and the bit that refused it, as far as the code alone shows it."""

    access: Access
    user: bool
    decoded: tuple[str, ...]
    refused: str
    why: str
    is_known: bool = True
    """Whether the text has the code, or names the access in words: otherwise a read is assumed."""


def code_of(code: int) -> Code:
    """Return an error code in words.

    >>> code_of(6).refused, code_of(5).refused, code_of(7).refused
    ('P', 'U/S', '')
    """
    access: Access = "execute" if code & I else "write" if code & W else "read"
    words = []
    for bit, (name, no, yes) in enumerate(_BITS):
        said = yes if code >> bit & 1 else no
        if said:
            words.append(f"{name} (bit {bit}) is {code >> bit & 1}: {said}")
    user = bool(code & U)
    refused, why = _refused(code, access, user)
    return Code(access, user, tuple(words), refused, why)


def is_possible(code: int) -> bool:
    """Return whether a page fault can have an error code: Intel SDM volume 3A, 4.7.

    RSVD and PK are about descriptors that are present, and a fetch is no write.

    >>> is_possible(0xA), is_possible(0x10), is_possible(0xB)
    (False, True, True)
    """
    return not (code & (RSVD | PK) and not code & P) and code & (I | W) != I | W


def _refused(code: int, access: Access, user: bool) -> tuple[str, str]:
    if code & RSVD:
        return "RSVD", "a reserved bit is set in a descriptor"
    if code & RMP:
        return "RMP", "the page's entry in the RMP of SEV-SNP does not allow it (bit 31)"
    if not code & P:
        return (
            "P",
            "a descriptor on the way has P 0, so no page is there; whether a range was mapped, the code does not say",
        )
    if code & PK:
        return "PK", "the page's protection key forbids it"
    if user and access == "read":
        return "U/S", "user code may not touch a supervisor page: U/S is 0"
    if user and access == "write":
        return "", "all descriptors were present, so R/W or U/S is 0 in one of them; the code does not say which"
    if access == "execute":
        return (
            "",
            (
                f"all descriptors were present, so XD is"
                f" 1{' or U/S is 0' if user else ', or SMEP keeps the supervisor out'}"
            ),
        )
    if access == "write":
        return "", "all descriptors were present, so R/W is 0 (with CR0.WP), or SMAP keeps the supervisor out"
    return "SMAP", "the supervisor reads what is present unless SMAP keeps it out of user pages"


def code_of_words(text: str) -> tuple[int, int]:
    """Return the bits of an error code that words say, and the mask of all bits that they are about.

    >>> code_of_words("supervisor write data, page not present"), code_of_words("K/W"), code_of_words("P=1 W=0")
    ((2, 23), (2, 22), (1, 3))
    """
    bits = known = 0
    for name, value in _FLAG.findall(text):
        mask = _NAMED.get(name.lower(), 0) & ~known
        known |= mask
        bits |= mask * (value.lower() in ("yes", "true", "1", "y"))
    text = _FLAG.sub(lambda found: found[0] * (found[1].lower() not in _NAMED), text)
    for words, mask, value in _WORDS:
        if not known & mask and words.search(text):
            bits, known = bits | value, known | mask
    return bits, known


def said_of(bits: int, known: int) -> Code:
    """Return the meaning of a part of an error code: `known` is the mask of its bits."""
    said = code_of(bits)
    is_absent = bool(known & P and not bits & P)
    is_sure = is_absent or bool(bits & (RSVD | PK))
    why = said.why if is_sure else "all descriptors were present, and one of them refused" if bits & P else ""
    return said._replace(decoded=(), refused=said.refused if is_sure else "", why=why, is_known=bool(known & W))
