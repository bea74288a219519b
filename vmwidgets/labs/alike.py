"""Questions like the labs' predictions, with another number: for students who want to try again, without points.

A question is worked out on paper here, step by step; the tests compare each with a machine.  A prediction is not among
them if its answer stays the same with other numbers, or can't be worked out: copying the explanation would be right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import GIB, KIB, MIB, PAGE, Address, binary_size, counted
from vmwidgets.reference_strings.references import reference_string

from .draws import Draws


@frozen
class Alike:
    """A question, its answer of this kind (see :data:`.answers.KINDS`), and the steps that lead to the answer."""

    text: str
    answer: Any
    worked: tuple[str, ...]
    kind: str = "number"
    options: tuple[str, ...] = ()


def _bounds(draws: Draws) -> Alike:
    base, bounds, fault = 4 * MIB, 64 * KIB, "nothing: a fault"
    at = draws.choice((0x8000, 0xFF00, 0xFFFC, 0xFFFF, 0x1_0000, 0x1_0004, 0x2_0000))
    reached = f"physical {Address(base + at)}"
    last = f"The bounds are a size: the last address is {Address(bounds)} - 1 = {Address(bounds - 1)}."
    return Alike(
        f"The base is {Address(base)}, and the bounds are {Address(bounds)}. The program reads address {Address(at)}. "
        "What does it reach?",
        reached if at < bounds else fault,
        (last, f"{Address(at)} is allowed: {Address(base)} + {Address(at)} = {Address(base + at)}.")
        if at < bounds
        else (last, f"{Address(at)} is past it, so there is a fault, and nothing is added."),
        "choice",
        (reached, f"physical {Address(at)}", fault),
    )


def _linear(draws: Draws) -> Alike:
    bits, page, width = draws.choice(
        ((32, PAGE, 8), (32, 16 * KIB, 4), (36, PAGE, 4), (30, PAGE, 4), (32, 8 * KIB, 4), (34, PAGE, 4))
    )
    pages = (1 << bits) // page
    return Alike(
        f"An address has {bits} bits, a page has {binary_size(page)}, and a descriptor has {width} bytes. How large is "
        "a linear table?",
        pages * width,
        (
            f"Pages: 2^{bits} / {page:,} = {pages:,}.",
            f"Table: {pages:,} × {width} bytes = {binary_size(pages * width)}.",
        ),
        "size",
    )


def _tree(draws: Draws) -> Alike:
    span, size, low = 4 * MIB, 16 * PAGE, 0x0804_8000
    near = 0x0808_0000 + draws.below(50) * 0x1_0000
    across = draws.between(64, 700) * span - 8 * PAGE
    high = draws.choice((near, across, draws.between(64, 700) * span))
    ranges = [sorted({start // span, (start + size - 1) // span}) for start in (low, high)]
    tables = len({one for indexes in ranges for one in indexes})
    return Alike(
        f"A program has 16 pages at {Address(low)}, and a stack of 16 pages at {Address(high)}. How many tables does "
        "it need, with the root?",
        1 + tables,
        (
            "A table below the root covers 4 MiB: the highest ten bits of an address choose it.",
            *(
                f"The range at {Address(start)} is in part {' and part '.join(map(str, indexes))}."
                for start, indexes in zip((low, high), ranges, strict=True)
            ),
            f"{counted(tables, 'table')} and the root: {1 + tables}.",
        ),
    )


def _index(draws: Draws) -> Alike:
    top = draws.between(1, 767)
    address = top << 22 | draws.below(1 << 22)
    bits = f"{address:032b}"
    return Alike(
        f"The highest ten bits select a descriptor of the root. Which descriptor does a walk of "
        f"0x{address >> 16:04X}_{address & 0xFFFF:04X} read there? (Write its index as a decimal number.)",
        top,
        (f"The address begins with the bits {bits[:4]} {bits[4:8]} {bits[8:10]}.", f"Their value is {top}."),
    )


def _pieces(draws: Draws) -> Alike:
    size = draws.choice((450, 550, 580, 600, 601, 700, 1100, 1500))
    fits = size <= 600
    options = "yes, in two pieces", "yes, in the largest piece", "no, though enough is free"
    return Alike(
        f"Pieces of 600, 500 and 400 KiB are free. Can a segment of {size:,} KiB be placed?",
        options[1] if fits else options[2],
        (
            "A segment has one base, so it must be in one piece.",
            f"The largest piece has 600 KiB: {size:,} KiB {'fits' if fits else 'does not fit'}.",
        ),
        "choice",
        options,
    )


def _cut(draws: Draws) -> Alike:
    holes = draws.between(2, 6)
    return Alike(
        f"{holes} pages are removed from the middle of one entry of 32 pages. No two of them are adjacent. How many "
        "more entries does the map have afterwards?",
        holes,
        ("An entry has no holes, so each hole cuts an entry in two.", f"{holes} holes: {holes} more entries."),
    )


def _touched(draws: Draws) -> Alike:
    before, size = 4, draws.choice((3, 4, 100 + PAGE, 2 * PAGE, 5000, 2 * PAGE + 4, 3 * PAGE + 5))
    rest = max(0, size - before)
    pages = 1 + -(-rest // PAGE)
    return Alike(
        f"A heap has no physical page yet. The program writes {size:,} bytes, beginning 4 bytes before the end of a "
        "page. How many physical pages does the heap have afterwards?",
        pages,
        (
            f"The first page gets {min(size, before)} bytes, and {rest:,} bytes are left.",
            f"They take {counted(pages - 1, 'page')} of 4,096 bytes: {counted(pages, 'page')} in all.",
        ),
    )


def _first_fit(draws: Draws) -> Alike:
    gaps, wanted = draws.sample((1, 2, 3, 4, 5), 3), draws.between(2, 5)
    options = (*(f"in the gap of {counted(gap, 'page')}" for gap in gaps), "after all of them")
    place = next((number for number, gap in enumerate(gaps) if gap >= wanted), 3)
    return Alike(
        f"From the lowest address up, the gaps have {gaps[0]}, {gaps[1]} and {gaps[2]} pages. The next request asks "
        f"for {wanted} pages, and gives no address. Where will they be placed?",
        options[place],
        (
            "The kernel takes the lowest gap that is large enough.",
            *(f"{gap} is less than {wanted}." for gap in gaps[:place]),
            f"{gaps[place]} is enough." if place < 3 else "No gap is large enough.",
        ),
        "choice",
        options,
    )


def _rotations(draws: Draws) -> Alike:
    order = draws.shuffled((0x1_0000, 0x2_0000, 0x3_0000))
    first, second, third = order
    is_middle, is_inner = first == 0x2_0000, third == 0x2_0000
    number = 0 if is_middle else 2 if is_inner else 1
    return Alike(
        f"We insert {Address(first)}, {Address(second)} and {Address(third)} into an empty tree, in this order. How "
        "many rotations does the third insertion take?",
        number,
        (
            f"{Address(first)} is the root. Its {'right' if second > first else 'left'} child is {Address(second)}.",
            "The third page becomes the other child: the tree is balanced."
            if is_middle
            else f"{Address(third)} is an inner grandchild: one rotation makes it an outer grandchild, and one more "
            "balances the tree."
            if is_inner
            else f"{Address(third)} is an outer grandchild: one rotation balances the tree.",
        ),
    )


def _offset(draws: Draws) -> Alike:
    page = draws.between(1, 14)
    return Alike(
        f"An object of 16 pages is mapped from its beginning. Page {page}, counted from 0, is removed. What is the "
        "offset of the upper part?",
        (page + 1) * PAGE,
        (
            f"The upper part begins with page {page + 1} of the object.",
            f"{page + 1} × 4 KiB = {binary_size((page + 1) * PAGE)}.",
        ),
        "size",
    )


def _slot(draws: Draws) -> Alike:
    area, slot = 0xFFFF_8080_000C_0000 + draws.below(16) * PAGE, draws.between(1, 49)
    return Alike(
        f"The kentry area begins at {Address(area)}. At which address is slot {slot} of its first slab? "
        "(Slots are counted from 0.)",
        area + slot * 80,
        (
            f"{slot} × 80 = {slot * 80:,} = {Address(slot * 80)}.",
            f"{Address(area)} + {Address(slot * 80)} = {Address(area + slot * 80)}.",
        ),
        "address",
    )


def _far_away(draws: Draws) -> Alike:
    far = draws.choice((PAGE, 2 * MIB, 8 * MIB, GIB, 4 * GIB))
    at, names = 0x40_3000, ("PT", "PD", "PDPT")
    new = [name for name, shift in zip(names, (21, 30, 39), strict=True) if at >> shift != at + far >> shift]
    return Alike(
        f"On x86-64, one page is mapped at {Address(at)}. A second page is mapped at {Address(at + far)}, "
        f"{binary_size(far)} higher. How many more tables does that take?",
        len(new),
        (
            "A PT covers 2 MiB, a PD 1 GiB, and a PDPT 512 GiB.",
            f"The second page needs its own {' and '.join(new)}." if new else "Both pages are in the same 2 MiB.",
        ),
    )


def _split(draws: Draws) -> Alike:
    large = draws.choice((2, 3, 5, 6, 8, 16))
    return Alike(
        f"{2 * large} MiB is mapped with {large} pages of 2 MiB. One 4 KiB page in the middle is made read-only. How "
        f"many descriptors map the {2 * large} MiB now?",
        large - 1 + 512,
        (
            f"Unchanged: {counted(large - 1, 'large page')}, with a descriptor each.",
            "The other large page becomes 2 MiB / 4 KiB = 512 pages, each with a descriptor.",
            f"{large - 1} + 512 = {large - 1 + 512}.",
        ),
    )


def _code(draws: Draws) -> Alike:
    who, does, page = draws.choice(
        (
            ("User code", "reads", "absent"),
            ("User code", "writes to", "absent"),
            ("The kernel", "reads", "absent"),
            ("The kernel", "writes to", "absent"),
            ("User code", "reads", "kernel"),
            ("User code", "writes to", "kernel"),
            ("The kernel", "writes to", "read-only"),
        )
    )
    words = {
        "absent": "a page that is not present",
        "kernel": "a page that is mapped, but only for the kernel",
        "read-only": "a page that is mapped, but read-only (CR0.WP is 1)",
    }
    bits = page != "absent", does != "reads", who == "User code"
    code = sum(bit << place for place, bit in enumerate(bits))
    return Alike(
        f"{who} {does} {words[page]}. Which error code does the handler get?",
        code,
        (
            f"P is {bits[0]:d}: the page is {'present' if bits[0] else 'not present'}.",
            f"W/R is {bits[1]:d}: the access {'is a write' if bits[1] else 'is not a write'}.",
            f"U/S is {bits[2]:d}: {who[0].lower() + who[1:]} made the access.",
            f"{bits[0]:d} + 2 × {bits[1]:d} + 4 × {bits[2]:d} = {code}.",
        ),
    )


def _above(draws: Draws) -> Alike:
    parts = draws.between(3, 9)
    return Alike(
        f"The {2 * parts} MiB at p contain {512 * parts:,} pages. One page near the beginning is read-only; the others "
        "are writable. Now R/W is cleared in the PDE that is read for p, too. To how many of the pages can user code "
        "still write?",
        512 * (parts - 1),
        (
            "The PDE covers 512 pages, the read-only page among them: none of them can be written.",
            f"{512 * parts:,} − 512 = {512 * (parts - 1):,}.",
        ),
    )


def _sections(draws: Draws) -> Alike:
    sections = draws.choice((2, 3, 5, 6, 8, 16))
    return Alike(
        f"On ARMv7, {sections} MiB is mapped with {sections} sections. One page in one of them is made read-only. "
        f"After that, how many descriptors map the {sections} MiB?",
        sections - 1 + 256,
        (
            f"{counted(sections - 1, 'section')} {'is' if sections == 2 else 'are'} unchanged.",
            "The other section becomes 1 MiB / 4 KiB = 256 pages, each with a descriptor.",
            f"{sections - 1} + 256 = {sections - 1 + 256}.",
        ),
    )


def _touches(draws: Draws) -> Alike:
    step = draws.choice((100, 400, 500, 1500, 2000, 3000, 4096, 5000, 8192))
    pages = sorted({number * step // PAGE for number in range(10)})
    return Alike(
        "New memory is mapped at b, the beginning of a page. Ten bytes are written: at b, "
        f"b + {step}, … b + {9 * step}. How many faults are there?",
        len(pages),
        (
            "The first write to each page faults, and no other write.",
            f"The writes are in the pages {', '.join(map(str, pages))}: {counted(len(pages), 'fault')}.",
        ),
    )


def _family(draws: Draws, *, writes: bool = True) -> tuple[int, int, str]:
    """Return the pages of a parent, how many of them are written after a fork, and the story in words."""
    pages, written = draws.choice(((3, 1), (5, 1), (6, 1), (8, 1), *(((4, 2), (4, 3), (6, 2)) if writes else ())))
    where, same = ("one of them", "this page") if written == 1 else (f"{written} of them", "these pages")
    then = f"Then the child writes to {where}, and after that the parent writes to {same}, too."
    return pages, written, f"a parent with {pages} pages of data forks. {then}"


def _eager(draws: Draws) -> Alike:
    pages, _, story = _family(draws, writes=False)
    return Alike(
        f"In the eager kernel, {story} How many frames are in use after these writes?",
        2 * pages,
        (f"The fork copies {pages} pages: {pages} + {pages} = {2 * pages}.", "The writes copy nothing."),
    )


def _counted(draws: Draws) -> Alike:
    pages, written, story = _family(draws)
    return Alike(
        f"In the counted kernel, {story} How many frames are in use after these writes?",
        pages + written,
        (
            f"The fork copies no page: {pages} frames.",
            f"The child's writes copy {counted(written, 'page')}: {pages + written} frames.",
            "Then no other task maps the parent's frames for these pages, so the parent writes to them in place.",
        ),
    )


def _shadow(draws: Draws) -> Alike:
    pages, written, story = _family(draws)
    return Alike(
        f"In the shadow kernel, {story} How many frames are in use after these writes?",
        pages + 2 * written,
        (
            f"The fork copies no page: {pages} frames.",
            f"The child's writes copy {counted(written, 'page')}: {pages + written} frames.",
            f"The object still has two references, so the parent's writes copy {counted(written, 'page')} too.",
            f"{pages} + {written} + {written} = {pages + 2 * written} frames.",
        ),
    )


def _left(draws: Draws) -> Alike:
    pages, written, story = _family(draws)
    return Alike(
        f"In the shadow kernel, {story} Now the child exits. How many frames are still in use?",
        pages,
        (
            f"The child's {counted(written, 'copy', 'copies')} and its shadow are freed.",
            "Only the parent's shadow still refers to the object behind it, so the two are combined.",
            f"Each of the parent's {pages} pages has one frame, and the orphans are freed.",
        ),
    )


def _faults(draws: Draws) -> Alike:
    string: list[str] = []
    while len(string) < 9:
        page = str(draws.between(1, 5))
        if string[-1:] != [page]:
            string.append(page)
    found = reference_string(" ".join(string), 3, "fifo")
    steps = found.runs[0].steps
    return Alike(
        f"{' '.join(string)}, three frames, FIFO. How many faults are there?",
        found.faults("fifo", 3),
        tuple(
            f"Page {step.page}: "
            + (
                "it is in memory."
                if not step.fault
                else "a fault."
                if step.victim is None
                else f"a fault; page {step.victim} was brought in first, and is evicted."
            )
            for step in steps
        ),
    )


def _loop(draws: Draws) -> Alike:
    pages, frames = draws.choice(((4, 4), (5, 4), (5, 3), (6, 5), (3, 3), (5, 5)))
    string = " ".join(str(page) for page in range(pages)) + " "
    fits = pages <= frames
    return Alike(
        f"A program reads {pages} pages in a loop, {(3 * string).strip()}, with {frames} frames. How many of the "
        f"{3 * pages} references are faults, with LRU?",
        pages if fits else 3 * pages,
        (f"All pages fit: only the first reference to each page is a fault. That is {pages} faults.",)
        if fits
        else (
            "Of the pages in memory, LRU always evicts the one that is needed soonest.",
            f"So all {3 * pages} references are faults.",
        ),
    )


def _cause(draws: Draws) -> Alike:
    options = "fetch an instruction", "a load", "a store"
    place = draws.below(3)
    cause = (12, 13, 15)[place]
    return Alike(
        f"scause is {cause:#x}, and the manual lists 12, 13 and 15 as page faults. What did the processor try to do?",
        options[place],
        (f"{cause:#x} is {cause}.", "12 is a fetch, 13 a load, and 15 a store."),
        "choice",
        options,
    )


def _large(draws: Draws) -> Alike:
    start, size = draws.choice(((3, 4), (3, 5), (3, 8), (3, 9), (4, 6), (5, 10), (3, 12)))
    first, end = start + start % 2, (start + size) // 2 * 2
    return Alike(
        f"We map {size} MiB at the address {start} MiB, with as many large pages as possible. How many pages of 2 MiB "
        "will there be?",
        (end - first) // 2,
        (
            "A large page begins at a multiple of 2 MiB.",
            f"The range is from {start} to {start + size} MiB. The multiples in it are {first} to {end} MiB.",
            f"({end} − {first}) / 2 = {(end - first) // 2}.",
        ),
    )


def _nested(draws: Draws) -> Alike:
    guest, host = draws.choice(((3, 3), (3, 4), (4, 3), (2, 4), (5, 4), (4, 5), (5, 5)))
    reads = (guest + 1) * (host + 1) - 1
    return Alike(
        f"The guest's tables have {guest} levels, and the host's tables have {host}. How many descriptors does one "
        "access read, if none of them is in a TLB or cache?",
        reads,
        (
            f"The walk has {guest + 1} guest addresses: of {guest} tables, and of the page.",
            f"Each takes {host} reads of the host's tables: {guest + 1} × {host} = {(guest + 1) * host}.",
            f"And the guest's {guest} descriptors are read: {(guest + 1) * host} + {guest} = {reads}.",
        ),
    )


ALIKE: dict[str, Callable[[Draws], Alike]] = {
    "00/bounds": _bounds, "00/linear": _linear, "00/tree": _tree, "00/index": _index, "00/pieces": _pieces,
    "01/cut": _cut, "01/touched": _touched, "01/first-fit": _first_fit, "02/inner-grandchild": _rotations,
    "03/offset": _offset, "04/next-slot": _slot, "06/far-away": _far_away, "06/split": _split, "06/code": _code,
    "06/above": _above, "07/split": _sections, "08/touches": _touches, "08b/eager": _eager, "08b/counted": _counted,
    "08b/shadow": _shadow, "08/left": _left, "11/paper": _faults, "11/loop": _loop, "12/cause": _cause,
    "beyond/large": _large, "beyond/nested": _nested,
}  # fmt: skip  # a prediction each
"""The maker of questions like a prediction, by the prediction's ID."""
