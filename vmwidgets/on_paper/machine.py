"""The machine on paper: tables in a small memory, a TLB and a cache, and accesses that go through all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

from ..engine.base.attributes import Suggesting
from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, in_ascii, shown
from ..engine.base.units import Address, counted
from ..engine.base.units import Size as Bytes
from ..engine.mmu.tables import PageTables
from ..engine.mmu.tables_schema import NOWHERE
from ..engine.mmu.tlb import Tlb, TlbEntry
from ..engine.mmu.tlb_schema import TlbValue
from ..engine.mmu.walk import fault_after, translate
from . import sizes, times
from .given import address, dumped, frame, items_of, number, one_of, reference
from .hardware import Cache, check_fit, placed, segments_of
from .layout import NoControls, layout_of, names_of
from .tables import Pages, PaperMemory, PaperTables, Size
from .widths import FILLS, MOST_BITS, entry_bytes, in_bytes, log2, need, whole, widths_of
from .worked import OUTSIDE, PROTECTION, Access, PathStep, Worked


class Paper(Suggesting):
    """A machine of an exam or a book: widths, tables, a TLB and a cache, without a kernel.

    `va` and `pa` are the bits of addresses, or sizes ("64 KiB", "8 frames").  `page` is in bytes, and `levels` are the
    index bits from the root, or the number of levels; without it, there is one linear table.  `entry` has bytes, or is
    a text ("26 bits").  What is left out follows from the rest, as far as it can.

    `layout` names the bits of an entry from the top, such as "V PFN:7".  With `unit="word"`, addresses count words of
    `word` bytes.  `tlb=(sets, ways)` and `cache=(sets, ways, block)` replace by `policy`, "lru" or "fifo".  An integer
    for `tlb` is fully associative; `cache=("1 MiB", 16, 64)` gives the size instead of the sets.  `asid` are the bits
    of an address space's number.  `fills` says which tables fill a page: "page" (all below the root), "root" or "any".

    Instead of tables, `base` and `bounds` or `segments` translate.  Segments are a dict by name, or a list, each of
    (base, limit), with rights ("rx") and "down" if the question has them.  With the size of a page, a segment's base
    and the offset make a linear address, of as many bits as a virtual one, and the tables translate it.

    Raises :class:`Refused` for widths that do not add up, with the sum and what would fit, for an option that would
    have no effect beside the others, and for a segment with addresses that the machine lacks.

    >>> import vmwidgets as vm
    >>> p = vm.paper(va=14, pa=12, page=64, tlb=(4, 4), cache=(16, 1, 4))
    >>> p.map({0xF: 0xD}).access("r 0x3d7")
    read 0x03d7
      VA 0x03d7 = 00001111 010111 (bits: VPN 8, VPO 6)
      VPN 0xf  VPO 0x17  TLBI 0x3  TLBT 0x3  TLB miss
      PTE 15 (0xf): V 1, PFN 0xd
      PFN 0xd, so PA 0x357
      CO 0x3  CI 0x5  CT 0xd  cache miss
    """

    absent: ClassVar[Mapping[str, str]] = {
        "translate": "say access(address): its pa is the physical address",
        "walk": "say access(address): its path is the walk",
        "read": "say access('r 0x40')",
        "write": "say access('w 0x40')",
    }

    @says_what_it_takes
    def __init__(  # noqa: PLR0913  # one argument for each thing that a question may give
        self, va: Any = None, pa: Any = None, page: Any = None, levels: Any = None, entry: Any = None, *,
        layout: str = "", unit: str = "byte", word: int = 4, tlb: Any = None, cache: Any = None, policy: str = "lru",
        asid: int = 0, fills: str = "page", base: Any = None, bounds: Any = None, segments: Any = None,
    ) -> None:  # fmt: skip  # the same
        one_of("unit", unit, ("byte", "word"))
        one_of("fills", fills, FILLS)
        one_of("policy", policy, ("lru", "fifo"))
        bytes_ = 1 if unit == "byte" else whole(word, "word", 1, 16)
        given: object = layout
        has_layout = given is not None and not (isinstance(given, str) and not given)
        whole_layout = layout_of(layout, None, None) if has_layout else None
        if whole_layout is not None and whole_layout.is_whole and entry is None:
            entry = f"{whole_layout.bits} bits"
        self.widths = widths_of(va, pa, page, levels, entry, bytes_, fills)
        if whole_layout is not None and whole_layout.is_whole and pa is None and self.widths.offset is not None:
            field = whole_layout.pfn
            self.widths = replace(self.widths, pa=self.widths.offset + field.high - field.low + 1)
        if layout:
            layout_of(layout, self.widths.entry if self.widths.is_said else None, self.widths.pfn)
        self.policy, self.layout = policy, layout
        self.asid_bits = whole(asid, "asid", 0, 16)
        self._tlb_size = _tlb_size(tlb)
        self.cache = None if cache is None else Cache(cache, policy, bytes_)
        self.segments = segments_of(segments, base, bounds)
        self._is_moved = base is not None
        self._has_tables = not self.segments or self.widths.offset is not None
        self._depth = 0 if not self._has_tables else None if levels is None else self.widths.depth
        of_pages = {"page": page, "levels": levels, "layout": layout, "entry": entry, "tlb": tlb, "asid": asid}
        self._check_used([name for name, value in of_pages.items() if value], policy, word, fills)
        check_fit(self.segments, self.widths, is_moved=self._is_moved)
        self._maps: dict[int, Pages] = {}
        self._roots: dict[int, int] = {}
        self._is_dumped = False
        self._built: PaperTables | None = None

    # ---- sizes ------------------------------------------------------------------------------------

    @property
    def bits(self) -> dict[str, Any]:
        """The bits of each known part: VPN, VPO, index, TLBI, TLBT, PFN, CO, CI, CT; `spare` are an entry's others."""
        known, cache, sets = self.widths, self.cache, self._tlb_size.sets
        found: dict[str, Any] = {"VA": known.va, "PA": known.pa, "VPN": known.vpn, "VPO": known.offset}
        if known.depth > 1:
            found["index"] = known.levels
        if sets:
            found |= {"TLBI": log2(sets), "TLBT": None if known.vpn is None else known.vpn - log2(sets)}
        found["PFN"] = known.pfn
        if known.pfn is not None and known.is_said:
            found["spare"] = int((known.entry or 0) * 8) - known.pfn
        if cache is not None:
            inside = log2(cache.block) + log2(cache.sets)
            found |= {"CO": log2(cache.block), "CI": log2(cache.sets), "CT": known.pa and known.pa - inside}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def pages(self) -> int:
        """The number of virtual pages."""
        return 1 << (need(self.widths, "va", "offset").vpn or 0)

    @property
    def frames(self) -> int:
        """The number of frames in physical memory."""
        return 1 << (need(self.widths, "pa", "offset").pfn or 0)

    @property
    def mapped(self) -> Mapping[int, tuple[int, str | None]]:
        """The pages of the first address space that :meth:`map` was given, with their frames and rights."""
        return self._maps.get(0, {})

    @property
    def tlb(self) -> TlbValue | None:
        """The TLB and what it holds; None if the machine has none."""
        size = self._tlb_size
        return self._tlb_value() or (TlbValue.of(size.sets, size.ways, (), 0, 0, 0, 0) if size.sets else None)

    @property
    def linear(self) -> Worked:
        """The bytes of one linear table, with the formula."""
        return sizes.linear(self.widths)

    @property
    def pointer_bits(self) -> tuple[int, ...]:
        """The bits that an entry of each level, from the root, needs for the address of a table or a frame."""
        return self.widths.pointer_bits()

    @property
    def reach(self) -> Bytes:
        """The bytes that the TLB reaches: its entries × a page."""
        if not self._tlb_size.sets:
            raise Refused("reach: the machine has no TLB; say tlb=(sets, ways)")
        return Bytes(self._tlb_size.sets * self._tlb_size.ways * (need(self.widths, "offset").page or 0))

    @property
    def colours(self) -> int:
        """The page colours of the cache: sets × block / page, and 1 at least."""
        if self.cache is None:
            raise Refused("colours: the machine has no cache; say cache=(sets, ways, block)")
        return max(1, self.cache.sets * self.cache.block >> (need(self.widths, "offset").offset or 0))

    @says_what_it_takes
    def tables(self, ranges: Iterable[Any]) -> Worked:
        """Return the tables that map these ranges, by level, beside one linear table.

        A range is (start, size), in numbers or texts ("4 MiB", "3 pages"), or a size alone, from address 0 on.
        """
        return sizes.tables(self.widths, ranges)

    @says_what_it_takes
    def solve(self, what: str, **given: Any) -> Worked:
        """Return what a question leaves out, with its equation.

        "page", "levels", "va" or "entry", if all tables fill a page; or a number of :meth:`time`, such as "hits" or
        "faults", with `time=` and the other numbers.
        """
        self._check_times((what, *given) if given else ())
        return times.solved(what, self._depth, given) if given else sizes.solve(self.widths, what)

    @says_what_it_takes
    def time(self, **numbers: Any) -> Worked:
        """Return the average time of an access, in nanoseconds, with the formula and its numbers.

        `memory` is the time of a memory reference; `tlb` and `hits` of the TLB; `cache` and `cache_hits` of the cache.
        A TLB miss reads as many entries as the machine has levels; without pages, base and bounds or segments read
        none, and `tlb`, `hits` and `levels` are refused.  `faults` is the share of accesses that fault, with
        `service`, or with `clean`, `dirty` and `dirty_share`. :func:`~.times.access_time` has the conventions.

        >>> import vmwidgets as vm
        >>> vm.paper(levels=2).time(tlb=1, hits=0.96, cache=1, cache_hits=0.9, memory=10)
        access time: 3.8 ns
          = tlb + (1 - hits) x levels x memory + [cache + (1 - cache_hits) x memory]
          = 1 + (1 - 0.96) x 2 x 10 + [1 + (1 - 0.9) x 10]
        """
        self._check_times(numbers)
        return times.access_time(**{"levels": self._depth, **numbers})

    @says_what_it_takes
    def inverted(self, *, pid: Any = None, chain: bool = False, entry: Any = None) -> Worked:
        """Return the size of an inverted table: one entry for each frame.

        An entry has `entry` bytes, or the machine's; or it has `pid` bits for the process, a VPN, and with `chain` the
        number of another entry.
        """
        return sizes.inverted(self.widths, pid, entry, chain=chain)

    @says_what_it_takes
    def probes(self, entries: Iterable[Any], hashed: Callable[[int, int], int], pid: int, vpn: int) -> Worked:
        """Return the entries that a lookup in a hashed inverted table reads.

        `entries` are (pid, vpn, frame) in the order of their chains; `hashed(pid, vpn)` is an anchor's number.
        """
        return sizes.probes(entries, hashed, pid, vpn)

    @says_what_it_takes
    def best_page(self, size: Any, entry: Any = None) -> Worked:
        """Return the page for which a process of `size` bytes has the least overhead: sqrt(2 × size × entry)."""
        return sizes.best_page(size, entry_bytes(entry) or need(self.widths, "entry").entry or Fraction(1))

    # ---- contents ---------------------------------------------------------------------------------

    @says_what_it_takes
    def map(self, pages: Any, *, asid: int = 0, root: Any = None) -> Paper:
        """Map pages: {vpn: pfn} or {vpn: (pfn, "rw")}, or a list of frames; None unmaps.  Returns the machine.

        The tables are in frames that no page uses; `root` is the root table's frame, or its address as text.  The TLB
        keeps what it has, as a processor's TLB does.
        """
        if self._is_dumped:
            raise Refused("map: the memory already has the tables; give the entries there")
        self._check_pages("map")
        self._check_asid(asid)
        known = self.widths
        wanted: dict[int, tuple[int, str | None] | None] = {}
        for page, to in items_of("map", pages, "a dict such as {5: 17}, or a list of frames"):
            vpn = _below(number(page), known.vpn, "page")
            wanted[vpn] = place = None if to is None else frame(to)
            if place is not None:
                _below(place[0], known.pfn, f"page {vpn:#x}: frame")
        both = {**self._maps.get(asid, {}), **wanted}
        maps = {**self._maps, asid: {vpn: place for vpn, place in both.items() if place is not None}}
        roots = self._roots if root is None else {**self._roots, asid: self._root(root)}
        built = self._made(maps, roots)
        if self._built is not None:
            tlb = self._built.tlb
            if tlb is not None and len(tlb) and not built.is_like(self._built):
                raise Refused("map: these pages need wider numbers than the TLB's entries have; say va= and pa= first")
            if built.is_like(self._built):
                built.fmt, built.tlb = self._built.fmt, tlb
            self._built = built
        self._maps, self._roots = maps, roots
        return self

    @says_what_it_takes
    def memory(self, dump: Any, *, root: Any = None) -> Paper:
        r"""Fill physical memory, in which the tables are: walks read it.  Returns the machine.

        `dump` is a text with a line for each page ("page 3: 1b 1d 05", as OSTEP's homework prints it), each address
        ("0x40: 1b 1d", or an entry: "0x40: 0x8006"), or each entry of a linear table ("[3] 0x80000006"); or a dict of
        frames with their bytes; or a list of a linear table's entries.  `root` is the frame of the root table (PDBR),
        or its address as text.

        >>> import vmwidgets as vm
        >>> p = vm.paper(va=15, pa=12, page=32, levels=(5, 5), layout="V PFN:7")
        >>> dump = "page 108: " + "7f " * 24 + "a1 " + "7f " * 7 + "\npage 33: " + "7f " * 8 + "b5 " + "7f " * 23
        >>> p.memory(dump, root=108).access("r 0x611c").pa
        0x6bc
        """
        self._check_pages("memory")
        known, unit = self.widths, self.widths.unit
        entries, bytes_, words = dumped(dump, known.page, unit)
        if self._maps or self._is_dumped:
            raise Refused("memory: the tables are there already; make another machine")
        if entries and known.depth > 1:
            raise Refused("a list of entries is of one linear table; this machine has levels: give its memory")
        if not entries and root is None:
            raise Refused("memory: say root=, the frame of the root table (PDBR), or its address as text")
        if entries and known.entry is None:
            bits = max(word.bit_length() for word in entries.values())
            known = replace(known, entry=Fraction(1 << log2(-(-max(1, bits) // 8))))
        last = max((*bytes_, *(at * unit for at in words)), default=0) // unit
        if known.pa is not None and last >> known.pa:
            raise Refused(f"memory: {Address(last)} is past its end, as an address has {known.pa} bits")
        roots = {0: self._root(root) if root is not None else NOWHERE}
        built = PaperTables(
            known, self.layout, {}, roots, self._tlb_size, self.asid_bits, PaperMemory(unit), max(entries, default=0)
        )
        built.write_entries(entries, words)
        built.memory.bytes |= bytes_
        built.memory.is_dump = bool(bytes_)
        self._built, self.widths, self._is_dumped = built, known, True
        return self

    @says_what_it_takes
    def fill_tlb(self, entries: Mapping[Any, Any], *, asid: int = 0) -> Paper:
        """Put translations into the TLB: {vpn: pfn}, or {(TLBI, TLBT): pfn}.  Returns the machine."""
        self._check_pages("fill_tlb")
        built, sets = self._ready(), self._tlb_size.sets
        if built.tlb is None:
            raise Refused("fill_tlb: the machine has no TLB; say tlb=(sets, ways)")
        self._check_asid(asid)
        for key, to in items_of("fill_tlb", entries, "a dict such as {0xf: 0xd}, or {(3, 0x03): 0xd}"):
            vpn = self._page_of(key, sets) if isinstance(key, tuple) and len(key) == 2 else number(key)
            pfn, rights = frame(to)
            _below(vpn, built.widths.vpn, "fill_tlb: page")
            built.tlb.fill(built.found(vpn, pfn, rights), asid, NoControls())
        return self

    def _page_of(self, key: tuple[Any, Any], sets: int) -> int:
        at, tag = map(number, key)
        _below(at, sets.bit_length() - 1, "fill_tlb: set")
        return tag * sets + at

    @says_what_it_takes
    def fill_cache(self, blocks: Mapping[Any, Any]) -> Paper:
        """Put blocks into the cache: {(CI, CT): "36 72 f0 1d"}, or None for unknown bytes.  Returns the machine."""
        if self.cache is None:
            raise Refused("fill_cache: the machine has no cache; say cache=(sets, ways, block)")
        for key, held in items_of("fill_cache", blocks, "a dict such as {(5, 0x0d): '36 72 f0 1d'}"):
            self.cache.put(key, held)
        return self

    def page_tables(self, asid: int = 0) -> PageTables[NoControls]:
        """Return the tables of an address space, to be walked and drawn."""
        self._check_pages("page_tables")
        self._check_asid(asid)
        return self._ready().of(asid)

    # ---- an access --------------------------------------------------------------------------------

    @says_what_it_takes
    def access(self, what: Any, *, asid: int = 0, user: bool = True) -> Access:
        """Return one access: "r 0x3d7", "w 12", "x 0x40", or an address, which is read.

        `user` says whether user code makes the access.  An address with segments may be (number or name, offset).
        """
        kind, given = reference(what)
        self._check_asid(asid)
        is_bool: object = user
        if not isinstance(is_bool, bool):
            raise Refused(f"user={shown(user)}: write True or False")
        if not self.segments:
            return self._in_page(kind, address(given), asid, user=user)
        found = self._in_segment(kind, given)
        if found.fault or self.widths.offset is None:
            return found
        note = f"{replace(found, linear=None).worked[0]}\n{found.note}" if found.bits else found.note
        paged = self._in_page(kind, found.linear or Address(0), asid, user=user)
        return replace(paged, va=found.va, linear=found.linear, segment=found.segment, note=note)

    def _in_page(self, kind: str, va: int, asid: int, *, user: bool) -> Access:
        """Return the access of an address that the tables translate."""
        if self._built is None:
            self._built = self._made(self._maps, self._roots, va >> (need(self.widths, "offset").offset or 0))
        built = self._built
        widths, sets = built.widths, self._tlb_size.sets
        bits, offset = widths.va or 0, widths.offset or 0
        vpn, vpo = va >> offset, va & (1 << offset) - 1
        if va >> bits:
            if self.widths.va is None:
                return Access(
                    kind,
                    Address(va),
                    vpn,
                    vpo,
                    fault="invalid at level 1",
                    tlb=self._tlb_value(),
                    why=f"page {vpn:#x} is not mapped",
                    va_bits=va.bit_length(),
                )
            why = f"{Address(va)} needs {va.bit_length()} bits, and an address has {bits}"
            return Access(kind, Address(va), fault=OUTSIDE, why=why, va_bits=va.bit_length(), tlb=self._tlb_value())
        names = [("VPN", widths.vpn)] if widths.depth == 1 else [("index", each) for each in widths.levels or ()]
        found = Access(
            kind,
            Address(va),
            vpn,
            vpo,
            vpn % sets if sets else None,
            vpn // sets if sets else None,
            va_bits=bits,
            bits=(*((name, each or 0) for name, each in names), ("VPO", offset)),
            pa_bits=self.widths.pa or 0,
            is_given=self._is_dumped or bool(self._roots),
        )
        return self._translated(found, built, asid, user=user)

    def _translated(self, found: Access, built: PaperTables, asid: int, *, user: bool) -> Access:
        """Return the access after the lookup in the TLB, and perhaps a walk."""
        fmt, tlb, va, kind, controls = built.fmt, built.tlb, int(found.va), found.access, NoControls()
        hit = None if tlb is None else self._looked_up(tlb, va, asid)
        found = replace(found, hit=None if tlb is None else hit is not None)
        if hit is not None and not (kind == "write" and hit.pending):
            stop = hit.forbids(kind, user, controls)  # type: ignore[arg-type]  # a kind of access
            if stop is not None:
                return replace(found, fault=PROTECTION, why=stop.why, tlb=self._tlb_value())
            return self._reached(found, hit.pa + va - hit.va)
        tables = built.of(asid)
        walk = tables.walk(va, kind, user=user)  # type: ignore[arg-type]  # a kind of access
        descent = translate(built.memory, fmt, tables.root, va, kind, user, controls)  # type: ignore[arg-type]  # the same
        path = tuple(
            PathStep(
                level,
                step.name,
                step.index,
                Address(step.pa) if step.pa < NOWHERE else None,
                step.value,
                {one.field.name: one.value for one in step.decoded if one.field.name != "-"},
            )
            for level, step in enumerate(walk.steps, 1)
        )
        found = replace(found, walk=walk, path=() if hit is not None else path)
        if descent.stop is not None and descent.stop.kind == "bus-error":
            if tlb is not None:
                tlb.misses -= 1  # the access was never made
            raise Refused(f"the walk of {found.va} stops: {descent.stop.why}; give these bytes in memory()")
        if descent.pa is None:
            fault = fault_after(fmt, descent, kind, user, controls)  # type: ignore[arg-type]  # a kind of access
            name = PROTECTION if fault.kind == "protection" else f"invalid at level {len(path)}"
            return replace(found, fault=name, why=fault.why, tlb=self._tlb_value())
        for step, bits in zip(walk.steps, descent.sets, strict=True):
            if bits:
                built.memory.write_word(step.pa, fmt.entry_width, step.value | bits)
        if tlb is not None:
            tlb.fill(descent, asid, controls)
        return self._reached(found, descent.pa)

    def _looked_up(self, tlb: Tlb[NoControls], va: int, asid: int) -> TlbEntry[NoControls] | None:
        """Look an address up; with "fifo", a hit does not make an entry the last used."""
        if self.policy == "lru":
            return tlb.lookup(va, asid)
        entry = tlb.peek(va, asid)
        tlb.hits, tlb.misses = tlb.hits + (entry is not None), tlb.misses + (entry is None)
        return entry

    def _in_segment(self, kind: str, given: Any) -> Access:
        place = placed(self.segments, self.widths.va, kind, given)
        va_bits = self.widths.va or max(1, place.va.bit_length())
        found = Access(
            kind,
            Address(place.va),
            bits=place.bits,
            va_bits=va_bits,
            pa_bits=self.widths.pa or 0,
            segment=place.segment,
            note=place.sum,
            fault=place.fault,
            why=place.why,
        )
        if place.fault:
            return found
        is_paged = self.widths.offset is not None
        return replace(found, linear=Address(place.pa)) if is_paged else self._reached(found, place.pa)

    def _reached(self, found: Access, pa: int) -> Access:
        """Return the access with its physical address, its lookup in the cache, and its byte."""
        pfn = None if found.vpn is None else pa >> (self.widths.offset or 0)
        byte = None if self._built is None else self._built.memory.known(pa)
        found = replace(found, pfn=pfn, pa=Address(pa), byte=byte, tlb=self._tlb_value())
        if self.cache is None:
            return found
        co, ci, ct, hit, cached = self.cache.access(pa)
        bits = ("CO", log2(self.cache.block)), ("CI", log2(self.cache.sets))
        found = replace(found, co=co, ci=ci, ct=ct, cache_hit=hit, cache_bits=bits)
        return found if cached is None else replace(found, byte=cached)

    # ---- building ---------------------------------------------------------------------------------

    def _ready(self) -> PaperTables:
        if self._built is None:
            self._built = self._made(self._maps, self._roots)
        return self._built

    def _made(self, maps: dict[int, Pages], roots: dict[int, int], most: int = 0) -> PaperTables:
        memory = PaperMemory(self.widths.unit)
        return PaperTables(self.widths, self.layout, maps, roots, self._tlb_size, self.asid_bits, memory, most)

    def _root(self, root: Any) -> int:
        """Return the address of a root: an integer is a frame's number, a text an address."""
        if isinstance(root, str):
            return address(root)
        known = need(self.widths, "offset")
        return whole(root, "root", 0, (1 << (known.pfn or MOST_BITS)) - 1) << (known.offset or 0)

    def _check_used(self, of_pages: list[str], policy: str, word: int, fills: str) -> None:
        """Refuse options that would have no effect beside the others."""
        if of_pages and self._is_moved:
            raise Refused(f"base and bounds translate without pages: leave {of_pages[0]}= out, or say segments=")
        if of_pages and not self._has_tables:
            raise Refused(f"{of_pages[0]}= has no effect on segments without pages: say page= too")
        if not self._has_tables and self.widths.unit > 1 and self.cache is None:
            raise Refused("unit='word' has no effect on segments alone: say page= or cache= too")
        if policy != "lru" and self.cache is None and not self._tlb_size.sets:
            raise Refused(f"policy={shown(policy)} replaces in a TLB or a cache: say tlb= or cache= too")
        if (type(word) is not int or word != 4) and self.widths.unit == 1:
            raise Refused(f"word={shown(word)} has no effect on addresses that count bytes: say unit='word' too")
        if fills != "page" and (self._depth is None or not self.widths.is_said):
            raise Refused(
                f"fills={shown(fills)} is about tables in levels, of entries with a size: say levels=, entry="
            )

    def _check_pages(self, call: str) -> None:
        """Refuse tables for a machine that would never walk them."""
        if self._is_moved:
            raise Refused(f"{call}: base and bounds translate without pages; say segments= for segments with pages")
        if self.segments:
            need(self.widths, "offset")

    def _check_times(self, given: Iterable[str]) -> None:
        """Refuse numbers of a TLB and of walks for a machine without tables."""
        wrong = [name for name in given if name in times.OF_TABLES]
        if wrong and not self._has_tables:
            who = "base and bounds" if self._is_moved else "segments without pages"
            raise Refused(f"{who} read no table, and need no TLB: leave {wrong[0]}= out")

    def _check_asid(self, asid: int) -> None:
        if type(asid) is int and asid and not self.asid_bits:
            raise Refused(f"asid={shown(asid)}: the machine has one address space; say asid= (bits) in vm.paper")
        whole(asid, "asid", 0, (1 << self.asid_bits) - 1)

    def _tlb_value(self) -> TlbValue | None:
        tlb = None if self._built is None else self._built.tlb
        return None if tlb is None else tlb.value(lambda _: ())

    @in_ascii
    def __repr__(self) -> str:
        known, cache = self.widths, self.cache
        parts = ", ".join(f"{name} {value}" for name, value in self.bits.items())
        lines = [f"paper machine, bits: {parts or 'none known'}"]
        if known.va is not None and known.offset is not None:
            lines.append(f"{counted(self.pages, 'page')} of {in_bytes(Fraction(known.page or 0))}")
        if known.pa is not None and known.offset is not None:
            lines.append(f"{counted(self.frames, 'frame')}, {in_bytes(Fraction(known.unit << known.pa))} of memory")
        if known.levels is not None and known.entry is not None:
            each = in_bytes(known.entry)
            lines += [
                f"{name}: {1 << known.levels[level]:,} entries of {each}, {in_bytes(known.table_bytes(level))}"
                for level, (_, name) in enumerate(names_of(known.depth))
            ]
        if self.layout and known.entry is None and known.pfn is not None:
            others = sum(
                one.high - one.low + 1 for one in layout_of(self.layout, None, known.pfn).fields if one.name != "PFN"
            )
            lines.append(f"an entry needs {others + known.pfn} bits: {known.pfn} for the PFN, and {others} others")
        if self._tlb_size.sets:
            lines.append(f"TLB: {counted(self._tlb_size.sets, 'set')} of {counted(self._tlb_size.ways, 'way')}")
        if cache is not None:
            lines.append(
                f"cache: {counted(cache.sets, 'set')} of {counted(cache.ways, 'way')}, blocks of {cache.block}"
            )
        lines += [
            f"{one.name}: base {one.base}, limit {one.limit}, {one.rights}{', down' * one.down}"
            for one in self.segments
        ]
        return "<" + "\n  ".join((*lines, *known.notes)) + ">"


def _tlb_size(tlb: Any) -> Size:
    if tlb is None:
        return Size(0, 0)
    is_pair = isinstance(tlb, (tuple, list)) and len(tlb) == 2
    sets, ways = tlb if is_pair else (1, tlb)
    if whole(sets, "tlb: sets", 1, 1 << 16) & sets - 1:
        raise Refused(f"tlb={shown(tlb)}: {sets} sets; sets are a power of two")
    return Size(sets, whole(ways, "tlb: ways", 1, 1 << 16))


def _below(value: int, bits: int | None, what: str) -> int:
    """Return a number that fits these bits, if they are known."""
    if bits is not None and value >> bits:
        raise Refused(
            f"{what} {value:#x} has {value.bit_length()} bits, and such a number has {bits}: up to {(1 << bits) - 1:#x}"
        )
    return value


paper = Paper
"""The name under which the package has the class: ``vm.paper(va=14, page=64)``."""
