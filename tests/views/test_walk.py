"""What the picture of a walk says of rights: both sides, where they may different things."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says, whole
from tests.views.pictures import covered_words, cut_text
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.armv7 import ARMV7
from vmwidgets.engine.mmu.tables_schema import Permission, Permissions
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.views.scene.model import Scene
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
    scene = draw_walk(replace(found, permissions=Permissions(*sides)))
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
    heads = [*tables, next(node for node in scene.nodes if node.id == "walk/verdict")]
    links = [link for link in scene.links if link.id.endswith("/next")]
    assert len(links) == len(tables)
    for link, table, head in zip(links, tables, heads[1:], strict=True):
        assert table.y < link.points[0][1] < table.y + table.h
        assert head.y < link.points[-1][1] < head.y + 20
    runs = sorted((link.points[1][1], link.points[2][1]) for link in links)
    assert all(one[1] < other[0] for one, other in pairwise(runs)), "no two arrows have a part in common"


def rights_in(scene: Scene) -> dict[str, str]:
    """What is said of each right, by its name; of rights that nothing hinges on, together."""
    return {one.title.partition(": ")[0]: one.title.partition(": ")[2] for one in scene.nodes if one.lane == "rights"}


@pytest.mark.parametrize("width", [420, 900])
@pytest.mark.parametrize("architecture", ["x86", "x86-64", "x86-64-la57", "armv7", "aarch64", "riscv-sv39"])
def test_each_right_is_said_once_and_as_the_tables_have_it(architecture: str, width: int) -> None:
    machine = vm.boot(architecture, layout="small")
    task = machine.task("init")
    task.write(start := task.mmap("32 KiB"), b"x")
    task.read(only_read := task.mmap("4 KiB", "r"))
    kernels = machine.kmem_malloc("4 KiB")
    for address, access in ((start, "write"), (only_read, "write"), (start, "execute"), (kernels, "read")):
        found = (machine if address == kernels else task).walk(address, access)
        scene = vm.Walk(found, width=width).scene()
        said = rights_in(scene)
        for name, may in zip(("reads", "writes", "execution", "user code"), found.rights, strict=True):
            places = [words for of, words in said.items() if of == name or (of == "also" and name in words)]
            assert len(places) == 1, name
            assert ("denied" in places[0]) is not may, name
        assert (covered_words(scene), cut_text(scene)) == ([], [])
    assert rights_in(vm.Walk(task.walk(start + 4 * vm.PAGE), width=width).scene()) == {}, "no page has no rights"


def test_a_right_that_one_table_denies_is_denied_by_that_table() -> None:
    task = vm.boot("x86-64", layout="small").task("init")
    start = task.mmap("8 KiB", "r")
    task.read(start)
    scene = vm.Walk(task.walk(start, "write")).scene()
    assert rights_in(scene)["writes"] == "denied by the PT"
    assert rights_in(scene)["user code"] == "allowed by all 4"
    (writes,) = (node for node in scene.nodes if node.id == "walk/right/writes")
    assert [run.style for run in writes.text if "denied" in run.text] == ["error"], "this is why the write fails"


def test_a_descriptor_that_is_not_there_yet_is_not_on_the_path_and_its_zeros_are_a_line() -> None:
    task = vm.boot("x86-64", layout="small").task("init")
    start = task.mmap("8 KiB")
    task.write(start, b"x")
    picture = vm.picture(vm.Walk(task.walk(start + vm.PAGE)))
    nodes = {node.id: node for node in picture.scene().nodes}
    (*path, last) = (step.level for step in task.walk(start + vm.PAGE).steps)
    assert [nodes[f"walk/step/{level}"].state for level in (*path, last)] == [("is-table",)] * 3 + [("absent",)]
    assert [node.id for node in nodes.values() if node.kind == "bit"] == ["walk/bit/0"]
    assert "all 64 bits are 0" in nodes["walk/descriptor"].title
    task.read(start + vm.PAGE)
    nodes = {node.id: node for node in vm.Walk(task.walk(start + vm.PAGE)).scene().nodes}
    assert sum(node.kind == "bit" for node in nodes.values()) == 64


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
    nodes = vm.picture(task.walk(start, access)).scene().nodes
    marked = [node for node in nodes if node.kind == "bit" and "fault" in node.state]
    assert {int(node.id.rpartition("/")[2]) for node in marked} == refusing
    assert all("which refuses the access" in node.title for node in marked)


def test_where_nothing_is_mapped_the_bit_of_presence_refuses() -> None:
    task = vm.boot("x86-64").task("init")
    nodes = vm.picture(task.walk(0x5000)).scene().nodes
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
