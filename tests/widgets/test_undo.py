"""Live pictures follow an undo, a redo, and what is done instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import saying
from tests.widgets.page import draw
from vmwidgets.widgets.host.packing import unpack

KINDS: dict[str, Callable[[Any], Any]] = {
    "list": lambda m: vm.EntryList(m.kernel_map),
    "tree": lambda m: vm.Tree(m.kernel_map),
    "kmem": lambda m: vm.Kmem(m.kmem),
    "threads": vm.Threads,
    "frames": vm.Frames,
    "slabs": vm.Slabs,
    "kentry": vm.Kentry,
    "tables": vm.Tables,
    "tlb": vm.Tlb,
    "domain": lambda m: vm.Domain(m.domains["hello"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_the_one_that_a_new_one_would_be(kind):
    m = vm.boot("armv7")
    d = m.domain("hello")
    view = KINDS[kind](m)
    first = view.scene()
    m.kernel_map.enter("16 KiB")
    address = m.kmem_malloc(vm.PAGE)
    m.write(address, b"x")
    d.write(d.map(d.frame()), b"x")
    m.take_pages(3)
    m.spawn(m.kmem_alloc, "4 KiB", name="t")
    m.step()
    seen = [view.scene()]

    def instead():
        m.kernel_map.enter("8 KiB", prot="r")
        d.frame("16 KiB")

    for change in (m.undo, lambda: m.undo(7), lambda: m.redo(6), instead):
        change()
        fresh = KINDS[kind](m)
        assert view.scene() == fresh.scene()
        fresh.close()
        seen.append(view.scene())
    assert kind == "tables" or any(one != first for one in seen), "the operations are seen in this picture"
    view.close()


def test_a_picture_of_what_is_not_there_says_so_and_comes_back():
    m = vm.boot()
    task = m.task("init")
    task.map.enter("8 KiB")
    view = vm.EntryList(task.map)
    draw(view)
    m.undo(2)
    draw(view)
    assert view.status == "the map of init does not exist after operation 0"
    empty = unpack(view.frame["data"])["scene"]
    assert [node["id"] for node in empty["nodes"]] == ["absent"], "the present is not shown as the past"
    assert empty["caption"]["reason"] == saying("no picture: then", number="0")
    m.redo(2)
    draw(view)
    assert view.status == ""
    assert view.scene() == vm.EntryList(task.map).scene()
