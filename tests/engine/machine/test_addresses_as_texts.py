"""A text names the same address wherever it is given."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.cli import main
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.mmu.tables import PageTables

TEXTS = {"4096": 0x1000, "0x1000": 0x1000, "10 0000": 0x10_0000, "1 MiB": 0x10_0000, "f000": 0xF000}


@pytest.mark.parametrize(("text", "address"), TEXTS.items())
def test_every_walk_reads_it_the_same_way(text, address, tmp_path, capsys):
    m = vm.boot("x86-64")
    task = m.task("t")
    tables = PageTables("tables", m.system.ram, m.system.pmap.fmt, task.pmap.root)
    assert m.walk(text, task=task).va == task.walk(text).va == tables.walk(text).va == address
    mapped = vm.compare_formats([(text, PAGE)], ("x86-64", "armv7")).tables["x86-64"]
    assert mapped.walk(text).pa is not None
    assert mapped.walk(address).va == address
    image = tmp_path / "image"
    image.write_bytes(bytes(2 * PAGE))
    assert main(["read", str(image), "--format", "x86-64", "--root", "4096", "--walk", text]) == 0
    assert repr(vm.Address(address)) in capsys.readouterr().out
