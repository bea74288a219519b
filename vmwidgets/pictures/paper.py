"""A machine on paper: how its addresses are divided, and one access from its address to its byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple
from zlib import crc32

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.engine.mmu.tlb_schema import TlbSlot, TlbValue
from vmwidgets.on_paper.layout import names_of
from vmwidgets.on_paper.machine import Paper
from vmwidgets.on_paper.widths import in_bytes
from vmwidgets.on_paper.worked import Access
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Column, Part, Row
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width, wording
from vmwidgets.views.tables.walk import draw_walk

from .asked import FIRST, LATER, WORDS, choices
from .at import At
from .keeping import KEPT_BY
from .picture import Picture
from .registry import picture_of
from .spaces import neighbours_of

MOST_SETS = 16
"""The most sets of a TLB that are drawn; of a larger one, only the set that is looked up."""


@picture_of(first_for=(Access, Paper))
class OnPaper(Picture):
    """An access on paper: its address divided, the TLB, the tables, the physical address divided, and the solution.

    `target` is the result of ``p.access("r 0x3d7")`` of a machine on paper, or such a machine: then the parts of its
    addresses have no numbers.  With `ask`, the picture asks what comes next, and waits for a press; the answers are
    saved like answers to :func:`vmwidgets.lab.predict`.  If `ask` is a string, their names begin with it.

    The slices of ``vm.Walk(access)`` can be turned, and all tables are in ``vm.Tables(p)``.  `to_text` is the solution,
    in steps and as "Operating Systems: Three Easy Pieces" prints it.

    >>> import vmwidgets as vm
    >>> p = vm.paper(va=14, pa=12, page=64).map({0xF: 0xD})
    >>> print(vm.picture(p.access("r 0x3d7")).to_text())
    read 0x03d7
      VA 0x03d7 = 00001111 010111 (bits: VPN 8, VPO 6)
      VPN 0xf  VPO 0x17
      PTE 15 (0xf): V 1, PFN 0xd
      PFN 0xd, so PA 0x357
    VA 0x000003d7 (decimal:      983) --> 00000357 (decimal      855) [VPN 15]
    """

    def __init__(self, target: Access | Paper, *, ask: bool | str = False, **options: Any) -> None:
        if not isinstance(target, (Access, Paper)):
            raise Refused(f"OnPaper shows a machine of vm.paper(…), or its access(…), not {shown(target)}")
        given: object = ask  # a learner may write anything
        is_access = isinstance(target, Access) and bool(target.bits)
        if (ask is not False and not is_access) or not (isinstance(given, bool) or (isinstance(given, str) and given)):
            raise Refused(f"OnPaper: ask={shown(ask)}; it must be True, or a lasting name, for an access of an address")
        self._held = target  # keep it alive: pictures hold their targets weakly
        self._keeper = KEPT_BY[-1](ask if isinstance(ask, str) else "paper") if ask else None
        super().__init__(target, **options)

    def draw(self, at: At) -> Scene:
        """Return the access, or the machine's addresses."""
        if isinstance(self._held, Paper):
            return _machine(self._held, at.width)
        number, said = self._open()
        if number is not None:
            return _asking(self._held, number, said, at.width)
        drawn = _access(self._held, at.width)
        return replace(drawn, caption=replace(drawn.caption, reason=said)) if said else drawn

    def opened(self, node_id: str) -> None:
        """Answer the open question, or pass it, or pass all."""
        while (number := self._open()[0]) is not None and self._keeper is not None:
            one = self._held
            assert isinstance(one, Access), "only an access asks"
            said = next((WORDS[key] for key in _answers(number) if node_id == f"ask/answer/{key}"), None)
            if said is None and not node_id.startswith("ask/switch/"):
                return
            self._keeper.keep(_key(one, number), _question(one, number), said, WORDS[_rights(one)[number]])
            if node_id != "ask/switch/all":
                return

    def _open(self) -> tuple[int | None, str]:
        """Return the number of the first open question, and the reply to the one before."""
        said, one = "", self._held
        if self._keeper is None or isinstance(one, Paper):
            return None, said
        for number in range(len(_rights(one))):
            told = self._keeper.told(_key(one, number), _question(one, number))
            if not told:
                return number, said
            said = told
        return None, said

    def to_text(self) -> str:
        """Return the solution, unless a question is open; for a machine, its sizes."""
        one = self._held
        if self._open()[0] is not None:
            return super().to_text()
        return repr(one) if isinstance(one, Paper) or one.book == "" else f"{one!r}\n{one.book}"


# ---- questions --------------------------------------------------------------------------------------


def _rights(one: Access) -> list[str]:
    """Return what the processor does in turn: it looks in the TLB, reads tables, and reaches the frame or faults."""
    looked = ["tlb"] * (one.hit is not None)
    return [*looked, *["table"] * len(one.path), "frame" if one.pa is not None else "fault"]


def _answers(number: int) -> tuple[str, ...]:
    return LATER if number else FIRST


def _question(one: Access, number: int) -> str:
    does = {"read": "reads from", "write": "writes to"}.get(one.access, "fetches from")
    return f"A program {does} {Address(one.va)}. What does the processor do {'next' if number else 'first'}?"


def _key(one: Access, number: int) -> str:
    """Return the key of an answer; another way through the machine has another key."""
    way = crc32(" ".join((one.access, *_rights(one))).encode()) & 0xFFFF
    return f"{int(one.va):x}/{number + 1}-{way:04x}"


def _asking(one: Access, number: int, said: str, width: float) -> Scene:
    """Return the access as far as it was answered, with the open question; nothing after it is drawn."""
    words = _question(one, number)
    read = max(0, number - (one.hit is not None))
    seen = [line for line in one.worked[1:] if line.startswith(tuple(step.name for step in one.path))][:read]
    parts = _divided("va", f"virtual address {Address(one.va)}", one.va, one.va_bits, _above(one), _below(one))
    return boxes.picture(
        "paper",
        f"{one.access} {Address(one.va)} on paper",
        f"question {number + 1}",
        boxes.below(choices(int(one.va), _answers(number)), parts, _lines("step", seen), gap=14),
        caption=Caption(words, (), said),
        table=Table(("question", "answers"), [(words, "; ".join(WORDS[key] for key in _answers(number)))]),
        width=width,
    )


# ---- an access --------------------------------------------------------------------------------------


def _above(one: Access) -> list[_Group]:
    """Return the parts of a virtual address: page and offset, or a segment's."""
    if one.vpn is None:
        return list(_in_turn(one.bits, int(one.va), one.va_bits))
    offset = dict(one.bits).get("VPO", 0)
    return [_Group("VPN", one.vpn, one.va_bits - offset), _Group("VPO", one.vpo, offset)]


def _access(one: Access, width: float) -> Scene:
    """Return an access from its address to its byte, as far as it came."""
    offset = dict(one.bits).get("VPO", 0)
    parts = [_divided("va", f"virtual address {Address(one.va)}", one.va, one.va_bits, _above(one), _below(one))]
    if one.tlb is not None and one.hit is not None:
        said = "hit: no table is read" if one.hit else "miss: the tables are read"
        looked = boxes.below(boxes.words("paper/tlb", f"TLB, {said}", "strong"), _tlb(one.tlb, one), gap=4)
        parts = [boxes.beside(*parts, looked, least=_CELL * one.va_bits * 0.9, gap=40)]
    found: list[Part] = []
    if one.pa is not None:
        most = max(one.pa_bits, int(one.pa).bit_length(), sum(bits for _, bits in one.cache_bits), offset, 1)
        split = [_Group("PFN", one.pfn, most - offset), _Group("PPO", one.vpo, offset)] if one.pfn is not None else []
        inside = _cache(one, most)
        found.append(_divided("pa", f"physical address {one.pa}", int(one.pa), most, split, inside))
        if one.cache_hit is not None:
            known = "" if one.byte is None else f", byte {one.byte:#04x}"
            found.append(boxes.words("paper/cache", f"cache {'hit' if one.cache_hit else 'miss'}{known}", "body"))
    elif one.fault:
        found.append(boxes.words("paper/fault", f"fault: {one.fault}", "body strong"))
    worked = boxes.below(
        boxes.words("paper/worked", "the solution, step by step", "strong"), _lines("step", one.worked), gap=4
    )
    parts.append(boxes.beside(boxes.below(*found, gap=8), worked, least=max(400, _CELL * one.pa_bits / 2), gap=40))
    caption = Caption(f"{Address(one.va)} is at physical {one.pa}.", tone="good")
    if one.pa is None:
        ends = f"{Address(one.va)} is not reached: {one.fault}."
        caption = Caption(f"{ends} {one.why[:1].upper()}{one.why[1:]}.", tone="error")
    table = Table(("step", "solution"), [(str(number), line) for number, line in enumerate(one.worked, 1)])
    picture = partial(boxes.picture, "paper", f"{one.access} {Address(one.va)} on paper", "", table=table, width=width)
    if one.walk is None or not one.path:
        return picture(boxes.below(*parts, gap=12), caption=caption)
    assert one.walk.tables is not None, "an access walks its own tables"
    walk = draw_walk(one.walk, neighbours_of(one.walk.tables, one.walk), width=width)
    before, after = parts
    scenes = [
        picture(before, caption=caption),
        walk,
        boxes.picture("paper", "", "", after, caption=caption, table=Table((), ()), width=width),
    ]
    return kit.stack(scenes, "paper", headed=False)


def _machine(paper: Paper, width: float) -> Scene:
    """Return a machine as the sheet of an exam: how it divides its addresses, its TLB, its tables, its segments."""
    bits, known = paper.bits, paper.widths
    parts: list[Part] = []
    if known.va is not None and known.offset is not None:
        index = bits.get("index", ())
        lower = [_Group(f"index {number}", None, each) for number, each in enumerate(index, 1)]
        if "TLBT" in bits:
            lower = lower or [_Group("TLBT", None, bits["TLBT"]), _Group("TLBI", None, bits["TLBI"])]
        above = [_Group("VPN", None, known.va - known.offset), _Group("VPO", None, known.offset)]
        parts.append(_divided("va", f"virtual address, {known.va} bits", None, known.va, above, lower))
    if known.pa is not None and known.offset is not None:
        above = [_Group("PFN", None, known.pa - known.offset), _Group("PPO", None, known.offset)]
        lower = [_Group(name, None, bits[name]) for name in ("CT", "CI", "CO") if name in bits]
        parts.append(_divided("pa", f"physical address, {known.pa} bits", None, known.pa, above, lower))
    tables = [
        part
        for part in (_tlb_of(paper), _cache_of(paper), _levels_of(paper), _pages_of(paper), _segments_of(paper))
        if part
    ]
    widest = max(known.va or 0, known.pa or 0)
    return boxes.picture(
        "paper",
        "a machine on paper",
        "",
        boxes.below(
            boxes.beside(*parts, least=_CELL * widest * 0.9, gap=40),
            boxes.downwards(tables, 320, gap=40, under=10),
            _lines("note", known.notes),
            gap=20,
        ),
        caption=Caption(_sized(paper)),
        table=Table(("part", "bits"), [(name, str(value)) for name, value in bits.items()]),
        width=width,
    )


def _sized(paper: Paper) -> str:
    """Return how many pages and frames a machine has, as far as that is known."""
    known = paper.widths
    if known.va is None or known.offset is None:
        return "A machine on paper: nothing is known of its addresses yet."
    frames = "" if known.pa is None else f", and {_many(paper.frames, 'frame')}"
    return f"{_many(paper.pages, 'page')} of {in_bytes(Fraction(known.page or 0))}{frames}."


def _many(count: int, what: str) -> str:
    """Return a count with its noun; a large power of two is written as one."""
    power = count.bit_length() - 1
    return f"2^{power} {what}s" if count >= _LARGE and count == 1 << power else counted(count, what)


_LARGE = 1 << 24
"""The least number of pages that is written as a power of two."""


def _tlb_of(paper: Paper) -> Part | None:
    """Return a machine's TLB; a large one is only named."""
    tlb = paper.tlb
    if tlb is None:
        return None
    head = boxes.heading("paper/tlb", "TLB", f"{counted(tlb.sets, 'set')} of {counted(tlb.ways, 'way')}")
    return head if tlb.sets > MOST_SETS else boxes.below(head, _tlb(tlb))


def _cache_of(paper: Paper) -> Part | None:
    """Return the sizes of a machine's cache."""
    cache, unit = paper.cache, paper.widths.unit
    if cache is None:
        return None
    ways, block = (
        f"{counted(cache.sets, 'set')} of {counted(cache.ways, 'way')}",
        in_bytes(Fraction(cache.block * unit)),
    )
    return boxes.heading("paper/cache", "Cache", f"{ways}, blocks of {block}")


def _levels_of(paper: Paper) -> Part | None:
    """Return the tables of each level, with the bits of their index and their size."""
    known = paper.widths
    if known.levels is None or known.entry is None or known.depth < 2:
        return None
    rows = [
        (name, f"{bits}", f"{1 << bits:,}", in_bytes(known.table_bytes(at)))
        for at, (bits, (_, name)) in enumerate(zip(known.levels, names_of(known.depth), strict=True))
    ]
    return _listed(
        "level", "Tables", ("table", "index bits", "entries", "size"), rows, f"entries of {in_bytes(known.entry)}"
    )


def _pages_of(paper: Paper) -> Part | None:
    """Return the entries of the pages that are mapped, and how many are not."""
    known, mapped = paper.widths, sorted(paper.mapped.items())
    if known.vpn is None or not mapped:  # a dump of memory, and other address spaces, are not listed by pages
        return None
    rows = [(f"{vpn:#x}", f"{pfn:#x}", rights or "yes") for vpn, (pfn, rights) in mapped]
    others = "all other pages: not valid" if paper.pages > len(rows) else ""
    name = "Page table" if known.depth == 1 else "Pages"
    return boxes.below(_listed("page", name, ("VPN", "PFN", "valid"), rows), boxes.words("paper/others", others))


def _segments_of(paper: Paper) -> Part | None:
    """Return a machine's segments."""
    rows = [
        (one.name, f"{one.base}", f"{one.limit}", one.rights, "down" if one.down else "up") for one in paper.segments
    ]
    return _listed("segment", "Segments", ("segment", "base", "limit", "rights", "grows"), rows) if rows else None


def _listed(what: str, title: str, names: Sequence[str], rows: Sequence[Sequence[str]], said: str = "") -> Part:
    """Return a table with its title."""
    some = [Row(f"paper/{what}/{at}", row) for at, row in enumerate(rows)]
    table = boxes.rows(f"paper/{what}s", [Column(name, least=64) for name in names], some, most=_ROWS)
    return boxes.below(boxes.heading(f"paper/{what}", title, said), boxes.narrower(420, table))


_ROWS = 8
"""The most rows of a table of a machine."""


def _lines(identity: str, said: Iterable[str]) -> Part:
    """Return lines of words, each in as many lines as it needs."""
    return boxes.below(
        *(boxes.words(f"paper/{identity}/{at}", line, "label") for at, line in enumerate(said, 1)), gap=3
    )


# ---- an address -------------------------------------------------------------------------------------


class _Group(NamedTuple):
    """Some bits of an address with one name, and their number if it is known."""

    name: str
    value: int | None
    bits: int

    @property
    def words(self) -> str:
        """The name with the number, or with the count of bits."""
        return f"{self.name} {self.value:#x}" if self.value is not None else f"{self.name}, {self.bits} bits"


def _in_turn(parts: Iterable[tuple[str, int]], value: int, high: int) -> Iterator[_Group]:
    """Yield the parts of an address, by name and bits from the top, with their numbers."""
    for name, bits in parts:
        high -= bits
        yield _Group(name, value >> high & (1 << bits) - 1, bits)


def _below(one: Access) -> list[_Group]:
    """Return the parts of a VPN: an index for each level, or the tag and the set of a TLB."""
    index = [(f"index {number}", bits) for number, (name, bits) in enumerate(one.bits, 1) if name == "index"]
    if index:
        return list(_in_turn(index, int(one.va), one.va_bits))
    if one.tlbt is None or one.tlbi is None or one.tlb is None:
        return []
    chooser = one.tlb.sets.bit_length() - 1
    parts = (
        _Group("TLBT", one.tlbt, one.va_bits - dict(one.bits).get("VPO", 0) - chooser),
        _Group("TLBI", one.tlbi, chooser),
    )
    return [part for part in parts if part.bits > 0]


def _cache(one: Access, most: int) -> list[_Group]:
    """Return the parts of a physical address that a cache uses."""
    if one.ct is None or one.ci is None or one.co is None:
        return []
    inside = dict(one.cache_bits)
    tag = _Group("CT", one.ct, most - sum(inside.values()))
    return [
        part for part in (tag, _Group("CI", one.ci, inside["CI"]), _Group("CO", one.co, inside["CO"])) if part.bits > 0
    ]


_CELL, _HIGH, _NUMBERS, _BITS, _GAP, _WAY = 28.0, 24.0, 18.0, 28.0, 2.0, 70.0
"""Greatest width of a bit; heights of a part's name, of the bits' numbers, and of the bits; space between two parts;
a way's least width.
"""


def _divided(
    identity: str, title: str, value: int | None, bits: int, above: Sequence[_Group], below: Sequence[_Group]
) -> Part:
    """Return an address's bits, a box each with its number, between two rows of names; all begin at the highest bit."""
    above, below = ([one for one in groups if one.bits] for groups in (above, below))  # one set has no index
    high = _HIGH * (bool(above) + bool(below)) + _NUMBERS + _BITS + 4
    return boxes.below(
        boxes.words(f"paper/{identity}/title", title, "strong"),
        boxes.drawing(high, partial(_rows, identity, value, bits, above, below)),
        gap=4,
    )


def _rows(
    identity: str, value: int | None, bits: int, above: Sequence[_Group], below: Sequence[_Group], box: Box
) -> Iterator[Node]:
    places = _places(bits, above, below, box.w)
    y = box.y
    if above:
        yield from _named(f"paper/{identity}/above", bits, above, places, box, y)
        y += _HIGH
    for high, low in pairwise(sorted(places, reverse=True)):
        place = Box(box.x + places[high], y, places[low] - places[high] - _GAP, _NUMBERS + _BITS)
        yield _cells(f"paper/{identity}/digits/{low}", value, high, low, place)
    if below:
        yield from _named(f"paper/{identity}/below", bits, below, places, box, y + _NUMBERS + _BITS)


def _cells(identity: str, value: int | None, high: int, low: int, place: Box) -> Node:
    """Return the bits from `high` - 1 to `low`, a box each, empty if they have no value; numbers as far as they fit."""
    w = place.w / (high - low)
    digits = "" if value is None else f"{value >> low & (1 << high - low) - 1:0{high - low}b}"
    numbers = [*range(high - 1, low - 1, -1)]
    if w < text_width("00") + 2:  # of a part of many bits, its highest, and bit 0
        numbers = numbers[:1] + [0] * (not low and place.w > text_width("00  0"))
    text = [Text((high - bit - 0.5) * w, 13, f"{bit}", "label dim", "middle") for bit in numbers]
    text += [Text((at + 0.5) * w, _NUMBERS + 18, digit, "mono label", "middle") for at, digit in enumerate(digits)]
    bars = [Bar(at * w, _NUMBERS, w - min(2.0, w / 8), _BITS - 4, "rail") for at in range(high - low)]
    return kit.runs(identity, place, text, bars=bars, title=digits or f"bits {high - 1} to {low}")


def _named(
    identity: str, bits: int, groups: Sequence[_Group], places: dict[int, float], box: Box, y: float
) -> Iterator[Node]:
    high = bits
    for number, group in enumerate(groups):
        low = high - group.bits
        x, w = box.x + places[high], places[low] - places[high] - _GAP
        title = f"{group.words}, bits {high - 1} to {low}"
        said = wording((group.words, group.name if group.value is None else "", ""), w)
        text = (Text(w / 2, 16, said, "label", "middle"),) * bool(said)
        yield Node(f"{identity}/{number}", "bits", x, y, w, _HIGH, lane="bits", text=text, title=title)
        high = low


def _places(bits: int, above: Sequence[_Group], below: Sequence[_Group], room: float) -> dict[int, float]:
    """Return where each cut between parts is, by the bit to its right: a part is as wide as its bits, or its name."""
    cuts = {bits, 0}
    needs: list[tuple[int, int, float]] = []
    for groups in (above, below):
        high = bits
        for group in groups:
            needs.append((high, high - group.bits, text_width(group.words) + 14))
            high -= group.bits
            cuts.add(high)
    ordered = sorted(cuts, reverse=True)
    wide = {high: (high - low) * _CELL for high, low in pairwise(ordered)}
    for high, low, least in needs:
        inside = [cut for cut in wide if low < cut <= high]
        has = sum(wide[cut] for cut in inside)
        for cut in inside:
            wide[cut] *= max(1.0, least / has)
    scale = min(1.0, room / sum(wide.values()))
    places, x = {}, 0.0
    for cut in ordered:
        places[cut] = x
        x += wide.get(cut, 0.0) * scale
    return places


def _tlb(tlb: TlbValue, one: Access | None = None) -> Part:
    """Return the sets of a TLB after an access, each way as its tag and frame."""
    chosen, looked, state = (None, "", ()) if one is None else (one.tlbi, *_looked(one))
    sets = [chosen or 0] if tlb.sets > MOST_SETS else range(tlb.sets)
    rows = []
    for number in sets:
        cells = [_way(slot, tlb.sets) for slot in tlb.rows[number]]
        rows.append(Row(f"paper/set/{number}", (f"set {number}", *cells), state=state * (number == chosen)))
    columns = Column(), *(Column(f"way {way}", "mono label", least=_WAY, under=True) for way in range(tlb.ways))
    grid = boxes.narrower((tlb.ways + 1) * (_WAY + 12), boxes.rows("paper/tlb", columns, rows, boxed=True))
    return boxes.below(boxes.words("paper/tlb/looked", looked), grid, gap=4)


def _looked(one: Access) -> tuple[str, tuple[str, ...]]:
    """Return what the lookup found in words, and the state of its set, which a miss may fill."""
    if one.tlbt is None or one.tlbi is None:
        return "", ()
    if one.hit:
        return f"set {one.tlbi:#x}, tag {one.tlbt:#x}; a way holds tag → frame", ("path",)
    is_filled = one.pa is not None
    after = "; filled now, tag → frame" if is_filled else ""
    return f"set {one.tlbi:#x} did not have tag {one.tlbt:#x}{after}", ("new",) if is_filled else ("path",)


def _way(slot: TlbSlot | None, sets: int) -> str:
    if slot is None:
        return "–"
    one = slot.entry
    whose = f" (ASID {one.asid})" if one.asid else ""
    return f"{one.va // one.page_size // sets:#x} → {one.pa // one.page_size:#x}{whose}"
