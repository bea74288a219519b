r"""The arguments of a call: numbers, flags, names of files, file descriptors.

A flag is read by its name, or by its bits if strace wrote numbers (``-X raw``); numbers are those of x86-64.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .line import Bracket, Value, integer

PROT = {"PROT_READ": 1, "PROT_WRITE": 2, "PROT_EXEC": 4, "PROT_GROWSDOWN": 0x1000000, "PROT_GROWSUP": 0x2000000}
MAP = {
    "MAP_SHARED": 1, "MAP_PRIVATE": 2, "MAP_FIXED": 0x10, "MAP_ANONYMOUS": 0x20, "MAP_32BIT": 0x40,
    "MAP_GROWSDOWN": 0x100, "MAP_DENYWRITE": 0x800, "MAP_EXECUTABLE": 0x1000, "MAP_LOCKED": 0x2000,
    "MAP_NORESERVE": 0x4000, "MAP_POPULATE": 0x8000, "MAP_NONBLOCK": 0x10000, "MAP_STACK": 0x20000,
    "MAP_HUGETLB": 0x40000, "MAP_SYNC": 0x80000, "MAP_FIXED_NOREPLACE": 0x100000,
}  # fmt: skip  # read as a table
HUGE_SHIFT = 26
"""The lowest bit of the size of huge pages, as a power of two, in mmap's flags."""

SIZES = frozenset({"MAP_HUGE_SHIFT", "MAP_HUGE_2MB", "MAP_HUGE_1GB"})
SAME = {"MAP_ANON": "MAP_ANONYMOUS"}
"""Other systems' names for a flag."""

CLONE = {"CLONE_VM": 0x100, "CLONE_FILES": 0x400, "CLONE_VFORK": 0x4000, "CLONE_THREAD": 0x10000}
MREMAP = {"MREMAP_MAYMOVE": 1, "MREMAP_FIXED": 2, "MREMAP_DONTUNMAP": 4}
MSYNC = {"MS_ASYNC": 1, "MS_INVALIDATE": 2, "MS_SYNC": 4}
ADVICE = {
    "MADV_NORMAL": 0, "MADV_RANDOM": 1, "MADV_SEQUENTIAL": 2, "MADV_WILLNEED": 3, "MADV_DONTNEED": 4, "MADV_FREE": 8,
    "MADV_DONTFORK": 10, "MADV_HUGEPAGE": 14, "MADV_NOHUGEPAGE": 15, "MADV_DONTDUMP": 16, "MADV_COLD": 20,
}  # fmt: skip

_NUMBER = re.compile(r"-?(0x[0-9a-fA-F]+|[0-9]+)", re.ASCII)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f"}


def number(value: Value | None) -> int | None:
    """Return the number in an argument; None for anything else.

    >>> number(["NULL"]), number(["-1"]), number(["0x10"]), number(["0644"]), number(["A"])
    (0, -1, 16, 420, None)
    """
    if not value:
        return None
    text = value[0]
    if text == "NULL":
        return 0
    if not isinstance(text, str) or not _NUMBER.fullmatch(text) or (len(value) > 1 and not _is_path(value[1])):
        return None
    return integer(text)


def flags(value: Value | None, known: Mapping[str, int]) -> frozenset[str]:
    """Return the names of the flags in an argument; unknown bits are one more name, in hexadecimal.

    >>> sorted(flags(["MAP_PRIVATE", "|", "MAP_STACK"], MAP)), sorted(flags(["0x22"], MAP))
    (['MAP_PRIVATE', 'MAP_STACK'], ['MAP_ANONYMOUS', 'MAP_PRIVATE'])
    """
    names: set[str] = set()
    bits = 0
    pieces = value or ()
    for at, piece in enumerate(pieces):
        if isinstance(piece, str) and _NUMBER.fullmatch(piece):
            if pieces[at + 1 : at + 2] != ["<<"]:  # else it is a size, such as 21<<MAP_HUGE_SHIFT
                bits |= number([piece]) or 0
        elif isinstance(piece, str) and (piece[0].isalpha() or piece[0] == "_"):
            names.add(SAME.get(piece, piece))
    if known is MAP and bits & MAP["MAP_HUGETLB"]:
        bits &= (1 << HUGE_SHIFT) - 1
    names -= SIZES
    for name, bit in known.items():
        if bits & bit:
            names.add(name)
            bits &= ~bit
    return frozenset(names | ({hex(bits)} if bits else set()))


def text(value: Value | None) -> str | None:
    r"""Return the string in an argument, without quotes and escapes; None for anything else, or if abbreviated.

    >>> text(['"/lib/x\\n\\303\\251"'])
    '/lib/x\n\xe9'
    """
    if not value or not isinstance(value[0], str) or not value[0].startswith('"') or not value[0].endswith('"'):
        return None
    return unescaped(value[0][1:-1])


def unescaped(written: str) -> str:
    """Return the text of strace's escapes, as UTF-8; invalid UTF-8 is spelled out."""
    if "\\" not in written:
        return written
    content = _ESCAPE.sub(_character, written)
    return content.encode("latin-1", "backslashreplace").decode("utf-8", "backslashreplace")


def _character(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "x" and len(code) == 3:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _LETTERS.get(code, code)


def path_behind(value: Value | None) -> str:
    """Return the path that ``-y`` wrote after a file descriptor, or ""."""
    return path_in(value[1]) if value and len(value) > 1 and _is_path(value[1]) else ""


def path_in(written: str) -> str:
    """Return the path in ``</lib/x>``, even of a deleted file, or of a device with ``-yy``."""
    deleted = written.endswith("(deleted)")
    path = written.removesuffix("(deleted)")[1:-1]
    if path.endswith(">") and "<" in path:  # the kind of device
        path = path[: path.rindex("<")]
    return unescaped(path) + (" (deleted)" if deleted else "")


def _is_path(piece: object) -> bool:
    return isinstance(piece, str) and piece.startswith("<") and not piece.startswith("<<")


def named(arguments: Sequence[Value | None], name: str) -> Value:
    """Return the value of ``name=…`` among arguments, or in the first struct of them; "" if there is none."""
    for one in arguments:
        if not one:
            continue
        if len(one) > 2 and one[0] == name and one[1] == "=":
            return one[2:]
        if isinstance(one[0], Bracket) and one[0].kind == "{":
            return named(one[0].values, name)
    return []
