"""An eighth format, invented here and registered in one place, is served by everything that serves the seven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

import vmwidgets as vm
from tests.engine.mmu.tables import map_page
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.protection import READ, WRITE
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import KIB, MIB, PAGE
from vmwidgets.engine.kernel.pmap.spaces import KernelPmap
from vmwidgets.engine.kernel.pmap.table_space import PmapLayout
from vmwidgets.engine.memory.pages import PageAllocator
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.editor import TableEditor
from vmwidgets.engine.mmu.format import KernelPlace, TableFormat
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.levels import AddressBits, Descriptor, Level, WalkEntry
from vmwidgets.engine.mmu.rules import Access, Controls, FaultReport, NumberLimits, Rules, Start, Stop
from vmwidgets.engine.mmu.tables import PageTables, Shown
from vmwidgets.engine.mmu.tables_schema import Field, Rights, Syndrome
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.sources.tables.architectures import architecture

# ---- the format: valid bits and rights on top of the word, frame numbers below, as no real one has it ----

VALID, PRIVATE, FIXED, DATA, LEAF, USED, EVERYWHERE = (1 << bit for bit in range(63, 56, -1))


@dataclass(frozen=True, slots=True)
class InventedControls(Controls):
    numbers: ClassVar[Mapping[str, NumberLimits]] = {
        "epoch": NumberLimits(0, 7),
        "upper": NumberLimits(0, 1 << 40, 4 * KIB),
    }

    marks: bool = True
    """The hardware sets USED itself."""
    flagged: bool = False
    """USED is a flag at all."""
    epoch: int = 0
    upper: int = 0
    """Root table of the upper half."""
    no_lower: bool = False
    no_upper: bool = False


class InventedRules(Rules[InventedControls]):
    def start(self, level: Level, root: int, va: int, controls: InventedControls) -> Start | Stop:
        upper = va >> 31
        if controls.no_upper if upper else controls.no_lower:
            return Stop("non-canonical", "this half has no tables")
        return Start(controls.upper if upper else root, level)

    def start_shift(self, controls: InventedControls) -> int:
        return 31

    def check_descriptor(
        self, level: Level, descriptor: Descriptor, word: int, controls: InventedControls
    ) -> Stop | None:
        return None if word & VALID else Stop("not-present", f"the {level.name} is not valid")

    def narrow(self, rights: Rights, descriptor: Descriptor, word: int, controls: InventedControls) -> Rights:
        own = self.rights_of(descriptor, word)
        return Rights(*(mine and above for mine, above in zip(own, rights, strict=True)))

    def check_access(
        self, path: Sequence[WalkEntry], rights: Rights, access: Access, user: bool, controls: InventedControls
    ) -> Stop | None:
        if controls.flagged and not controls.marks and not path[-1].word & USED:
            return Stop("access-flag", "USED is 0 in the entry")
        allowed = {"read": rights.read, "write": rights.write, "execute": rights.execute}[access]
        if (user and not rights.user) or not allowed:
            return Stop("protection", f"no {access} here")
        return None

    def report(
        self, stop: Stop, path: Sequence[WalkEntry], access: Access, user: bool, controls: InventedControls
    ) -> FaultReport:
        cause = Field("cause", 0, 3, "1 absent, 2 forbidden, 3 else")
        code = {"not-present": 1, "protection": 2}.get(stop.kind, 3)
        return FaultReport("#INV", code, (cause,), Syndrome("FAULT", code, (cause,)))

    def encode(self, descriptor: Descriptor, rights: Rights, shared: bool) -> int:
        word = (0 if rights.user else PRIVATE) | (0 if rights.write else FIXED) | (0 if rights.execute else DATA)
        return word | (EVERYWHERE if shared and descriptor.kind == "leaf" else 0)

    def rights_bits(self, descriptor: Descriptor) -> int:
        return PRIVATE | FIXED | DATA

    def rights_of(self, descriptor: Descriptor, word: int) -> Rights:
        return Rights(True, not word & FIXED, not word & DATA, not word & PRIVATE)

    def accessed(self, descriptor: Descriptor, write: bool, controls: InventedControls) -> int:
        return USED if controls.flagged and controls.marks and descriptor.kind == "leaf" else 0

    def is_global(self, path: Sequence[WalkEntry]) -> bool:
        return bool(path[-1].word & EVERYWHERE)

    def registers(
        self, user: int | None, kernel: int | None, controls: InventedControls
    ) -> tuple[int, InventedControls]:
        made = replace(controls, no_lower=user is None, no_upper=kernel is None, upper=kernel or 0)
        return user or 0, made

    def with_access_flag(self, controls: InventedControls) -> InventedControls:
        return replace(controls, flagged=True)

    def with_hardware_flags(self, controls: InventedControls) -> InventedControls:
        return replace(controls, marks=True)


FIELDS = tuple(
    Field(name, bit, bit, "")
    for name, bit in (("VALID", 63), ("PRIVATE", 62), ("FIXED", 61), ("DATA", 60), ("USED", 58), ("EVERYWHERE", 57))
)
PLACE = (AddressBits(0, 27, 12),)
ABSENT = Descriptor("entry of nothing", "invalid", VALID, 0, "page 1", (), FIELDS[:1])
TABLE = Descriptor("entry of a table", "table", VALID | LEAF, VALID, "page 1", PLACE, FIELDS)
LARGE = Descriptor(
    "entry of a 4 MiB page", "leaf", VALID | LEAF, VALID | LEAF, "page 2", (AddressBits(10, 27, 22),), FIELDS
)
SMALL = Descriptor("entry of a 4 KiB page", "leaf", VALID, VALID, "page 3", PLACE, FIELDS)

INVENTED: TableFormat[InventedControls] = TableFormat(
    name="invented",
    entry_width=8,
    levels=(
        Level(2, "root entry", "root table", 22, 9, (ABSENT, LARGE, TABLE)),
        Level(1, "page entry", "page table", 12, 10, (ABSENT, SMALL)),
    ),
    va_bits=31,
    sign_extended=False,
    word_bits=32,
    base_register="ROOT",
    rules=InventedRules(),
    defaults=InventedControls(),
    kernel_place=KernelPlace(0x8000_0000, 0x8000_0000),
    halves=True,
    asid_bits=2,
    faults_flush=True,
)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> TableFormat[Any]:
    """The one registration."""
    monkeypatch.setitem(FORMATS, INVENTED.name, INVENTED)
    return INVENTED


def test_it_is_edited_walked_and_drawn():
    ram = Ram(1 << 32)
    editor: TableEditor[Any] = TableEditor(ram, INVENTED, Recorder())
    root, table = 0x10_0000, 0x20_0000
    editor.refer(editor.find(root, 0x40_5000), table, Rights())
    map_page(editor, editor.find(root, 0x40_5000), 0x123_4000, Rights(write=False))
    map_page(editor, editor.find(root, 0x80_0000, 2), 0x1_0040_0000, Rights(user=False), size=4 * MIB)
    assert walk(ram, INVENTED, root, 0x40_5678, user=True).pa == 0x123_4678
    assert walk(ram, INVENTED, root, 0x9A_BCDE).pa == 0x1_0040_0000 + 0x1A_BCDE
    refused = walk(ram, INVENTED, root, 0x40_5678, "write", user=True).fault
    assert refused is not None
    assert (refused.kind, refused.exception, refused.code) == ("protection", "#INV", 2)
    assert INVENTED.page_sizes == (4 * KIB, 4 * MIB)

    tables: PageTables[Any] = PageTables(
        "by hand", ram, INVENTED, root, INVENTED.rules.registers(root, None, INVENTED.defaults)[1]
    )
    window = tables.window(Shown(opened=[(1, 0x40_0000)]))
    assert [(one.name, one.present) for one in window.tables] == [("root table", 2), ("page table", 1)]
    assert [row.rights for one in window.tables for row in one.rows if row.kind == "leaf"] == ["rwx", "r-x user"]
    picture = vm.Tables(tables).to_svg()
    assert "root table" in picture
    assert "root entry" in vm.Walk(tables.walk(0x40_5678)).to_svg()


def test_a_pmap_maps_with_it():
    ram, pages = Ram(1 << 32), PageAllocator(Recorder(), 1 << 10, 4096)
    start = INVENTED.kernel_place.kernel_start
    kernel = KernelPmap(ram, pages, PmapLayout(INVENTED, start, start + 16 * MIB, 0x8000_0000), Recorder())
    user = kernel.create("init")
    user.enter(0x40_0000, 0x300_0000, READ | WRITE)
    user.enter(0x80_0000, 0x400_0000, READ, 4 * MIB)
    user.protect(0x90_0000, 0x90_1000, READ | WRITE)
    user.remove(0xA0_0000, 0xA0_2000)
    kernel.kgrow(start + 8 * MIB)
    kernel.kenter(start + 8 * PAGE, 0x200_0000, READ | WRITE)
    kernel.check()
    settings = INVENTED.defaults
    assert user.walk(0x40_0123, "write", True, settings).pa == 0x300_0123
    assert user.walk(0x80_0123, "read", True, settings).pa == 0x400_0123
    assert user.walk(0xA0_1000, "read", True, settings).pa is None
    assert user.walk(start + 8 * PAGE + 5, "write", False, settings).pa == 0x200_0005


@pytest.mark.parametrize("marks", [True, False])
def test_a_machine_boots_with_it(registered, marks):
    m = vm.boot("invented", layout="tiny", cpus=2, asids=True)
    m.controls = replace(m.controls, marks=marks)  # without, the kernel sets USED at the fault
    assert m.kernel_map.start == 0x8000_0000
    tasks = [m.task(name) for name in ("one", "two", "three", "four")]
    for number, task in enumerate(tasks):
        start = task.map.enter("16 KiB", object=m.object(f"memory {number}"))
        cpu = m.cpus[number % 2]
        cpu.run(task)
        cpu.store(start, bytes((number + 1,)))
        assert cpu.load(start) == bytes((number + 1,))
        assert task.walk(start).steps[-1].fields[0].name == "VALID"
    assert sorted(m.system.processors.asid_of(task.space.pmap) for task in tasks) == [
        0,
        1,
        2,
        3,
    ]  # two bits: one has no number
    start = m.kmem_malloc("8 KiB")
    m.write(start, b"kernel")
    assert m.read(start, 6) == b"kernel"
    m.check()
    assert "root table" in vm.Tables(m).to_svg()
    assert m.cpus[1].value().tlb.slots
    assert "#INV" not in vm.Tlb(m).to_svg()  # it is drawn; nothing it keeps is stale
    assert not m.cpus[1].stale


def test_formats_are_compared_with_it(registered):
    both = vm.compare_formats([(0x40_0000, "4 MiB"), (0x8000_0000, "4 KiB")], ("invented", "x86"))
    assert [(cost.tables, cost.entries) for cost in both.value.formats] == [(3, 2), (2, 2)]
    assert both.tables["invented"].walk(0x8000_0010).pa is not None


def test_case_files_name_it(registered):
    found = architecture("invented")
    assert found.controls({"epoch": 5, "marks": False}) == InventedControls(epoch=5, marks=False)
    assert found.check_root(0x2000, found.controls({})) == 0x2000
    with pytest.raises(Refused, match="4 KiB"):
        found.check_root(0x1800, found.controls({}))
    with pytest.raises(Refused, match="option 'epoch' is 8: it is a whole number from 0x0 to 0x7"):
        found.controls({"epoch": 8})


def test_nothing_asks_for_it_once_it_is_gone():
    with pytest.raises(Refused, match="architecture"):
        vm.boot("invented")
