from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.work import calls_of
from vmwidgets.real.linux import state


@pytest.fixture
def machine():
    return vm.boot()


def frames_in(runs):
    return [frame for run in runs for frame in range(run.first, run.first + run.frames)]


def test_every_frame_is_in_one_run_and_the_states_add_up(machine):
    machine.kmem_malloc("64 KiB")
    machine.read_file("data", "40 KiB")
    value = machine.frames.value()
    assert frames_in(value.runs) == list(range(value.first_frame, value.end_frame))
    counts, states = value.counts, {}
    for run in value.runs:
        states[run.state] = states.get(run.state, 0) + run.frames
    assert states["used"] == counts.used
    assert states["zeroed"] == counts.zeroed
    assert states["free"] + states["pooled"] + states["zeroed"] == counts.free
    assert sum(run.frames for run in value.runs if run.wired) == counts.wired == 16
    assert sum(count for _, count in value.owners) == counts.used


def test_owners_are_told_with_the_most_first(machine):
    machine.kmem_malloc("64 KiB")
    value = machine.frames.value()
    assert list(value.owners) == sorted(value.owners, key=lambda pair: (-pair[1], pair[0]))
    assert dict(value.owners)["kmem_object"] == 16
    runs = [run for run in value.runs if run.owner == "kmem_object"]
    assert {machine.frames.owner(frame) for frame in frames_in(runs)} == {"kmem_object"}
    assert machine.frames.owner(value.end_frame - 1) == ""


def test_the_reverse_map_finds_all_who_look_at_a_frame(machine):
    heap = machine.object("heap")
    one, two = machine.task("one"), machine.task("two")
    first = one.map.enter("8 KiB", at=0x40_0000, object=heap)
    second = two.map.enter("8 KiB", at=0x70_0000, object=heap)
    one.write(first, b"x")
    two.read(second)
    (frame,) = heap.pages.values()
    assert machine.frames.mapped_at(frame) == (("one", first), ("two", second))
    address = machine.kmem_malloc("4 KiB")
    frame = machine.walk(address).pa >> 12
    value = machine.frames.frame(frame)
    assert value.mapped == (("", address),)
    assert (value.state, value.owner, value.wire_count) == ("used", "kmem_object", 1)
    machine.kmem_free(address, "4 KiB")
    assert machine.frames.mapped_at(frame) == ()
    assert machine.frames.frame(frame).state in ("free", "pooled")


def test_the_cost_of_a_value_does_not_grow_with_memory_or_with_what_is_used():
    def cost(ram, used):
        machine = vm.boot(ram=ram, layout="x15-64")
        for number in range(used):
            machine.kmem_alloc("4 KiB") if number % 2 else machine.kmem_malloc("8 KiB")
        focus = [run.first for run in machine.frames.value().runs[:4]]
        assert len(machine.frames.value(focus).runs) < 400
        return calls_of(lambda: machine.frames.value(focus))

    assert cost("4 GiB", 4000) < 2 * cost("128 MiB", 1000)


def test_a_value_that_is_not_whole_holds_what_is_asked_for():
    machine = vm.boot(ram="1 GiB", layout="x15-64")
    live = [machine.kmem_malloc("4 KiB") for _ in range(2000)]
    for address in live[::2]:
        machine.kmem_free(address, "4 KiB")
    frame = machine.walk(live[1201]).pa >> 12
    value = machine.frames.value([frame])
    shown = frames_in(value.runs)
    assert frame in shown
    assert shown == sorted(set(shown))
    assert len(value.runs) < 200


@pytest.mark.parametrize(
    ("architecture", "size"),
    [("armv7", 64 << 10), ("armv7", 1 << 20), ("x86", 4 << 20), ("x86-64", 2 << 20), ("aarch64", 2 << 20),
     ("riscv-sv39", 2 << 20)],
)  # fmt: skip
def test_each_frame_of_a_large_page_is_mapped_at_its_own_address(architecture, size):
    machine = vm.boot(architecture, ram="128 MiB")
    task = machine.task("init")
    start = task.map.enter(size, at="64 MiB", object=machine.object("film"))
    task.map.superpages(start, size=size, page=size)
    assert task.walk(start).page_size == size
    last = start + size - vm.PAGE
    for address in (*range(start, last, 7 * vm.PAGE), last):
        frame = task.walk(address).pa // vm.PAGE
        assert machine.frames.mapped_at(frame) == (("init", address),)
    assert machine.frames.frame(frame).mapped == (("init", last),)


def test_linux_is_compared_with_each_page_of_a_large_page():
    machine = vm.boot("armv7", ram="128 MiB")
    task = machine.task("init")
    start = task.mmap("64 KiB", at="64 MiB")
    task.map.superpages(start, size="64 KiB", page="64 KiB")
    assert dict(state.pages_of(machine.system, "init"))[start] == "x" * 16
