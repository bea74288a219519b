"""Questions on TLBs: what is cached, what is dropped, and how often the tables are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vmwidgets.comparisons.formats import compare_formats
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import KIB, PAGE, binary_size, counted
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.cpu import Cpu
from vmwidgets.engine.mmu.editor import TableEditor
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables_schema import Fault, Rights
from vmwidgets.engine.mmu.tlb import Tlb
from vmwidgets.labs.draws import Draws
from vmwidgets.views.scene.kit import LINE, Box, card, label, scene
from vmwidgets.views.scene.model import Caption, Scene, Table

from .question import (
    NUMBER,
    Again,
    Kind,
    Question,
    address,
    distinct,
    listed,
    numbers_around,
    options_of,
    rank,
    table,
)

LARGE = {"x86": 1 << 22, "x86-64": 1 << 21, "riscv-sv39": 1 << 21}
"""The next larger page of a format."""

MANUAL = "Intel SDM 3A, 4.10"
LRU = "If a set is full, its least recently used entry is replaced"


class Processor:
    """A processor whose tables map some ranges, each address to itself."""

    def __init__(self, name: str, ranges: Sequence[tuple[int, int]], sets: int, ways: int) -> None:
        self.fmt = FORMATS[name]
        tables = compare_formats(ranges, name, large=True).tables[name]
        assert isinstance(tables.memory, Ram), "it was built in bare memory"
        self.ram, self.root = tables.memory, int(tables.root)
        self.tlb: Tlb[Any] = Tlb(self.fmt, sets=sets, ways=ways)
        self.cpu: Cpu[Any] = Cpu("cpu:0", self.ram, self.fmt, self.tlb, Recorder())
        self.load(0, keep=False)

    def load(self, asid: int, *, keep: bool) -> None:
        """Load the tables as the tables of an address space."""
        self.cpu.load_root(self.root, asid, keep=keep)

    def read(self, va: int) -> int | None:
        """Return the physical address that user code reads; None for a page fault."""
        found = self.cpu.translate(va, "read", user=True)
        return None if isinstance(found, Fault) else found

    def change(self, va: int, frame: int | None) -> None:
        """Make the last descriptor map another frame, or nothing."""
        level = self.fmt.levels[-1]
        slot = TableEditor(self.ram, self.fmt, Recorder()).find(self.root, va, level.number)
        self.ram.write_word(
            slot.pa, self.fmt.entry_width, 0 if frame is None else self.fmt.leaf_word(level, frame, Rights())
        )

    def figure(self) -> Scene:
        """Return the TLB's contents, by set and way."""
        kept = {(entry.set, entry.way): entry for entry in self.tlb}
        nodes, rows = [], []
        for number in range(self.tlb.sets):
            y = 8 + number * 56
            nodes.append(label(f"set/{number}", f"set {number}", 14, y + 14))
            for way in range(self.tlb.ways):
                entry = kept.get((number, way))
                said = ["free", ""] if entry is None else [str(address(entry.va)), binary_size(entry.size)]
                if entry is not None and entry.asid:
                    said[1] += f", space {entry.asid}"
                nodes.append(card(f"way/{number}/{way}", Box(80 + way * 180, y, 170, 2 * LINE + 12), said))
                rows.append((str(number), str(way), *said))
        words = Table(("set", "way", "page", "size"), tuple(rows))
        return scene("tlb", "The TLB at the end", "", nodes, caption=Caption(""), table=words)


def _numbers(pages: Sequence[int]) -> str:
    return ", ".join(map(str, pages))


# ---- kinds -----------------------------------------------------------------------------------------


def which_set(draws: Draws) -> Question:
    """Make a question on the set of a page."""
    sets, name = draws.choice((4, 8, 16, 32, 64)), draws.choice(list(LARGE))
    size = draws.choice((PAGE, LARGE[name]))
    page = draws.between(2, (1 << 31) // size - 1) * size
    va = page + draws.below(size)
    processor = Processor(name, [(page, size)], sets, 2)
    processor.read(va)
    (entry,) = processor.tlb
    return Question(
        f"A TLB has {sets} sets. The entry of a page belongs to the set (address of the page / its size) mod {sets}. "
        f"Address `{address(va)}` lies in a page of {binary_size(size)}. To which set does this page belong? "
        "Write the set's "
        "number, counted from 0, in decimal digits.",
        str(entry.set),
        f"The page begins at `{address(page)}` and is number `{page // size:#x}` of its size; the lowest "
        f"{sets.bit_length() - 1} bits of this number are {entry.set}. (`Tlb.fill`; {MANUAL}.2)",
        NUMBER,
    )


def reach(draws: Draws) -> Question:
    """Make a question on a TLB's reach, in one unit, since an option's length would give away the answer."""
    sets, ways, name = draws.choice((4, 8, 16, 32)), draws.choice((2, 4, 8)), draws.choice(list(LARGE))
    sizes = [PAGE, LARGE[name]]
    size, other = draws.shuffled(sizes)
    first = LARGE[name] + (PAGE if size == PAGE else 0)  # small pages begin where no large page fits
    processor = Processor(name, [(first, sets * ways * size)], sets, ways)
    for number in range(sets * ways):
        processor.read(first + number * size)
    reached = sum(entry.size for entry in processor.tlb)
    wrong = {
        reached // ways: "only the sets were counted, and not their ways",
        reached // sets: "only the ways of one set were counted",
        reached // 2: "half of the entries were counted",
        reached // 4: "a quarter of the entries was counted",
        sets * ways * other: f"that is for pages of {binary_size(other)}",
        2 * reached: "twice the entries were counted",
        4 * reached: "four times the entries were counted",
        ways * reached: "the ways were counted twice",
        sets * reached: "the sets were counted twice",
    }
    return Question(
        f"A TLB has {sets} sets of {ways} ways, each way for a page of any size. How much memory does the TLB "
        "cover if all "
        f"its entries are for pages of {binary_size(size)}?",
        _kib(reached),
        f"There are {sets} × {ways} = {sets * ways} entries of {binary_size(size)} each. ({MANUAL}.2)",
        **numbers_around(draws, reached, wrong, _kib),
    )


def _kib(number: int) -> str:
    return f"{number // KIB:,} KiB"


def misses(draws: Draws) -> Question:
    """Make a question on how often a small TLB misses."""
    sets, ways = draws.choice(((2, 2), (4, 1), (1, 4), (2, 3)))
    pages = distinct(draws, 6, 1, 15)
    used = [draws.choice(pages) for _ in range(11)]
    processor = Processor("x86-64", [(PAGE, 15 * PAGE)], sets, ways)
    missed = []
    for page in used:
        before = processor.tlb.misses
        processor.read(page * PAGE)
        missed += [page] if processor.tlb.misses > before else []
    if not len(set(used)) < len(missed) < len(used):
        raise Again
    sized = f"{sets} sets of {counted(ways, 'way', 'ways')}" if sets > 1 else f"one set of {ways} ways"
    return Question(
        f"An empty TLB has {sized}; page n belongs to set n mod {sets}. {LRU}. Pages are used in this order: "
        f"`{' '.join(map(str, used))}`. How many misses are there?",
        str(len(missed)),
        f"The misses are for pages {_numbers(missed)}. (`Tlb.lookup`, `Tlb.fill`; {MANUAL}.2)",
        NUMBER,
        solution=processor.figure,
    )


def stale(draws: Draws) -> Question:
    """Make a question on what a processor reaches after a change that its TLB did not see."""
    one, other = (number * PAGE for number in distinct(draws, 2, 1, 0x1FF))
    frames = [number * PAGE for number in distinct(draws, 4, 0x200, 0xFFFF)]
    processor = Processor("x86-64", [(PAGE, 0x1FF * PAGE)], 16, 4)
    processor.change(one, frames[0])
    processor.change(other, frames[3])
    calls: dict[str, Callable[[], object]] = {
        f"user code reads `{address(one)}`": lambda: processor.read(one),
        f"user code reads `{address(other)}`": lambda: processor.read(other),
        f"the kernel executes INVLPG for `{address(one)}`": lambda: processor.cpu.flush_range(one, one + PAGE),
        f"the kernel executes INVLPG for `{address(other)}`": lambda: processor.cpu.flush_range(other, other + PAGE),
        "the kernel loads CR3 again with the same value": lambda: processor.load(0, keep=False),
    }
    changes = [
        (f"the kernel changes the PTE of `{address(one)}`: frame `{address(frame)}`", frame) for frame in frames[1:3]
    ]
    steps = [next(iter(calls))]
    processor.read(one)
    for said, frame in changes:
        processor.change(one, frame)
        between = draws.sample(list(calls), draws.between(0, 2))
        for call in between:
            calls[call]()
        steps += [said, *between]
    written: list[int | None] = [*frames[:3]]
    if draws.below(4) == 0:
        steps.append(f"the kernel sets the PTE of `{address(one)}` to 0")
        processor.change(one, None)
        written.append(None)
    found = processor.read(one)
    right = _reached(found)
    rows = [(str(number), step) for number, step in enumerate(steps, 1)]
    return Question(
        f"On an x86-64 processor with one core and an empty TLB, the PTE of `{address(one)}` maps the frame at "
        f"`{address(frames[0])}`, and the PTE of `{address(other)}` maps the frame at `{address(frames[3])}`. "
        "User code may "
        "read both, no page is global, and nothing else uses the TLB, which has room for both: a translation is "
        "dropped only "
        "by INVLPG for its page, or by a load of CR3. This happens:\n\n"
        f"{table(('step', 'what happens'), rows)}\n\nThen user code reads `{address(one)}`. What does it reach?",
        right,
        "An access uses the translation in the TLB, even if the tables have changed; a walk reads the tables only "
        f"if the TLB has no translation. So the read reaches {right}. ({MANUAL}.4)",
        options=options_of(draws, right, [_reached(frame) for frame in (*frames[:3], None, frames[3])]),
        mistakes={
            **{_reached(frame): _stale(frame, found, written) for frame in frames[:3]},
            _reached(None): "nothing was dropped after the PTE was set to 0, or it never was: the TLB is believed",
            _reached(frames[3]): "that is the frame of the other page: its translation has an entry of its own",
        },
    )


def _stale(frame: int, found: int | None, written: Sequence[int | None]) -> str:
    """Return why an access does not reach this frame: its translation was dropped, or was never read."""
    at = written.index(frame)
    if found is None or at < written.index(found):
        return "that translation was dropped since, and the next walk read another descriptor"
    return "no walk has read that descriptor: the TLB had the page, and nothing dropped it"


def _reached(pa: int | None) -> str:
    return "nothing: a page fault" if pa is None else f"the frame at `{address(pa)}`"


def spaces(draws: Draws) -> Question:
    """Make a question on how often a TLB misses when address spaces take turns."""
    numbered, ways = draws.choice((True, False)), draws.choice((4, 6))
    processor = Processor("x86-64", [(PAGE, 8 * PAGE)], 1, ways)
    space, steps, missed, seen = 1, list[tuple[str, str, str]](), 0, set[tuple[int, int]]()
    processor.load(1 if numbered else 0, keep=numbered)
    pages = distinct(draws, 3, 1, 8)
    for _ in range(5):
        used = [draws.choice(pages) for _ in range(draws.between(2, 3))]
        before = processor.tlb.misses
        for page in used:
            processor.read(page * PAGE)
        missed += processor.tlb.misses - before
        seen |= {(space, page) for page in used}
        steps.append((str(space), " ".join(map(str, used)), str(processor.tlb.misses - before)))
        space = 3 - space
        processor.load(space if numbered else 0, keep=numbered)
    if missed in (len(seen), sum(len(step[1].split()) for step in steps)):  # the same number without a TLB
        raise Again
    kept = (
        "Its entries carry the number of their address space (PCID), and a switch drops nothing"
        if numbered
        else "It has no numbers for address spaces, and each switch drops all entries"
    )
    return Question(
        f"An empty TLB has one set of {ways} ways. {kept}. {LRU}. Two processes use their own pages, none of them "
        f"shared or global, in turns:\n\n{table(('process', 'pages'), [step[:2] for step in steps])}\n\n"
        "How many misses are there?",
        str(missed),
        f"Misses of each turn: {', '.join(step[2] for step in steps)}. (`Cpu.load_root`; {MANUAL}.1)",
        NUMBER,
        solution=processor.figure,
    )


def reads(draws: Draws) -> Question:
    """Make a question on how many descriptors are read from memory."""
    name, ways = draws.choice(list(LARGE)), draws.choice((2, 3))
    big, levels = LARGE[name], len(FORMATS[name].levels)
    starts = [number * big for number in distinct(draws, 4, 1, 60)]
    ranges = [
        (start, big) if number < 2 else (start + draws.below(64) * PAGE, PAGE) for number, start in enumerate(starts)
    ]
    processor = Processor(name, sorted(ranges), 1, ways)
    used = [start + draws.below(size) for start, size in (draws.choice(ranges) for _ in range(9))]
    said = []
    for va in used:
        before = processor.cpu.references
        processor.read(va)
        said.append(processor.cpu.references - before)
    if said.count(0) < 2:
        raise Again
    rows = [(f"`{address(start)}`", binary_size(size)) for start, size in sorted(ranges)]
    return Question(
        f"An empty TLB has one set of {ways} ways, each for a page of any size. {LRU}. A walk reads {levels} "
        f"descriptors for a page of 4 KiB and {levels - 1} for a page of {binary_size(big)}; nothing else caches "
        f"descriptors. These pages are mapped:\n\n{table(('from', 'size'), rows)}\n\n"
        f"These addresses are read, in this order: {listed(map(address, used))}. How many descriptors does the "
        "processor read from memory?",
        str(processor.cpu.references),
        f"For each address: {_numbers(said)}. (`Cpu.translate`; {MANUAL}.2)",
        NUMBER,
        solution=processor.figure,
    )


KINDS = (
    Kind("tlb/set", 1, "the set that a page belongs to", which_set),
    Kind("tlb/reach", 1, "how much memory the TLB entries cover", reach, range(5), rank),
    Kind("tlb/misses", 2, "the misses of a small TLB", misses, ("5", "6", "7", "8", "9", "10")),
    Kind("tlb/stale", 2, "what an access reaches after changes with and without flushes", stale),
    Kind(
        "tlb/spaces",
        3,
        "the misses of two processes, with and without ASIDs",
        spaces,
        ("5", "6", "7", "8", "9", "10", "11"),
    ),
    Kind("tlb/reads", 3, "the descriptors that are read, with pages of two sizes", reads),
)
