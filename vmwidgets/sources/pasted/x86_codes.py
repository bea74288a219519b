"""The error code of an x86 page fault in words: Intel SDM volume 3A, 4.7 (without SGX and shadow stacks)."""

from __future__ import annotations

from typing import NamedTuple

from ...engine.mmu.rules import Access

P, W, U, RSVD, I, PK, SS = (1 << bit for bit in range(7))  # noqa: E741  the manual's letters

_BITS = (
    ("P", "a descriptor on the way was not present", "all descriptors were present, and one of them refused"),
    ("W/R", "the access was not a write", "the access was a write"),
    ("U/S", "the supervisor made it", "user code made it"),
    ("RSVD", "", "a reserved bit was set in a present descriptor"),
    ("I/D", "", "it was an instruction fetch"),
    ("PK", "", "a protection key refused it"),
    ("SS", "", "it was an access to a shadow stack"),
)  # fmt: skip
"""The bits from 0: the name of each, and the meanings of 0 and 1; "" if a 0 means nothing."""


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


def _refused(code: int, access: Access, user: bool) -> tuple[str, str]:
    if code & RSVD:
        return "RSVD", "a reserved bit is set in a descriptor"
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
