"""Exercises of notebook 00: placing segments, and walks on paper."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, permutations
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import KIB, MIB, PAGE, Address, Size
from vmwidgets.engine.machine import arguments
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.rules import Access
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.engine.mmu.tables_schema import Walk
from vmwidgets.on_paper.segments import Segments
from vmwidgets.on_paper.segments_schema import SegmentsValue

from ..criterion import Criterion, criterion, misread_key
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake

# ---- segments ----------------------------------------------------------------------------------

RIGHTS = {"code": "r-x", "data": "rw-", "heap": "rw-", "stack": "rw-"}
"""A program's segments in the order of their numbers, each with the accesses it allows."""

UNIT = 64 * KIB


@frozen(slots=False)
class SegmentsSheet:
    """Segments with their sizes, and free pieces of memory (start and size); all segments fit in only one way."""

    sizes: tuple[int, ...]
    free: tuple[tuple[int, int], ...]

    @classmethod
    def drawn(cls, draws: Draws) -> SegmentsSheet:
        """Draw pieces into which the segments fit, though first fit (each into the first piece with room) fails."""
        while True:
            sizes = tuple(draws.between(2, 12) * UNIT for _ in RIGHTS)
            parts = draws.shuffled(range(len(sizes)))
            cut = draws.between(1, 3)
            groups = [parts[:cut], parts[cut:]]
            free, at = [], 0
            for group in draws.shuffled(groups):
                at += draws.between(3, 30) * UNIT
                size = sum(sizes[number] for number in group)
                free.append((at, size))
                at += size
            found = cls(sizes, tuple(free))
            if len(set(sizes)) == len(sizes) and not first_fit(found) and len(ways(found)) == 1:
                return found

    @property
    def text(self) -> str:
        """The task in words."""
        wanted = ", ".join(
            f"`{name}` {Size(size)} ({RIGHTS[name].replace('-', '')})"
            for name, size in zip(RIGHTS, self.sizes, strict=True)
        )
        pieces = " and ".join(f"{Size(size)} at `{Address(start)}`" for start, size in self.free)
        return (
            f"Physical memory has {len(self.free)} free pieces: {pieces}. The rest is in use.\n"
            f"Place the four segments of a program in them: {wanted}, in this order.\n"
            "Each segment must lie in one piece, and segments must not overlap."
        )

    def start(self) -> Segments:
        """Return a program whose segments have no size yet."""
        return Segments(**dict.fromkeys(RIGHTS, (0, 0, "")))


def first_fit(asked: SegmentsSheet) -> bool:
    """Return whether the segments fit if each, in the order of their numbers, takes the first piece with room."""
    left = [size for _, size in asked.free]
    for size in asked.sizes:
        piece = next((index for index, room in enumerate(left) if room >= size), None)
        if piece is None:
            return False
        left[piece] -= size
    return True


def ways(asked: SegmentsSheet) -> set[tuple[int, ...]]:
    """Return the piece of each segment, for each way in which all fit."""
    found = set()
    for order in permutations(range(len(asked.sizes))):
        left, pieces = [size for _, size in asked.free], [0] * len(asked.sizes)
        for number in order:
            room = [index for index, one in enumerate(left) if one >= asked.sizes[number]]
            if not room:
                break
            pieces[number] = room[0]
            left[room[0]] -= asked.sizes[number]
        else:
            found.add(tuple(pieces))
    return found


def in_memory(program: Segments, asked: SegmentsSheet) -> SegmentsValue:
    """Return the segments in physical memory, with the free pieces of the sheet."""
    return program.placed_in(asked.free)


@exercise(
    "00/segments",
    "Four segments, two free pieces",
    points=4,
    takes=Segments,
    shows=in_memory,
    variant=SegmentsSheet.drawn,
    hints=(
        "The sizes of the segments add up to the sizes of the two pieces, so nothing is left over.",
        "Which segments together are exactly as large as one of the pieces?",
        (
            "vm.Segments(code=(base, size, rights), data=…, heap=…, stack=…): the first segment in a piece has the "
            "piece's start as its base, and the next one begins where that one ends."
        ),
    ),
)
def segments(program: Segments, asked: SegmentsSheet) -> Iterator[Criterion]:
    """Judge the segments: as required, in free memory, and not overlapping."""
    found = {name: (unit.base, unit.bounds, rights) for name, (unit, rights) in program.segments.items()}
    placed = any(bounds for _, bounds, _ in found.values())
    allowed = any(str(rights) != "---" for _, _, rights in found.values())
    sizes = [(name, int(bounds)) for name, (_, bounds, _) in found.items()]
    yield criterion(
        1,
        sizes == list(zip(RIGHTS, asked.sizes, strict=True)),
        "the four segments have their sizes, in the given order",
        "a segment has the wrong size or the wrong number: vm.Segments numbers segments in the order of its arguments",
        first="" if placed else "give the segments their sizes",
        actual=", ".join(f"{name} {Size(size)}" for name, size in sizes),
    )
    yield criterion(
        1,
        {name: rights for name, (_, _, rights) in found.items()} == RIGHTS,
        "each segment has the required permissions",
        "a segment has the wrong permissions",
        first="" if placed or allowed else "give the segments their permissions",
        expected=", ".join(f"{name} {rights}" for name, rights in RIGHTS.items()),
        actual=", ".join(f"{name} {rights}" for name, (_, _, rights) in found.items()),
    )
    ranges = sorted((base, base + bounds, name) for name, (base, bounds, _) in found.items() if bounds)
    outside = [name for start, end, name in ranges if not any(a <= start and end <= a + size for a, size in asked.free)]
    yield criterion(
        1,
        placed and not outside,
        "each segment lies in a free piece",
        "a segment reaches memory that is in use",
        first="" if placed else "place the segments",
        actual=", ".join(outside),
    )
    over = [f"{low[2]} and {high[2]}" for low, high in pairwise(ranges) if high[0] < low[1]]
    yield criterion(
        1,
        placed and not over,
        "no two segments overlap",
        "two segments share memory",
        first="" if placed else "place the segments",
        actual=", ".join(over),
        mistake=SHARED if over else None,
    )


SHARED = Mistake(
    "two segments, one place", "Each segment has its own base, at or after the end of the segment below it."
)

# ---- walks on paper ----------------------------------------------------------------------------

FORMAT = FORMATS["x86"]
ROOT = 0x1000
PRESENT, WRITE, USER, LARGE = 1, 2, 4, 0x80
OK = PRESENT | WRITE | USER
KINDS = {
    "found": (OK, OK),
    "large": (OK | LARGE, 0),
    "no table": (0, OK),
    "no page": (OK, 0),
    "table for reading": (OK & ~WRITE, OK),
    "page for reading": (OK, OK & ~WRITE),
    "kernel's table": (OK & ~USER, OK),
    "kernel's page": (OK, OK & ~USER),
}
"""The kinds of addresses by what a walk finds there, with the bits of the address's two descriptors."""

Answer = int | tuple[int, str]
"""A physical address, or the level of the descriptor that forbids the access (2 for the root, 1 below it) and the kind
of the fault.
"""


@frozen(slots=False)
class PaperSheet:
    """Words of memory by physical address, and virtual addresses to which user code writes."""

    words: tuple[tuple[int, int], ...]
    addresses: tuple[int, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> PaperSheet:
        """Draw a page that is found, perhaps a large one, and faults of both kinds and at both levels."""
        missing = draws.choice(["no table", "no page"])
        level_2, level_1 = ("table for reading", "kernel's table"), ("page for reading", "kernel's page")
        forbidden = draws.choice(level_1 if missing == "no table" else level_2)
        kinds = draws.shuffled(["found", missing, forbidden, draws.choice(["large", *level_1, *level_2])])
        words: dict[int, int] = {}
        addresses = []
        for number, (kind, top) in enumerate(zip(kinds, draws.sample(range(1, 768), len(kinds)), strict=True)):
            upper, lower = KINDS[kind]
            table, index, offset = 0x2000 + number * 0x1000, draws.below(1024), draws.below(1024) * 4
            place = draws.between(16, 511) << 22 if upper & LARGE else table
            words[ROOT + 4 * top] = (place if kind != "no table" or draws.below(2) else 0) | upper
            if not upper & LARGE:
                words[table + 4 * index] = draws.between(0x100, 0xFFFFF) << 12 | lower
            addresses.append(top << 22 | index << 12 | offset)
        return cls(tuple(sorted((at, word) for at, word in words.items() if word)), tuple(addresses))

    @property
    def text(self) -> str:
        """The task in words."""
        memory = "\n".join(f"`{at:#06x}`: `{word:#010x}`" for at, word in self.words)
        listed = ", ".join(f"`{Address(address)}`" for address in self.addresses)
        return (
            "A 32-bit x86 with tables of 1,024 descriptors of 4 bytes. "
            f"The root table is at physical `{ROOT:#x}`. All words of memory that are not 0:\n{memory}\n"
            f"User code writes to {listed}. For each address, give the physical address or the fault. Write a fault as "
            "the level of the "
            'descriptor that forbids the write (2 in the root, 1 below) and `"not-present"` or `"protection"`.'
        )

    def start(self) -> dict[Address, Any]:
        """Return the addresses without answers; they print in hexadecimal, as on the sheet."""
        return dict.fromkeys(map(Address, self.addresses))


def solved(asked: PaperSheet) -> dict[int, Answer]:
    """Return the hardware's answers."""
    return {address: _outcome(walked(asked, address)) for address in asked.addresses}


def walked(asked: PaperSheet, address: int, access: Access = "write", *, user: bool = True) -> Walk:
    """Return the walk of an access."""
    memory = Ram(MIB)
    for at, word in asked.words:
        memory.write_word(at, 4, word)
    return PageTables("paper", memory, FORMAT, ROOT).walk(address, access, user=user)


def _outcome(walk: Walk) -> Answer:
    if walk.fault is None:
        return int(walk.pa or 0)
    forbids = next((step for step in walk.steps if not (step.rights.write and step.rights.user)), walk.steps[-1])
    return forbids.level, walk.fault.kind


@exercise(
    "00/walk",
    "Walks on paper",
    points=5,
    takes=dict,
    variant=PaperSheet.drawn,
    hints=(
        (
            "Write the address in binary, and divide it into 10, 10 and 12 bits. A descriptor has 4 bytes: the "
            "one with "
            "index n is at the table's address plus 4 times n."
        ),
        (
            "Bits 31:12 of a descriptor are the address of the next table or of the page. Bit 0: present. Bit 1: "
            "writes are allowed. Bit 2: user code is allowed. Bit 7, in the root: the descriptor itself maps 4 MiB."
        ),
        (
            'answers[address] = 0x1234_5678, or answers[address] = (1, "not-present"). The offset has 12 bits, and 22 '
            "in a page of 4 MiB. Both descriptors must give a permission."
        ),
    ),
)
def paper(answers: dict[Any, Any], asked: PaperSheet) -> Iterator[Criterion]:
    """Judge the answers: each must be the hardware's."""
    right_answers = solved(asked)
    given = {address: answers.get(address) for address in right_answers}
    found = {address: answer for address, answer in right_answers.items() if isinstance(answer, int)}
    faults = {address: answer for address, answer in right_answers.items() if not isinstance(answer, int)}
    right = [address for address, answer in found.items() if _number(given[address]) == answer]
    wrong = [_number(given[address]) for address in found if address not in right]
    frames = {answer & -PAGE for answer in found.values()}
    slip = misread_key(answers, right_answers)
    first = "" if any(answer is not None for answer in given.values()) else slip or "write an answer for each address"
    pairs = {address: _pair(given[address]) for address in faults}
    kinds = sum(pairs[address][1] == answer[1] for address, answer in faults.items()) * 2 // len(faults)
    listing = "; ".join(
        f"{Address(address)}: {said(given[address])}" + _remark(asked, address, given[address])
        for address in right_answers
    )
    listing += f"; {slip}" if slip else ""
    yield criterion(
        2,
        len(right) * 2 // len(found),
        "where the access succeeds, the physical address is right",
        "a physical address is missing or wrong: which bits come from the descriptor, and which from the address?",
        first=first,
        actual=listing if wrong else "",
        mistake=NO_OFFSET if any(one in frames for one in wrong) else None,
    )
    yield criterion(
        2,
        kinds,
        "the kind of each fault is right",
        "a fault is missing, or its kind is wrong: is the descriptor not present, or does it lack a permission?",
        first=first,
        actual="" if wrong or kinds == 2 else listing,
    )
    yield criterion(
        1,
        all(pairs[address][0] == answer[0] for address, answer in faults.items()),
        "the level of each fault is right",
        "at which level is the first descriptor that forbids the access?",
        first=first,
        actual="" if wrong or kinds < 2 else listing,
    )


NO_OFFSET = Mistake(
    "the offset is lost",
    "A descriptor holds the address of the page; the lowest bits of the virtual address are the offset in the page.",
)


def _remark(asked: PaperSheet, address: int, answer: Any) -> str:
    """Return, in brackets, the step at which an answer goes wrong; "" if the answer is right or missing."""
    if answer is None or solved(asked)[address] in (_pair(answer), _number(answer)):
        return ""
    quoted = " without quotes" if isinstance(answer, str) and _number(answer) is None else ""
    return f" ({wrong_step(asked, address, answer)}{quoted})"


def wrong_step(asked: PaperSheet, address: int, answer: Any) -> str:
    """Return the descriptor of the walk that contradicts a wrong answer, without revealing the right answer."""
    words = dict(asked.words)
    top = words.get(ROOT + 4 * (address >> 22), 0)
    has_table = bool(top & PRESENT) and not top & LARGE
    low = words.get((top & -PAGE) + 4 * (address >> 12 & 1023), 0) if has_table else None
    level, kind = _pair(answer)
    if (level, kind) in [(level, kind) for level in (2, 1) for kind in ("not-present", "protection")]:
        return _wrong_fault(top if level == 2 else low, level, kind)
    number = _number(answer)
    if number is None:
        return 'write a physical address, or a fault such as (1, "protection")'
    last, large = (top, bool(top & PRESENT)) if low is None else (low, False)
    offsets = (1 << 22 if large else PAGE) - 1
    if low is not None and number & -PAGE == top & -PAGE:
        return "this is in the table below the root: one more descriptor is read"
    if not last & ~offsets or number & ~offsets != last & ~offsets:
        return "no descriptor that the walk reads leads to this page"
    if number == last:
        return "the lowest bits of a descriptor are flags"
    return "look at the flags of each descriptor" if number & offsets == address & offsets else "the offset is wrong"


def _wrong_fault(word: int | None, level: int, kind: str) -> str:
    """Return what contradicts a fault at the descriptor `word` of a level, which a walk may not reach."""
    if word is None:
        return "the walk reads no descriptor at level 1"
    if kind == "not-present":
        return f"the walk's descriptor at level {level} is present"
    if not word & PRESENT:
        return f"bit 0 of the walk's descriptor at level {level} is 0"
    return f"the walk's descriptor at level {level} allows user code to write"


def _number(value: Any) -> int | None:
    """Return a physical address that was given as a number or as a string."""
    try:
        return arguments.whole(value, "answer")
    except Refused:
        return None


def _pair(value: Any) -> tuple[Any, Any]:
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    return (value[0], value[1]) if pair else (None, None)


def said(value: Any) -> str:
    """Return an answer in words."""
    if value is None:
        return "no answer"
    level, kind = _pair(value)
    if level is not None:
        return f"level {shown(level)}, {kind if isinstance(kind, str) else shown(kind)}"
    number = _number(value)
    return shown(value) if number is None else str(Address(number))


# ---- wrong answers -----------------------------------------------------------------------------
