"""Words of the pictures that lecture rooms see most are large enough at scale 1."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.text import font_size

LEAST = 12.0


def tlbs() -> Picture:
    machine = vm.boot("x86-64", cpus=6)
    machine.cpus.shootdown = "sent"
    task = machine.task("init")
    at = task.mmap("16 KiB")
    for cpu in machine.cpus:
        cpu.run("init")
        cpu.store(at, b"x")
    task.map.protect(at, size="4 KiB", prot="r")
    view = vm.Tlb(machine)
    view.selection = next(node.thing for node in view.scene().nodes if node.kind == "slot" and "fault" in node.state)
    return view


def references() -> Picture:
    return vm.References(vm.reference_string([number % 7 for number in range(300)], (3, 4), ("clock", "lru")), first=60)


def difference() -> Picture:
    task = vm.boot("x86-64").task("init")
    task.mmap("8 KiB", at=0x5000, flags="private fixed")
    return vm.Diff(vm.diff(task, "5000-6000 r--p 0 00:00 0\n9000-a000 rw-p 0 08:01 1 /lib/x\n"))


@pytest.mark.parametrize("made", [tlbs, references, difference])
@pytest.mark.parametrize("width", [420, 900])
def test_no_words_are_smaller_than_twelve_pixels(made, width: int) -> None:
    view = made()
    view.width = width
    scene = view.scene()
    words = [run for node in scene.nodes for run in node.text]
    assert len(words) > 12
    assert [run.text for run in words if font_size(run.style) < LEAST] == []
