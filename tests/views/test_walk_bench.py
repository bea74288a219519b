"""The walk on a bench: every format's address is cut whole, nothing sticks out, faults say code and register."""

from __future__ import annotations

from itertools import pairwise
from math import log2
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmwidgets as vm
from tests.views.pictures import crossing_text, cut_text, misplaced_text, outside, overlaps
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables import PageTables
from vmwidgets.engine.mmu.tables_schema import Walk
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.views.scene.boxes import Drawn
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.views.scene.text import ELLIPSIS
from vmwidgets.views.scene.wire import encode_scene
from vmwidgets.views.tables.bits import DescriptorPicture, draw_descriptor, names_of_bits
from vmwidgets.views.tables.slices import slices_of, turned, with_sign
from vmwidgets.views.tables.walk import Bench, draw_walk

EVERY = sorted(FORMATS)
DATA = Path(__file__).parents[1] / "data" / "mmu"


def drawn(tables: PageTables[Any], found: Walk) -> Scene:
    split = tables.fmt.address_split(tables.controls)
    return draw_walk(found, split, bench=Bench(8 * tables.fmt.entry_width, is_open=True))


def linux(name: str) -> list[tuple[PageTables[Any], Walk]]:
    tables = vm.load_tables(DATA / f"linux-{name}.jsonl.gz")
    return [(tables, tables.walk(query.va, query.access, user=query.user)) for query in tables.queries[:120]]


@pytest.mark.parametrize("name", EVERY)
@given(va=st.integers(0, 2**64 - 1))
def test_the_slices_are_the_whole_address_in_order(name: str, va: int) -> None:
    fmt = FORMATS[name]
    va &= (1 << fmt.word_bits) - 1
    split = fmt.address_split()
    slices = slices_of(walk(Ram(1 << 20), fmt, 0x4000, va), split)
    above, number = fmt.word_bits, 0
    for one in slices:
        assert one.high == above - 1
        above = one.low
        number |= (va >> one.low & (1 << one.width) - 1) << one.low
    assert (above, number) == (0, va)


@pytest.mark.parametrize("name", EVERY)
def test_below_pages_of_every_size_the_slices_are_the_whole_address_too(name: str) -> None:
    fmt = FORMATS[name]
    sizes = [size for size in fmt.page_sizes if size <= 1 << 30]
    tables = vm.compare_formats([(size if size > 4096 else 0, size) for size in sizes], [name]).tables[name]
    for size in sizes:
        va = (size if size > 4096 else 0) + (0x1234_5678 & size - 1)
        found = tables.walk(va)
        assert found.page_size == size
        slices = slices_of(found, fmt.address_split(tables.controls))
        assert slices[0].high == fmt.word_bits - 1
        shared = int(log2(size) - found.steps[-1].index_bits[1])  # of a descriptor that stands in several slots
        cuts = [below.high + 1 - above.low for above, below in pairwise(slices)]
        assert cuts == [0] * (len(cuts) - 1) + [shared]
        assert slices[-1].low == 0
        assert [one.key for one in slices if one.key.isdecimal()] == [str(step.level) for step in found.steps]
        offset = next(node for node in drawn(tables, found).nodes if node.id == "walk/slice/offset")
        assert int(offset.text[0].text, 16) == found.offset


@pytest.mark.parametrize(("size", "high", "low"), [(64 << 10, 19, 12), (16 << 20, 31, 20)])
def test_bits_that_choose_one_of_sixteen_slots_are_shown_as_bits_of_the_offset_too(
    size: int, high: int, low: int
) -> None:
    """ARM DDI 0406C, B3.5.2: of a large page VA[15:12], of a supersection VA[23:20] is in the index and the offset."""
    tables = vm.compare_formats([(size, size)], ["armv7"]).tables["armv7"]
    va = size + 0x3456
    found = tables.walk(va)
    split = tables.fmt.address_split(tables.controls)
    index, offset = slices_of(found, split)[-2:]
    assert (index.high, index.low) == (high, low)
    assert (offset.high, offset.low) == (low + 3, 0)
    within = turned(va, offset, size, split)
    assert within == 2 * size - 1, "the offset is turned up to the page's last byte"
    assert turned(va, index, 1, split) == va + (1 << low), "the index is turned slot by slot"
    scene = drawn(tables, found)
    placed = {node.id: node for node in scene.nodes}
    bits = [node for node in scene.nodes if node.kind == "address-bit"]
    assert sorted(node.id for node in bits) == sorted(f"walk/va/{bit}" for bit in range(32))
    for bit in range(32):
        one = placed[f"walk/va/{bit}"]
        inside = {
            key
            for key, box in ((node.id.rpartition("/")[2], node) for node in scene.nodes if node.kind == "slice")
            if box.x - 0.1 <= one.x and one.x + one.w <= box.x + box.w + 0.1
        }
        assert inside == {next(each.key for each in slices_of(found, split) if each.low <= bit)}, bit
        assert ("part of the offset" in one.title) == (low <= bit < low + 4), bit
    too = "".join(run.text for run in placed["walk/slice/offset"].text if run.style == "mono label dim")
    assert too == f"{va >> low & 15:04b}", "the offset's slice has the bits too"
    assert misplaced_text(scene) == []
    assert all(placed["walk/slice/offset"].y + placed["walk/slice/offset"].h < node.y
               for node in scene.nodes if node.kind == "table")  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
@given(va=st.integers(0, 2**64 - 1), by=st.integers(-600, 600))
def test_turning_a_slice_changes_its_number_and_keeps_the_address_canonical(name: str, va: int, by: int) -> None:
    fmt = FORMATS[name]
    split = fmt.address_split()
    va = fmt.canonical(va)
    for one in slices_of(walk(Ram(1 << 20), fmt, 0x4000, va), split):
        if one.key == "top":
            continue
        after = turned(va, one, by, split)
        most = (1 << one.width) - 1
        assert after >> one.low & most == min(most, max(0, (va >> one.low & most) + by))
        if split.signed:
            assert fmt.canonical(after) == after
        mask = most << one.low | (~((1 << fmt.va_bits) - 1) if split.signed else 0)
        assert after & ~mask == va & ~mask


def test_the_bits_above_are_all_ones_or_all_zeros_and_flipped_one_by_one() -> None:
    split = FORMATS["x86-64"].address_split()
    top = slices_of(walk(Ram(1 << 20), FORMATS["x86-64"], 0x4000, 0), split)[0]
    assert turned(0x1000, top, 1, split) == 0xFFFF_0000_0000_1000
    assert turned(0xFFFF_8000_0000_0000, top, -3, split) == 0x8000_0000_0000
    assert with_sign(1 << 63, "top", split) == 1 << 63
    assert with_sign(0x8000_0000_0000, "", split) == 0xFFFF_8000_0000_0000


@pytest.mark.parametrize("name", EVERY)
def test_a_machine_of_every_format_is_drawn_in_bounds(name: str) -> None:
    machine = vm.boot(name)
    view = vm.Walk(machine.walk(machine.kernel_map.start))
    for address in (int(machine.kernel_map.start), 0, 0x1234_5678, 2 ** FORMATS[name].word_bits - 1):
        view.address = address
        for access in ("read", "write", "execute"):
            view.access = access
            scene = view.scene()
            assert misplaced_text(scene) == [], (name, hex(address))
            assert outside(scene) == []
            for lane in ("slices", "address", "bits", "switches"):
                assert overlaps([node for node in scene.nodes if node.lane == lane]) == [], lane
            assert len({node.id for node in scene.nodes}) == len(scene.nodes)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_in_a_walk_is_cut_or_written_over(name: str) -> None:
    machine = vm.boot(name)
    task = machine.task("init")
    address = task.map.enter("4 KiB", object=machine.object("heap"))
    task.write(address, b"x")
    tables = vm.compare_formats([(0x40_0000, "4 KiB"), (0x80_0000, "4 MiB")], [name]).tables[name]
    views = [vm.Walk(machine.walk(machine.kernel_map.start)), vm.Walk(task.walk(address)), vm.Walk(task.walk(1 << 29))]
    views += [vm.Walk(tables.walk(va)) for va in (0x40_0000, 0x81_2345)]
    for view in views:
        for access in ("read", "write", "execute"):
            view.access = access
            scene = view.scene()
            assert cut_text(scene) == []
            assert crossing_text(scene) == []
            assert misplaced_text(scene) == []
            assert "00" not in scene.subtitle.replace(" ", ""), "the address stands in the title"


def test_high_addresses_in_a_walk_of_five_levels_are_not_cut() -> None:
    fmt, ram = FORMATS["x86-64-la57"], Ram(1 << 40)
    table = 0xF_F000_0000
    for level in range(5):
        ram.write_word(table - (level << 12) + 8 * 511, 8, table - (level + 1 << 12) | 0x67 | 1 << 63)
        ram.write_word(table - (level << 12) + 8 * 510, 8, table - (level + 1 << 12) | 0x67 | 1 << 63)
    scene = drawn(PageTables("high", ram, fmt, table), walk(ram, fmt, table, 2**64 - 1, "read", user=True))
    assert cut_text(scene) == []
    assert crossing_text(scene) == []
    assert misplaced_text(scene) == []
    read = next(node for node in scene.nodes if node.id == "walk/step/3")
    assert f"{(table - (3 << 12)) >> 12:#x}" in {run.text for run in read.text}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("va", [0, 2**64 - 1])
def test_every_slice_says_what_it_is_and_which_bits_with_any_number_in_it(name: str, va: int) -> None:
    fmt = FORMATS[name]
    va &= (1 << fmt.word_bits) - 1
    tables = PageTables("empty", Ram(1 << 20), fmt, 0x4000)
    found = walk(tables.memory, fmt, 0x4000, va)
    split = fmt.address_split(tables.controls)
    scene = drawn(tables, found)
    boxes = {node.id: node for node in scene.nodes if node.kind == "slice"}
    for one in slices_of(found, split):
        box = boxes[f"walk/slice/{one.key}"]
        number = va >> one.low & (1 << one.width) - 1
        top = f"bit {one.low - 1}" if split.signed else "TTBR"
        assert {"top": top, "offset": f"{number:#x}"}.get(one.key, f"{number}") in box.text[0].text
        assert one.key in ("top", "offset") or one.name in box.title
        assert box.text[1].text == f"{one.high}–{one.low}"
        inside = [
            int(node.id.rpartition("/")[2]) for node in scene.nodes if node.kind == "address-bit"
            and box.x - 0.1 <= node.x and node.x + node.w <= box.x + box.w + 0.1 and box.y < node.y < box.y + box.h
        ]  # fmt: skip
        assert inside == list(range(one.high, one.low - 1, -1))
    assert misplaced_text(scene) == []
    assert crossing_text(scene) == []
    assert outside(scene) == []
    assert overlaps(list(boxes.values())) == []
    still = {node.id: (node.x, node.w) for node in drawn(tables, walk(tables.memory, fmt, 0x4000, 0)).nodes}
    assert all(still[key] == (box.x, box.w) for key, box in boxes.items()), "a slice that is turned stays in its place"


def test_a_code_of_0_has_no_bits_to_be_told() -> None:
    machine = vm.boot("x86-64")
    view = vm.Walk(machine.walk(machine.kernel_map.start))
    view.address = 1 << 50
    verdict = next(node for node in view.scene().nodes if node.kind == "verdict")
    assert "code 0" in [said for run in verdict.text for said in run.text.split(" · ")]


@pytest.mark.parametrize("name", EVERY)
def test_names_of_a_descriptors_bits_are_not_cut(name: str) -> None:
    fmt = FORMATS[name]
    for level in fmt.levels:
        for one in level.descriptors:
            picture = DescriptorPicture(0, 0, 8 * fmt.entry_width, one.fields, one.name, one.section)
            drawn = Drawn()
            draw_descriptor(picture, "walk")(drawn, 0, 0, 872)
            labels = [node for node in drawn.nodes if "/name/" in node.id]
            assert [node.title for node in labels if ELLIPSIS in node.text[0].text] == []


@pytest.mark.parametrize("name", ["x86_64", "armv7"])
def test_walks_of_linux_tables_are_drawn_in_bounds(name: str) -> None:
    for tables, found in linux(name):
        scene = drawn(tables, found)
        assert misplaced_text(scene) == [], found
        assert outside(scene) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x86-64", ["#PF", "not-present at the PML4E", "code 6: not present, write, user"]),
        (
            "armv7",
            [
                "Data Abort",
                "not-present at the first level",
                "code 5: translation fault of a section",
                "DFSR 0x805 FS[3:0]=0x5 WnR",
                "a write",
            ],
        ),
        (
            "aarch64",
            [
                "Data Abort",
                "not-present at level 0",
                "code 4: translation fault, level 0",
                "ESR_EL1 0x92000044",
                "DFSC=0x4 WnR IL EC=0x24",
                "a write by user code",
            ],
        ),
        ("riscv-sv39", ["Store/AMO page fault", "not-present at level 2", "code 15"]),
    ],
)
def test_a_fault_tells_its_familys_code_and_register(name: str, words: list[str]) -> None:
    tables = PageTables("empty", Ram(1 << 20), FORMATS[name], 0x4000)
    scene = drawn(tables, tables.walk(0x1234_5000, "write", user=True))
    verdict = next(node for node in scene.nodes if node.kind == "verdict")
    lines = [run.text for run in verdict.text]
    said = " ".join(lines)
    assert [word for word in words if word not in said] == []
    assert not any("entry" in line for line in lines), "there is no map to have an entry"


def test_a_large_page_has_one_long_offset_and_no_index_below() -> None:
    tables, found = next(pair for pair in linux("armv7") if pair[1].page_size == 1 << 20)
    scene = drawn(tables, found)
    assert [node.id for node in scene.nodes if node.kind == "slice"] == ["walk/slice/2", "walk/slice/offset"]
    assert sum(node.kind == "address-bit" for node in scene.nodes) == 32


def test_bits_stand_under_the_names_of_the_manual() -> None:
    for fmt in FORMATS.values():
        for level in fmt.levels:
            for descriptor in level.descriptors:
                names = names_of_bits(descriptor.fields, 8 * fmt.entry_width)
                for field in descriptor.fields:
                    inside = [one.name for one in names[field.low : field.high + 1] if one is not None]
                    narrower = any(
                        other is not field and other.low >= field.low and other.high <= field.high
                        for other in descriptor.fields
                    )
                    assert narrower or set(inside) == {field.name}, (fmt.name, descriptor.name)


def test_a_picture_without_a_machine_can_be_looked_at_and_not_edited() -> None:
    tables, found = linux("x86_64")[0]
    scene = drawn(tables, found)
    assert all(not node.action for node in scene.nodes if node.kind == "bit")
    assert all(node.action for node in scene.nodes if node.kind == "address-bit")


def test_the_picture_is_the_same_every_time() -> None:
    def once() -> tuple[str, object]:
        machine = vm.boot("x86-64")
        scene = vm.Walk(machine.walk(machine.kernel_map.start)).scene()
        encoded = encode_scene(scene)
        encoded["machine"] = ""
        return to_svg(scene).replace(machine.name, ""), encoded

    assert once() == once()
