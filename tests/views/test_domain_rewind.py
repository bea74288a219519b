"""Stepping back through what a self-paging domain did: undone, everything is as it was."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.views.domains import DomainLife
from vmwidgets.engine.base import domain_events as dev
from vmwidgets.engine.base.domain_values import DomainValue
from vmwidgets.engine.base.recorder import materialize
from vmwidgets.views.domain_picture import all_vnodes
from vmwidgets.views.domain_rewind import rewind_domain


def parts(value: DomainValue) -> dict[str, object]:
    """A domain by its parts, so that a difference says where it is."""
    named: dict[str, object] = {f"cap {one.ref}": one for cnode in value.cnodes for one in cnode.capabilities}
    named |= {f"reserved in {cnode.name}": cnode.reserved for cnode in value.cnodes}
    named |= {f"vnode {node.id}": node for node in all_vnodes(value.root)}
    return named | {"slab": value.slab, "regions": value.regions, "meta": value.meta_used, "root": value.root}


def differences(one: DomainValue, other: DomainValue) -> list[str]:
    left, right = parts(one), parts(other)
    return [f"{name}: {left.get(name)} / {right.get(name)}" for name in {**left, **right}
            if left.get(name) != right.get(name)]  # fmt: skip


@pytest.mark.parametrize("architecture", ["armv7", "x86-64"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("scarce", [False, True])
def test_an_operation_undone_leaves_what_was_before_it(seed: int, architecture: str, scarce: bool) -> None:
    life = DomainLife(seed, architecture, frames=140, slots=60) if scarce else DomainLife(seed, architecture)
    counts = {"failed": 0, "done": 0}
    for before, after, events, failed in life.go_on(150):
        counts["failed" if failed else "done"] += 1
        assert differences(rewind_domain(after, events), before) == [], life.name
        assert rewind_domain(after, events) == before
    assert min(counts.values()) > 10


def test_in_the_middle_what_was_done_so_far_is_there_and_the_rest_is_not() -> None:
    life = DomainLife(1)
    frame = life.domain.frame(1 << 12)
    life.raw.clear()
    life.domain.pmap.map(0x5000_0000, frame, 0, 1 << 12, 3)
    events, after = materialize(life.raw, "map"), life.domain.snapshot()
    seen = []
    for done in range(len(events) + 1):
        past = rewind_domain(after, events[done:])
        nodes = list(all_vnodes(past.root))
        seen.append((past.slab.free, sum(len(cnode.capabilities) for cnode in past.cnodes), len(nodes),
                     sum(bool(node.descriptor) for node in nodes)))  # fmt: skip
    assert seen[0] == (7, 5, 1, 0)
    assert seen[-1] == (5, 8, 3, 2)
    assert [after[0] - before[0] for before, after in pairwise(seen)].count(-1) == 2
    created = next(index for index, event in enumerate(events) if isinstance(event, dev.VnodeLinked))
    assert seen[created + 1][2:] == (2, 0), "the table is in the tree, and the kernel has not written its entry yet"
