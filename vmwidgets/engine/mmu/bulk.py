"""Bulk translation: from arrays of addresses to arrays of physical addresses, with the walker's results.

It serves every format.  Each table is read once, as far as addresses need it, into arrays with, for each slot, the
table that it refers to.  The format's rules are consulted once for all descriptors that differ only in their address;
addresses then descend through the arrays, one gather for each level.

This is the only module of the engine that needs NumPy; it is imported when it is used.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, Generic, NamedTuple

from ..base.errors import Refused, shown
from ..base.frozen import frozen
from ..base.units import Address
from ..memory.ram import BusError
from .format import TableFormat
from .levels import Descriptor, Level, WalkEntry
from .rules import Access, C, Start, Stop
from .tables_schema import Rights
from .walk import Memory

try:
    import numpy as np
    from numpy.typing import NDArray
except ModuleNotFoundError:
    raise Refused("arrays of addresses need NumPy, which is not installed: pip install numpy") from None

NO_ADDRESS = (1 << 64) - 1
"""The physical address if the walk ended in a fault."""

_UNKNOWN, _ENDS = -2, -1

_UNDECIDED = 0xFFFF

Words = NDArray[np.uint64]

Numbers = NDArray[np.int64]

Codes = NDArray[np.uint16]

Flags = NDArray[np.bool_]


class WalkOutcome(NamedTuple):
    """The end of a walk: the fault's kind, level and code; all three are None if the walk found a page."""

    kind: str | None = None
    level: int | None = None
    code: int | None = None


class _Known(NamedTuple):
    """The descriptors above a table, without their addresses, and the rights that remain below them."""

    path: tuple[WalkEntry, ...]
    rights: Rights


class _Tables:
    """All tables of one level that were reached, in growing arrays."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.types = 0
        for descriptor in level.descriptors:
            self.types |= descriptor.mask
        self.nodes: dict[tuple[int, int], int] = {}
        """The tables by physical address and the descriptors above."""
        self.known: list[int] = []
        self.addresses: list[int] = []
        self.unreadable: set[int] = set()
        self.words: Words = np.zeros(0, np.uint64)
        self.below: Numbers = np.zeros(0, np.int64)
        self.base: Words = np.zeros(0, np.uint64)
        self.outcome: Codes = np.zeros(0, np.uint16)

    def add(self, address: int, known: int, words: Words | None) -> int:
        """Add a table and return it; its words are None if memory does not cover all of it."""
        node = self.nodes[address, known] = len(self.known)
        self.known.append(known)
        self.addresses.append(address)
        first = node << self.level.bits
        if first == len(self.words):
            self._grow(max(first, self.level.entries))
        if words is None:
            self.unreadable.add(node)
        else:
            self.words[first : first + self.level.entries] = words
        return node

    def _grow(self, more: int) -> None:
        self.words = np.concatenate([self.words, np.zeros(more, np.uint64)])
        self.below = np.concatenate([self.below, np.full(more, _UNKNOWN, np.int64)])
        self.base = np.concatenate([self.base, np.full(more, NO_ADDRESS, np.uint64)])
        self.outcome = np.concatenate([self.outcome, np.full(more, _UNDECIDED, np.uint16)])


class ReachedTables(Generic[C]):
    """The tables reached so far, and the meanings of their descriptors for one kind of access."""

    def __init__(self, memory: Memory, fmt: TableFormat[C], root: int, access: Access, user: bool, controls: C) -> None:
        self.memory = memory
        self.fmt = fmt
        self.root = root
        self.access: Access = access
        self.user = user
        self.controls = controls
        self.outcomes = [WalkOutcome()]
        self._levels = {level.number: _Tables(level) for level in fmt.levels}
        self._known: list[_Known] = [_Known((), Rights())]
        self._known_numbers: dict[tuple[tuple[int, int, int], ...], int] = {(): 0}
        self._starts: dict[int, int | None] = {}
        self._stopped: dict[int, int] = {}
        self._start_shift = np.uint64(fmt.rules.start_shift(controls))

    # ---- addresses ---------------------------------------------------------------------------

    def translate(self, va: Words, pa: Words, outcome: Codes) -> None:
        """Fill `pa` and `outcome` for the addresses `va`."""
        for key, which in self._by_start(va):
            node = self._start(key, int(va[0] if which is None else va[which[0]]))
            if node is None:
                pa[... if which is None else which] = NO_ADDRESS
                outcome[... if which is None else which] = self._stopped[key]
            elif which is None:
                self._descend(self.fmt.root_level.number, node, va, pa, outcome)
            else:
                self._descend_some(self.fmt.root_level.number, node, which, va, pa, outcome)

    def _by_start(self, va: Words) -> Iterator[tuple[int, Numbers | None]]:
        """Yield groups of addresses, by top bits, whose walks have the same start: nearly always one or two groups."""
        keys = va >> self._start_shift
        first = int(keys[0])
        same = keys == keys[0]
        if same.all():
            yield first, None
            return
        yield first, np.flatnonzero(same)
        rest = np.flatnonzero(~same)
        values, inverse = np.unique(keys[rest], return_inverse=True)
        for number, value in enumerate(values):
            yield int(value), rest[inverse == number]

    def _descend_some(
        self, number: int, node: int | Numbers, which: Numbers, va: Words, pa: Words, outcome: Codes
    ) -> None:
        some_pa, some_outcome = np.empty(which.size, np.uint64), np.empty(which.size, np.uint16)
        self._descend(number, node, va[which], some_pa, some_outcome)
        pa[which], outcome[which] = some_pa, some_outcome

    def _descend(self, number: int, node: int | Numbers, va: Words, pa: Words, outcome: Codes) -> None:
        """Translate addresses through the tables `node` of a level and the levels below."""
        tables = self._levels[number]
        level = tables.level
        slots = (va >> np.uint64(level.shift)).view(np.int64)
        slots &= level.entries - 1
        slots += node << level.bits
        if number == 1:
            self._end(tables, slots, va, pa, outcome)
            return
        below = tables.below.take(slots)
        if below.min() == _UNKNOWN:
            self._decide(tables, _once(slots[below == _UNKNOWN], len(tables.words)))
            below = tables.below.take(slots)
        if below.min() >= 0:
            self._descend(number - 1, below, va, pa, outcome)
        elif below.max() < 0:
            self._end(tables, slots, va, pa, outcome)
        else:
            down, ended = np.flatnonzero(below >= 0), np.flatnonzero(below < 0)
            self._descend_some(number - 1, below[down], down, va, pa, outcome)
            some_pa, some_outcome = np.empty(ended.size, np.uint64), np.empty(ended.size, np.uint16)
            self._end(tables, slots[ended], va[ended], some_pa, some_outcome)
            pa[ended], outcome[ended] = some_pa, some_outcome

    def _end(self, tables: _Tables, slots: Numbers, va: Words, pa: Words, outcome: Codes) -> None:
        tables.outcome.take(slots, out=outcome, mode="clip")
        if outcome.max() == _UNDECIDED:
            self._decide(tables, _once(slots[outcome == _UNDECIDED], len(tables.words)))
            tables.outcome.take(slots, out=outcome, mode="clip")
        tables.base.take(slots, out=pa, mode="clip")
        pa |= va & np.uint64(tables.level.span - 1)

    # ---- descriptors -------------------------------------------------------------------------

    def _start(self, key: int, va: int) -> int | None:
        """Return the root table's node for addresses with the highest bits `key`; None if there is no walk."""
        if key not in self._starts:
            start = self.fmt.rules.start(self.fmt.root_level, self.root, va, self.controls)
            if isinstance(start, Start):
                self._starts[key] = self._node(self.fmt.root_level.number, start.table, 0)
            else:
                self._starts[key] = None
                self._stopped[key] = self._failure(start, ())
        return self._starts[key]

    def _node(self, number: int, address: int, known: int) -> int:
        tables = self._levels[number]
        found = tables.nodes.get((address, known))
        if found is not None:
            return found
        try:
            data = self.memory.read(address, self.fmt.table_bytes(tables.level))
        except BusError:
            return tables.add(address, known, None)
        return tables.add(address, known, np.frombuffer(data, f"<u{self.fmt.entry_width}").astype(np.uint64))

    def _decide(self, tables: _Tables, slots: Numbers) -> None:
        """Determine the meanings of the descriptors in `slots`, once for equal descriptors."""
        nodes = slots >> tables.level.bits
        known = np.array(tables.known, np.int64)[nodes]
        if tables.unreadable:
            readable = np.array([self._reread(tables, int(slot)) for slot in slots])
            slots, known = slots[readable], known[readable]
        for number, mine in _alike(known):
            types = tables.words[slots[mine]] & np.uint64(tables.types)
            for _, ours in _alike(types):
                self._decide_type(tables, slots[mine][ours], number)

    def _reread(self, tables: _Tables, slot: int) -> bool:
        """Read a descriptor of an incomplete table; returns False, with its outcome decided, if there is no memory."""
        node, index = slot >> tables.level.bits, slot & tables.level.entries - 1
        if node not in tables.unreadable:
            return True
        width = self.fmt.entry_width
        try:
            tables.words[slot] = self.memory.read_word(tables.addresses[node] + index * width, width)
        except BusError:
            stop = Stop("bus-error", "")
            tables.outcome[slot] = self._failure(stop, self._known[tables.known[node]].path)
            tables.below[slot] = _ENDS
            return False
        return True

    def _decide_type(self, tables: _Tables, slots: Numbers, known: int) -> None:
        """Determine the meanings of descriptors of one kind, below equal descriptors."""
        rules, level, words = self.fmt.rules, tables.level, tables.words[slots]
        descriptor = rules.read_as(level, int(words[0]), self.controls)
        plain = descriptor.address_mask & ~rules.checked_bits(level, descriptor, self.controls) & ~tables.types
        values, inverse = _distinct(words & np.uint64(NO_ADDRESS ^ plain))
        decided = [self._decide_word(level, descriptor, int(value), known) for value in values]
        below = np.array([one for one, _ in decided], np.int64)[inverse]
        tables.outcome[slots] = np.array([two for _, two in decided], np.uint16)[inverse]
        addresses = _addresses(descriptor, words)
        tables.below[slots] = _ENDS
        if descriptor.kind == "table":
            for number in np.unique(below[below >= 0]):
                self._refer(tables, slots[below == number], addresses[below == number], int(number))
            return
        found = tables.outcome[slots] == 0
        ended = slots[found]
        part = ended & level.copies_of(descriptor) - 1  # the descriptor of a page that fills several slots
        tables.base[ended] = addresses[found] + (part << level.shift).astype(np.uint64)

    def _refer(self, tables: _Tables, slots: Numbers, addresses: Words, known: int) -> None:
        values, inverse = np.unique(addresses, return_inverse=True)
        nodes = [self._node(tables.level.number - 1, int(value), known) for value in values]
        tables.below[slots] = np.array(nodes, np.int64)[inverse]

    def _decide_word(self, level: Level, descriptor: Descriptor, word: int, above: int) -> tuple[int, int]:
        """Return the state (-1 for none) below descriptors like `word` with any address, and their outcome."""
        rules, (path, rights) = self.fmt.rules, self._known[above]
        path = (*path, WalkEntry(level, descriptor, word))
        stop = rules.check_descriptor(level, descriptor, word, self.controls)
        if stop is None:
            rights = rules.narrow(rights, descriptor, word, self.controls)
            if descriptor.kind == "table":
                key = tuple((at.level.number, id(at.descriptor), at.word) for at in path)
                if key not in self._known_numbers:
                    self._known_numbers[key] = len(self._known)
                    self._known.append(_Known(path, rights))
                return self._known_numbers[key], 0
            stop = rules.check_access(path, rights, self.access, self.user, self.controls)
        return _ENDS, 0 if stop is None else self._failure(stop, path)

    def _failure(self, stop: Stop, path: tuple[WalkEntry, ...]) -> int:
        """Return the index of a fault among the outcomes."""
        report = self.fmt.rules.report(stop, path, self.access, self.user, self.controls)
        outcome = WalkOutcome(stop.kind, path[-1].level.number if path else None, report.code)
        if outcome not in self.outcomes:
            self.outcomes.append(outcome)
        return self.outcomes.index(outcome)


def _addresses(descriptor: Descriptor, words: Words) -> Words:
    """Return the address in each word, as :meth:`.levels.Descriptor.address_of` does."""
    found = np.zeros(words.shape, np.uint64)
    for bits in descriptor.address:
        found |= (words & np.uint64(bits.mask)) >> np.uint64(bits.low) << np.uint64(bits.to)
    return found


def _distinct(values: Words) -> tuple[Words, Numbers]:
    """Return `np.unique` with the inverse; fast if all values are equal, as the rights of neighbours usually are."""
    if (values == values[0]).all():
        return values[:1], np.zeros(values.size, np.int64)
    return np.unique(values, return_inverse=True)


def _alike(values: Words | Numbers) -> Iterator[tuple[int, Numbers | slice]]:
    """Yield each distinct value, with its positions."""
    first = values[0] if values.size else 0
    if (values == first).all():
        if values.size:
            yield int(first), slice(None)
        return
    for value in np.unique(values):
        yield int(value), np.flatnonzero(values == value)


def _once(slots: Numbers, among: int) -> Numbers:
    """Return `slots` without repetitions: by sorting if there are few, or else with a mark for each possible slot."""
    if slots.size * 8 < among:
        return np.unique(slots)
    marked = np.zeros(among, np.bool_)
    marked[slots] = True
    return np.flatnonzero(marked)


# ---- arrays of addresses -----------------------------------------------------------------------


_CHUNK = 1 << 14
"""The number of addresses that descend together, so that their arrays fit into a processor's second-level cache."""


@frozen(slots=False)
class Translation:
    """The translations of an array of addresses, in arrays of the same shape.

    `pa` contains :data:`NO_ADDRESS` if the walk ended in a fault; `outcome` has indices into `outcomes`, whose first
    item is success.
    """

    pa: Words
    outcome: Codes
    outcomes: tuple[WalkOutcome, ...]

    @property
    def ok(self) -> Flags:
        """Return whether each access would succeed."""
        return np.equal(self.outcome, 0)

    @property
    def masked(self) -> Any:
        """The physical addresses as a masked array, with faults masked."""
        return np.ma.array(self.pa, mask=~self.ok)


def translate(
    memory: Memory,
    fmt: TableFormat[C],
    root: int,
    addresses: Any,
    access: Access = "read",
    user: bool = False,
    controls: C | None = None,
) -> Translation:
    """Translate each of `addresses` as :func:`.walk.walk` would, with the present tables.

    `addresses` is an array of unsigned 64-bit integers, or a sequence that can become one.  Only memory is read:
    O(tables and descriptors that the addresses need), each once, and then a few array operations for each level.

    >>> from vmwidgets.engine.memory.ram import Ram
    >>> from vmwidgets.engine.mmu.formats.armv7 import ARMV7
    >>> ram = Ram(1 << 20)
    >>> ram.write_word(0x4000 + 4 * 2, 4, 0x0030_0000 | 0xC02)  # a section
    >>> found = translate(ram, ARMV7, 0x4000, [0x20_1234, 0x50_0000])
    >>> hex(found.pa[0]), found.ok.tolist(), found.outcomes[found.outcome[1]]
    ('0x301234', [True, False], WalkOutcome(kind='not-present', level=2, code=5))
    """
    given = _words(addresses, fmt.word_bits)
    flat = np.ascontiguousarray(given).reshape(-1)
    pa = np.empty(flat.shape, np.uint64)
    outcome = np.empty(flat.shape, np.uint16)
    tree = ReachedTables(memory, fmt, root, access, user, fmt.defaults if controls is None else controls)
    for first in range(0, flat.size, _CHUNK):
        part = slice(first, first + _CHUNK)
        tree.translate(flat[part], pa[part], outcome[part])
    return Translation(pa.reshape(given.shape), outcome.reshape(given.shape), tuple(tree.outcomes))


def _words(addresses: Any, word_bits: int) -> Words:
    given = addresses if isinstance(addresses, np.ndarray) else _from_sequence(addresses)
    if given.size == 0:
        return given.astype(np.uint64)
    if given.dtype.kind not in "iu":
        raise Refused(f"addresses: an array of {given.dtype}; write whole numbers from 0 to 2**{word_bits} - 1")
    lowest, highest = int(given.min()), int(given.max())
    if lowest < 0:
        raise Refused(f"address {lowest} is negative: addresses begin at 0")
    if highest >= 1 << word_bits:
        raise Refused(f"address {Address(highest)} does not fit the {word_bits} bits of a register")
    return given.astype(np.uint64, copy=False)


def _from_sequence(addresses: Any) -> Any:
    """Return an array of 64-bit words from Python's integers; NumPy itself may turn them into floats."""
    try:
        given = np.array(addresses, object)
        words = [-1 if isinstance(one, (bool, np.bool_)) else operator.index(one) for one in given.flat]
    except (TypeError, ValueError):
        raise Refused(f"addresses: {shown(addresses)} is not an array of whole numbers") from None
    wrong = next((word for word in words if not 0 <= word < 1 << 64), None)
    if wrong is not None:
        raise Refused(f"addresses: {shown(addresses)} has more than whole numbers from 0 to 2**64 - 1")
    return np.array(words, np.uint64).reshape(given.shape)
