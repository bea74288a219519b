"""What the picture of a walk says of rights: both sides, where they may different things."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says, whole
from tests.views.pictures import covered_words, cut_text, misplaced_text
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.formats.armv7 import ARMV7
from vmwidgets.engine.mmu.tables_schema import Permission, Permissions
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.pictures.moments import When
from vmwidgets.pictures.slim import SLIM
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.tables.walk import draw_walk


@pytest.mark.parametrize(
    ("supervisor", "user", "sentence"),
    [
        ("rwx", "rwx", saying("walks: may/both", supervisor="read, write and execute")),
        ("rw-", "---", saying("walks: may/supervisor", supervisor="read and write")),
        ("rw-", "r-x", saying("walks: may/each", user="read and execute", supervisor="read and write")),
        ("---", "r--", saying("walks: may/each", user="read", supervisor="do nothing")),
        ("---", "---", saying("walks: may/both", supervisor="do nothing")),
    ],
)
def test_each_sides_rights_are_told(supervisor, user, sentence):
    ram = Ram(1 << 20)
    ram.write_word(0x4000, 4, 0x0030_0C02)
    found = walk(ram, ARMV7, 0x4000, 0x1234)
    sides = (Permission(*(letter != "-" for letter in side)) for side in (supervisor, user))
    scene = draw_walk(replace(found, permissions=Permissions(*sides)), ARMV7.address_split())
    assert scene.caption is not None
    assert scene.caption.reason == sentence


@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
def test_an_untouched_page_is_of_the_entry_that_covers_it(architecture: str) -> None:
    task = vm.boot(architecture, layout="small").task("init")
    start = task.mmap("16 KiB")
    entry = task.map.lookup(start)
    for address, is_covered in ((start, True), (entry.end - 1, True), (entry.end, False)):
        caption = vm.picture(task.walk(address)).scene().caption
        assert caption is not None
        assert says("walks: fault/covered", whole(caption)) == is_covered
        assert not is_covered or fields_of("walks: fault/covered", whole(caption))["entry"] == str(entry.id)


@pytest.mark.parametrize("architecture", ["x86-64", "armv7", "aarch64", "riscv-sv39"])
def test_below_each_other_each_table_leads_to_the_next(architecture: str) -> None:
    machine = vm.boot(architecture, layout="small")
    task = machine.task("init")
    start = task.mmap("16 KiB")
    task.write(start, b"x")
    picture = vm.Walk(task.walk(start))
    picture.width = 440
    scene = picture.scene()
    tables = sorted((node for node in scene.nodes if node.kind == "table"), key=lambda node: node.y)
    heads = [*tables, next(node for node in scene.nodes if node.id == "walk/page")]
    links = [link for link in scene.links if link.id.startswith("walk/step/")]
    assert len(links) == len(tables)
    for link, table, head in zip(links, tables, heads[1:], strict=True):
        assert table.y < link.points[0][1] < table.y + table.h
        assert link.points[-1][1] == head.y
        assert table.y + table.h < link.points[1][1] == link.points[2][1] < head.y, "between the two"


def flags_in(scene: Scene) -> dict[str, Node]:
    """What is said of each flag of an entry, by the manual's name."""
    return {one.id.removeprefix("walk/flag/"): one for one in scene.nodes if one.id.startswith("walk/flag/")}


@pytest.mark.parametrize("width", [420, 900, 1600])
@pytest.mark.parametrize("architecture", sorted(FORMATS))
def test_the_physical_address_is_the_sum_of_what_is_drawn(architecture: str, width: int) -> None:
    """Each table is in the frame that the entry before holds; the page's frame and the offset make the address.

    An entry is at its table's frame times the size of a frame, plus its index times the bytes of an entry.
    """
    fmt = FORMATS[architecture]
    sizes = [size for size in fmt.page_sizes if size <= 1 << 30]
    tables = vm.compare_formats([(size if size > 4096 else 0, size) for size in sizes], [architecture])
    for size in sizes:
        va = (size if size > 4096 else 0) + (0x1234_5678 & size - 1)
        found = tables.tables[architecture].walk(va)
        scene = vm.Walk(found, width=width).scene()
        nodes = {node.id: node for node in scene.nodes}
        held = [words_in(nodes["walk/register"])[-1].partition(": ")[2] or words_in(nodes["walk/register"])[-1]]
        heads = []
        for step in found.steps:
            said = words_in(nodes[f"walk/table/{step.level}"])
            heads.append(next(after for word, after in pairwise(said) if word in ("frame", "at")))
            index, number = words_in(nodes[f"walk/step/{step.level}"])
            assert int(index) == va >> step.index_bits[1] & (1 << step.index_bits[0] - step.index_bits[1] + 1) - 1
            held.append(number)
        said = words_in(nodes["walk/page"])
        heads.append(next(after for word, after in pairwise(said) if word in ("frame", "at")))
        assert heads == held, "each head has the number that leads to it"
        line = " ".join(words_in(nodes["walk/verdict"]))
        sums = re.search(r"(\w+) × (\w+) \+ (\w+) = (\w+)", line)
        assert sums is not None, line
        frame, unit, offset, physical = (int(word, 16) for word in sums.groups())
        assert frame * unit + offset == physical == found.pa
        assert int(held[-1], 16) == frame
        assert f"byte {sums[3]}" in said
        times = re.search(r"index × (\d+)", " ".join(words_in(nodes["walk/rule"])))
        assert times is not None
        for step in found.steps:
            said = words_in(nodes[f"walk/table/{step.level}"])
            word, number = next((word, after) for word, after in pairwise(said) if word in ("frame", "at"))
            start = int(number, 16) * (unit if word == "frame" else 1)
            assert start + int(words_in(nodes[f"walk/step/{step.level}"])[0]) * int(times[1]) == step.pa
        assert (covered_words(scene), cut_text(scene), misplaced_text(scene)) == ([], [], [])


ARCHITECTURES = ["x86", "x86-pae", "x86-64", "x86-64-la57", "armv7", "aarch64", "riscv-sv39"]


@pytest.mark.parametrize("width", [SLIM, 420, 900, 1600])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_refused_walk_says_what_was_asked_for_and_what_is_allowed(architecture: str, width: int) -> None:
    """If the other side may make this access and the own side none, the sides are said; otherwise what is allowed."""
    machine = vm.boot(architecture, layout="small")
    task = machine.task("init")
    starts = [task.mmap("8 KiB", protection) for protection in ("r", "rw", "rx")]
    for start in starts:
        task.read(start)
    sides, refused = {True: "user", False: "kernel"}, set()
    for va in (*starts, int(machine.kernel_map.start)):
        may = {
            user: {access for access in LETTERS.values() if machine.walk(va, access, user=user, task=task).ok}
            for user in sides
        }
        for user, access in [(side, one) for side in sides for one in {*LETTERS.values()} - may[side]]:
            picture = vm.Walk(machine.walk(va, access, user=user, task=task))
            scene = picture.drawing(replace(picture.at(), width=width, height=inf))
            said = " ".join(word for node in scene.nodes if node.id == "walk/refusal" for word in words_in(node))
            asked, instead = re.fullmatch(r"asked: (.*?)(?: ·)? (?:allowed: )?(\S*|[^:]*)", said).groups()
            if not may[user] and access in may[not user]:
                assert (asked, instead.removesuffix(" only")) == (sides[user], sides[not user])
            else:
                assert (accesses_in(asked), accesses_in(instead)) == ({access}, may[user])
            assert ("refused" if width == SLIM else "mapped, but refused") in " ".join(words_in(page_of(scene)))
            names = ("walk/table/", "walk/says") if width == SLIM else ()  # a telephone may cut a manual's long names
            shortened = [one for one in cut_text(scene) if not one.startswith(names)]
            assert (covered_words(scene), shortened, misplaced_text(scene)) == ([], [], [])
            refused.add((va in starts, user, access))
    assert refused >= {(True, True, "write"), (False, True, "read"), (False, True, "write")}
    absent = vm.Walk(task.walk(0x5000_0000)).scene()
    assert "refused" not in " ".join(words_in(page_of(absent)))
    assert any("nothing is here" in " ".join(words_in(node)) for node in absent.nodes if node.id == "walk/refusal")


LETTERS = {"r": "read", "w": "write", "x": "execute"}


def accesses_in(said: str) -> set[str]:
    """The accesses that are said in words or in letters."""
    if {*said} <= {*"rwx-"}:
        return {LETTERS[letter] for letter in said if letter != "-"}
    return {{"run code": "execute"}.get(one, one) for one in said.split(", ")} - {"nothing"}


def bits_in(scene: Scene) -> dict[int, int]:
    """The bits of the address from left to right, by number."""
    bits = sorted((node for node in scene.nodes if node.kind == "address-bit"), key=lambda node: node.x)
    return {int(node.id.rpartition("/")[2]): int(words_in(node)[0]) for node in bits}


def page_of(scene: Scene) -> Node:
    return next(node for node in scene.nodes if node.id == "walk/page")


@pytest.mark.parametrize(
    ("architecture", "access", "register"),
    [
        ("x86", "write", "CR2"), ("x86-64", "execute", "CR2"), ("armv7", "write", "DFAR"), ("armv7", "execute", "IFAR"),
        ("aarch64", "write", "FAR_EL1"), ("riscv-sv39", "write", "stval"),
    ],
)  # fmt: skip  # Intel SDM 3A, 4.7; ARM DDI 0406C, B3.13; ARM DDI 0487, D13.2.40; RISC-V privileged, 4.1.9
def test_a_fault_says_which_register_has_the_address(architecture: str, access: str, register: str) -> None:
    task = vm.boot(architecture, layout="small").task("init")
    va = task.mmap("8 KiB", "r") + 0x123
    task.read(va)
    fault = task.walk(va, access).fault
    if fault is None:  # 32-bit tables of x86 can't forbid fetches
        return
    said = next(words_in(node) for node in vm.Walk(task.walk(va, access)).scene().nodes if node.id == "walk/verdict")
    assert f"{register} = {vm.Address(va)}" in " ".join(said)


@pytest.mark.parametrize(
    ("architecture", "va"),
    [
        ("x86-64", 0x8000_0000_1000_0000), ("x86-64", 0x8000_0000_0000), ("x86-64", 0xFFFF_0000_0000_0000),
        ("x86-64-la57", 1 << 56), ("aarch64", 0x8000_0000_1000_0000), ("riscv-sv39", 1 << 38),
    ],
)  # fmt: skip
def test_an_address_whose_upper_bits_are_wrong_is_drawn_with_them(architecture: str, va: int) -> None:
    machine = vm.boot(architecture, layout="small")
    scene = vm.Walk(machine.walk(va)).scene()
    assert str(vm.Address(va)) in scene.headed.text
    top = next(node for node in scene.nodes if node.id == "walk/slice/top")
    assert "fault" in top.state
    assert "≠" in words_in(top)[0] or architecture == "aarch64", "its upper bits only choose a register"
    assert sum(bit << place for place, bit in bits_in(scene).items()) == va
    assert not any(node.id.startswith("walk/step/") for node in scene.nodes)
    right = vm.Walk(machine.walk(machine.kernel_map.start)).scene()
    assert "fault" not in next(node for node in right.nodes if node.id == "walk/slice/top").state


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_bits_of_an_address_are_in_one_strip(architecture: str) -> None:
    task = vm.boot(architecture, layout="small").task("init")
    task.write(va := task.mmap("8 KiB") + 0x123, b"x")
    scene = vm.Walk(task.walk(va)).scene()
    strip = sorted((node for node in scene.nodes if node.kind == "slice"), key=lambda node: node.x)
    assert {(node.y, node.h) for node in strip} == {(strip[0].y, strip[0].h)}
    bits = bits_in(scene)
    assert [*bits] == [*reversed(range(task.walk(va).word_bits))], "from left to right"
    assert sum(bit << place for place, bit in bits.items()) == va
    asked = next(node for node in scene.nodes if node.id == "walk/asked")
    assert "read, by user code" in " ".join(words_in(asked))


def words_in(node: Node) -> list[str]:
    """The words of a node, in the order in which they are drawn."""
    return [run.text for run in node.text]


@pytest.mark.parametrize("architecture", ["x86", "x86-64", "x86-64-la57", "armv7", "aarch64", "riscv-sv39"])
def test_an_entry_stands_at_its_height_and_no_table_is_drawn_that_was_not_read(architecture: str) -> None:
    machine = vm.boot(architecture, layout="small")
    task = machine.task("init")
    task.write(start := task.mmap("32 KiB"), b"x")
    absent = 0x5000_0000
    for va in (start, absent):
        found = task.walk(va)
        scene = vm.Walk(found).scene()
        nodes = {node.id: node for node in scene.nodes}
        for step in found.steps:
            table, entry = nodes[f"walk/table/{step.level}"], nodes[f"walk/step/{step.level}"]
            body = table.bars[0]
            part = (entry.y - table.y - body.y) / (body.h - entry.h)
            entries = 1 << step.index_bits[0] - step.index_bits[1] + 1
            assert part == pytest.approx(step.index / (entries - 1))
            size = vm.Size(1 << step.index_bits[0] + 1)
            assert f"maps {size}" in words_in(table), "how much it leads to is not its own size"
        reads = [word for node in scene.nodes for word in words_in(node) if word.startswith("read ")]
        assert len(reads) == len(found.steps)
        unread = {node.id for node in scene.nodes if node.kind == "table"} - {
            f"walk/table/{step.level}" for step in found.steps
        }
        assert all(words_in(nodes[one])[-1] == "not read" for one in unread)
        assert len(unread) == len(FORMATS[architecture].address_split().parts) - len(found.steps)


def names_in(found: Any) -> dict[int, str]:
    """The short names of a walk's tables, by the frames that are drawn beside them."""
    tables = [words_in(node) for node in vm.Walk(found).scene().nodes if node.kind == "table"]
    return {int(said[3], 16): said[0] for said in tables if said[0].startswith("T") and said[2] == "frame"}


def test_tables_are_named_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    """Also after an undo, in a branch, from a file and at an earlier moment."""
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    task.write(near := task.mmap("4 KiB"), b"x")
    first = names_in(task.walk(near))
    assert [*first.values()] == ["T1", "T2", "T3", "T4"]
    task.write(far := task.mmap("4 KiB", at=1 << 40), b"x")
    second = names_in(task.walk(far))
    assert [*second.values()] == ["T1", "T5", "T6", "T7"]
    assert names_in(task.walk(near)) == first, "a name stays"
    copy = machine.branch().tasks["init"]
    assert names_in(copy.walk(far)) == second
    machine.undo()
    assert names_in(task.walk(near)) == first
    machine.redo()
    assert names_in(task.walk(far)) == second
    machine.journal.save(tmp_path / "kept.jsonl.gz")
    loaded = vm.load_journal(tmp_path / "kept.jsonl.gz").tasks["init"]
    assert names_in(loaded.walk(far)) == second
    view = vm.Walk(task.walk(far))
    task.munmap(far, "4 KiB")
    tables = [words_in(node)[:2] for node in view.scene().nodes if node.kind == "table"]
    assert tables == [["T1", "PML4"], *([name, "not read"] for name in ("PDPT", "PD", "PT"))]
    view.moment = When(machine.journal.last.serial, 0)
    before = [words_in(node)[0] for node in view.scene().nodes if node.kind == "table"]
    assert before == [*second.values()], "the frames are free after the operation"
    assert names_in(machine.walk(machine.kernel_map.start)) == {}, "no operation made the kernel's root"


def test_a_right_that_an_upper_table_takes_away_is_said_above_the_flags() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    start = task.mmap("8 KiB")
    task.write(start, b"x")

    def said() -> str:
        return next(words_in(node)[-1] for node in vm.Walk(task.walk(start)).scene().nodes if node.id == "walk/says")

    assert said() == "no other table takes a right away"
    pde = task.walk(start).steps[2]
    machine.set_descriptor(pde.pa, pde.value & ~2)
    assert said() == "PD takes away writes"


def test_a_flag_that_changed_has_both_of_its_values() -> None:
    task = vm.boot("x86-64", layout="small").task("init")
    start = task.mmap("8 KiB")
    task.read(start)
    view = vm.Walk(task.walk(start))
    task.write(start, b"x")
    changed = {name: words_in(node)[1] for name, node in flags_in(view.scene()).items() if "changed" in node.state}
    assert changed == {"D": "0 → 1"}
    task.mprotect(start, "4 KiB", "r")
    changed = {name: words_in(node)[1] for name, node in flags_in(view.scene()).items() if "changed" in node.state}
    assert changed["R/W"] == "1 → 0"
    later = vm.Walk(task.walk(start))  # what was walked after a moment did not change before it
    later.moment = When(task.machine.journal[-2].serial)
    flags = flags_in(later.scene())
    assert words_in(flags["R/W"])[1] == "1"
    assert not any("changed" in node.state for node in flags.values())


def test_a_flag_is_red_if_and_only_if_it_refuses() -> None:
    task = vm.boot("x86-64", layout="small").task("init")
    start = task.mmap("8 KiB", "r")
    task.read(start)
    for access, red in (("read", []), ("write", ["R/W"]), ("execute", ["XD"])):
        flags = flags_in(vm.Walk(task.walk(start, access)).scene())
        assert list(flags) == ["P", "R/W", "U/S", "A", "D", "XD"]
        assert [name for name, node in flags.items() if "fault" in node.state] == red


def test_a_descriptor_that_is_not_there_yet_is_not_on_the_path_and_its_zeros_are_a_line() -> None:
    task = vm.boot("x86-64", layout="small").task("init")
    start = task.mmap("8 KiB")
    task.write(start, b"x")
    picture = vm.picture(vm.Walk(task.walk(start + vm.PAGE)))
    nodes = {node.id: node for node in picture.scene().nodes}
    (*path, last) = (step.level for step in task.walk(start + vm.PAGE).steps)
    assert [nodes[f"walk/step/{level}"].state for level in (*path, last)] == [("is-table",)] * 3 + [("absent",)]
    assert not any(node.kind == "bit" for node in nodes.values()), "all bits are folded"
    picture.opened("walk/fold")
    nodes = {node.id: node for node in picture.scene().nodes}
    assert [node.id for node in nodes.values() if node.kind == "bit"] == ["walk/bit/0"]
    assert "all 64 bits are 0" in nodes["walk/descriptor"].title
    task.read(start + vm.PAGE)
    nodes = {node.id: node for node in opened(task.walk(start + vm.PAGE))}
    assert sum(node.kind == "bit" for node in nodes.values()) == 64


def opened(found: Any) -> tuple[Node, ...]:
    """The things in a walk's picture, with all bits of the last entry."""
    picture = vm.Walk(found)
    picture.opened("walk/fold")
    return picture.scene().nodes


@pytest.mark.parametrize(
    ("architecture", "access", "refusing"),
    [
        ("x86-64", "write", {1}),
        ("x86-64", "execute", {63}),
        ("riscv-sv39", "write", {2}),
        ("aarch64", "write", {6, 7}),
        ("armv7", "write", {4, 5, 9}),
        ("x86-64", "read", set()),
    ],
)
def test_the_bits_that_refuse_an_access_are_marked(architecture: str, access: str, refusing: set[int]) -> None:
    task = vm.boot(architecture).task("init")
    start = task.mmap("8 KiB", "r")
    task.read(start, 1)
    nodes = opened(task.walk(start, access))
    marked = [node for node in nodes if node.kind == "bit" and "fault" in node.state]
    assert {int(node.id.rpartition("/")[2]) for node in marked} == refusing
    assert all("which refuses the access" in node.title for node in marked)


def test_where_nothing_is_mapped_the_bit_of_presence_refuses() -> None:
    task = vm.boot("x86-64").task("init")
    nodes = opened(task.walk(0x5000))
    assert [node.id for node in nodes if node.kind == "bit" and "fault" in node.state] == ["walk/bit/0"]


@pytest.mark.parametrize("architecture", ["x86", "x86-64", "armv7", "aarch64", "riscv-sv39"])
@pytest.mark.parametrize("protection", ["r", "rw", "rx", "none"])
@pytest.mark.parametrize("access", ["read", "write", "execute"])
def test_a_page_is_not_there_yet_only_for_an_access_that_brings_it(
    architecture: str, protection: str, access: str
) -> None:
    task = vm.boot(architecture, layout="small").task("init")
    start = task.mmap("4 KiB", protection)
    scene = vm.Walk(task.walk(start, access)).scene()
    comes = False
    with suppress(vm.KernelError):  # ACCES
        task.touch(start, access)
        comes = True
    verdict = next(node for node in scene.nodes if node.id == "walk/verdict")
    assert scene.caption is not None
    assert (scene.caption.tone, "ghost" in verdict.state) == (("plain", True) if comes else ("error", False))
    assert says("walks: fault/covered", whole(scene.caption)) == comes


def test_the_descriptor_that_denies_a_right_is_marked_not_the_last_one():
    """Intel SDM 4.6: a page is a user's if U/S is 1 in each descriptor; here the third of four has 0."""
    machine = vm.boot("x86-64")
    task = machine.task("init")
    a = task.mmap("4 KiB")
    task.write(a, b"x")
    pde = task.walk(a).steps[2]
    machine.set_descriptor(pde.pa, pde.value & ~4)
    nodes = vm.picture(task.walk(a)).scene().nodes
    assert [node.id for node in nodes if node.id.startswith("walk/step/") and "fault" in node.state] == ["walk/step/2"]
    assert any("at the PDE" in run.text for node in nodes for run in node.text)


def test_bit_by_bit_the_descriptor_that_denies_a_right_has_the_bit_marked_and_no_other_has():
    machine = vm.boot("x86-64")
    task = machine.task("init")
    a = task.mmap("4 KiB")
    task.write(a, b"x")
    pde, pte = task.walk(a).steps[2:]
    machine.set_descriptor(pde.pa, pde.value & ~4)
    picture = vm.Walk(task.walk(a))
    for step, expected in ((pde, ["2"]), (pte, [])):
        picture.selection = f"pte:{step.pa:x}"
        nodes = picture.scene().nodes
        marked = [node.id.rpartition("/")[2] for node in nodes if node.kind == "bit" and "fault" in node.state]
        assert marked == expected


def test_the_latest_operation_does_not_read_like_the_cause_of_a_refusal() -> None:
    task = vm.boot("x86-64", layout="small").task("init")
    task.write(start := task.mmap("8 KiB"), b"x")
    did = Moment(task.machine.journal.last).caption.text
    for access, is_refused in (("read", False), ("execute", True)):
        caption = vm.picture(task.walk(start, access)).scene().caption
        assert caption is not None
        assert did in caption.reason
        assert (f"Before: {did}" in caption.reason) == is_refused
