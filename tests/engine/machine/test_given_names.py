"""Names that learners give: whole characters, and nothing that an argument would take for a size."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.engine.machine.snapshots import snapshot

HALF = "a\ud800"


def machine():
    """A machine with a task that maps something."""
    m = vm.boot()
    m.task("places").map.enter("64 KiB", at="1 MiB")
    return m


MAKE_A_PART = {
    "a task": lambda m, name: m.task(name),
    "an object": lambda m, name: m.object(name),
    "a device": lambda m, name: m.device(name, at="1 GiB", size="4 KiB"),
    "a domain": lambda m, name: m.domain(name),
    "a map of kernel memory": lambda m, name: m.kmem_suballoc("64 KiB", name),
    "the task of a loaded map": lambda m, name: vm.load_maps(m, "10000-11000 rw-p 0 00:00 0", task=name),
}

GIVE_A_TEXT = {
    **MAKE_A_PART,
    "a file": lambda m, text: m.read_file(text, 100),
    "a thread": lambda m, text: m.spawn(m.kmem_alloc, "4 KiB", name=text),
    "a channel": lambda m, text: m.tsleep(text, ticks=1),
    "a channel that is woken": lambda m, text: m.wakeup(text),
    "a message": lambda m, text: m.tsleep("channel", text, ticks=1),
}


def refused(m, make, text, why):
    make(m, "name")
    before = snapshot(m)
    with pytest.raises(vm.Refused, match=why) as caught:
        make(m, text)
    assert "\n" not in str(caught.value)
    str(caught.value).encode()
    assert snapshot(m) == before
    m.check()
    assert m.kmem_alloc("4 KiB"), "the machine lives"


@pytest.mark.parametrize("what", GIVE_A_TEXT)
def test_half_a_character_is_refused_and_the_machine_lives(what):
    refused(
        machine(), GIVE_A_TEXT[what], HALF, r"contains half of a character \(a lone surrogate\): use whole characters"
    )


@pytest.mark.parametrize("what", MAKE_A_PART)
@pytest.mark.parametrize("name", ["8 KiB", "4096", "0x1000", "3 pages", "12b"])
def test_no_part_is_called_by_a_size(what, name):
    refused(machine(), MAKE_A_PART[what], name, "looks like a number or a size: use a name that begins with a letter")


@pytest.mark.parametrize("name", ["f00", "dead beef", "page", "KiB", "8 kings", "b", "stacks/1"])
def test_other_names_are_taken(name):
    for what, make in MAKE_A_PART.items():
        if "/" not in name or what != "a map of kernel memory":
            m = machine()
            make(m, name)
            m.check()


def test_ranges_of_files_with_such_names_are_loaded():
    m = vm.boot()
    lines = ["10000-11000 rw-p 00000000 08:01 12 8", f"20000-21000 rw-p 00000000 08:01 13 {HALF}"]
    vm.load_maps(m, "\n".join(lines) + "\n")
    assert list(m.objects) == ["file 8", r"a\ud800"]
    m.check()


def test_a_child_gets_the_next_number_that_no_task_has_or_had() -> None:
    m = vm.boot("x86-64", layout="tiny")
    parent = m.task("init")
    m.task("init.1")
    m.task("init.3").exit()
    assert [parent.fork().name for _ in range(3)] == ["init.2", "init.4", "init.5"]
