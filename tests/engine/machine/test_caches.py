from __future__ import annotations

import vmwidgets as vm


def by_name(value):
    return {cache.name: cache for cache in value.caches}


def test_all_caches_are_there_and_zones_by_their_size():
    machine = vm.boot()
    names = [cache.name for cache in machine.caches.value().caches]
    assert names[:3] == ["vm_map_kentry", "vm_map_entry", "kmem entries"]
    assert [f"zone {16 << power}" for power in range(9)] == names[3:]


def test_a_value_holds_the_slabs_asked_for_and_counts_the_others():
    machine = vm.boot()
    live = [machine.malloc(2000) for _ in range(200)]
    zone = by_name(machine.caches.value([live[150]], most=6))["zone 2048"]
    assert len(zone.slabs) == 6
    assert any(slab.address <= live[150] < slab.address + zone.slab_size for slab in zone.slabs)
    assert [slab.address for slab in zone.slabs] == sorted(slab.address for slab in zone.slabs)
    counts = dict(zone.counts)
    whole = by_name(machine.caches.value(most=10**6))["zone 2048"]
    assert sum(counts.values()) == len(whole.slabs) > 6
    assert counts == {state: sum(slab.state == state for slab in whole.slabs) for state in counts}
    assert zone.allocated == 200
    assert sum(slab.used for slab in whole.slabs) == 200


def test_they_print_in_a_line_each():
    machine = vm.boot()
    machine.malloc(100)
    assert "zone 128" in repr(machine.caches)
    assert "1 objects" in repr(machine.caches)
