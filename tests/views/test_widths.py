"""Every picture at every width that it is laid out for: nothing sticks out, nothing covers anything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import vmwidgets as vm
from tests.views.pictures import crossing_text, machine_with, misplaced_text, outside, overlaps
from vmwidgets.pictures.picture import Picture

WIDTHS = (420, 560, 760, 900, 1234, 1600)


def of_maps() -> Iterator[Picture]:
    machine = machine_with(31)
    yield vm.picture(machine)
    yield vm.picture(machine.kernel_map)
    yield vm.Tree(machine.kernel_map)
    yield vm.picture(machine.kentry)
    few = vm.boot("x86-64")
    for prot in ("rw", "r", "rw"):
        few.kernel_map.enter("16 KiB", prot=prot)
    yield vm.picture(few.kernel_map)
    yield vm.picture(few)


def of_tables() -> Iterator[Picture]:
    for architecture in ("x86-64", "x86-64-la57", "armv7", "aarch64", "x86-pae"):
        machine = vm.boot(architecture)
        where = machine.kernel_map.enter("16 KiB")
        yield vm.picture(machine.walk(where))
        yield vm.picture(machine.walk(0))
        yield vm.Tables(machine)
    yield vm.picture(vm.compare_formats([(0, "1 MiB"), (1 << 30, "1 GiB")], ("x86-64", "armv7")))
    machine = vm.boot("x86-64", cpus=2)
    task = machine.task("init")
    start = task.map.enter("64 KiB", object=machine.object("heap"))
    task.write(start, bytes(65536))
    for cpu in machine.cpus:
        cpu.run(task)
        for page in range(16):
            cpu.load(start + page * 4096)
    yield vm.picture(machine.cpus)
    yield vm.picture(task)


def of_memory() -> Iterator[Picture]:
    machine = vm.boot("x86-64")
    machine.kmem_malloc("12 KiB")
    machine.kmem_malloc("64 KiB")
    for thing in (machine.kmem, machine.frames, machine.caches, machine.threads, machine):
        yield vm.picture(thing)


def of_domains() -> Iterator[Picture]:
    domain = vm.boot("armv7").domain("hello")
    for _ in range(5):
        domain.map(domain.frame("16 KiB"))
    for name in ("Domain", "Capabilities", "Vnodes", "Vspace", "SlabLevels"):
        yield getattr(vm, name)(domain)


@pytest.mark.parametrize("pictures", [of_maps, of_tables, of_memory, of_domains])
def test_nothing_sticks_out_or_covers_anything_else(pictures: object) -> None:
    wrong = []
    for picture in pictures():  # type: ignore[operator]
        for width in WIDTHS:
            picture.width = width
            scene = picture.scene()
            assert scene.width == max(width, picture.least)
            lanes = {node.lane for node in scene.nodes} - {"", "slices"}  # slices may cover each other
            found = [*misplaced_text(scene), *crossing_text(scene), *outside(scene)]
            for lane in lanes:
                found += overlaps([node for node in scene.nodes if node.lane == lane and node.role != "pan"])
            if found:
                wrong.append((picture, width, found[:3]))
    assert wrong == []
