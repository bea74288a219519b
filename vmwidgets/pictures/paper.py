"""A machine on paper: how its addresses are divided, and one access from its address to its byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple
from zlib import crc32

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.hidden import Hidden
from vmwidgets.engine.base.units import Address, counted
from vmwidgets.engine.mmu.tlb_schema import TlbSlot, TlbValue
from vmwidgets.on_paper.layout import names_of
from vmwidgets.on_paper.machine import Paper
from vmwidgets.on_paper.widths import in_bytes
from vmwidgets.on_paper.worked import OUTSIDE, PROTECTION, Access, of_field
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Column, Part, Row
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import text_width, wording, wrapped

from .access import quantities_of, without
from .asked import FIRST, LATER, WORDS, choices
from .at import At
from .keeping import KEPT_BY, Ask
from .picture import Picture
from .quantities import Quantity
from .registry import picture_of

MOST_SETS = 16
"""The most sets of a TLB that are drawn; of a larger one, only the size is said."""


@picture_of(first_for=(Access, Paper))
class OnPaper(Picture):
    """An access on paper, from top to bottom: its address divided, the TLB, the tables, the physical address divided.

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
        if ask and isinstance(target, Access) and target.vpn is None:
            why = f"it was refused before: {target.why}" if target.fault else "the machine has none"
            raise Refused(f"OnPaper: ask={shown(ask)}; this access reads no table, because {why}")
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
        shown_part = without(self._held, at.blanks)
        if number is not None:
            return _asking(self._held, shown_part, number, said, at.width)
        drawn = _access(self._held, shown_part, at.width)
        return replace(drawn, caption=replace(drawn.caption, reason=said)) if said else drawn

    def quantities(self, at: At) -> Sequence[Quantity]:
        """Return the parts of an access: each can be left out of a worksheet."""
        return [] if isinstance(self._held, Paper) else quantities_of(self._held)

    def opened(self, node_id: str) -> None:
        """Answer the open question, or pass it, or pass all."""
        while (number := self._open()[0]) is not None and self._keeper is not None:
            one = self._held
            assert isinstance(one, Access), "only an access asks"
            said = next((WORDS[key] for key in _answers(number) if node_id == f"ask/answer/{key}"), None)
            if said is None and not node_id.startswith("ask/switch/"):
                return
            self._keeper.keep(_ask(one, number), said, WORDS[_rights(one)[number]])
            if node_id != "ask/switch/all":
                return

    def _open(self) -> tuple[int | None, str]:
        """Return the number of the first open question, and the reply to the one before."""
        said, one = "", self._held
        if self._keeper is None or isinstance(one, Paper):
            return None, said
        for number in range(len(_rights(one))):
            told = self._keeper.told(_ask(one, number))
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


def _ask(one: Access, number: int) -> Ask:
    """Return the question as its answer is kept; another way through the machine has another key."""
    way = crc32(" ".join((one.access, *_rights(one))).encode()) & 0xFFFF
    return Ask(f"{int(one.va):x}/{number + 1}-{way:04x}", _question(one, number))


def _asking(known: Access, one: Access, number: int, said: str, width: float) -> Scene:
    """Return the access as far as it was answered, with the open question; nothing after it is drawn.

    `one` is what is shown of the `known` access.
    """
    words = _question(known, number)
    read = max(0, number - (one.hit is not None))
    seen = [line for line in one.worked[1:] if line.startswith(tuple(step.name for step in one.path))][:read]
    ruler = _Ruler.of(known, width - 2 * kit.MARGIN)
    parts = [*_segment(one, ruler), _divided(one, ruler)]
    return boxes.picture(
        "paper",
        f"{one.access} {one.va} on paper",
        f"question {number + 1}",
        boxes.below(choices(int(known.va), _answers(number)), *parts, _lines("step", seen), gap=14),
        caption=Caption(words, (), said),
        table=Table(("question", "answers"), [(words, "; ".join(WORDS[key] for key in _answers(number)))]),
        width=width,
    )


# ---- an access --------------------------------------------------------------------------------------


def _segment(one: Access, ruler: _Ruler) -> list[Part]:
    """Return what a segment made of the address, if pages translate the sum."""
    if one.linear is None:
        return []
    lines = boxes.below(*(boxes.words(f"paper/segment/{at}", line) for at, line in enumerate(one.note.splitlines())))
    return [ruler.row("segment", f"{one.va}", lines)]


def _divided(one: Access, ruler: _Ruler) -> Part:
    """Return the address that the pages divide, with its parts."""
    what = "virtual address" if one.linear is None else "linear address"
    return ruler.row(what, f"{one.divided}", ruler.address("va", one.divided, one.va_bits, _above(one), _below(one)))


def _above(one: Access) -> list[_Group]:
    """Return the parts of the divided address: page and offset, or a segment's."""
    if one.vpn is None:
        return list(_in_turn(one.bits, one.va, one.va_bits))
    offset = dict(one.bits).get("VPO", 0)
    return [_Group("VPN", one.vpn, one.va_bits - offset), _Group("VPO", one.vpo, offset)]


def _access(known: Access, one: Access, width: float) -> Scene:
    """Return an access from its address to its byte, as far as it came: the page number's way, beside the offset's.

    `one` is what is shown of the `known` access.
    """
    table = Table(("step", "solution"), [(str(number), line) for number, line in enumerate(one.worked, 1)])
    numbers = [(name, value) for name, value in _numbers(one) if value is not None]
    if numbers:
        parts = Table(tuple(name for name, _ in numbers), (tuple(f"{value:#x}" for _, value in numbers),))
        table = replace(table, more=(("the parts of both addresses", parts),))
    return boxes.picture(
        "paper",
        f"{one.access} {one.va} on paper",
        "",
        boxes.sized(lambda w: _way(known, one, _Ruler.of(known, w))),
        caption=_caption_of(one),
        table=table,
        width=width,
    )


def _numbers(one: Access) -> Iterable[tuple[str, int | None]]:
    """Return the parts of both addresses under an exam's names."""
    ppo = one.vpo if one.pfn is not None else None
    return (
        ("VPN", one.vpn), ("VPO", one.vpo), ("TLBI", one.tlbi), ("TLBT", one.tlbt), ("PFN", one.pfn), ("PPO", ppo),
        ("CO", one.co), ("CI", one.ci), ("CT", one.ct),
    )  # fmt: skip  # a part each


def _caption_of(one: Access) -> Caption:
    """Return where the byte is and why, in a sentence that fits a line; or what stopped the access."""
    page = "" if one.vpn is None else f"{one.vpn:#x}"
    if one.pa is None:
        if one.fault == OUTSIDE:
            return Caption(f"{one.va} is out of the address space.", tone="error")
        done = {"read": "read", "write": "written"}.get(one.access, "executed")
        what = f"may not be {done}" if one.fault == PROTECTION else "is not valid"
        whose = f"Page {page} {what}: " if page else f"{one.segment} {what}: "
        why = f"{one.why[:1].upper()}{one.why[1:]}." if one.path else ""  # or else it is the picture's last box
        return Caption(f"{whose}{one.va} is not reached.", reason=why, tone="error")
    of = "" if one.linear is None else f" of {one.segment}"
    is_at = f"{one.va}{of} is at {one.pa}"
    said = f"{one.va} is in {one.segment}, at physical {one.pa}." if one.segment else f"{is_at}."
    if one.pfn is not None:
        said = (
            f"The TLB has frame {one.pfn:#x} for page {page}, so {is_at}."
            if one.hit
            else (f"Page {page} is in frame {one.pfn:#x}, so {is_at}.")
        )
    return Caption(said if len(said) <= _LONGEST else f"{is_at}.", tone="good")


_LONGEST = 70
"""The letters of a title that fit into a line."""


def _way(known: Access, one: Access, ruler: _Ruler) -> Part:
    """Return the way of an access: its address, what the TLB and each table said, and the address in memory."""
    rows, stops = [*_segment(one, ruler), _divided(one, ruler)], ["paper/va/above/0"]
    looked = [*_looked(known, one), *_walked(one)]
    if one.fault and not one.path:
        looked.append(_Stop("fault", f"{one.why[:1].upper()}{one.why[1:]}"))
    for number, stop in enumerate(looked):
        stops.append(f"paper/stop/{number}")
        rows.append(
            ruler.row(stop.name, stop.letters, ruler.card(stops[-1], stop, bool(one.fault) and stop is looked[-1]))
        )
    if one.pa is not None:
        most, offset = ruler.pa_bits, ruler.offset
        split = [_Group("PFN", one.pfn, most - offset), _Group("PPO", one.vpo, offset)] if one.pfn is not None else []
        below = ruler.address("pa", one.pa, most, split, _cache(one, most))
        rows.append(ruler.row("physical address", f"{one.pa}", below))
        stops.append("paper/pa/above/0")
    byte = "" if one.byte is None else f"the byte is {one.byte:#04x}"
    if one.cache_hit is not None and one.ci is not None and one.ct is not None:
        has = f"has tag {one.ct:#x}: a hit" if one.cache_hit else f"has no tag {one.ct:#x}: a miss"
        rows.append(ruler.row("cache", "", ruler.card("paper/cache", _Stop("", f"set {one.ci:#x} {has}", more=byte))))
    elif byte:
        rows.append(ruler.row("memory", "", ruler.card("paper/cache", _Stop("", byte))))
    return boxes.linked(boxes.below(*rows, gap=_BETWEEN), partial(_bands, stops))


class _Stop(NamedTuple):
    """What the TLB, a table or a segment answered, and whether this leads to the frame."""

    name: str
    said: str
    letters: str = ""
    more: str = ""
    new: str = ""
    leads: bool = False


def _bands(stops: Sequence[str], at: Mapping[str, Node]) -> Iterator[Link]:
    """Yield a band from the page number through what it finds to the frame, and the offset's straight down."""
    ways = [(*two, "table") for two in pairwise(stops)] + [("paper/va/above/1", "paper/pa/above/1", "anonymous")]
    for source, target, state in ways:
        if source in at and target in at:
            above, below = (Box(one.x, one.y, one.w, one.h) for one in (at[source], at[target]))
            if source.startswith("paper/va/"):  # it begins below the bits, and the names of their parts
                ends = [node for name, node in at.items() if name.startswith("paper/va/") and node.x >= above.x - 1]
                above = above._replace(h=max(node.y + node.h for node in ends if node.x < above.x + above.w) - above.y)
            yield kit.band(f"{source}/to", source, target, above, below, state=(state,))


def _looked(known: Access, one: Access) -> Iterator[_Stop]:
    """Yield what the lookup in the TLB found, if there is one."""
    tlb = known.tlb
    if tlb is None or known.hit is None or known.tlbi is None or known.tlbt is None:
        return
    slots = [slot for slot in tlb.rows[known.tlbi] if slot is not None]
    ways = {_tag(slot, tlb.sets): _way_of(slot, tlb.sets) for slot in slots}
    if one.hit:
        frame = "" if one.pfn is None else f": frame {one.pfn:#x}"
        yield _Stop("TLB", f"set {one.tlbi:#x} has tag {one.tlbt:#x}{frame}", leads=True)
        return
    new = ways.pop(known.tlbt, "") if one.pa is not None else ""
    new = new and _cached(one.tlbt, one.pfn, next(slot for slot in slots if _tag(slot, tlb.sets) == known.tlbt))
    others = f"it has {', '.join(ways.values())}" if ways else ""
    yield _Stop(
        "TLB", f"set {one.tlbi:#x} has no tag {one.tlbt:#x}: a miss", "", others, f"filled: {new}" if new else ""
    )


def _walked(one: Access) -> Iterator[_Stop]:
    """Yield what each table's entry said: whether it is valid, where it leads, and its rights by their letters."""
    names = names_of(max(len(one.path), sum(name == "index" for name, _ in one.bits)))
    for step, (_, table) in zip(one.path, names, strict=False):
        valid = all(value for name, value in step.fields.items() if name in ("V", "P"))
        leads = f", frame {step.fields['PFN']:#x}" if valid and "PFN" in step.fields else ""
        others = (f", {name} {of_field(value)}" for name, value in step.fields.items() if name not in ("V", "P", "PFN"))
        said = f"entry {step.index}: {'valid' if valid else 'not valid'}{leads}{''.join(others)}"
        yield _Stop(table, said, step.name if step.name.isupper() else "", leads=True)
    if one.note and one.linear is None:
        yield _Stop("segment", one.note, leads=True)


def _machine(paper: Paper, width: float) -> Scene:
    """Return a machine as the sheet of an exam: how it divides its addresses, its TLB, its tables, its segments."""
    known = paper.widths
    ruler = _Ruler.of_bits(known.va or 0, known.pa or 0, known.offset or 0, width - 2 * kit.MARGIN)
    bits, parts = paper.bits, list[Part]()
    if known.va is not None and known.offset is not None:
        index = bits.get("index", ())
        lower = [_Group(f"index {number}", None, each) for number, each in enumerate(index, 1)]
        if "TLBT" in bits:
            lower = lower or [_Group("TLBT", None, bits["TLBT"]), _Group("TLBI", None, bits["TLBI"])]
        above = [_Group("VPN", None, known.va - known.offset), _Group("VPO", None, known.offset)]
        whose = "linear address" if paper.segments else "virtual address"
        parts.append(ruler.row(whose, f"{known.va} bits", ruler.address("va", None, known.va, above, lower)))
    if known.pa is not None and known.offset is not None:
        above = [_Group("PFN", None, known.pa - known.offset), _Group("PPO", None, known.offset)]
        lower = [_Group(name, None, bits[name]) for name in ("CT", "CI", "CO") if name in bits]
        parts.append(
            ruler.row("physical address", f"{known.pa} bits", ruler.address("pa", None, known.pa, above, lower))
        )
    tables = [
        part
        for part in (_tlb_of(paper), _cache_of(paper), _levels_of(paper), _pages_of(paper), _segments_of(paper))
        if part
    ]
    return boxes.picture(
        "paper",
        "a machine on paper",
        "",
        boxes.below(
            *parts,
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
    def said(self) -> str:
        """The name in words, with the number if it is known."""
        name = _NAMES.get(self.name, self.name)
        return name if self.value is None else f"{name} {self.value:#x}"

    @property
    def letters(self) -> str:
        """The name in an exam's letters, with the count of bits if there is no number."""
        letters = self.name if self.name in _NAMES else ""
        return letters if self.value is not None else f"{letters} {self.bits} bits".strip()


_NAMES = {
    "VPN": "page number", "VPO": "offset", "TLBT": "tag", "TLBI": "set", "PFN": "frame", "PPO": "offset",
    "CT": "tag", "CI": "set", "CO": "byte",
}  # fmt: skip  # an exam's letters, in words
_STATES = {"VPN": "holds-table", "PFN": "holds-table", "VPO": "holds-own-anonymous", "PPO": "holds-own-anonymous"}
"""The page number and the frame have the colour of the tables; the offset has its own."""


def _in_turn(parts: Iterable[tuple[str, int]], value: int, high: int) -> Iterator[_Group]:
    """Yield the parts of an address, by name and bits from the top, with their numbers."""
    for name, bits in parts:
        high -= bits
        yield _Group(name, value >> high & (1 << bits) - 1, bits)


def _below(one: Access) -> list[_Group]:
    """Return the parts of a VPN: an index for each level, or the tag and the set of a TLB."""
    index = [(f"index {number}", bits) for number, (name, bits) in enumerate(one.bits, 1) if name == "index"]
    if index:
        return list(_in_turn(index, one.divided, one.va_bits))
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


_CELL, _HIGH, _NUMBERS, _BITS, _GAP, _WAY = 52.0, 40.0, 20.0, 28.0, 2.0, 70.0
"""Greatest width of a bit; heights of a part's name, of the bits' numbers, and of the bits; space between two parts;
a way's least width.
"""

_BETWEEN, _SIDE, _WORDS, _LEAST = 20.0, 136.0, 320.0, 640.0
"""Space between two rows, for bands; width of the rows' names; room for words left of the offset; least width of a
picture whose names are at the left.
"""


class _Ruler(NamedTuple):
    """One scale for both addresses, so that their offsets are below each other."""

    cell: float
    """Width of a bit."""
    left: float
    """Width of everything left of the offset."""
    offset: int
    """The bits of the offset."""
    pa_bits: int
    side: float
    """Width of the rows' names; 0 if they are above their rows."""

    @classmethod
    def of(cls, one: Access, w: float) -> _Ruler:
        """Return the scale for an access."""
        offset = dict(one.bits).get("VPO", 0)
        reached = 0 if one.pa is None else int(one.pa).bit_length()
        most = max(one.pa_bits, reached, sum(bits for _, bits in one.cache_bits), offset, 1)
        return cls.of_bits(one.va_bits, most, offset, w)

    @classmethod
    def of_bits(cls, va_bits: int, pa_bits: int, offset: int, w: float) -> _Ruler:
        """Return the scale for addresses of so many bits."""
        side = _SIDE if w >= _LEAST else 0.0
        left, room = max(va_bits, pa_bits, offset + 1) - offset, w - side
        cell = min(_CELL, room / (left + offset))
        return cls(cell, max(left * cell, min(_WORDS, room - offset * cell)), offset, pa_bits, side)

    def row(self, name: str, about: str, part: Part) -> Part:
        """Return a part with its name, and words about it, at its left or above it."""
        if not self.side:
            return boxes.below(boxes.words(f"paper/{name}/name", f"{name} {about}".strip(), "strong"), part, gap=2)
        lines = kit.Line(name, "strong"), kit.Line(about, "label dim")
        return boxes.columns((self.side, boxes.block(f"paper/{name}/name", lines)), (0, part), gap=0)

    def card(self, identity: str, stop: _Stop, is_fault: bool = False) -> Part:
        """Return an answer, as wide as the page number's side; a fault is red."""
        lines = [kit.Line(line, "body strong") for line in wrapped(stop.said, self.left - 20, "body strong")]
        for words, style in ((stop.more, "label"), (stop.new, "new")):
            lines += [kit.Line(line, style) for line in wrapped(words, self.left - 20, style) if line]
        state = ("fault",) if is_fault else ("holds-table",) * stop.leads
        return boxes.narrower(self.left - _GAP, boxes.card(identity, lines, kind="stop", state=state))

    def address(
        self, identity: str, value: int | None, bits: int, above: Sequence[_Group], below: Sequence[_Group]
    ) -> Part:
        """Return an address's bits, a box each with its number, between two rows of names."""
        above, below = (_shown(value, bits, groups) for groups in (above, below))
        high = _HIGH * (bool(above) + bool(below)) + _NUMBERS + _BITS
        return boxes.drawing(high, partial(self._rows, identity, value, bits, above, below))

    def _rows(
        self, identity: str, value: int | None, bits: int, above: Sequence[_Group], below: Sequence[_Group], box: Box
    ) -> Iterator[Node]:
        end, y = box.x + self.left + self.offset * self.cell, box.y
        if above:
            yield from self._named(f"paper/{identity}/above", bits, above, end, y)
            y += _HIGH
        cuts = {bits, 0}
        for groups in (above, below):
            cuts |= {bits - sum(one.bits for one in groups[:number]) for number in range(len(groups))}
        for high, low in pairwise(sorted(cuts, reverse=True)):
            place = Box(end - high * self.cell, y, (high - low) * self.cell - _GAP, _NUMBERS + _BITS)
            yield _cells(f"paper/{identity}/digits/{low}", value, high, low, place)
        yield from self._named(f"paper/{identity}/below", bits, below, end, y + _NUMBERS + _BITS)

    def _named(self, identity: str, high: int, groups: Sequence[_Group], end: float, y: float) -> Iterator[Node]:
        for number, group in enumerate(groups):
            low = high - group.bits
            w, number_of = group.bits * self.cell - _GAP, "" if group.value is None else f"{group.value:#x}"
            style = "strong" if group.name in _STATES else "label"
            letters = wording((group.letters, group.name if group.name in _NAMES else "", ""), w)
            lines = (wording((group.said, number_of, ""), w, style), style), (letters, "label dim")
            title = f"{group.name} {number_of or f'{group.bits} bits'}, bits {high - 1} to {low}"
            yield kit.cell(
                f"{identity}/{number}", "bits", Box(end - high * self.cell, y, w, _HIGH - _GAP), lines, feet=(16, 32),
                spare=0, lane="bits", title=title, state=[_STATES[group.name]] if group.name in _STATES else (),
            )  # fmt: skip  # what it says, then how
            high = low


def _shown(value: int | None, high: int, groups: Iterable[_Group]) -> list[_Group]:
    """Return the groups that have bits (one set has no index); those of which bits are left out have no number."""
    found = []
    for one in groups:
        high -= one.bits
        cut = 0 if value is None else value >> high & (1 << one.bits) - 1
        is_cut = isinstance(cut, Hidden) and one.value is not None and not isinstance(one.value, Hidden)
        found += [one._replace(value=cut) if is_cut else one] * bool(one.bits)
    return found


def _cells(identity: str, value: int | None, high: int, low: int, place: Box) -> Node:
    """Return the bits from `high` - 1 to `low`, a box each, empty if they have no value; numbers as far as they fit."""
    w = place.w / (high - low)
    digits = "" if value is None else f"{value >> low & (1 << high - low) - 1:0{high - low}b}"
    if w < text_width("0", "mono label"):  # no room for digits: the parts have their numbers
        digits = ""
    if w >= text_width("00") + 2:
        text = [Text((high - bit - 0.5) * w, 13, f"{bit}", "label dim", "middle") for bit in reversed(range(low, high))]
    else:  # of a part of many bits, its highest, and bit 0
        text = [Text(0, 13, f"{high - 1}", "label dim", "start")]
        text += [Text(place.w, 13, "0", "label dim", "end")] * (not low and place.w > text_width("00  0"))
    text += [Text((at + 0.5) * w, _NUMBERS + 18, digit, "mono label", "middle") for at, digit in enumerate(digits)]
    bars = [Bar(at * w, _NUMBERS, w - min(2.0, w / 8), _BITS - 4, "rail") for at in range(high - low)]
    return kit.runs(identity, place, text, bars=bars, title=digits or f"bits {high - 1} to {low}")


def _tlb(tlb: TlbValue) -> Part:
    """Return the sets of a TLB, each way as its tag and frame."""
    rows = [
        Row(f"paper/set/{number}", (f"set {number}", *(_way_of(slot, tlb.sets) for slot in tlb.rows[number])))
        for number in range(tlb.sets)
    ]
    columns = Column(), *(Column(f"way {way}", "mono label", least=_WAY, under=True) for way in range(tlb.ways))
    return boxes.narrower((tlb.ways + 1) * (_WAY + 12), boxes.rows("paper/tlb", columns, rows, boxed=True))


def _tag(slot: TlbSlot, sets: int) -> int:
    return slot.entry.va // slot.entry.page_size // sets


def _way_of(slot: TlbSlot | None, sets: int) -> str:
    """Return a way's tag and frame."""
    if slot is None:
        return "–"
    return _cached(_tag(slot, sets), slot.entry.pa // slot.entry.page_size, slot)


def _cached(tag: int | None, frame: int | None, slot: TlbSlot) -> str:
    whose = f" (ASID {slot.entry.asid})" if slot.entry.asid else ""
    return f"{tag:#x} → {frame:#x}{whose}"
