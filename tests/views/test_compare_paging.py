"""The picture of a task beside a domain: both sides to one scale, nothing outside its box."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.captions import fields_of, whole
from tests.views.domains import machine_life
from tests.views.test_kmem_layout import sound
from vmwidgets.comparisons.paging_schema import PagingComparison


def compared(seed: int, name: str = "init") -> PagingComparison:
    domain = machine_life(seed)
    task = domain.machine.task(name)
    memory = domain.machine.object("memory")
    for number in range(seed * 3):
        task.write(task.map.enter("16 KiB", object=memory, prot="rw"), b"x" * (4096 if number % 2 else 9000))
    return vm.compare_paging(task, domain)


@pytest.mark.parametrize("seed", range(5))
def test_every_picture_is_sound(seed: int) -> None:
    sound(vm.Paging(compared(seed)).scene())
    sound(vm.Paging(compared(seed, "a name far too long for the card that it stands in, and \n worse")).scene())


def test_the_caption_says_whose_memory_is_how_large() -> None:
    m, other = vm.boot("armv7"), vm.boot("armv7")
    domain, task = m.domain("hello"), other.task("sh")
    domain.map(domain.frame("8 KiB"))
    start = task.map.enter("8 KiB", object=other.object("o"), prot="rw")
    for pages in (1, 2):
        task.write(start, b"x" * vm.PAGE * pages)
        said = fields_of(
            "comparisons: paging/present", whole(vm.Paging(vm.compare_paging(task, domain)).scene().caption)
        )
        assert (said["task"], said["domain"]) == (f"{4 * pages} KiB", "8 KiB")


def test_bars_of_one_unit_are_to_one_scale() -> None:
    found = compared(3)
    scene = vm.Paging(found).scene()
    scales: dict[bool, list[float]] = {True: [], False: []}
    for number, (name, left, right, is_bytes) in enumerate(found.measures()):
        drawn = [node for node in scene.nodes if node.id == f"paging/measure/{number}"]
        for node in drawn:
            assert name in node.title
            widths = [bar.w for bar in node.bars]
            assert [bool(width) for width in widths] == [bool(left), bool(right)]
            scales[is_bytes] += [one / many for one, many in zip(widths, (left, right), strict=True) if one > 2]
    for scale in scales.values():
        assert len(scale) > 1
        assert scale == pytest.approx([scale[0]] * len(scale))


def test_both_say_who_decides_and_the_table_what_ran() -> None:
    found = compared(2)
    scene = vm.Paging(found).scene()
    text = {node.id: " ".join(run.text for run in node.text) for node in scene.nodes}
    assert "the kernel decides" in text["paging/task"]
    assert "the program decides" in text["paging/domain"]
    drawn = sum(name.startswith("paging/measure/") for name in text)
    assert text["paging/fold"].startswith(f"{len(found.measures()) - drawn} measures")
    rows = {row[0]: row[1:] for row in scene.table.rows}
    assert rows["who decides"] == ("the kernel", "the program")
    assert rows["do_map"][0] == rows["vm_map_enter"][1] == "0"
    assert {name for name, *_ in found.measures()} <= rows.keys()


def test_one_entry_is_an_entry_and_bytes_have_their_digits_in_groups() -> None:
    machine = vm.boot("armv7")
    task, domain = machine.task("init"), machine.domain("hello")
    task.map.enter("8 KiB")
    domain.map(domain.frame("8 KiB"))
    domain.map(domain.frame("8 KiB"), at=0x5000_0000)
    found = vm.compare_paging(task, domain)
    scene = vm.Paging(found).scene()
    said = {node.id: " ".join(run.text for run in node.text) for node in scene.nodes}
    assert "1 map entry (" in said["paging/task"]
    assert "vnodes in their slab (" in said["paging/domain"]
    size = int(found.domain.record_bytes)
    assert 1000 <= size < 10_000
    assert f"({size // 1000},{size % 1000:03} B)" in said["paging/domain"]
    (row,) = (row for row in scene.table.rows if row[0] == "bytes of records")
    assert row[2] == f"{size // 1000},{size % 1000:03} B"


def test_a_comparison_in_a_cell_is_its_picture_and_other_things_are_refused() -> None:
    assert isinstance(vm.show(compared(1)), vm.Paging)
    with pytest.raises(vm.Refused, match="compare_paging"):
        vm.Paging(3)
