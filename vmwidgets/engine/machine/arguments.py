"""Checks of operations' arguments before the call, and the names of parts; at the end, the types of arguments."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

from ..base.attributes import Suggesting
from ..base.errors import Refused, UnknownName, a_kind, in_ascii, shown
from ..base.operations import Argument, few
from ..base.protection import ADVICE, INHERITANCE, parse_name, parse_protection
from ..base.units import IN_PAGE, PAGE, Address, binary_size, parse_address, parse_size
from ..kernel.freebsd.kmem import M_NOWAIT, M_WAITOK, MALLOC_FLAGS
from ..mmu.rules import Access
from ..selfpaging.capabilities import CAP_RIGHTS
from ..selfpaging.flags import VREGION_FLAGS, flag_names

V = TypeVar("V")


MAX_NAME = 200
"""The most characters of a name that a learner chooses."""

MOST_LISTED = 12
"""The most names that a message lists."""


def whole(value: Any, name: str) -> int:
    """Return a whole number of bytes, from an integer or a text such as ``"64 MiB"``; not negative."""
    if type(value) is int and 0 <= value < 1 << 64:
        return value  # nearly always
    number = _from_text(value, name) if isinstance(value, str) else _index(value)
    if number is None:
        raise Refused(f"{name}={shown(value)} is {a_kind(value)}; pass a whole number, or a string such as '64 KiB'")
    if number < 0:
        raise Refused(f"{name}={shown(number)} is negative: addresses and sizes begin at 0")
    if number >= 1 << 64:
        text = f"{number:#x}" if number < 1 << 128 else shown(number)
        raise Refused(f"{name}={text} does not fit a word of 64 bits")
    return number


ADDRESSES = ("at", "address", "start", "end", "pa", "where")
"""The arguments that are addresses: their values may be written as pictures print them."""


def _from_text(text: str, name: str) -> int:
    """Return the number in a text: a size such as "64 KiB", or digits in groups for an address."""
    is_address = name in ADDRESSES
    try:
        return parse_address(text) if is_address else parse_size(text)
    except ValueError as error:
        raise Refused(f"{name}={error}" if is_address else f"{name}: {error}") from None


def _index(value: Any) -> int | None:
    """Return a value as an integer for Python's indexing (NumPy's integers too); None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except Exception:  # noqa: BLE001  whatever a learner's object does when it is asked
        return None


def word(value: Any, name: str) -> int:
    """Return a 64-bit word: any integer, whatever its meaning."""
    if isinstance(value, str) or _index(value) is None:
        raise Refused(f"{name}={shown(value)} is {a_kind(value)}: write a whole number")
    return whole(value, name)


def aligned(value: Any, name: str, unit: int = PAGE) -> int:
    """Return a whole number that is a multiple of `unit`."""
    if type(value) is int and unit == PAGE and not value & IN_PAGE and 0 <= value < 1 << 64:
        return value  # nearly always
    number = whole(value, name)
    if number % unit:
        near = number // unit * unit
        write = Address if name in ADDRESSES else int
        given, below, above = write(number), write(near), write(near + unit)
        multiple = "the page size" if unit == PAGE else binary_size(unit)
        use = f"{above}" if not near and name in ("size", "ram") else f"{below} or {above}"  # no size is 0
        raise Refused(f"{name}={given} is not a multiple of {multiple}; use {use}")
    return number


def within(value: int, name: str, start: int, end: int, where: str) -> int:
    """Return an address in [start, end)."""
    if not start <= value < end:
        raise Refused(f"{name}={Address(value)} lies outside {where}, {Address(start)} to {Address(end)}")
    return value


class Bounds(Protocol):
    """The addresses of a map."""

    start: int
    end: int

    @property
    def called(self) -> str:
        """The map's name in sentences."""


def size_within(value: Any, name: str, vm_map: Bounds) -> int:
    """Return a size of at least a page, page aligned, no larger than the map."""
    most = vm_map.end - vm_map.start
    if type(value) is int and 0 < value <= most and not value & IN_PAGE:
        return value  # nearly always
    size = aligned(value, name)
    if size == 0:
        raise Refused(f"{name}=0: a mapping needs at least one page ({PAGE} bytes)")
    if size > most:
        raise Refused(f"{name}={size} ({binary_size(size)}) is more than all of {vm_map.called}, {binary_size(most)}")
    return size


def page_within(value: Any, name: str, vm_map: Bounds) -> int:
    """Return the address of a page in a map."""
    if type(value) is int and vm_map.start <= value < vm_map.end and not value & IN_PAGE:
        return value  # nearly always
    return aligned(address_within(value, name, vm_map), name)


def address_within(value: Any, name: str, vm_map: Bounds) -> int:
    """Return an address in a map."""
    return within(whole(value, name), name, vm_map.start, vm_map.end, vm_map.called)


MAX_BYTES = 64 * 1024
"""The most bytes that one read or write moves: the journal keeps them."""


def span(address: Any, length: Any, bits: int = 64, name: str = "address") -> tuple[int, int]:
    """Return the start and the number of bytes to move; addresses have `bits` bits."""
    start, count = whole(address, name), whole(length, "length")
    if count == 0 or count > MAX_BYTES:
        raise Refused(f"length={count}: move 1 to {MAX_BYTES} bytes at a time")
    if start + count > 1 << bits:
        raise Refused(f"{name}={Address(start)} and length={count} go past the last address of {bits} bits")
    return start, count


def content(data: Any, name: str) -> bytes:
    """Return the bytes to write."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise Refused(f"{name}={shown(data)} is {a_kind(data)}: write bytes, such as b'hello'")
    return bytes(data)


_NUMBER = re.compile(r"0[xX](_?[0-9a-fA-F])+|[1-9](_?[0-9])*|0")
"""A number as Python writes it."""

LONGEST_NUMBER = 40
"""The most characters of a number in a text: no address and no count is longer."""


def frame_number(value: Any) -> int:
    """Return the number of a frame, which may be typed as pictures show it, such as "0x1e1"."""
    text = value.strip() if isinstance(value, str) and len(value) <= LONGEST_NUMBER else ""
    return count(int(text, 0) if _NUMBER.fullmatch(text) else value, "frame")


def some_numbers(value: Any, name: str) -> tuple[int, ...]:
    """Return a few numbers, such as the addresses that a picture opens."""
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, bytearray)):
        raise Refused(f"{name}={shown(value)} is {a_kind(value)}: write a list of whole numbers")
    return tuple(word(one, name) for one in few(value))


def page_numbers(value: Any, name: str) -> tuple[int, ...]:
    """Return the numbers of pages in a text, such as "0 3 0"."""
    words = value.split() if isinstance(value, str) else None
    if words is None or not all(len(one) <= LONGEST_NUMBER and one.isascii() and one.isdecimal() for one in words):
        raise Refused(f"{name}={shown(value)}: write the numbers of pages with spaces between, such as '0 1 2 0'")
    return tuple(map(int, words))


def count(value: Any, name: str) -> int:
    """Return a number of things: a whole number, not negative, and not a size."""
    number = _index(value)
    if number is None:
        raise Refused(f"{name}={shown(value)}: write a whole number, such as 10")
    if not 0 <= number < 1 << 63:
        raise Refused(f"{name}={shown(number)}: write a number from 0 to 2**63 - 1")
    return number


def refuse_past_object(offset: int, size: int) -> None:
    """Refuse a part of an object that goes beyond the largest offset."""
    if offset + size >= 1 << 64:
        raise Refused(f"offset={offset:#x} and size={size:#x} go past the object's last offset of 64 bits")


def power_of_two(value: Any, name: str) -> int:
    """Return 0, or a power of two of at least a page."""
    if type(value) is int and value == 0:
        return value  # nearly always
    number = whole(value, name)
    if number and (number < PAGE or number & (number - 1)):
        raise Refused(f"{name}={number:#x} is not an alignment: use 0, or a power of two, at least {PAGE}")
    return number


def known(value: Any, names: Any, what: str, nicknames: Mapping[str, str] | None = None) -> str:
    """Return `value` if it is one of `names`; refuse any other, with the nearest name.

    With `nicknames`, the name that a nickname stands for is suggested, or none for "", and only what looks like a slip
    is compared with the names.
    """
    if isinstance(value, str) and value in names:
        return str.__str__(value)
    listed = sorted(names)
    typed = value[:MAX_NAME] if isinstance(value, str) else ""
    cutoff = 0.3 if nicknames is None else 0.75
    near = get_close_matches(typed, listed, 1, cutoff) or get_close_matches(typed.lower(), listed, 1, cutoff)
    nickname = typed.strip().lower().replace("_", "-").replace(" ", "-")
    if nicknames is not None and nickname in nicknames:
        near = [one for one in (nicknames[nickname],) if one in names]
    advice = f"did you mean {near[0]!r}? " if near else ""
    more = f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    names = ", ".join(shown(one)[1:-1] for one in listed[:MOST_LISTED]) or "none yet"
    raise UnknownName(f"unknown {what} {shown(value)}; {advice}known: {names}{more}")


class Named(Suggesting, dict[str, V]):
    """Parts by their names; an unknown name is refused with a list of the existing names."""

    def __init__(self, what: str, parts: Iterable[tuple[str, V]]) -> None:
        super().__init__(parts)
        self._what = what

    def _noun(self) -> str:
        return f"a dict of {self._what}s"

    def __getitem__(self, name: Any) -> V:
        try:
            return super().__getitem__(name)
        except TypeError:  # a list or the like, which is no key
            return self.__missing__(name)

    def __missing__(self, name: Any) -> V:
        known(name, self, self._what)
        raise AssertionError("a name that is there is not missing")

    @in_ascii
    def __repr__(self) -> str:
        return super().__repr__()


def in_order(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return values as a tuple; a set is sorted by the values' texts, so that each run refuses the same value first."""
    return tuple(sorted(few(values), key=shown) if isinstance(values, (set, frozenset)) else few(values))


def text_name(value: Any, what: str) -> str:
    """Return a name that a learner chooses: any text that is not empty and not too long."""
    if not isinstance(value, str):
        raise Refused(f"{what} {shown(value)} is {a_kind(value)}: pass a string")
    if not value or len(value) > MAX_NAME:
        raise Refused(f"{what} has {len(value)} characters: write 1 to {MAX_NAME}")
    return characters(value, what)


def is_empty(value: Any) -> bool:
    """Return whether a text is empty; other values, whose own comparison could fail, are not compared."""
    return isinstance(value, str) and not value


def _message(value: Any, name: str) -> str:
    return "" if value is None or is_empty(value) else text_name(value, name)


def characters(value: str, what: str) -> str:
    """Return a text; refuses lone surrogates, which Python allows but files and pages can't contain."""
    try:
        str.encode(value)
    except UnicodeEncodeError:
        raise Refused(
            f"{what} {shown(value)} contains half of a character (a lone surrogate): use whole characters"
        ) from None
    return str.__str__(value)


def part_name(value: Any, what: str) -> str:
    """Return the name of a map, a task or another part of a machine; it must not look like a size."""
    name = text_name(value, what)
    if reads_as_size(name):
        raise Refused(f"{what} {shown(name)} looks like a number or a size: use a name that begins with a letter")
    return name


def reads_as_size(text: str) -> bool:
    """Return whether a text would be read as a number of bytes."""
    try:
        parse_size(text)
    except ValueError:
        return False
    return True


def flag(value: Any, name: str) -> bool:
    """Return True or False; other values are refused, even 0 and 1."""
    if value is not True and value is not False:
        raise Refused(f"{name}={shown(value)}: write True or False")
    return value


ACCESSES: dict[str, Access] = {
    "read": "read",
    "r": "read",
    "write": "write",
    "w": "write",
    "execute": "execute",
    "x": "execute",
}


def access(value: Any) -> Access:
    """Return a kind of access: "read", "write" or "execute", or its first letter ("x" for execute)."""
    return ACCESSES[known(value, ACCESSES, "access")]


def one_protection(prot: Any, max_prot: Any) -> int:
    """Return the protection bits of `prot` or `max_prot`; exactly one of them must be given."""
    if (prot is None) == (max_prot is None):
        raise Refused("protect sets either the protection or the maximum: write prot='r' or max_prot='r'")
    given, name = (max_prot, "max_prot") if prot is None else (prot, "prot")
    return parse_protection(given, name)


def malloc_flags(value: Any, _name: str = "flags") -> int:
    """Return the flags word for a learner's `flags`; each spelling is parsed only once."""
    return _malloc_flags(value) if type(value) in (int, str) else _malloc_flags.__wrapped__(value)


@lru_cache(maxsize=64)
def _malloc_flags(value: Any) -> int:
    """Return the flags word from an integer, or a text such as ``"M_NOWAIT|M_ZERO"``; exactly one of NOWAIT and WAITOK.

    >>> hex(_malloc_flags("M_NOWAIT | M_ZERO"))
    '0x101'
    """
    word = _flags_from_text(value) if isinstance(value, str) else _from_number(value)
    text = flags_text(word)
    if word & M_NOWAIT and word & M_WAITOK:
        raise Refused(f"flags={text} contradict each other: a caller either may sleep (M_WAITOK) or may not (M_NOWAIT)")
    if not word & (M_NOWAIT | M_WAITOK):
        raise Refused(f"flags={text or 0} doesn't say whether the caller may sleep; add M_WAITOK or M_NOWAIT")
    return word


def flags_text(word: int) -> str:
    """Return the names of flags as a text.

    >>> flags_text(0x102)
    'M_WAITOK|M_ZERO'
    """
    return "|".join(name for name, bit in MALLOC_FLAGS.items() if word & bit)


def _flags_from_text(text: str) -> int:
    word = 0
    for part in text.replace(",", "|").split("|"):
        word |= MALLOC_FLAGS[known(part.strip().upper(), MALLOC_FLAGS, "flag")]
    return word


def _from_number(value: Any) -> int:
    known = sum(MALLOC_FLAGS.values())
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"flags={shown(value)}: write vm.M_WAITOK or vm.M_NOWAIT, with | vm.M_ZERO | vm.M_USE_RESERVE")
    if value & ~known or value < 0:
        listed = ", ".join(f"{name} {bit:#x}" for name, bit in MALLOC_FLAGS.items())
        word = f"{value:#x}" if value.bit_length() <= 64 else shown(value)
        raise Refused(f"flags={word} has bits that mean nothing here; known: {listed}")
    return value


LETTERS = {"r": "READ", "w": "WRITE", "x": "EXECUTE"}
"""The letters that may be written side by side: "rw"."""

ANY = sum(VREGION_FLAGS.values())


def region_flags(value: Any, _name: str = "flags") -> int:
    """Return the flags word of one or more texts such as "rw" or "rwx large", or of the word itself.

    >>> region_flags("rw"), region_flags("rx|large") == region_flags(["r", "execute", "LARGE"])
    (3, True)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value & ~ANY or value < 0:
            raise Refused(f"flags={shown(value)} has bits that are not flags; known: {', '.join(VREGION_FLAGS)}")
        return int(value)
    if not isinstance(value, (str, Iterable)):
        raise Refused(f"flags={shown(value)} is {a_kind(value)}: pass a string, such as 'rw' or 'rwx large'")
    texts = (value,) if isinstance(value, str) else in_order(value)
    word = 0
    for text in texts:
        if not isinstance(text, str):
            raise Refused(f"flags: {shown(text)} is {a_kind(text)}: write names, such as 'large'")
        for name in re.split(r"[\s|,+]+", text.strip()):
            word |= _named(name)
    return word


def _named(name: str) -> int:
    letters = name.lower()
    if letters in ("", "-"):
        return 0
    if set(letters) <= set(LETTERS):
        return sum(VREGION_FLAGS[LETTERS[letter]] for letter in set(letters))
    return VREGION_FLAGS[known(name.upper(), VREGION_FLAGS, "flag")]


def mapping_flags_text(word: int) -> str:
    """Return the flags as a text.

    >>> mapping_flags_text(0x43), mapping_flags_text(0)
    ('rw large', '-')
    """
    names = flag_names(word)
    letters = "".join(letter for letter, name in LETTERS.items() if name in names)
    others = [name.lower() for name in names if name not in LETTERS.values()]
    return " ".join([*([letters] if letters else []), *others]) or "-"


def capability_rights(value: Any, _name: str = "rights") -> str:
    """Return rights as letters of "rwg", each at most once."""
    if not isinstance(value, str) or set(value) - set(CAP_RIGHTS):
        raise Refused(f"rights={shown(value)}: write letters of {CAP_RIGHTS!r}, for read, write and grant")
    return value


# ---- the types of arguments ----------------------------------------------------------------------

MYPY = False
"""True for mypy alone: it takes a parameter for what the method's body gets, others for what a caller may write."""

if MYPY:
    Number: TypeAlias = Any
    Letters: TypeAlias = Any
    Text: TypeAlias = Any
else:
    Number = int | str
    Letters = "str | Iterable[str] | int"
    Text = str

BytesArg: TypeAlias = Annotated[Number, Argument(whole)]
PagesArg: TypeAlias = Annotated[Number, Argument(aligned)]
AlignArg: TypeAlias = Annotated[Number, Argument(power_of_two)]
WordArg: TypeAlias = Annotated[int, Argument(word)]
CountArg: TypeAlias = Annotated[int, Argument(count)]
FlagArg: TypeAlias = Annotated[bool, Argument(flag)]
ProtArg: TypeAlias = Annotated[Number, Argument(parse_protection)]
InheritArg: TypeAlias = Annotated[Number, Argument(lambda value, name: parse_name(value, INHERITANCE, name))]
AdviceArg: TypeAlias = Annotated[Number, Argument(lambda value, name: parse_name(value, ADVICE, name))]
MallocFlagsArg: TypeAlias = Annotated[Number, Argument(malloc_flags)]
RegionFlagsArg: TypeAlias = Annotated[Letters, Argument(region_flags)]
ContentArg: TypeAlias = Annotated[bytes, Argument(content)]
SomeArg: TypeAlias = Annotated[Iterable[int], Argument(some_numbers)]
PageNumbersArg: TypeAlias = Annotated[Text, Argument(page_numbers)]
AccessArg: TypeAlias = Annotated[str, Argument(lambda value, _: access(value))]
MessageArg: TypeAlias = Annotated[str, Argument(_message)]
TextArg: TypeAlias = Annotated[str, Argument(text_name)]


def one_of(names: Iterable[str], called: str = "") -> Argument:
    """Return the type of an argument that is one of these names."""
    return Argument(lambda value, name: known(value, names, name), called)
