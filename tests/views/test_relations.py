"""What pictures know of their things: where walks say that they are and lead, in every table format."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.relations import FRAMES, KERNEL, About, Pages, together


def drawn(thing: Any, **options: Any) -> dict[str, About]:
    """What a picture knows of the things that are nodes of it."""
    scene = (thing if isinstance(thing, Picture) else vm.picture(thing, **options)).scene()
    things = {node.thing for node in scene.nodes}
    return {name: about for name, about in scene.about.items() if name in things}


def leads(about: About, space: str, page: int) -> int | None:
    """The frame to which a page of a space leads, by what is known of one thing; None where it is not there."""
    for here, there in zip(about.at, about.to, strict=False):
        if here.space == space and here.first <= page < here.first + here.length and isinstance(there, Pages):
            return there.first + page - here.first
    return None


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_descriptors_lead_from_a_tasks_page_to_the_frame_that_a_walk_finds(architecture: str) -> None:
    task = vm.boot(architecture).task("init")
    base = task.mmap("64 KiB")
    task.write(base, b"x" * 5 * PAGE)
    for picture in (task.tables, task.walk(base), task.machine.cpus):
        found = {leads(about, "init", base >> PAGE_SHIFT) for about in drawn(picture).values()} - {None}
        assert found == {task.walk(base).pa >> PAGE_SHIFT}, picture


def test_the_kernels_addresses_are_the_kernels_in_every_space() -> None:
    m = vm.boot("x86-64")
    address = m.kernel_map.enter("8 KiB", prot="rw")
    task = m.task("init")
    m.kernel_map.wire(address, size="8 KiB")  # its pages come now
    assert any(KERNEL in {one.space for one in about.at} for about in drawn(m.kernel_map).values())
    spaces = {one.space for about in drawn(task.tables).values() for one in about.at}
    assert "init" not in spaces  # it has nothing of its own yet


def test_an_entry_is_at_its_pages_and_leads_to_its_object() -> None:
    m = vm.boot("x86-64")
    task = m.task("init")
    base = task.mmap("16 KiB", "rw", "shared", m.object("film", 4 * PAGE))
    entry = task.map.lookup(base)
    for picture in (task.map, m.memory_objects, m):
        about = drawn(picture)[f"entry:{entry.id}"]
        assert about == About((Pages("init", base >> PAGE_SHIFT, 4),), ("object:film",)), picture


def test_runs_of_frames_are_as_long_as_they_are() -> None:
    m = vm.boot("x86-64")
    runs = [(run.first, run.first + run.frames) for run in m.frames.value().runs]
    known = drawn(m.frames)
    assert known
    ends = {first + count for about in known.values() for _, first, count in about.at}
    for thing, about in known.items():
        (pages,) = about.at
        assert (pages[0], f"frame:{pages[1]}") == (FRAMES, thing)
        assert any(first <= pages[1] < pages[1] + pages[2] <= end for first, end in runs), (
            "a run, or a free block of one"
        )
    assert {end for _, end in runs} <= ends


def test_a_picture_that_asks_says_nothing_of_the_answer() -> None:
    m = vm.boot("x86-64")
    task = m.task("init")
    task.write(task.mmap("4 KiB"), b"x")
    asks = vm.Dashboard(task, panes="translation", ask=True)
    assert not [thing for thing in drawn(asks) if thing.startswith(("pte:", "tlb/"))]
    told = drawn(vm.Dashboard(task, panes="translation"))
    assert [thing for thing in told if thing.startswith("pte:")]


def test_a_thing_of_two_pictures_is_at_the_places_of_both() -> None:
    one, other = Pages("init", 1, 1), Pages("init", 5, 2)
    assert together([{"a": About((one,))}, {"a": About((one, other), ("b",))}]) == {"a": About((one, other), ("b",))}
