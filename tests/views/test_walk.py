"""What the picture of a walk says of rights: both sides, where they may different things."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

import vmwidgets as vm
from tests.captions import saying
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.armv7 import ARMV7
from vmwidgets.engine.mmu.tables_schema import Permission, Permissions
from vmwidgets.engine.mmu.walk import walk
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


@pytest.mark.parametrize("architecture", ["x86", "x86-64", "armv7", "aarch64", "riscv-sv39"])
def test_the_letters_of_the_descriptors_are_explained_and_no_others(architecture: str) -> None:
    task = vm.boot(architecture, layout="small").task("init")
    start = task.mmap("32 KiB")
    task.write(start, b"x")
    for address in start, start + 4 * vm.PAGE:  # a page, and a fault
        scene = vm.Walk(task.walk(address)).scene()
        shown = set()
        for node in scene.nodes:
            if node.id.startswith("walk/step/") and len(node.text) > 2:
                for word in node.text[2].text.split():
                    shown |= (
                        {"AP"}
                        if word[:2] == "AP" and word != "AP2"
                        else {word}
                        if len(word) > 1 and word in LONG
                        else set(word)
                    )
        key = [node.text[0].text.split()[0] for node in scene.nodes if node.id.startswith("walk/legend/")]
        assert sorted(key) == sorted("W" if letter == "-" else letter for letter in shown)


LONG = ("PS", "XD", "XN", "PXN", "UXN", "AF", "nG", "AP2")
"""Flags that are more than a letter."""
