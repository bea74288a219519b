"""A learner's function chooses the page that goes."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.engine.machine.short_memory import (
    PAGE,
    booted,
    in_memory,
)


def newest(pages):
    return max(pages, key=lambda page: page.arrived)


def test_a_function_chooses_and_a_saved_machine_needs_it_no_longer(tmp_path):
    m, t, a = booted()
    asked = []

    def choose(pages):
        asked.append([(page.page - a // PAGE, page.referenced, page.dirty) for page in pages])
        return newest(pages)

    m.replacement = choose
    t.limit("rss", 3 * PAGE)
    t.write(a, b"x")
    for page in (1, 2, 3, 4):
        t.read(a + page * PAGE)
    assert in_memory(t, a) == {0, 1, 4}
    assert asked[0] == [(0, True, True), (1, True, False), (2, True, False)]
    m.journal.save(tmp_path / "m")
    again = vm.load_journal(tmp_path / "m")
    assert in_memory(again.tasks["init"], a) == {0, 1, 4}
    assert len(asked) == 2, "a loaded machine has the recorded choices"
    branch = m.branch()
    branch.tasks["init"].read(a + 9 * PAGE)
    assert len(asked) == 3, "a branch goes on with the function"
    m.undo()
    assert in_memory(m.tasks["init"], a) == {0, 1, 3}


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda pages: None, "gave no value: it must give one of the 2 pages"),
        (lambda pages: 10**9, "must give one of the 2 pages"),
        (lambda pages: pages, "must give one of the 2 pages"),
        (lambda pages: 1 / 0, "division by zero"),
        (lambda: 0, "takes 0 positional arguments"),
    ],
)
def test_nonsense_of_a_function_is_one_sentence_and_the_machine_is_whole(function, why):
    m, t, a = booted()
    m.replacement = function
    t.limit("rss", 2 * PAGE)
    t.read(a)
    t.read(a + PAGE)
    with pytest.raises(vm.CallbackFailed, match=why) as failed:
        t.read(a + 2 * PAGE)
    assert "\n" not in str(failed.value)
    m.check()
    assert in_memory(t, a) == {0, 1}
    m.replacement = "fifo"
    t.read(a + 2 * PAGE)
    assert in_memory(t, a) == {1, 2}


def fails(pages):
    raise ValueError("no idea")


def test_a_fork_that_a_function_stops_leaves_no_child():
    m, t, a = booted()
    t.map.wire(a, size=8 * PAGE)
    b = t.mmap(PAGE)
    t.write(b, b"x")
    m.replacement = fails
    m.take_pages(m.pages.obtainable_pages)
    m.give_pages(6)
    with pytest.raises(vm.CallbackFailed, match="no idea"):
        t.fork("kid")
    assert set(m.tasks) == {"init"}
    m.check()


def test_a_mapping_that_a_function_keeps_from_being_filled_is_not_made():
    m, t, a = booted()
    t.limit("rss", 2 * PAGE)
    t.write(a, b"x")
    m.replacement = fails
    entries = list(t.map)
    with pytest.raises(vm.CallbackFailed, match="no idea"):
        t.mmap(4 * PAGE, flags="private populate")
    assert list(t.map) == entries
    m.check()


def test_a_wiring_that_a_function_stops_gives_its_pages_back():
    m, t, a = booted()
    t.limit("rss", 2 * PAGE)
    t.write(a + 9 * PAGE, b"x")
    m.replacement = fails
    with pytest.raises(vm.CallbackFailed, match="no idea"):
        t.map.wire(a, size=4 * PAGE)
    assert in_memory(t, a) == {9}
    m.check()


def test_what_is_chosen_can_be_set_again():
    m, _, _ = booted()
    m.replacement = newest
    m.replacement = m.replacement
    assert m.replacement.policy == "a function"
    with pytest.raises(vm.Refused, match="another machine"):
        m.replacement = vm.boot().replacement


def test_a_function_may_not_call_the_machine():
    m, t, a = booted()
    m.replacement = lambda pages: t.read(a)
    t.limit("rss", PAGE)
    t.read(a)
    with pytest.raises(vm.CallbackFailed, match="may not call the machine"):
        t.read(a + PAGE)
    m.check()
