"""Undoing events: entries that changed in their place, as FreeBSD's maps change them."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.engine.kernel.kmems import Kernel
from vmwidgets.engine.base.errors import KernelPanic
from vmwidgets.engine.base.map_values import MapValue
from vmwidgets.engine.base.recorder import materialize
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd_map import FreeBSDMap
from vmwidgets.engine.kernel.kmem_alloc import kmem_alloc, kmem_alloc_nofault, kmem_free
from vmwidgets.engine.kernel.kmem_malloc import M_NOWAIT, kmem_malloc
from vmwidgets.engine.kernel.map_window import map_value
from vmwidgets.views.rewind import rewind


def act(kernel: Kernel, target: FreeBSDMap, draws: random.Random) -> None:
    size = draws.randrange(1, 5) * PAGE
    choice = draws.randrange(4)
    if choice == 0:
        kernel.do(kmem_malloc, target, size, M_NOWAIT)
    elif choice == 1 and kernel.frames.free > 30:
        kernel.do(kmem_alloc, target, size)
    elif choice == 2:
        kernel.do(kmem_alloc_nofault, target, size)
    else:
        kernel.do(kmem_free, target, target.start + draws.randrange(20) * PAGE, size)


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
    kernel.do(kmem_alloc, kernel.kmem_map, 2 * PAGE)
    (entry,) = map_value(kernel.kmem_map).entries
    assert (entry.wired, entry.object) == (1, "kernel_object")
    assert repr(entry).endswith("wired 1>")
