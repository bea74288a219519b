"""Undoing events: entries that changed in their place, as FreeBSD's maps change them."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

import vmwidgets as vm
from tests.engine.kernel.kmems import Kernel
from vmwidgets.engine.base.errors import KernelPanic
from vmwidgets.engine.base.recorder import materialize
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.base.values.maps import MapValue
from vmwidgets.engine.kernel.freebsd.kmem import M_NOWAIT, Kmem
from vmwidgets.engine.kernel.freebsd.vm_map import FreeBSDMap
from vmwidgets.engine.kernel.map.window import map_value
from vmwidgets.views.rewind import rewind


def act(kernel: Kernel, target: FreeBSDMap, draws: random.Random) -> None:
    size = draws.randrange(1, 5) * PAGE
    choice = draws.randrange(4)
    if choice == 0:
        kernel.do(Kmem.kmem_malloc, target, size, M_NOWAIT)
    elif choice == 1 and kernel.frames.free_frames > 30:
        kernel.do(Kmem.kmem_alloc, target, size)
    elif choice == 2:
        kernel.do(Kmem.kmem_alloc_nofault, target, size)
    else:
        kernel.do(Kmem.kmem_free, target, target.start + draws.randrange(20) * PAGE, size)


def without_counts(value: MapValue) -> MapValue:
    """A picture of the past does not say how large its subtrees were."""
    return replace(value, nodes={identity: replace(node, count=0) for identity, node in value.nodes.items()})


@pytest.mark.parametrize("seed", range(8))
def test_every_operation_on_a_freebsd_map_can_be_taken_back(seed: int) -> None:
    """Stretched, joined, split and wired entries get their ranges, objects and wired counts back."""
    draws, kernel = random.Random(seed), Kernel(size=100, kmem=24)
    for _ in range(40):
        for target in (kernel.kmem_map, kernel.exec_map):
            raw: list[tuple[object, ...]] = []
            before = map_value(target)
            kernel.recorder.emit = raw.append
            with suppress(KernelPanic):
                act(kernel, target, draws)
            kernel.recorder.emit = None
            after = map_value(target)
            assert without_counts(rewind(after, materialize(raw, "kmem"))) == without_counts(before)


def test_a_wired_entry_says_so() -> None:
    kernel = Kernel()
    kernel.do(Kmem.kmem_alloc, kernel.kmem_map, 2 * PAGE)
    (entry,) = map_value(kernel.kmem_map).entries
    assert (entry.wired, entry.object) == (1, "kernel_object")
    assert repr(entry).endswith("wired 1>")


@pytest.mark.parametrize("seed", range(6))
def test_changed_ranges_of_a_machine_can_be_taken_back(seed: int) -> None:
    """Protection, inheritance, advice, wirings, objects and submaps: the map at each step's start is the one before."""
    draws, machine = random.Random(seed), vm.boot("x86-64")
    machine.object("heap")
    space = machine.task("t").map
    space.enter("32 KiB", at="1 MiB", object="heap")
    space.enter("32 KiB", at=(1 << 20) + 8 * PAGE)
    for number in range(30):
        before = map_value(space.vm_map)
        start, size = (1 << 20) + draws.randrange(16) * PAGE, draws.randrange(1, 6) * PAGE
        calls: list[tuple[Callable[..., object], dict[str, object]]] = [
            (space.protect, {"prot": draws.choice(["r", "rw", "none"])}),
            (space.inherit, {"inherit": draws.choice(["none", "copy"])}),
            (space.advise, {"advice": draws.choice(["normal", "random"])}),
            (space.wire, {}),
            (space.unwire, {}),
            (space.simplify, {}),
        ]
        call, given = draws.choice(calls)
        with suppress(vm.KernelError, vm.Refused):
            call(start, size=size, **given)
            after = map_value(space.vm_map)
            assert without_counts(rewind(after, machine.journal.last.events)) == without_counts(before), number
    machine.check()


def test_steps_and_captions_of_changed_ranges_say_what_was_done() -> None:
    machine = vm.boot("x86-64")
    machine.object("heap")
    space = machine.task("t").map
    a = space.enter("64 KiB", at="1 MiB", object="heap")
    view = vm.Map(space)

    def sentences() -> list[str]:
        count = view.scene().steps.count
        told = []
        for step in range(1, count):
            view.step = step
            told.append(view.scene().caption.text)
        view.step = -1
        return told

    space.protect(a, size="16 KiB", prot="r")
    caption = view.scene().caption
    assert caption.text == "16 KiB at 0000 0010 0000 may be used r--."
    assert caption.reason == "1 entry changed; 1 cut at the edges."
    assert "vm_map_protect" in caption.functions
    assert any("rw- becomes r--" in one for one in sentences())
    changed = [node for node in view.scene().nodes if node.kind == "entry" and "changed" in node.state]
    assert len(changed) == 1
    space.wire(a, size="16 KiB")
    assert any(one.endswith("is wired once: its pages stay.") for one in sentences())
    assert view.scene().caption.text.startswith("Wired 16 KiB")
    space.unwire(a, size="16 KiB")
    assert any("is wired no more" in one for one in sentences())
    space.protect(a, size="16 KiB", prot="rw")
    assert "1 joined with a neighbour" in view.scene().caption.reason
    space.simplify()
    assert view.scene().caption.text == "Joined what is alike: 0 entries fewer."
