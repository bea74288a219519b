"""The bits of an entry on paper, and the table format that the walker and the TLB get.

A layout names the bits from the top: "V PFN:7" is a valid bit and seven bits of a frame number.  An upper entry has the
same layout, and its frame number is of the frame in which the next table begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from ..engine.base.errors import Refused, shown
from ..engine.base.frozen import frozen
from ..engine.base.units import binary_size, counted
from ..engine.mmu.format import KernelPlace, TableFormat
from ..engine.mmu.levels import AddressBits, Descriptor, Level, WalkEntry, in_words
from ..engine.mmu.rules import Access, Controls, FaultReport, Rules, Start, Stop
from ..engine.mmu.tables_schema import Field, Permission, Rights
from .widths import Widths

SECTION = "the machine's layout"

VALID = ("V", "P")
"""The names of the bit that says whether an entry is in use."""

MEANINGS = {
    "V": "valid: the entry is in use",
    "P": "present: the entry is in use",
    "R": "readable",
    "W": "writable",
    "X": "executable",
    "U": "user code may use it",
    "A": "accessed",
    "D": "dirty: written to",
    "PFN": "the number of the frame",
    "-": "no meaning",
}

_RIGHT_OF = dict(zip("RWXU", Rights._fields, strict=True))
"""The right that each named bit gives."""

WITH_RIGHTS, WITHOUT_RIGHTS = "V R W X PFN", "V PFN"
"""The layouts if a question gives none: with rights, if its map has some."""


@frozen(slots=False)
class Layout:
    """The named bits of an entry of `bits` bits."""

    bits: int
    fields: tuple[Field, ...]
    is_whole: bool = True
    """Whether the layout says the number of all bits, and so the entry's size."""

    @property
    def pfn(self) -> Field:
        """The frame number's bits."""
        return next(one for one in self.fields if one.name == "PFN")

    @property
    def valid(self) -> int:
        """The valid bit."""
        return next(one.mask for one in self.fields if one.name in VALID)

    def bit(self, name: str) -> int:
        """Return the mask of a named bit; 0 if the layout has none."""
        return next((one.mask for one in self.fields if one.name == name), 0)


def layout_of(text: object, entry: Fraction | None, pfn: int | None) -> Layout:
    """Return the layout that a text names; a PFN without a number takes all bits that the others leave.

    >>> [(one.name, one.high, one.low) for one in layout_of("V PFN:7", None, None).fields]
    [('V', 7, 7), ('PFN', 6, 0)]
    >>> [(one.name, one.high, one.low) for one in layout_of("V R W PFN", Fraction(4), 18).fields]
    [('V', 31, 31), ('R', 30, 30), ('W', 29, 29), ('PFN', 28, 0)]
    """
    parts = _parts(text)
    given, is_whole = sum(bits or 0 for _, bits in parts), all(bits is not None for _, bits in parts)
    total = None if entry is None else int(entry * 8)
    if not is_whole:
        least = given + (pfn or 1)
        if total is None:
            total = max(8, 1 << (least - 1).bit_length())
        if total < least:
            raise Refused(
                f"layout={shown(text)}: an entry of {total} bits leaves {total - given} for the PFN, and a "
                f"frame's number has {pfn or 1}: entry='{least} bits' or more fits"
            )
        parts = [(name, total - given if bits is None else bits) for name, bits in parts]
    elif total not in (None, given):
        raise Refused(
            f"layout={shown(text)} has {given} bits, and an entry {total}: name bits without a meaning, "
            f"such as -:{max(1, (total or 0) - given)}, or say entry='{given} bits'"
        )
    top = sum(bits or 0 for _, bits in parts)
    fields, at = [], top
    for name, bits in parts:
        at -= bits or 0
        fields.append(Field(name, at, at + (bits or 0) - 1, MEANINGS.get(name, name)))
    found = Layout(top, tuple(fields), is_whole)
    held = found.pfn.high - found.pfn.low + 1
    if pfn is not None and held < pfn:
        raise Refused(f"layout={shown(text)}: PFN has {held} bits, and a frame's number needs {pfn}: PFN:{pfn} fits")
    return found


def _parts(text: object) -> list[tuple[str, int | None]]:
    if not isinstance(text, str) or not text.split():
        raise Refused(f"layout={shown(text)}: name an entry's bits from the top, such as 'V PFN:7'")
    parts: list[tuple[str, int | None]] = []
    for word in text.split():
        match = re.fullmatch(r"([A-Za-z][A-Za-z0-9_]*|-)(?::(\d{1,2}))?", word)
        if match is None:
            raise Refused(f"layout: {shown(word)} is not a name with a number of bits, such as PFN:7")
        name = "PFN" if match[1].upper() in ("PFN", "PPN", "FRAME") else match[1]
        name = name.upper() if name.upper() in MEANINGS else name
        parts.append((name, int(match[2]) if match[2] else None if name == "PFN" else 1))
    names = [name for name, _ in parts if name != "-"]
    if names.count("PFN") != 1 or sum(name in VALID for name in names) != 1 or len(set(names)) < len(names):
        raise Refused(f"layout={shown(text)}: it has one PFN and one V (or P), and no name twice")
    return parts


# ---- the rules of a walk --------------------------------------------------------------------------


@frozen
class NoControls(Controls):
    """A machine on paper has no settings."""


class PaperRules(Rules[NoControls]):
    """One rule for each named bit: V, and R, W, X, U at every level, as far as the layout has them."""

    def __init__(self, layout: Layout, va: int, pfn: int) -> None:
        self.layout = layout
        self.va = va
        self.without = tuple(right for name, right in _RIGHT_OF.items() if not layout.bit(name))
        self.pfn = pfn
        """The bits of a frame's number: PFN's bits above them must be 0."""

    def start(self, level: Level, root: int, va: int, controls: NoControls) -> Start | Stop:
        """Begin at the root."""
        return Start(root, level)

    def start_shift(self, controls: NoControls) -> int:
        """Return the bits of an address."""
        return self.va

    def check_descriptor(self, level: Level, descriptor: Descriptor, word: int, controls: NoControls) -> Stop | None:
        """Check the valid bit, and refuse bits that no frame has."""
        if descriptor.kind == "invalid":
            name = next(one.name for one in self.layout.fields if one.name in VALID)
            return Stop("not-present", f"the {level.name} is {word:#x}: {name} is 0, so nothing is mapped here")
        self.checked(level.name, word)
        return None

    def checked(self, name: str, word: int) -> None:
        """Raise :class:`Refused` for a word with bits that the layout lacks."""
        pfn = self.layout.pfn
        if word >> self.layout.bits:
            raise Refused(f"the {name} {word:#x} has {word.bit_length()} bits, and an entry {self.layout.bits}")
        wrong = word & pfn.mask & ~((1 << pfn.low + self.pfn) - 1)
        if wrong:
            raise Refused(
                f"the {name} {word:#x} names frame {pfn.of(word):#x}, and a frame's number has "
                f"{counted(self.pfn, 'bit')}: {in_words(wrong)} must be 0"
            )

    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: NoControls) -> Rights:
        """Return the rights that this entry leaves: a right that the layout does not name is given."""
        own = self.rights_of(descriptor, word)
        return Rights(*(one and other for one, other in zip(rights, own, strict=True)))

    def check_access(
        self, path: Sequence[WalkEntry], rights: Rights, access: Access, user: bool, controls: NoControls
    ) -> Stop | None:
        """Check the rights of all levels together."""
        letter = {"read": "R", "write": "W", "execute": "X"}[access]
        if not {"read": rights.read, "write": rights.write, "execute": rights.execute}[access]:
            return Stop("protection", f"the page may not be {_PAST[access]}: {letter} is 0", (letter, 0))
        if user and not rights.user:
            return Stop("protection", "user code may not use the page: U is 0", ("U", 0))
        return None

    def report(
        self, stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: NoControls
    ) -> FaultReport:
        """Report a fault without a code."""
        return FaultReport("fault", None)

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        """Return the bits of rights that the layout has."""
        pairs = zip("RWXU", rights, strict=True)
        return sum(self.layout.bit(name) for name, may in pairs if may)

    def granted(self, wanted: Permission) -> Permission:
        """Return the rights, which are separate bits."""
        return wanted

    def rights_bits(self, descriptor: Descriptor) -> int:
        """Return the bits of rights."""
        return sum(self.layout.bit(name) for name in "RWXU")

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        """Return the rights of one entry; a right without a bit is given."""
        return Rights(*(not self.layout.bit(name) or bool(word & self.layout.bit(name)) for name in "RWXU"))

    def accessed(self, descriptor: Descriptor, write: bool, controls: NoControls) -> int:
        """Return A in every entry, and D in the last if it is a write."""
        is_page = descriptor.kind == "leaf"
        return self.layout.bit("A") | (self.layout.bit("D") if write and is_page else 0)


_PAST = {"read": "read", "write": "written", "execute": "executed"}


_SHORT = {"page directory": "PD", "page table": "PT"}
"""The names of tables in drawings."""


def format_of(known: Widths, rules: PaperRules, asids: int) -> TableFormat[NoControls]:
    """Return the format of a machine's tables, whose widths are known."""
    layout, offset = rules.layout, known.offset or 0
    valid, pfn = layout.valid, layout.pfn
    place = (AddressBits(pfn.low, pfn.low + rules.pfn - 1, offset),)
    va = offset + sum(known.levels or ())
    levels, shift = [], va
    for above, (bits, (name, table)) in enumerate(zip(known.levels or (), names_of(known.depth), strict=True)):
        shift -= bits
        is_last = above == known.depth - 1
        used = f"{name} of a {'page' if is_last else 'table'}"
        levels.append(
            Level(
                known.depth - above,
                name,
                _SHORT.get(table, table),
                shift,
                bits,
                (
                    Descriptor(f"{name} that is not valid", "invalid", valid, 0, SECTION, (), layout.fields),
                    Descriptor(used, "leaf" if is_last else "table", valid, valid, SECTION, place, layout.fields),
                ),
            )
        )
    return TableFormat(
        name=f"{va} bits, pages of {binary_size(known.unit << offset)}",
        levels=tuple(levels),
        va_bits=va,
        word_bits=va,
        entry_width=-(-layout.bits // (8 * known.unit)),
        sign_extended=False,
        base_register="PTBR",
        rules=rules,
        defaults=NoControls(),
        kernel_place=KernelPlace(1 << va, 1 << va),
        asid_bits=asids,
    )


def names_of(depth: int) -> list[tuple[str, str]]:
    """Return the names of entries and tables, from the root down, as books have them.

    >>> names_of(2)
    [('PDE', 'page directory'), ('PTE', 'page table')]
    """
    if depth < 3:
        return [("PDE", "page directory"), ("PTE", "page table")][2 - depth :]
    return [(f"level {number} entry", f"level {number} table") for number in range(1, depth + 1)]
