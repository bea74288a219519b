"""The printed text is pinned by the recorded traces; here is what they do not show."""

from __future__ import annotations

from tests.engine.kernel.maps import HIGH, LOW, PAGE, Space, Tables


def test_an_empty_map():
    assert Space().map.info() == (
        "vm_map: map: 0000000000010000-0000000000050000\n"
        "vm_map:      start             end          size     offset   flags    type\n"
        "vm_map: total: 0k\n"
    )


def test_a_line_an_entry_with_its_object_and_offset():
    space = Space(kernel=Tables(HIGH))
    space.fixed(LOW, 2 * PAGE)
    assert space.map.info().splitlines()[0].startswith("vm_map: kernel map: ")
    space = Space()
    space.fixed(LOW, 2 * PAGE)
    space.fixed(HIGH - PAGE, target="a", offset=2**40)
    assert space.map.info().splitlines()[2:] == [
        "vm_map: 0000000000010000 0000000000012000        8k 00000000 00000273 null",
        "vm_map: 000000000004f000 0000000000050000        4k 10000000000 00000273 object",
        "vm_map: total: 12k",
    ]
