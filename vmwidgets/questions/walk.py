"""Questions on page-table walks: an address and descriptors as numbers, and the hardware's walk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE, binary_size, grouped_hex
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.format import TableFormat
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.levels import Level
from vmwidgets.engine.mmu.rules import Access
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.engine.mmu.tables_schema import Rights
from vmwidgets.engine.mmu.tables_schema import Walk as WalkValue
from vmwidgets.labs.draws import Draws
from vmwidgets.pictures.tables import Walk
from vmwidgets.views.scene.kit import card, row, scene
from vmwidgets.views.scene.model import Caption, Scene, Table

from .question import (
    ADDRESS,
    NUMBER,
    Again,
    Kind,
    Question,
    address,
    distinct,
    likeness,
    numbers_around,
    options_of,
    table,
)


@frozen(slots=False, eq=False)
class Paper:
    """A format as a question describes it, so that the manual is not needed."""

    fmt: TableFormat[Any]
    title: str
    descriptors: str
    large: str
    manual: str

    @property
    def parts(self) -> str:
        """The parts of an address and the size of the tables, as a rule in words."""
        parts = [
            f"bits {_bits(level)} choose one of {level.entries:,} descriptors in the {level.table_name}"
            for level in self.fmt.levels
        ]
        return (
            f"**{self.title}:** In an address, {', '.join(parts)}; bits 11:0 are the offset in a page of 4 KiB. "
            f"Each descriptor has {self.fmt.entry_width} bytes."
        )

    @property
    def bits(self) -> str:
        """The meanings of the bits of the format's descriptors, as a rule in words."""
        return f"**Descriptors of {self.title}:** {self.descriptors} {self.large}"


def _bits(level: Level) -> str:
    return f"{level.shift + level.bits - 1}:{level.shift}"


X86 = Paper(
    FORMATS["x86"],
    "32-bit x86 paging",
    "Bit 0 (P) of a descriptor is 1 if it is in use. Bits 31:12 are bits 31:12 of the address of the PT, or of the "
    "page.",
    "A PDE with bit 7 (PS) set maps a page of 4 MiB itself: bits 31:22 are bits 31:22 of its address.",
    "Intel SDM 3A, 4.3",
)
X86_64 = Paper(
    FORMATS["x86-64"],
    "x86-64 paging with four levels",
    "Bit 0 (P) of a descriptor is 1 if it is in use. Bits 51:12 are bits 51:12 of the address of the next table, "
    "or of the page.",
    "A PDE with bit 7 (PS) set maps a page of 2 MiB itself: bits 51:21 are bits 51:21 of its address.",
    "Intel SDM 3A, 4.5",
)
SV39 = Paper(
    FORMATS["riscv-sv39"],
    "RISC-V Sv39 paging",
    "Bit 0 (V) of a descriptor is 1 if it is in use. Bits 53:10 are bits 55:12 of the address of the next table, "
    "or of the page.",
    "A descriptor with one of bits 3:1 (X, W, R) set maps a page itself, in the level 1 table a page of 2 MiB; "
    "with all three 0 it refers to a table.",
    "RISC-V Privileged 20211203, 4.4",
)
ARMV7 = Paper(
    FORMATS["armv7"],
    "ARMv7 paging with short descriptors",
    "Bits 1:0 of a first-level descriptor are 01 if it refers to a second-level table, whose address it has in "
    "bits 31:10. Bit 1 of a second-level descriptor is 1 if it maps a page of 4 KiB, whose address it has in bits "
    "31:12.",
    "A first-level descriptor with bits 1:0 equal to 10 maps a section of 1 MiB itself, whose address it has in "
    "bits 31:20.",
    "ARM DDI 0406C, B3.5",
)

PAPERS = X86, X86_64, SV39, ARMV7
"""The formats in questions."""

ACCESSES: tuple[Access, Access] = "read", "write"
WHO = {True: "user code", False: "the supervisor"}


class Memory:
    """Tables in bare memory, with the descriptors that a question prints."""

    def __init__(self, draws: Draws, paper: Paper) -> None:
        self.paper = paper
        self.fmt = self.paper.fmt
        self.words: dict[int, int] = {}
        self._ram = Ram(1 << 32)
        self._places = iter([number << 14 for number in distinct(draws, 16, 1, 0x3000)])
        self.root = self.new_table()

    def new_table(self) -> int:
        """Return a place for a table, aligned for every format."""
        return next(self._places)

    def write(self, level: Level, table: int, index: int, word: int) -> None:
        """Write a descriptor."""
        at = table + index * self.fmt.entry_width
        self.words[at] = word
        self._ram.write_word(at, self.fmt.entry_width, word)

    @property
    def tables(self) -> PageTables[Any]:
        """The tables, to be walked and drawn."""
        return PageTables("memory", self._ram, self.fmt, self.root)

    def walk(self, va: int, access: Access = "read", *, user: bool = True) -> WalkValue:
        """Return the hardware's walk for the access."""
        return self.tables.walk(va, access, user=user)

    def drawing(self, va: int, access: Access = "read", *, user: bool = True) -> Callable[[], Scene]:
        """Return a function that draws that walk."""
        return lambda: Walk(self.tables.walk(va, access, user=user)).scene()

    # ---- in words --------------------------------------------------------------------------------

    @property
    def about(self) -> str:
        """The format and the address of the root; the rules describe the format."""
        return (
            f"A processor with {self.paper.title} has its root table, the {self.fmt.levels[0].table_name}, at "
            f"`{address(self.root)}`."
        )

    @property
    def rules(self) -> tuple[str, str]:
        """The rules of a paper: how the format divides an address, and its descriptors' bits."""
        return self.paper.parts, self.paper.bits

    @property
    def dump(self) -> str:
        """The descriptors, by address."""
        rows = [(f"`{address(at)}`", f"`{self.word(word)}`") for at, word in sorted(self.words.items())]
        return "Memory holds these descriptors; all others are 0.\n\n" + table(("address", "descriptor"), rows)

    def word(self, word: int) -> str:
        """Return a descriptor with all its digits."""
        return "0x" + grouped_hex(word, 2 * self.fmt.entry_width).replace(" ", "_")

    def steps(self, found: WalkValue) -> str:
        """Return the walk, step by step."""
        said = [
            f"{step.name} {step.index}, at `{address(step.pa)}`, is `{self.word(step.value)}`" for step in found.steps
        ]
        return f"The walk: {'; '.join(said)}."


def slices(paper: Paper) -> Callable[[], Scene]:
    """Return a function that draws how a format divides an address."""

    def draw() -> Scene:
        parts = [(level.table_name, _bits(level)) for level in paper.fmt.levels] + [("place in the page", "11:0")]
        nodes = [
            card(f"part/{name}", box, [name, f"bits {bits}"])
            for (name, bits), box in zip(parts, row(len(parts), 8, 48), strict=True)
        ]
        title, rows = f"An address in {paper.title}", Table(("part", "bits"), tuple(parts))
        return scene("slices", title, "", nodes, caption=Caption(""), table=rows)

    return draw


def drawn_va(draws: Draws, fmt: TableFormat[Any]) -> int:
    """Return an address in the lower half, with a different index at each level, none of them 0."""
    while True:
        indexes = [draws.between(1, level.entries // 2 - 1) for level in fmt.levels]
        if len(set(indexes)) == len(indexes):
            return sum(index << level.shift for index, level in zip(indexes, fmt.levels, strict=True)) | draws.between(
                1, PAGE - 1
            )


def drawn_page(draws: Draws, size: int = PAGE) -> int:
    """Return the address of a page of physical memory, below 4 GiB."""
    return draws.between(1, (1 << 32) // size - 1) * size


def _mapped(draws: Draws, paper: Paper, va: int, last: int, rights: Callable[[], Rights] = Rights) -> Memory:
    """Return tables that map a page for `va` by a descriptor of level `last`; each descriptor has a neighbour."""
    memory = Memory(draws, paper)
    fmt, at = paper.fmt, memory.root
    indexes = [level.index(va) for level in fmt.levels]
    for number, level in enumerate(fmt.levels):
        beside = indexes[(number + 1) % len(indexes)] % level.entries
        if level.number == last:
            size = 1 << level.shift
            memory.write(level, at, beside, fmt.leaf_word(level, drawn_page(draws, size), Rights(), size=size))
            memory.write(level, at, indexes[number], fmt.leaf_word(level, drawn_page(draws, size), rights(), size=size))
            return memory
        memory.write(level, at, beside, fmt.table_word(level, memory.new_table(), Rights()))
        below = memory.new_table()
        memory.write(level, at, indexes[number], fmt.table_word(level, below, rights()))
        at = below
    raise AssertionError(f"{paper.title} has no level {last}")


# ---- kinds -----------------------------------------------------------------------------------------


def index(draws: Draws) -> Question:
    """Make a question on which descriptor of a table is read."""
    paper = draws.choice(PAPERS)
    va, level = drawn_va(draws, paper.fmt), draws.choice(paper.fmt.levels)
    right = level.index(va)
    return Question(
        f"A processor has {paper.title}. Which descriptor of the {level.table_name} does a walk "
        f"for `{address(va)}` read? Write its index, counted from 0, in decimal digits.",
        str(right),
        f"Bits {_bits(level)} of the address are `{right:#x}`, which is {right}. ({paper.manual})",
        NUMBER,
        rules=(paper.parts,),
        figure=slices(paper),
    )


def descriptor(draws: Draws) -> Question:
    """Make a question on the address at which a descriptor is read."""
    paper = draws.choice(PAPERS)
    fmt = paper.fmt
    va, level, width = drawn_va(draws, fmt), draws.choice(fmt.levels), fmt.entry_width
    start, number = draws.between(1, 0x3FFF) << 14, level.index(va)
    wrong = {
        start + number: "the index was not multiplied by the bytes of a descriptor",
        **{
            start + one.index(va) * width: f"that is the index for the {one.table_name}"
            for one in fmt.levels
            if one != level
        },
        start
        + number * (12 - width): f"the index was multiplied by {12 - width}, the bytes of another format's descriptor",
        start + (number + 1) * width: "that is the next descriptor: indexes begin at 0",
        start + (number - 1) * width: "that is the descriptor before it: indexes begin at 0",
        start + number * 16: "the index was multiplied by 16, as if a hexadecimal digit were appended",
        start + (number + 2) * width: "that is two descriptors too far",
        start + number * width // 2: "the index was multiplied by half of the bytes of a descriptor",
    }
    return Question(
        f"In {paper.title}, the {level.table_name} that a walk for `{address(va)}` reads begins at physical "
        f"address `{address(start)}`. From which physical address in this table does the processor read the "
        "descriptor?",
        address(start + number * width),
        f"The index is {number}, and each descriptor has {width} bytes: `{address(start)}` + {number} × {width}. "
        f"({paper.manual})",
        rules=(paper.parts,),
        **numbers_around(draws, start + number * width, wrong, address),
    )


def physical(draws: Draws) -> Question:
    """Make a question on the physical address with pages of 4 KiB."""
    paper = draws.choice(PAPERS)
    va = drawn_va(draws, paper.fmt)
    memory = _mapped(draws, paper, va, 1)
    found = memory.walk(va)
    assert found.pa is not None, "each level was written"
    return Question(
        f"{memory.about}\n\n{memory.dump}\n\nUser code reads `{address(va)}`. Which physical address does it reach?",
        address(found.pa),
        f"{memory.steps(found)} The page is at `{address(found.pa & -PAGE)}`, and the offset is "
        f"`{va % PAGE:#x}`. ({paper.manual})",
        ADDRESS,
        rules=memory.rules,
        solution=memory.drawing(va),
    )


def large(draws: Draws) -> Question:
    """Make a question on the physical address with a large page."""
    paper = draws.choice(PAPERS)
    va = drawn_va(draws, paper.fmt)
    memory = _mapped(draws, paper, va, 2)
    found = memory.walk(va)
    assert found.pa is not None, "each level was written"
    size = found.page_size
    page, inside = found.pa - va % size, va % size
    next_one = "the number of the page was read one too high"
    wrong = {
        page | va % PAGE: "only 12 bits of the address were taken, as in a page of 4 KiB",
        page | va % (size // 2): "the highest bit of the place in the page was left out",
        page | inside >> 12: "the place in the page was shifted by 12 bits",
        page: "the place in the page was left out",
        page - size | inside: "the number of the page was read one too low",
        page + size | inside: next_one,
        page + size | va % PAGE: f"{next_one}, and only 12 bits were taken of the address",
        page + 2 * size | inside: "the number of the page was read two too high",
        page + size: f"{next_one}, and the place in the page was left out",
    }
    return Question(
        f"{memory.about}\n\n{memory.dump}\n\nUser code reads `{address(va)}`. Which physical address does it reach?",
        address(found.pa),
        f"{memory.steps(found)} The last descriptor maps a page of {binary_size(size)} at `{address(page)}`; the "
        "offset "
        f"has {size.bit_length() - 1} bits, `{inside:#x}`. ({paper.manual})",
        rules=memory.rules,
        **numbers_around(draws, found.pa, wrong, address),
        solution=memory.drawing(va),
    )


RIGHTS_RULE = (
    "**Rights on x86:** Bit 1 (R/W) of a descriptor allows writes, bit 2 (U/S) lets user code in; both must be 1 at "
    "every level. CR0.WP is 1, SMEP and SMAP are off, so the supervisor may read every page, and write where R/W "
    "allows it."
)
CODE_RULE = (
    "**Error codes of page faults on x86:** Bit 0 is 1 if all descriptors were in use, bit 1 if the access was a "
    "write, and bit 2 if user code made it."
)


def code_mistakes(right: int | None, fault: str, codes: Iterable[int | None]) -> dict[int | None, str]:
    """Return what is wrong with each error code (None stands for no fault); `fault` explains the real fault.

    >>> code_mistakes(6, "the PTE is not in use", [None, 7])
    {None: 'the PTE is not in use', 7: 'bit 0 would say that all descriptors were in use'}
    """
    meaning = {
        1: ("a descriptor was not in use", "all descriptors were in use"),
        2: ("the access was a read", "the access was a write"),
        4: ("the supervisor made it", "user code made it"),
    }
    found: dict[int | None, str] = {}
    for code in codes:
        if code is None:
            found[code] = fault
        elif right is None:
            found[code] = "the access is allowed at every level"
        else:
            bits = [bit for bit in meaning if (code ^ right) & bit]
            said = [f"bit {bit.bit_length() - 1} would say that {meaning[bit][bool(code & bit)]}" for bit in bits]
            found[code] = ", and ".join(said)
    return found


def fault(draws: Draws) -> Question:
    """Make a question on the error code of an access; one access in five has no error code."""
    paper = draws.choice((X86, X86_64))
    va, access, user = drawn_va(draws, paper.fmt), draws.choice(ACCESSES), draws.choice((True, False))
    memory = _mapped(draws, paper, va, 1, lambda: _drawn_rights(draws))
    if draws.below(3) == 0:  # a descriptor that is not in use, whatever its other bits are
        gone = draws.choice(memory.walk(va).steps)
        memory.write(memory.fmt.level(gone.level), gone.table, gone.index, gone.value & ~1)
    found = memory.walk(va, access, user=user)
    code = None if found.fault is None else found.fault.code
    base = (access == "write") << 1 | user << 2
    codes = [None, base, base | 1, base ^ 4 | 1, base ^ 2 | 1]
    why = "" if found.fault is None else found.fault.why
    return Question(
        f"{memory.about}\n\n{memory.dump}\n\nWhat is the result of this access: {WHO[user]} {access}s `{address(va)}`?",
        _outcome(code),
        f"{memory.steps(found)} "
        + ("All of them allow the access." if found.fault is None else f"So there is a fault: {found.fault.why}.")
        + " (Intel SDM 3A, 4.6 and 4.7)",
        options=options_of(draws, _outcome(code), map(_outcome, codes)),
        rules=(*memory.rules, RIGHTS_RULE, CODE_RULE),
        mistakes={_outcome(one): said for one, said in code_mistakes(code, why, codes).items()},
        solution=memory.drawing(va, access, user=user),
    )


def _is_none(question: Question) -> bool:
    return question.answer == _outcome(None)


def _outcome(code: int | None) -> str:
    return "no fault" if code is None else f"a page fault with error code {code:#x}"


def _drawn_rights(draws: Draws) -> Rights:
    """Draw rights; all rights are more likely than fewer."""
    return Rights(True, draws.below(4) > 0, True, draws.below(4) > 0)


def rights(draws: Draws) -> Question:
    """Make a question on the only access that succeeds, or the only one that faults."""
    memory = Memory(draws, X86)
    fmt, (upper, lower) = memory.fmt, memory.fmt.levels
    pages = []
    for pde in distinct(draws, 2, 1, 511):
        below = memory.new_table()
        memory.write(upper, memory.root, pde, fmt.table_word(upper, below, _drawn_rights(draws)))
        for pte in distinct(draws, 2, 1, 1023):
            memory.write(lower, below, pte, fmt.leaf_word(lower, drawn_page(draws), _drawn_rights(draws)))
            pages.append(pde << upper.shift | pte << lower.shift)
    accesses = [(page | draws.below(PAGE), access, user) for page in pages for access in ACCESSES for user in WHO]
    goes = draws.choice((True, False))
    walks = {one: memory.walk(one[0], one[1], user=one[2]) for one in accesses}
    right = [one for one, found in walks.items() if found.ok is goes]
    wrong = [one for one, found in walks.items() if found.ok is not goes]
    if not right or len(wrong) < 3:
        raise Again
    chosen, others = draws.choice(right), draws.sample(wrong, min(4, len(wrong)))
    reasons = {
        _access(one): "all descriptors allow it" if found.fault is None else found.fault.why
        for one, found in walks.items()
    }
    return Question(
        f"{memory.about}\n\n{memory.dump}\n\nWhich of these accesses {'succeeds' if goes else 'faults'}?",
        _access(chosen),
        f"{memory.steps(walks[chosen])} Here {reasons[_access(chosen)]}. (Intel SDM 3A, 4.6)",
        options=options_of(draws, _access(chosen), map(_access, others)),
        rules=(*memory.rules, RIGHTS_RULE),
        mistakes=reasons,
        solution=memory.drawing(chosen[0], chosen[1], user=chosen[2]),
    )


def _access(one: tuple[int, Access, bool]) -> str:
    va, access, user = one
    return f"{WHO[user]} {access}s `{address(va)}`"


def reverse(draws: Draws) -> Question:
    """Make a question on the virtual address that is mapped to a physical address."""
    paper = draws.choice((X86, ARMV7))
    memory = Memory(draws, paper)
    fmt, (upper, lower) = memory.fmt, memory.fmt.levels
    frames = [number * PAGE for number in distinct(draws, 6, 1, (1 << 20) - 1)]
    left = iter(frames)
    found: dict[int, int] = {}
    for first in distinct(draws, 3, 1, upper.entries // 2 - 1):
        below = memory.new_table()
        memory.write(upper, memory.root, first, fmt.table_word(upper, below, Rights()))
        for second in distinct(draws, 2, 1, lower.entries - 1):
            frame = next(left)
            memory.write(lower, below, second, fmt.leaf_word(lower, frame, Rights()))
            found[frame] = first << upper.shift | second << lower.shift
    frame, inside = draws.choice(frames), draws.between(1, PAGE - 1)
    va = found[frame] | inside
    walked = memory.walk(va)
    assert walked.pa == frame | inside, "the walk leads there"
    return Question(
        f"{memory.about}\n\n{memory.dump}\n\n"
        f"Which virtual address leads to the physical address `{address(walked.pa)}`?",
        address(va),
        f"{memory.steps(walked)} Together, the indexes and the offset, `{inside:#x}`, form the address. "
        f"({paper.manual})",
        ADDRESS,
        rules=memory.rules,
        solution=memory.drawing(va),
    )


KINDS = (
    Kind("walk/index", 1, "which descriptor of a table a walk reads", index),
    Kind("walk/descriptor", 1, "where in memory that descriptor is", descriptor),
    Kind("walk/physical", 2, "the physical address, from descriptors that are given as numbers", physical),
    Kind("walk/large", 2, "the physical address, if a large page or a section ends the walk", large),
    Kind(
        "walk/fault",
        2,
        "the error code of an access, or that there is no fault",
        fault,
        (True, False, False, False, False),
        _is_none,
    ),
    Kind("walk/rights", 3, "the only access that succeeds, or the only one that faults", rights, range(5), likeness),
    Kind("walk/reverse", 3, "the virtual address that leads to a physical one", reverse),
)
