"""A machine on each table format: kernel, kernel memory and tasks, through tables that the hardware walks."""

from __future__ import annotations

from dataclasses import replace

import pytest

import vmwidgets as vm
from vmwidgets.engine.mmu.formats import FORMATS

LEVELS = {"x86": 2, "x86-pae": 3, "x86-64": 4, "x86-64-la57": 5, "armv7": 2, "aarch64": 4, "riscv-sv39": 3}


def test_every_format_can_be_booted():
    assert set(FORMATS) == set(LEVELS)


@pytest.mark.parametrize("layout", ["small", "tiny"])
@pytest.mark.parametrize("name", FORMATS)
class TestEach:
    def test_kernel_memory_and_a_task_are_real(self, name, layout):
        m = vm.boot(name, layout=layout)
        k = m.kmem_malloc(3 * vm.PAGE)
        m.write(k + vm.PAGE - 2, b"kernel")
        assert m.read(k + vm.PAGE - 2, 6) == b"kernel"
        walk = m.walk(k, user=False)
        assert (len(walk.steps), walk.pa is None) == (LEVELS[name], False)
        task = m.task("init")
        p = task.map.enter("64 KiB", at="4 MiB", object=m.object("data"))
        task.write(p + vm.PAGE - 2, b"user")
        assert task.read(p + vm.PAGE - 2, 4) == b"user"
        assert m.system.ram.read(task.walk(p + vm.PAGE).pa, 2) == b"er"
        m.check()

    def test_user_code_and_kernel_stay_in_their_halves(self, name, layout):
        m = vm.boot(name, layout=layout)
        k = m.kmem_malloc(vm.PAGE)
        task = m.task("init")
        assert m.walk(k, user=True, task=task).fault is not None
        assert m.walk(k, user=False, task=task).pa == m.walk(k, user=False).pa
        other = m.task("other")
        p = task.map.enter("4 KiB", at="1 MiB", object=m.object("data"))
        task.write(p, b"mine")
        assert other.walk(p).fault is not None

    def test_rights_are_the_hardwares(self, name, layout):
        m = vm.boot(name, layout=layout)
        task = m.task("init")
        p = task.map.enter("8 KiB", at="1 MiB", object=m.object("data"))
        task.write(p, b"x")
        task.map.protect(p, size=vm.PAGE, prot="r")
        assert task.walk(p).pa is not None
        assert task.walk(p, "write").fault.kind == "protection"
        with pytest.raises(vm.KernelError, match="ACCES"):
            task.write(p, b"y")

    def test_what_is_removed_is_gone_and_its_tables_too(self, name, layout):
        m = vm.boot(name, layout=layout)
        task = m.task("init")
        free = m.system.pages.free_pages
        p = task.map.enter("64 KiB", at="16 MiB", object=m.object("data"))
        for offset in range(0, 64 * vm.KIB, vm.PAGE):
            task.write(p + offset, b"x")
        task.map.remove(p, size="64 KiB")
        assert task.walk(p).fault.kind == "not-present"
        m.check()
        assert m.system.pages.free_pages >= free - 1, "all but a slab of map entries has come back"


def test_the_originals_layouts_are_those_of_their_architecture():
    assert vm.boot("x86", layout="x15-32").layout.bits == 32
    with pytest.raises(vm.Refused, match=r"unknown layout of armv7 'x15-64'.*small, tiny"):
        vm.boot("armv7", layout="x15-64")


def test_settings_are_the_familys_own():
    m, other = vm.boot("armv7"), vm.boot("riscv-sv39")
    with pytest.raises(vm.Refused, match="Armv7Controls"):
        m.controls = other.controls
    task = m.task("init")
    p = task.map.enter("4 KiB", at="1 MiB", object=m.object("data"))
    task.write(p, b"x")
    m.controls = replace(m.controls, dacr=0)
    assert task.walk(p).fault.kind == "domain"


@pytest.mark.parametrize("name", FORMATS)
def test_pictures_are_drawn(name):
    m = vm.boot(name)
    k = m.kmem_malloc(vm.PAGE)
    assert vm.show(m).to_svg().startswith("<svg")
    assert vm.show(m.walk(k, user=False)).to_svg().startswith("<svg")


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("armv7", {"dacr": "x"}), ("armv7", {"dacr": 1 << 32}), ("armv7", {"ttbcr_n": 40}), ("armv7", {"ttbr1": 5}),
        ("x86-64", {"maxphyaddr": -1}), ("x86-64", {"wp": "no"}), ("aarch64", {"pa_bits": 99}),
        ("riscv-sv39", {"sum": 1}),
    ],
)  # fmt: skip  # pairs
def test_settings_that_no_processor_has_are_refused(name, setting):
    m = vm.boot(name)
    with pytest.raises(vm.Refused, match=next(iter(setting))):
        m.controls = replace(m.controls, **setting)
    m.kmem_malloc(vm.PAGE)
