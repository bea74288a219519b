"""What the kernel writes in a descriptor for the four flags that a program may give it: a table for each format.

ARMv7: Barrelfish's `paging_set_l2_entry` and its kin.  B is always 1 and C is 1 unless NOCACHE; AP is 3 with WRITE,
else 2 with READ, else 0.  EXECUTE changes nothing: XN is never set, so what can be read can be run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..base.events import Called, CapabilityDeleted, CapabilityMade, Returned
from ..base.recorder import Recorder
from ..base.units import PAGE, PAGE_SHIFT, Address, Size
from ..base.values.domains import CapRef
from ..memory.ram import Ram
from ..mmu.editor import HandEdits, Slot, TableEditor
from ..mmu.format import TableFormat
from ..mmu.levels import Descriptor, Level
from .capabilities import (
    KINDS,
    MAPPING,
    RIGHTS,
    Capability,
    Grant,
    KernelObject,
    Mapping,
    MappingDatabase,
    common_rights,
)
from .cspace import Cspace
from .errors import LibError
from .invocations import FrameIdentity, MemoryServer

READ, WRITE, EXECUTE, NOCACHE = 1, 2, 4, 8
"""The kernel's flags."""


HARDENINGS = {"execute-never": "what is mapped without EXECUTE can't be run (XN, XD): the original never sets it"}
"""What can be asked for that the original does not do."""


class Encoding(NamedTuple):
    """Fields by name, and what is put there: in a table's descriptor, in every leaf, and by flags in a leaf."""

    table: dict[str, int]
    leaf: dict[str, int]
    cache: dict[str, tuple[int, int]]
    """Cached, uncached."""
    access: dict[str, tuple[int, int, int]]
    """For no access, READ, WRITE."""
    never: str
    """The field that forbids to run what is mapped."""
    global_leaves: bool = False
    """Whether leaves are global: processors keep them when other tables are loaded, unless everything is dropped."""


ENCODINGS = {
    "armv7": Encoding({}, {"B": 1}, {"C": (1, 0)}, {"AP": (0, 2, 3)}, "XN", global_leaves=True),
    "x86-64": Encoding({"R/W": 1, "U/S": 1}, {}, {"PCD": (0, 1)}, {"R/W": (0, 0, 1), "U/S": (0, 1, 1)}, "XD"),
}
"""By format.  Without access an ARM entry stays valid with AP 0; x86-64's like it is one for the supervisor only."""


def table_word(fmt: TableFormat[Any], level: Level, base: int) -> int:
    """The descriptor of the table at physical `base`."""
    descriptor = level.of_kind("table")
    assert descriptor is not None, f"a {level.name} refers to tables"
    return descriptor.place(base) | _put(descriptor, ENCODINGS[fmt.name].table)


def leaf_word(fmt: TableFormat[Any], level: Level, base: int, flags: int, *, never: bool = False) -> int:
    """The descriptor that maps the page at physical `base`; `never` is the hardening "execute-never".

    >>> from vmwidgets.engine.mmu.formats.armv7 import ARMV7, FIRST, SECOND
    >>> hex(leaf_word(ARMV7, SECOND, 0, READ | WRITE)), hex(leaf_word(ARMV7, FIRST, 0, READ))
    ('0x3e', '0x80e')
    """
    descriptor = level.of_kind("leaf")
    assert descriptor is not None, f"a {level.name} maps pages"
    return descriptor.place(base) | _put(descriptor, _fields(fmt, flags, never))


def with_flags(fmt: TableFormat[Any], level: Level, word: int, flags: int, *, never: bool = False) -> int:
    """A leaf's descriptor with other flags, and everything else as it was."""
    descriptor = level.read_as(word)
    fields = _fields(fmt, flags, never)
    mask = sum(field.mask for field in descriptor.fields if field.name in fields)
    return word & ~mask | _put(descriptor, fields)


def _fields(fmt: TableFormat[Any], flags: int, never: bool) -> dict[str, int]:
    encoding = ENCODINGS[fmt.name]
    access = 2 if flags & WRITE else 1 if flags & READ else 0
    fields = dict(encoding.leaf)
    fields.update({name: values[bool(flags & NOCACHE)] for name, values in encoding.cache.items()})
    fields.update({name: values[access] for name, values in encoding.access.items()})
    if never:
        fields[encoding.never] = int(not flags & EXECUTE)
    return fields


def _put(descriptor: Descriptor, values: dict[str, int]) -> int:
    word = 0
    for name, value in values.items():
        field = descriptor.field(name)
        assert field is not None, f"{descriptor.name} has {name}"
        word |= value << field.low
    return word


# ---- map checks --------------------------------------------------------------------------------
#
# What the kernel checks before it writes an entry for a program: decided here, done in :mod:`.kernel_side`.
#
# The checks and their errors are those of Barrelfish's ARMv7 kernel (`caps_map_l1`, `caps_map_l2`) in August 2016.
# Where that panics, or checks the first entry only of several, here the request is refused.


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries to be written: `count` of `table` from `entry` on, for `source` from byte `offset` on."""

    table: KernelObject
    source: KernelObject
    entry: int
    count: int
    offset: int
    rights: str


def decide_map(
    table: Capability, source: Capability, level: Level, entry: int, flags: int, offset: int, count: int, *, loose: bool
) -> Entries:
    """The entries that a map request asks for, if their place and size, the kinds and the rights allow it.

    `loose`: of several pages only the first must lie inside the frame, as in the original.
    Whether the entries are free is for :func:`check_free`.
    """
    into, what = table.object, source.object
    if what.kind.name not in into.kind.holds:
        raise LibError("SYS_ERR_DEST_TYPE_INVALID", f"a {what.kind.name} can't be put into a {into.kind.name}")
    _check_place(into, entry, count)
    if what.kind.is_table:
        _check_table(what, offset, count)
    else:
        _check_frame(what, level.span, offset, 1 if loose else count)
    check_rights(source.rights, flags)
    if "w" not in table.rights:
        raise LibError("SYS_ERR_VM_MAP_RIGHTS", f"the capability in {table.ref} does not allow to write the table")
    return Entries(into, what, entry, count, offset, source.rights)


def _check_place(table: KernelObject, entry: int, count: int) -> None:
    kind = table.kind
    if not 0 <= entry < kind.entries:
        raise LibError("SYS_ERR_VNODE_SLOT_INVALID", f"entry {entry}: a {kind.name} has {kind.entries}")
    if count < 1 or entry + count > kind.entries:
        why = f"{count} entries from entry {entry} on: a {kind.name} has {kind.entries}"
        raise LibError("SYS_ERR_VM_MAP_SIZE", why)
    if entry + count > kind.user_entries:
        why = f"entry {max(entry, kind.user_entries)}: those from {kind.user_entries} on are the kernel's"
        raise LibError("SYS_ERR_VNODE_SLOT_RESERVED", why)


def _check_table(what: KernelObject, offset: int, count: int) -> None:
    size = what.kind.bytes or what.bytes
    if offset % size or not 0 <= offset < what.bytes:
        why = f"offset {offset:#x}: a table of {Size(size)} is put in as a whole"
        raise LibError("SYS_ERR_FRAME_OFFSET_INVALID", why)
    if count != 1:
        raise LibError("SYS_ERR_VM_MAP_SIZE", f"{count} entries for one table")


def _check_frame(what: KernelObject, span: int, offset: int, count: int) -> None:
    if offset < 0 or (what.base + offset) % span or offset % span:
        why = f"byte {offset:#x} of the frame at {Address(what.base)} is not on a border of {Size(span)}"
        raise LibError("SYS_ERR_VM_MAP_OFFSET", why)
    if offset + count * span > what.bytes:
        why = f"{Size(count * span)} from byte {offset:#x} on: the frame has {Size(what.bytes)}"
        raise LibError("SYS_ERR_VM_FRAME_TOO_SMALL", why)


def check_rights(rights: str, flags: int) -> None:
    """Raise SYS_ERR_VM_MAP_RIGHTS where `flags` ask for more than `rights` allow."""
    for bit, letter, what in ((READ, "r", "READ"), (WRITE, "w", "WRITE"), (EXECUTE, "r", "EXECUTE")):
        if flags & bit and letter not in rights:
            why = f"{what} was asked for, and the capability has {rights!r}"
            raise LibError("SYS_ERR_VM_MAP_RIGHTS", why)


def check_range(mapping: Mapping, offset: int, count: int) -> None:
    """Raise unless [offset, offset + count) are entries of an installed mapping."""
    if not mapping.installed:
        raise LibError("SYS_ERR_VNODE_NOT_INSTALLED")
    if offset < 0 or count < 1 or offset + count > mapping.count:
        why = f"{count} entries from entry {offset} on: the mapping has {mapping.count}"
        raise LibError("SYS_ERR_VM_MAP_SIZE", why)


# ---- kernel side -------------------------------------------------------------------------------
#
# The kernel's side of self-paging: it makes, copies and deletes capabilities, and alone writes page tables.
#
# The program names slots, and the kernel looks up what is in them: no call takes an address that it would believe.
# Each call either does what it says, or raises :class:`.errors.LibError` and has done nothing. Functions bracket
# themselves with the names that they have in Barrelfish's kernel.


class KernelSide:
    """What the kernel does for the program `domain`; `flush` drops the translations that processors keep of it.

    `edits` is what was written into tables past the kernel, which is told what it writes there.
    Of the quirks it knows "frame-overrun", of the hardenings (:data:`.descriptors.HARDENINGS`) all.
    """

    def __init__(
        self,
        domain: str,
        cspace: Cspace,
        ram: Ram,
        fmt: TableFormat[Any],
        memory: MemoryServer,
        recorder: Recorder,
        *,
        quirks: frozenset[str] = frozenset(),
        hardening: frozenset[str] = frozenset(),
        flush: Callable[[], None] = lambda: None,
        edits: HandEdits | None = None,
    ) -> None:
        self.domain = domain
        self.cspace = cspace
        self.ram = ram
        self.fmt = fmt
        self.memory = memory
        self.recorder = recorder
        self.database = MappingDatabase()
        self._editor: TableEditor[Any] = TableEditor(ram, fmt, recorder, edits)
        self._loose = "frame-overrun" in quirks
        self._never = "execute-never" in hardening
        self._flush = flush
        self._stale = False

    # ---- capabilities ------------------------------------------------------------------------

    def install(self, ref: CapRef, kind: str, base: int, size: int, grant: Grant | None = None) -> None:
        """Make a capability on memory that nobody's capability stands for: what boot and the memory server give."""
        self.cspace.check_room(ref)
        made = KernelObject(self.database.next_number(), KINDS[kind], base, size, None, grant)
        self._make(ref, made, RIGHTS, None, "create", zeroed=grant is not None or made.kind.is_table)

    def retype(self, ref: CapRef, source: CapRef, kind: str, offset: int = 0, size: int | None = None) -> None:
        """Make a capability of `kind` on [offset, offset + size) of what `source` is about; `size` none: the rest.

        A table has its own size.  SYS_ERR_INVALID_RETYPE, SYS_ERR_REVOKE_FIRST where that part was retyped before.
        O(capabilities that were retyped from the source).
        """
        with self._bracket("caps_retype", ref, source, kind, offset, size):
            held = self.cspace.lookup(source, invoke=True)
            self.cspace.check_room(ref)
            wanted = self._part_to_retype(held.object, kind, offset, size)
            of = held.object
            made = KernelObject(self.database.next_number(), KINDS[kind], of.base + offset, wanted, of, of.grant)
            self._make(ref, made, held.rights, source, "retype", zeroed=of.kind.name == "RAM")

    def copy(self, ref: CapRef, source: CapRef) -> None:
        """Copy a capability, which must carry the right to grant; its cspace may be another's."""
        self._copy(ref, source, RIGHTS, "copy")

    def mint(self, ref: CapRef, source: CapRef, rights: str) -> None:
        """Copy a capability with no more than `rights`: letters of "rwg"."""
        self._copy(ref, source, rights, "mint")

    def delete(self, ref: CapRef) -> None:
        """Empty a slot.  With the last capability of a table or a frame its mappings go, and its memory goes back."""
        with self._bracket("caps_delete", ref), self._flushing():
            self._delete(self.cspace.lookup(ref), "delete")

    def revoke(self, ref: CapRef) -> None:
        """Delete all other copies of a capability, all that was made from it, and every mapping of it.

        O(what is deleted).
        """
        with self._bracket("caps_revoke", ref), self._flushing():
            held = self.cspace.lookup(ref, invoke=True)
            for one in list(self.database.descendants(held.object)):
                for capability in list(one.capabilities.values()):
                    self._delete(capability, "revoke")
            self._delete_mappings(held.object, "revoke")
            for capability in list(held.object.capabilities.values()):
                if capability is not held:
                    self._delete(capability, "revoke")

    def frame_identify(self, ref: CapRef) -> FrameIdentity:
        """Where a frame is, and how big."""
        held = self.cspace.lookup(ref, invoke=True).object
        if not held.kind.is_frame:
            raise LibError("SYS_ERR_ILLEGAL_INVOCATION", f"{ref} holds a {held.kind.name}, and is no frame")
        return FrameIdentity(held.base, held.bytes)

    # ---- mappings ----------------------------------------------------------------------------

    def vnode_map(
        self, table: CapRef, source: CapRef, entry: int, flags: int, offset: int, count: int, mapping: CapRef
    ) -> None:
        """Put `source`, from byte `offset` on, into `count` entries of `table`; the Mapping goes to `mapping`."""
        with self._bracket("caps_copy_to_vnode", table, entry, source, flags, offset, count, mapping):
            into = self.cspace.lookup(table, invoke=True)
            what = self.cspace.lookup(source, invoke=True)
            self.cspace.check_room(mapping)
            level = self._level_of(into.object, table)
            entries = decide_map(into, what, level, entry, flags, offset, count, loose=self._loose)
            slots = list(self._slots(level, entries.table, entry, count))
            self._check_free(entries, slots)
            self._editor.write_all((slot, self._word(level, entries, at, flags)) for at, slot in enumerate(slots))
            self._remember(entries, level, mapping, source)

    def vnode_unmap(self, table: CapRef, mapping: CapRef) -> tuple[int, int]:
        """Clear the entries of `mapping`, which are in `table`: the first and how many.  The Mapping stays."""
        with self._bracket("page_mappings_unmap", table, mapping), self._flushing():
            into = self.cspace.lookup(table, invoke=True).object
            held = self._mapping(mapping)
            if held.table is not into:
                raise LibError("SYS_ERR_WRONG_MAPPING", f"{mapping} is not a mapping in the table {table}")
            check_range(held, 0, held.count)
            self._clear(held)
            return held.entry, held.count

    def mapping_modify_flags(self, mapping: CapRef, offset: int, count: int, flags: int) -> None:
        """Give `count` entries, from the mapping's entry `offset` on, other flags; what they map stays."""
        with self._bracket("page_mappings_modify_flags", mapping, offset, count, flags), self._flushing():
            held = self._mapping(mapping)
            check_range(held, offset, count)
            if held.source.kind.is_table:
                raise LibError("SYS_ERR_ILLEGAL_INVOCATION", f"{mapping} maps a table, which has no flags")
            check_rights(held.rights, flags)
            level = self.fmt.level(held.table.kind.level)
            self._editor.write_all(
                (slot, with_flags(self.fmt, level, slot.word, flags, never=self._never))
                for slot in self._slots(level, held.table, held.entry + offset, count)
            )
            self._stale = True

    # ---- beneath -----------------------------------------------------------------------------

    def _part_to_retype(self, of: KernelObject, kind: str, offset: int, size: int | None) -> int:
        """The bytes of what is to be made; an error unless that part of `of` can become one."""
        if kind not in of.kind.retypes_to:
            raise LibError("SYS_ERR_INVALID_RETYPE", f"a {of.kind.name} can't become a {kind}")
        fixed = KINDS[kind].bytes
        wanted = fixed or (of.bytes - offset if size is None else size)
        border = fixed or PAGE
        if (fixed and size not in (None, fixed)) or wanted <= 0 or wanted % border:
            raise LibError("SYS_ERR_INVALID_RETYPE", f"{size} bytes: a {kind} has a multiple of {Size(border)}")
        if offset < 0 or (of.base + offset) % border or offset + wanted > of.bytes:
            why = f"{Size(wanted)} from byte {offset:#x} on: there are {Size(of.bytes)}, in steps of {Size(border)}"
            raise LibError("SYS_ERR_FRAME_OFFSET_INVALID", why)
        before = self.database.retyped_part(of, of.base + offset, wanted)
        if before is not None:
            raise LibError("SYS_ERR_REVOKE_FIRST", f"the {before} was made of it")
        return wanted

    def _copy(self, ref: CapRef, source: CapRef, rights: str, how: str) -> None:
        with self._bracket("caps_copy_to_cte", ref, source, rights):
            held = self.cspace.lookup(source)
            self.cspace.check_room(ref)
            if held.object.kind.name in ("Mapping", "CNode"):
                raise LibError("SYS_ERR_ILLEGAL_INVOCATION", f"a {held.object.kind.name} can't be copied")
            if "g" not in held.rights:
                raise LibError("SYS_ERR_VM_MAP_RIGHTS", f"{source} does not carry the right to grant")
            self._add(ref, held.object, common_rights(rights, held.rights), source, how)

    def _make(
        self, ref: CapRef, made: KernelObject, rights: str, source: CapRef | None, how: str, *, zeroed: bool = False
    ) -> None:
        """A new object, and its first capability."""
        if zeroed:
            self._zero(made)
        self.database.add_object(made)
        self._add(ref, made, rights, source, how)

    def _zero(self, made: KernelObject) -> None:
        self._editor.edits.freed(made.base, made.bytes)
        if made.bytes < PAGE:
            self.ram.fill(made.base, made.bytes)
            return
        for frame in range(made.base >> PAGE_SHIFT, made.end >> PAGE_SHIFT):
            self.ram.zero_frame(frame)

    def _add(self, ref: CapRef, about: KernelObject, rights: str, source: CapRef | None, how: str) -> None:
        capability = Capability(ref, self.database.next_number(), about, rights, source)
        about.capabilities[ref] = capability
        self.cspace.put(capability)
        self._tell(CapabilityMade.tag, capability, how)

    def _tell(self, tag: str, capability: Capability, how: str) -> None:
        emit = self.recorder.emit
        if emit is not None:
            one = capability.object
            place = one.kind.name, one.base, one.bytes
            made_from = capability.rights, capability.source, how, one.number
            emit((tag, self.domain, capability.ref, capability.id, *place, *made_from))

    def _delete(self, capability: Capability, how: str) -> None:
        gone = capability.object
        if len(gone.capabilities) == 1:
            self._finish(gone, how)
        self.cspace.remove(capability.ref)
        del gone.capabilities[capability.ref]
        self._tell(CapabilityDeleted.tag, capability, how)
        if not gone.capabilities:
            grant = self.database.remove_object(gone)
            if gone.kind.is_table:
                self._editor.edits.freed(gone.base, gone.bytes)
            if grant is not None:
                self.memory.take_back(grant.base, grant.bytes)

    def _finish(self, gone: KernelObject, how: str) -> None:
        """What must not outlive an object: its mappings, and those in it if it is a table."""
        if isinstance(gone, Mapping):
            if gone.installed:
                self._clear(gone)
            return
        for mapping in list(gone.inside.values()):
            self._delete(next(iter(mapping.capabilities.values())), how)
        self._delete_mappings(gone, how)

    def _delete_mappings(self, of: KernelObject, how: str) -> None:
        for mapping in list(of.mappings.values()):
            self._delete(next(iter(mapping.capabilities.values())), how)

    def _mapping(self, ref: CapRef) -> Mapping:
        held = self.cspace.lookup(ref, invoke=True).object
        if not isinstance(held, Mapping):
            raise LibError("SYS_ERR_CAP_NOT_FOUND", f"{ref} holds a {held.kind.name}, and is no Mapping")
        return held

    def _level_of(self, table: KernelObject, ref: CapRef) -> Level:
        if not table.kind.is_table:
            raise LibError("SYS_ERR_DEST_TYPE_INVALID", f"{ref} holds a {table.kind.name}, and is no table")
        return self.fmt.level(table.kind.level)

    def _slots(self, level: Level, table: KernelObject, entry: int, count: int) -> Iterator[Slot]:
        width = self.fmt.entry_width
        for index in range(entry, entry + count):
            yield self._editor.slot_at(level, table.va + (index << level.shift), table.base + index * width)

    def _check_free(self, entries: Entries, slots: list[Slot]) -> None:
        used = next((at for at, slot in enumerate(slots) if slot.word), None)
        if used is not None:
            raise LibError("SYS_ERR_VNODE_SLOT_INUSE", f"entry {entries.entry + used} of the table holds something")

    def _word(self, level: Level, entries: Entries, at: int, flags: int) -> int:
        base = entries.source.base + entries.offset
        if entries.source.kind.is_table:
            return table_word(self.fmt, level, base)
        return leaf_word(self.fmt, level, base + at * level.span, flags, never=self._never)

    def _remember(self, entries: Entries, level: Level, ref: CapRef, source: CapRef) -> None:
        table, what, entry, count = entries.table, entries.source, entries.entry, entries.count
        width = self.fmt.entry_width
        if what.kind.is_table:
            what.va = table.va + (entry << level.shift)
        made = Mapping(
            self.database.next_number(),
            MAPPING,
            table.base + entry * width,
            count * width,
            table=table,
            entry=entry,
            count=count,
            source=what,
            offset=entries.offset,
            rights=entries.rights,
        )
        self._make(ref, made, RIGHTS, source, "map")

    def _clear(self, mapping: Mapping) -> None:
        level = self.fmt.level(mapping.table.kind.level)
        self._editor.write_all((slot, 0) for slot in self._slots(level, mapping.table, mapping.entry, mapping.count))
        self.database.uninstall(mapping)
        self._stale = True

    @contextmanager
    def _flushing(self) -> Iterator[None]:
        """What a call changes in the tables, processors must not keep."""
        yield
        if self._stale:
            self._stale = False
            self._flush()

    @contextmanager
    def _bracket(self, function: str, *arguments: object) -> Iterator[None]:
        emit = self.recorder.emit
        if emit is not None:
            emit((Called.tag, function, arguments))
        try:
            yield
        finally:
            if emit is not None:
                emit((Returned.tag,))
