"""The table editor, which reads and writes page tables as bits in RAM for a kernel, and edits made without the kernel.

A descriptor is read into a :class:`Slot`.  The format (:class:`~.format.TableFormat`) interprets and builds words.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from itertools import compress, count
from operator import ne
from struct import pack, unpack
from typing import Generic, NamedTuple

from ..base.errors import KernelPanic
from ..base.recorder import Recorder
from ..base.units import Address
from ..memory.ram import BusError, Ram
from .format import TableFormat
from .levels import Descriptor, Level
from .rules import C
from .tables_schema import PageMarked, PteRunWritten, PteWritten, Rights
from .walk import Descent


class HandEdit(NamedTuple):
    """A descriptor written without the kernel, in the tables with this root: its old and its new value."""

    root: int
    level: Level
    va: int
    kept: int
    after: int

    @property
    def kept_as(self) -> Descriptor:
        """The kernel's word."""
        return self.level.read_as(self.kept)

    @property
    def cuts_off(self) -> bool:
        """Return whether the edit makes one of the kernel's tables unreachable."""
        now, kept = self.level.read_as(self.after), self.kept_as
        return kept.kind == "table" and not (
            now.kind == "table" and now.address_of(self.after) == kept.address_of(self.kept)
        )


class HandEdits:
    """The descriptors of a machine that were written without its kernel, by physical address.

    The hardware obeys an edit immediately.  The kernel's editors, which share this object, read the kernel's own word
    in an edited place.  So the kernel unmaps, frees and counts only its own pages, and never mistakes a foreign frame
    for one of its tables.  An edit ends when the kernel writes the descriptor, even with the same word.
    """

    __slots__ = ("places",)

    def __init__(self) -> None:
        self.places: dict[int, HandEdit] = {}

    def add(self, pa: int, edit: HandEdit) -> bool:
        """Note an edit; returns whether it is the first since the kernel wrote there."""
        known = self.places.get(pa)
        self.places[pa] = edit if known is None else known._replace(after=edit.after)
        return known is None

    def end(self, pa: int) -> None:
        """End the edit at `pa`, if there is one: the kernel wrote there, or would have."""
        self.places.pop(pa, None)

    def freed(self, start: int, size: int) -> None:
        """End the edits in memory that is no longer a table, or is an empty table.  O(edits)."""
        if self.places:
            self.places = {pa: edit for pa, edit in self.places.items() if not start <= pa < start + size}

    def drop(self, root: int) -> None:
        """End the edits in the tables with this root, which were freed."""
        self.places = {pa: edit for pa, edit in self.places.items() if edit.root != root}


class Slot(NamedTuple):
    """A place for a descriptor, and its contents when it was read."""

    level: Level
    va: int
    """An address that the slot maps."""
    pa: int
    """The physical address of the slot."""
    word: int
    descriptor: Descriptor

    @property
    def kind(self) -> str:
        """``"table"``, ``"leaf"``, ``"invalid"`` or ``"reserved"``."""
        return self.descriptor.kind

    @property
    def address(self) -> int:
        """The physical address of the slot's table or page."""
        return self.descriptor.address_of(self.word)

    @property
    def span(self) -> int:
        """The size of the virtual memory that the descriptor maps, all copies of a repeated descriptor together."""
        return self.level.span_of(self.descriptor)

    @property
    def attribute_bits(self) -> int:
        """The word without its address: rights, attributes and kind."""
        return self.word & ~self.descriptor.address_mask


class TableEditor(Generic[C]):
    """The tables of one format in `ram`; each write of a descriptor is an event."""

    __slots__ = ("_recorder", "edits", "fmt", "moved", "ram")

    def __init__(self, ram: Ram, fmt: TableFormat[C], recorder: Recorder, edits: HandEdits | None = None) -> None:
        self.ram = ram
        self.edits = HandEdits() if edits is None else edits
        """The edits made without this editor: in edited places, it reads the kernel's own word.

        The hardware's editor has no edits.
        """
        self.fmt = fmt
        self.moved = 0
        """The number of writes of a nonzero descriptor above level 1: tables may have been removed."""
        self._recorder = recorder

    def slot(self, level: Level, table: int, va: int) -> Slot:
        """Return the slot for `va` in the `table` of `level`."""
        return self.slot_at(level, va, table + level.index(va) * self.fmt.entry_width)

    def slot_at(self, level: Level, va: int, pa: int) -> Slot:
        """Return the slot for `va` in the table of `level` at `pa`."""
        word = self._read_word(pa, self.fmt.entry_width)
        return Slot(level, va, pa, word, level.read_as(word))

    def hidden(self, root: int, va: int, down_to: int = 1) -> list[Slot]:
        """Return the slots above level `down_to` on the walk of `va` whose tables an edit hides from the hardware."""
        found: list[Slot] = []
        table = root
        for level in self.fmt.levels if self.edits.places else ():
            slot = self.slot(level, table, va)
            if level.number <= down_to or slot.kind != "table":
                break
            edit = self.edits.places.get(slot.pa)
            if edit is not None and edit.cuts_off:
                found.append(slot)
            table = slot.address
        return found

    def find(self, root: int, va: int, down_to: int = 1) -> Slot:
        """Return the last slot on the walk of `va`: a leaf, an absent slot, or the slot of level `down_to`."""
        width, read_word, table = self.fmt.entry_width, self._reader, root
        try:
            for level in self.fmt.levels:
                pa = table + (va >> level.shift & level.last) * width
                word = read_word(pa, width)
                descriptor = level.read_as(word)
                if descriptor.kind != "table" or level.number <= down_to:
                    break
                table = descriptor.address_of(word)
        except BusError as error:
            raise _outside(error) from error
        return Slot(level, va, pa, word, descriptor)

    def leaves(self, root: int, start: int, end: int, frames: Container[int] | None = None) -> Iterable[Slot]:
        """Yield the slots that map pages of [start, end), in order; a slot's `va` is the first address that it maps.

        For a page that fills several slots, only the first is yielded.  With `frames`, pages of the smallest size in
        other frames are left out.

        O(existing tables for the range): absent slots are skipped with everything they cover.  A table is read when its
        first slot is needed.
        """
        width, read_word, table, last = self.fmt.entry_width, self._reader, root, end - 1
        try:
            for level in self.fmt.levels:
                shift = level.shift
                if (start ^ last) >> shift:
                    break
                pa = table + (start >> shift & level.last) * width
                word = read_word(pa, width)
                if not word:  # nearly always the case, since most unmapped pages were never touched
                    return ()
                descriptor = level.read_as(word)
                if descriptor.kind != "table":
                    left_out = frames is not None and level.number == 1 and not level.not_elsewhere((word,), frames)
                    slot = Slot(level, start >> shift << shift, pa, word, descriptor)
                    return (self.first_copy(slot),) if descriptor.kind == "leaf" and not left_out else ()
                table = descriptor.address_of(word)
        except BusError as error:
            raise _outside(error) from error
        return self._leaves_below(level, table, start, last, frames)

    def _leaves_below(
        self, level: Level, table: int, start: int, last: int, frames: Container[int] | None
    ) -> Iterator[Slot]:
        base = done = start >> level.shift << level.shift
        words = self.words(level, table, level.index(start), level.index(last))
        held = compress(count(), words) if frames is None or level.number > 1 else level.not_elsewhere(words, frames)
        for index in held:
            word = words[index]
            va, descriptor = base + (index << level.shift), level.read_as(word)
            slot = Slot(level, va, table + (va >> level.shift & level.last) * self.fmt.entry_width, word, descriptor)
            if descriptor.kind == "leaf":
                if descriptor.shift is None:
                    yield slot
                elif va >= done:
                    yield self.first_copy(slot)
                    done = (va // slot.span + 1) * slot.span
            elif descriptor.kind == "table":
                below = self.fmt.level(level.number - 1)
                first, end = max(va, start), min(va + level.span - 1, last)
                yield from self._leaves_below(below, slot.address, first, end, frames)

    def slots(self, level: Level, table: int, va: int = 0) -> Iterator[Slot]:
        """Yield all slots of a table whose first slot maps `va`, in order.  One read of memory."""
        for index, word in enumerate(self.words(level, table)):
            yield self._slot_at(level, table, va, index, word)

    def present(self, level: Level, table: int, va: int = 0) -> Iterator[Slot]:
        """Yield the nonempty slots of a table, in order.  One read of memory."""
        words = self.words(level, table)
        for index in compress(count(), words):
            slot = self._slot_at(level, table, va, index, words[index])
            if slot.kind != "invalid":
                yield slot

    def is_empty(self, level: Level, table: int) -> bool:
        """Return whether a table is empty, in one read of memory."""
        if self.edits.places:
            return not any(self.words(level, table))
        size = self.fmt.table_bytes(level)
        return self.ram.read(table, size) == bytes(size)

    def words(self, level: Level, table: int, first: int = 0, last: int | None = None) -> tuple[int, ...]:
        """Return the contents of a table's slots from number `first` to `last`.  One read of memory."""
        width = self.fmt.entry_width
        count = (level.entries if last is None else last + 1) - first
        start = table + first * width
        try:
            words = unpack(f"<{count}{_LETTERS[width]}", self.ram.read(start, count * width))
        except BusError as error:
            raise _outside(error) from error
        edits = self.edits.places
        if not edits:
            return words
        kept = {(pa - start) // width: edit.kept for pa, edit in edits.items() if start <= pa < start + count * width}
        return tuple(kept.get(at, word) for at, word in enumerate(words)) if kept else words

    @property
    def _reader(self) -> Callable[[int, int], int]:
        """The function that reads a word: from memory or, if there are edits, the kernel's."""
        return self._read_kept if self.edits.places else self.ram.read_word

    def _read_kept(self, pa: int, width: int) -> int:
        edit = self.edits.places.get(pa)
        return self.ram.read_word(pa, width) if edit is None else edit.kept

    def _read_word(self, pa: int, width: int) -> int:
        try:
            return self._read_kept(pa, width) if self.edits.places else self.ram.read_word(pa, width)
        except BusError as error:
            raise _outside(error) from error

    def _slot_at(self, level: Level, table: int, va: int, index: int, word: int) -> Slot:
        address = self.fmt.canonical(va + (index << level.shift))
        return Slot(level, address, table + index * self.fmt.entry_width, word, level.read_as(word))

    def write(self, slot: Slot, word: int) -> None:
        """Write `word` into a slot, whatever it contains."""
        if self.edits.places:
            self.edits.end(slot.pa)
            self.moved += 1  # the kernel's word may differ from the word in memory
        self.replace(slot, self.ram.read_word(slot.pa, self.fmt.entry_width), word)

    def replace(self, slot: Slot, before: int, word: int) -> None:
        """Write `word` into a slot that contains `before` and was not edited."""
        if before == word:
            return
        self.ram.write_word(slot.pa, self.fmt.entry_width, word)
        if slot.level.number > 1 and before:
            self.moved += 1
        emit = self._recorder.emit
        if emit is not None:
            emit((PteWritten.tag, slot.pa, before, word, slot.level.number, slot.va))

    def write_range(self, level: Level, table: int, first: int, va: int, words: tuple[int, ...]) -> None:
        """Write words into neighbouring slots, from slot `first` on, which maps `va`.  One write of memory.

        A run of words that change in equal steps, as pages' words do, is one event.
        """
        width = self.fmt.entry_width
        start, layout = table + first * width, f"<{len(words)}{_LETTERS[width]}"
        self.edits.freed(start, len(words) * width)
        before = unpack(layout, self.ram.read(start, len(words) * width))
        if before == words:
            return
        self.ram.write(start, pack(layout, *words))
        emit = self._recorder.emit
        if emit is None:
            return
        for at, end in _runs(before, words):
            pa, place = start + at * width, va + (at << level.shift)
            if end - at == 1:
                emit((PteWritten.tag, pa, before[at], words[at], level.number, place))
                continue
            steps = before[at + 1] - before[at], words[at + 1] - words[at]
            made = before[at], steps[0], words[at], steps[1]
            emit((PteRunWritten.tag, pa, end - at, width, *made, level.number, place))

    def refer(self, slot: Slot, table: int, rights: Rights) -> None:
        """Make a slot refer to the table at physical address `table`."""
        self.write(slot, self.fmt.table_word(slot.level, table, rights))

    def clear(self, slot: Slot) -> None:
        """Make a slot absent, with all copies of its page."""
        for copy in self.copies(slot):
            self.write(copy, 0)

    def set_rights(self, slot: Slot, rights: Rights) -> None:
        """Give a slot's mapping other rights, in all its copies."""
        word = self.fmt.with_rights(slot.level, slot.word, rights)
        for copy in self.copies(slot):
            self.write(copy, word)

    def copies(self, slot: Slot, descriptor: Descriptor | None = None) -> list[Slot]:
        """Return the slots that a slot's descriptor fills (or `descriptor` would), in order: nearly always only one."""
        count = slot.level.copies_of(slot.descriptor if descriptor is None else descriptor)
        if count == 1:
            return [slot]
        here, width, span = slot.level.index(slot.va), self.fmt.entry_width, slot.level.span
        first = here % count
        places = [(slot.pa + at * width, slot.va // span * span + at * span) for at in range(-first, count - first)]
        return [self.slot_at(slot.level, va, pa) for pa, va in places]

    def first_copy(self, slot: Slot) -> Slot:
        """Return the first of the slots that a slot's descriptor fills."""
        return slot if slot.descriptor.shift is None else self.copies(slot)[0]

    def split(self, slot: Slot) -> None:
        """Map a page that fills several slots by one page for each slot; nothing else changes."""
        copies = self.copies(slot)
        parts = [slot.level.part_word(slot.descriptor, slot.word, index) for index in range(len(copies))]
        for copy, part in zip(copies, parts, strict=True):
            self.write(copy, part)

    def demote(self, slot: Slot, table: int, rights: Rights) -> None:
        """Map a slot's large page by smaller ones in the empty `table`, and refer to that table with `rights`.

        The parts keep the page's rights and attributes; the table is filled before the slot refers to it.  A page that
        fills several slots is split first (:meth:`split`), and only one slot's part is demoted.
        """
        if slot.descriptor.shift is not None:
            self.split(slot)
            slot = self.slot_at(slot.level, slot.va, slot.pa)
        below = self.fmt.level(slot.level.number - 1)
        inherited = self.fmt.inherited_bits(slot.level, slot.word)
        first = slot.va >> slot.level.shift << slot.level.shift
        for index, part in enumerate(list(self.slots(below, table, first))):
            self.write(part, self.fmt.demoted_word(slot.level, slot.word, index))
        self.write(slot, self.fmt.table_word(slot.level, table, rights) | inherited)

    def mark_accessed(self, found: Descent[C]) -> None:
        """Set the hardware's bits (accessed, dirty) in the descriptors of a successful walk."""
        for at, pa, bits in zip(found.path, found.places, found.sets, strict=False):
            if bits:
                slot = self.slot_at(at.level, found.va, pa)
                self.write(slot, slot.word | bits)
                if at.descriptor.kind == "leaf" and self._recorder.emit is not None:
                    self._recorder.emit((PageMarked.tag, found.va, *self._marks(at.descriptor, bits)))

    def _marks(self, leaf: Descriptor, bits: int) -> tuple[bool, bool]:
        """Return whether these bits include a leaf's reference bit, and whether they include its dirty bit."""
        known = _REFERENCE_BITS.get(id(leaf))
        if known is None or known[0] is not leaf:
            rules = self.fmt.rules
            controls = rules.with_hardware_flags(rules.with_access_flag(self.fmt.defaults))
            known = _REFERENCE_BITS[id(leaf)] = leaf, rules.accessed(leaf, False, controls)
        referenced = known[1]
        return bool(bits & referenced), bool(bits & ~referenced)


_REFERENCE_BITS: dict[int, tuple[Descriptor, int]] = {}
"""The reference bit of each kind of leaf, by the kind's `id`, since formats never change."""


def _runs(before: tuple[int, ...], words: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield start and end of the runs of changed words in which old and new words both change in equal steps.

    >>> list(_runs((0, 0, 0, 7, 0), (1, 3, 5, 7, 8)))
    [(0, 3), (4, 5)]
    """
    count = len(words)
    if count > 1 and _even(before) and _even(words) and all(map(ne, before, words)):  # nearly always
        yield 0, count
        return
    at = 0
    while at < count:
        end = at + 1
        while (
            end < count
            and before[at] != words[at]
            and before[end] != words[end]
            and before[end] - before[end - 1] == before[at + 1] - before[at]
            and words[end] - words[end - 1] == words[at + 1] - words[at]
        ):
            end += 1
        if before[at] != words[at]:
            yield at, end
        at = end


def _even(values: tuple[int, ...]) -> bool:
    """Return whether there are at least two numbers, all at equal distances."""
    first, step, count = values[0], values[1] - values[0], len(values)
    return values == tuple(range(first, first + step * count, step)) if step else values.count(first) == count


_LETTERS = {4: "I", 8: "Q"}
"""The struct module's letter for a word, by its size in bytes."""


def _outside(error: BusError) -> KernelPanic:
    """Return the panic for a kernel whose tables point outside memory, for example after an edit by hand."""
    return KernelPanic("table_outside_ram", f"the kernel follows its page tables to {Address(error.pa)}: {error}")
