"""Panics of xv6 (RISC-V): the function that checks, what its check protects, and three usual mistakes.

Programs print "panic:" too.  Such a panic is called the program's if the words of its runtime show it; Go also prints
the signal of a failed access.

The names of the functions are from the kernel's own source, github.com/mit-pdos/xv6-riscv; the xv6 book explains what
they protect, in chapters 3 (page tables), 4 (traps), 6 (locks) and 7 (scheduling).  What is said of each is in
`panics.toml`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from ...engine.base.errors import printable
from ...engine.base.units import Address
from ...given.pasted import Panic, Trap
from .parts import Parts

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WORDS = ("panic",)
"""Words that make a line of a long text relevant to this reader, in small letters."""

_PANIC = re.compile(
    r"(?<![\w-])panic(?:\(cpu [0-9]+\)|(?: in \S{1,40}| on CPU [0-9]+)? at (?P<place>\S{1,80}:[0-9]+))?"
    r":((?:\s*panic:)*)(?P<words>.*)",
    re.ASCII | re.IGNORECASE,
)
"""The line of a panic; JOS and uCore print its place in the source, and Mach the processor."""

_BEHIND = re.compile(r"(?:\\n|[\s|│\\\"'`])+$")
"""The remains of a list of strings, a script or a drawn frame after a line."""

LONGEST = 80
"""The most characters of a panic's text."""


class Check(NamedTuple):
    """One check of the kernel."""

    function: str
    """Its name and its file."""
    protects: str
    mistakes: tuple[str, str, str]


_SAID: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_TABLES = {words: {**_SAID["checks"].get(one.get("like"), {}), **one} for words, one in _SAID["checks"].items()}

CHECKS = {words: Check(one["function"], one["protects"], tuple(one["mistakes"])) for words, one in _TABLES.items()}
"""The checks, by the words after "panic: "."""

OLDER = {older: words for words, one in _SAID["checks"].items() for older in one.get("older", ())}
"""The words that some years use for the same check."""

OTHERS = {words: about for about, all_words in _SAID["others"].items() for words in all_words}
"""Panics of xv6 that have nothing to do with memory, and the meaning of each."""


def check_of(words: str) -> Check | None:
    """Return the check that panics with these words, in capital or small letters, if it is known."""
    low = words.casefold()
    return CHECKS.get(OLDER.get(low, low))


NEAREST = 0.85
"""The least likeness (`difflib`) at which a known panic is named as the nearest to an unknown panic."""

MOST = 200
"""The most panics whose nearest known one is looked for."""

LEAST = 5
"""The fewest letters at the beginning of a panic that may identify it."""


def known_as(words: str) -> str:
    """Return the panic known by these words, in any case of letters, or the only panic that begins with them; or "".

    >>> known_as("Freewalk: leaf"), known_as("freewalk: l"), known_as("uvmunmap: not")
    ('freewalk: leaf', 'freewalk: leaf', '')
    """
    low = words.casefold()
    known = [*CHECKS, *OLDER]
    if low in known:
        return low
    alike = [one for one in (*known, *OTHERS) if one.startswith(low)] if len(low) >= LEAST else []
    return alike[0] if len({check_of(one) for one in alike}) == 1 and alike[0] in known else ""


_GO = "a Go program"
_PROGRAMS: tuple[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None], ...] = (
    (
        _GO,
        re.compile(
            r"panic: runtime error: |\bpanic: .*\[recovered\]|\.go:[0-9]+\b.*\bpanic: |\bpanic: .*\.go:[0-9]+\b"
        ),
        None,
    ),
    ("a Rust program", re.compile(r"\bthread '[^']*'(?: \([0-9]+\))? panicked at\b"), None),
    ("gem5", re.compile(r"\bpanic: Page table fault when accessing virtual address "), None),
    ("a V program", re.compile(r"^\s*V panic: "), None),
    ("a Lua program", re.compile(r"PANIC: unprotected error in call to Lua API"), None),
    (
        "Perl",
        re.compile(
            r"\bpanic: .* at (?:\S+\.(?:p[lm]|t|cgi) line [0-9]+\b"
            r"|(?!\S+\.(?:[cChsS]|cc|cpp|rs|zig) )\S+ line [0-9]+\.\s*$)"
        ),
        None,
    ),
    (
        "a program",  # C++, Ruby, Elixir, OCaml
        re.compile(
            r"(?:\*\* \(\w*Error\) |\bwhat\(\): |\bFatal error: exception \w+).*\bpanic: "
            r"|\.rb:[0-9]+:in .*\bpanic: .*\(\w*(?:Error|Exception)\)\s*$"
        ),
        None,
    ),
    (_GO, None, re.compile(r"^\s*goroutine [0-9]+ (?:gp=\S+ .*)?\[|^\s*\[signal (?:SIG|0x)")),
    (
        "a program",
        re.compile(r"(?<!\bAssertion)(?:Error|Exception): panic: "),  # a grader's assertion repeats a kernel's words
        re.compile(r"Traceback \(most recent call last\)|^\s+at \S.*[:(][0-9]"),
    ),
    ("a Zig program", re.compile(r"\bthread [0-9]+ panic: "), re.compile(r"\.zig:[0-9]+:[0-9]+")),
    ("FreeBSD", None, re.compile(r"^KDB: |^db_trace_self|^Fatal trap [0-9]+: |^cpuid = [0-9]")),
    ("OpenBSD", None, re.compile(r"^Stopped at |^ddb(?:\{[0-9]+\})?> |^Starting stack trace")),
    ("OS/161", None, re.compile(r"^sys161: |^OS/161 |panic: Fatal exception [0-9]+ \(")),
    ("macOS", re.compile(r"\bpanic\(cpu "), re.compile(r"^(?:Darwin Kernel Version|Kernel version:|BSD process name)")),
    ("PostgreSQL", re.compile(r"\bPANIC:  "), re.compile(r"\b(?:LOG|FATAL|STATEMENT|HINT):  ")),
)
"""Programs that panic, by the panic's line, by a line around it, or by both."""

_SYSTEMS = ("FreeBSD", "OpenBSD", "OS/161", "macOS")

_AROUND = 12
"""The lines before and after a panic in which its program is looked for."""

_SIGNAL = re.compile(
    r"^\s*\[signal (?P<name>SIG[A-Z]{2,6}|0x[0-9a-f]{1,2})\b.*?\bcode=(?P<code>-?(?:0x)?[0-9a-f]{1,8})"
    r" addr=(?:0x)?(?P<addr>[0-9a-f]{1,16})(?: pc=(?:0x)?(?P<pc>[0-9a-f]{1,16}))?\]"
)
"""The line with which Go's runtime describes a signal (`printpanics` and `sigpanic` in package runtime)."""

_NUMBERS = {"0x7": "SIGBUS", "0xa": "SIGBUS", "0xb": "SIGSEGV"}
_CODES = {
    ("SIGSEGV", 1): "nothing is mapped there (code 1: SEGV_MAPERR)",
    ("SIGSEGV", 2): "a page is mapped there, and does not allow it (code 2: SEGV_ACCERR)",
    ("SIGSEGV", 4): "a protection key does not allow it (code 4: SEGV_PKUERR)",
    ("SIGBUS", 1): "the address is not aligned (code 1: BUS_ADRALN)",
    ("SIGBUS", 2): "there is no memory for it, for example past the end of a mapped file (code 2: BUS_ADRERR)",
    ("SIGBUS", 3): "the hardware or the disk failed (code 3: BUS_OBJERR)",
}
"""The reasons of signals for failed accesses: sigaction(2)."""


def _signal(match: re.Match[str], number: int, parts: Parts) -> Trap:
    """Return the failed access that Go's runtime describes."""
    name, code = _NUMBERS.get(match["name"], match["name"]), int(match["code"], 0)
    address, pc = int(match["addr"], 16), int(match["pc"], 16) if match["pc"] else None
    means = {"SIGSEGV": "segmentation violation", "SIGBUS": "bus error"}.get(name, name)
    trap = Trap(f"a process of {_GO.split()[1]}", number, code, means, None, pc, address, register="si_code")
    why = _CODES.get((name, code))
    if why is not None:
        said = f"The access to {Address(address)} was refused: {why}."
        parts.unsaid.append(f"The text does not say whether the access in line {number} was a read or a write.")
        return replace(trap, says=said)
    if name in ("SIGSEGV", "SIGBUS") and code == 0x80:
        said = "An access was refused, and its address is not said: an address that is not canonical has none in x86."
        return replace(trap, address=None, says=said)
    return replace(trap, address=None, says=f"{means}, code {code}: the text does not say that an access was refused.")


def _program(number: int, parts: Parts) -> str:
    """Return the program that panicked in a line; "" if nothing shows that it was not a kernel.

    The words of a check of xv6 are a kernel's, whatever a grader or a log has printed around them.
    """
    lines, line = parts.lines, parts.lines[number - 1]
    words = _words(match) if (match := _PANIC.search(line)) else ""
    if check_of(words) is not None or words.casefold() in OTHERS:
        return ""
    around = lines[max(number - 1 - _AROUND, 0) : number + _AROUND]
    return next(
        (
            name
            for name, panic, near in _PROGRAMS
            if (panic is None or panic.search(line)) and (near is None or any(map(near.search, around)))
        ),
        "",
    )


def _programs(parts: Parts) -> set[int]:
    """Add the failed accesses of programs, and sentences about their panics; returns the lines of both."""
    signals = {n: match for n, line in enumerate(parts.lines, 1) if line and (match := _SIGNAL.search(line))}
    theirs = {*signals}
    for number, match in signals.items():
        parts.what[_GO] = None
        parts.traps.append(_signal(match, number, parts))
    for number, line in enumerate(parts.lines, 1):
        if not line or number in parts.told or not (_PANIC.search(line) or " panicked at" in line):
            continue
        name = _program(number, parts)
        if not name:
            continue
        theirs.add(number)
        if name == _GO and any(one in signals for one in range(number + 1, number + _AROUND + 1)):
            continue  # the signal says more
        other = "one of xv6's" if name in _SYSTEMS else "a kernel's"
        parts.refuse(f"The panic in line {number} is {name}'s, not {other}, and it has no address of an access.")
    parts.claimed |= theirs
    return theirs


def _nearest(words: str) -> list[str]:
    """Return the known panic that is most like unknown words: of the same function if these begin with its name."""
    function, *rest = words.split(":")
    same = [one for one in CHECKS if rest and one.split(":")[0] == function.strip()]
    return get_close_matches(words, same, 1, 0.0) or get_close_matches(words, CHECKS, 1, NEAREST)


def _words(match: re.Match[str]) -> str:
    """Return the words of a panic, without the remains behind them."""
    return _BEHIND.sub("", match["words"]).strip()


def read(parts: Parts) -> None:
    """Add the panics in the lines of a text, and note the unknown ones."""
    found, unsaid = parts.panics, parts.unsaid
    theirs = _programs(parts)
    for number, line in enumerate(parts.lines, 1):
        match = _PANIC.search(line) if line and number not in theirs else None
        if match is None:
            continue
        words = _words(match)
        if match["place"] and not words and number < len(parts.lines):  # uCore goes on in the next line
            parts.claimed.add(number + 1)
            words = parts.lines[number].strip()
        if match[2]:
            unsaid.append(
                f"Line {number} has the beginning of {match[2].casefold().count('panic:') + 1} panics: the words of the"
                " other one are elsewhere, or lost."
            )
        if not words:
            unsaid.append(f"Line {number} has a panic without its reason: the text is cut there, or mixed.")
            found.append(Panic("", number))
            continue
        known = known_as(words)
        parts.claimed.add(number)
        if number in parts.told and not known:
            continue
        if known != words.casefold() and not parts.is_last(number):
            known = words.casefold()  # another line follows, so this line is not cut
        check = check_of(known)
        if check is not None:
            if len(words) < len(known):
                unsaid.append(f"The panic in line {number} is cut: {words!r} is taken for {known!r}.")
            found.append(Panic(known, number, check.function, check.protects, check.mistakes))
            continue
        said = printable(words[:LONGEST])
        found.append(Panic(said, number))
        if words.casefold() in OTHERS:
            unsaid.append(
                f"The panic in line {number} is {OTHERS[words.casefold()]}, which has nothing to do with memory."
            )
            continue
        nearest = _nearest(words[:LONGEST].casefold()) if len(found) < MOST else []
        source = match["place"] or "the source of what printed it, a kernel or a program,"
        unsaid.append(
            f"The panic in line {number} is not one that is known here: search {source} for {said!r}."
            + "".join(f" The nearest that is known is {one!r}." for one in nearest)
        )
