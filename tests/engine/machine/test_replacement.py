"""Which page of tasks goes when memory runs short: on machines, by bits in their page tables."""

from __future__ import annotations

import random

import pytest

import vmwidgets as vm
from tests.engine.machine.short_memory import (
    ARCHITECTURES,
    FAULTS,
    LONG,
    NO_RING,
    PAGE,
    booted,
    came,
    chosen,
    in_memory,
)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("text", "policy"), FAULTS)
def test_textbook_strings_fault_as_often_as_on_paper(architecture, text, policy):
    string, found = [int(page) for page in text.split()], []
    for frames in (3, 4):
        m, t, a = booted(architecture)
        t.map.wire(a + 15 * PAGE, size=PAGE)  # so that the tables are there, and stay
        m.replacement = chosen(policy, a, string)
        m.take_pages(m.pages.obtainable_pages)
        m.give_pages(frames)
        begun = len(m.journal)
        for page in string:
            t.read(a + page * PAGE)
            m.check()
        found.append(came(m, begun))
    assert tuple(found) == FAULTS[text, policy]


@pytest.mark.parametrize("policy", ["fifo", "lru", "clock", "opt"])
def test_a_limit_of_a_task_is_as_short_a_memory(policy):
    string, found = [int(page) for page in LONG.split()], []
    for frames in (3, 4):
        m, t, a = booted()
        m.replacement = chosen(policy, a, string)
        t.limit("rss", frames * PAGE)
        begun = len(m.journal)
        for page in string:
            t.read(a + page * PAGE)
            assert len(in_memory(t, a)) <= frames
        found.append(came(m, begun))
    assert tuple(found) == FAULTS[LONG, policy]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_cleared_bit_is_set_again_by_the_next_use(architecture):
    """Without a flush the processor would go on with its TLB, and the page would look unused."""
    m, t, a = booted(architecture)
    m.replacement = "clock"
    t.limit("rss", 3 * PAGE)
    for page in (0, 1, 2, 3):  # the hand passes all three, and takes page 0
        t.read(a + page * PAGE)
    assert in_memory(t, a) == {1, 2, 3}
    t.read(a + PAGE)  # it was passed: this sets its bit again
    t.read(a + 4 * PAGE)
    assert in_memory(t, a) == {1, 3, 4}


def test_the_hand_stays_where_it_stopped_and_the_new_page_takes_the_place_behind_it():
    m, t, a = booted()
    m.replacement = "clock"
    t.limit("rss", 3 * PAGE)
    for page in (0, 1, 2, 3):
        t.read(a + page * PAGE)
    ring = m.replacement.value().rings["init"]
    assert [(page.va - a) // PAGE for page in ring.pages] == [1, 2, 3]
    assert ring.hand == 1, "3 has the place of 0"
    assert [page.referenced for page in ring.pages] == [False, False, True]


def test_a_page_that_the_hand_passed_is_still_dirty_and_no_longer_referenced():
    """Read from the tables, as here, and from the kernel's records, for the first pages alone."""
    m, t, a = booted()
    m.replacement = "clock"
    t.limit("rss", 3 * PAGE)
    for page in (0, 1, 2, 3):
        t.write(a + page * PAGE, b"x")
    all_of_them, first = (m.replacement.value(number).rings["init"].pages for number in (None, 3))
    assert [(page.referenced, page.dirty) for page in all_of_them] == [(False, True), (False, True), (True, True)]
    assert first == all_of_them


def life(policy, seed):
    """What a task with four frames has in memory after each of many moves, in which pages are unmapped too."""
    draws = random.Random(seed)
    m = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    m.swap_on("1 MiB")
    m.replacement = policy
    t = m.task("init")
    t.limit("rss", 4 * PAGE)
    a, found = t.mmap(16 * PAGE), []
    for _ in range(60):
        page = a + draws.randrange(9) * PAGE
        if draws.random() < 0.2:
            t.munmap(page, PAGE)
            t.mmap(PAGE, flags="private fixed", at=page)
        else:
            t.read(page)
        found.append({one.va for one in m.replacement.value().rings.get("init", NO_RING).pages})
    m.check()
    return found


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_the_clock_makes_the_choice_of_second_chance_where_pages_are_unmapped(first):
    for seed in range(first, first + 10):
        assert life("clock", seed) == life("second chance", seed)


def dirty(m, va):
    """Whether the page that is mapped at `va` counts as written."""
    return next(page.dirty for page in m.replacement.value().rings[""].pages if page.va == va)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_written_page_is_dirty(architecture):
    m, t, a = booted(architecture)
    t.read(a)
    t.write(a + PAGE, b"x")
    has_bit = architecture in ("x86-64", "riscv-sv39")
    assert (dirty(m, a), dirty(m, a + PAGE)) == (not has_bit, True), "ARM has no bit: what may be written counts"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_page_that_was_written_back_to_its_file_is_clean_until_it_is_written_again(architecture):
    m, t, _ = booted(architecture)
    a = t.mmap(PAGE, "rw", "shared", m.file("f", b"f"))
    t.write(a, b"x")
    t.msync(a, PAGE)
    assert not dirty(m, a)
    t.read(a)
    assert not dirty(m, a)
    t.write(a, b"y")
    assert dirty(m, a)
    m.check()


def test_with_local_replacement_a_task_gives_pages_of_its_own():
    def faults_of_another(local):
        m, t, a = booted()
        other = m.task("other")
        b = other.mmap(4 * PAGE)
        other.touch(b)
        m.replacement = vm.Replacement("fifo", local=local)
        m.take_pages(m.pages.obtainable_pages)
        m.give_pages(7)
        for page in range(3):
            other.write(b + page * PAGE, b"x")
        for page in range(12):
            t.read(a + page * PAGE)
        begun = len(m.journal)
        for page in range(3):
            other.read(b + page * PAGE)
        m.check()
        return came(m, begun)

    assert faults_of_another(local=True) == 0
    assert faults_of_another(local=False) == 3


def test_of_several_rings_the_largest_gives_a_page():
    m, t, a = booted()
    m.replacement = vm.Replacement("fifo", local=True)
    others = {name: m.task(name) for name in ("small", "big", "medium")}
    for other, count in zip(others.values(), (2, 7, 4), strict=True):
        other.mmap(16 * PAGE)
        for page in range(count):
            other.write(a + page * PAGE, b"x")
    t.map.wire(a + 15 * PAGE, size=PAGE)  # its tables are there; the page can't go
    m.take_pages(m.pages.obtainable_pages)
    t.read(a)
    held = {name: len(in_memory(other, a)) for name, other in others.items()}
    assert held == {"small": 2, "big": 6, "medium": 4}


@pytest.mark.parametrize(("tasks", "share"), [(1, 12), (2, 6), (3, 4), (4, 3)])
def test_a_task_has_as_large_a_share_as_the_others_with_local_replacement(tasks, share):
    m, t, a = booted()
    m.replacement = vm.Replacement("fifo", local=True)
    others = [m.task(f"other {number}") for number in range(tasks - 1)]
    for other in others:
        other.write(other.mmap(16 * PAGE), b"x")
    t.write(a, b"x")
    m.take_pages(m.pages.obtainable_pages)
    m.give_pages(12 - tasks)
    for task in (t, *others):
        for page in range(14):
            task.write(a + page * PAGE, b"x")
            assert len(in_memory(task, a)) == min(page + 1, share), "twelve frames, in equal shares"
    m.check()


def test_what_is_out_of_the_working_set_leaves():
    m, t, a = booted()
    m.replacement = vm.Replacement("working set", window=3)
    for page in (0, 1, 2, 1):
        t.read(a + page * PAGE)
    assert in_memory(t, a) == {1, 2}, "the last three references were to these"


def test_a_wired_page_stays_whatever_the_policy():
    for policy in ("fifo", "lru", "second chance", "clock", lambda pages: pages[0]):
        m, t, a = booted()
        m.replacement = policy
        t.limit("rss", 3 * PAGE)
        t.map.wire(a, size=PAGE)
        for page in (1, 2, 3, 4, 5, 1):
            t.read(a + page * PAGE)
        assert 0 in in_memory(t, a)
        m.check()


def test_a_page_that_could_not_go_keeps_its_age():
    m, t, a = booted()
    m.replacement = "lru"
    t.limit("rss", 3 * PAGE)
    for page in (0, 1, 2):
        t.write(a + page * PAGE, b"x")
    t.map.wire(a, size=PAGE)
    t.write(a + 3 * PAGE, b"x")
    assert in_memory(t, a) == {0, 2, 3}
    t.map.unwire(a, size=PAGE)
    t.write(a + 4 * PAGE, b"x")
    assert in_memory(t, a) == {2, 3, 4}, "page 0 was used longest ago"


def test_a_page_that_leaves_the_working_set_while_it_is_wired_goes_when_it_may():
    m, t, a = booted()
    m.replacement = vm.Replacement("working set", window=3)
    t.limit("rss", 3 * PAGE)
    t.read(a)
    t.map.wire(a, size=PAGE)
    for page in (1, 2, 3):
        t.read(a + page * PAGE)
    assert in_memory(t, a) == {0, 2, 3}
    t.map.unwire(a, size=PAGE)
    t.read(a + 3 * PAGE)
    assert in_memory(t, a) == {2, 3}


@pytest.mark.parametrize("policy", ["fifo", "lru"])
def test_many_wired_pages_are_asked_once(policy, monkeypatch):
    """Each fault that needs a frame would ask all of them again."""
    m = vm.boot("x86-64")
    m.swap_on("1 MiB")
    m.replacement = policy
    t = m.task("init")
    a = t.mmap(300 * PAGE)
    for page in range(200):
        t.read(a + page * PAGE)
    t.map.wire(a, size=199 * PAGE)
    t.limit("rss", 200 * PAGE)
    memory, asked = m.system.task_memory, []
    can = type(memory).may_go

    def counted(memory, frame):
        asked.append(frame)
        return can(memory, frame)

    monkeypatch.setattr(type(memory), "may_go", counted)
    for page in range(200, 250):
        t.read(a + page * PAGE)
    m.check()
    assert 199 + 50 <= len(asked) <= 199 + 2 * 50


def test_where_all_it_may_have_is_wired_a_fault_finds_no_memory():
    m, t, a = booted()
    t.limit("rss", 2 * PAGE)
    t.map.wire(a, size=2 * PAGE)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        t.read(a + 2 * PAGE)
    m.check()


def test_pages_keep_their_order_when_another_policy_is_chosen():
    m, t, a = booted()
    for page in (2, 0, 1):
        t.read(a + page * PAGE)
    m.replacement = "lru"
    m.replacement = "fifo"
    t.limit("rss", 3 * PAGE)
    t.read(a + 5 * PAGE)
    assert in_memory(t, a) == {0, 1, 5}


def test_a_limit_goes_on_to_a_child_and_ends_with_the_task():
    m, t, a = booted()
    t.limit("rss", 2 * PAGE)
    child = t.fork()
    for page in range(6):
        child.write(a + page * PAGE, b"x")
    m.check()
    assert m.system.task_memory.rings.counts["init.1"] <= 2
    child.exit()
    m.check()
    t.exit()
    m.check()
    assert not m.replacement.value().rings


@pytest.mark.parametrize(("policy", "faults"), [("fifo", 15), ("lru", 12), ("clock", 14), ("opt", 9)])
def test_what_other_tasks_do_changes_nothing_for_a_task_with_a_limit(policy, faults):
    """Their limits, forks and ends leave the order of its pages, the hand and the future as they are."""
    string = [int(page) for page in LONG.split()]
    m, t, a = booted()
    others = [m.task(f"other {number}") for number in range(3)]
    m.replacement = chosen(policy, a, string)
    t.limit("rss", 3 * PAGE)
    begun = len(m.journal)
    for number, page in enumerate(string):
        t.read(a + page * PAGE)
        if number in (5, 10, 15):
            others[number // 5 - 1].limit("as", "1 MiB")
            others[number // 5 - 1].limit("rss", "8 KiB")
            others[number // 5 - 1].fork().exit()
            others[number // 5 - 1].exit()
            t.limit("rss", 3 * PAGE)
        m.check()
    assert came(m, begun) == faults


# ---- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("clok", "policy='clok': write one of fifo, lru"),
        (3, "replacement=3 is an int: write one of"),
        (None, "replacement=None is"),
        ("opt", "needs future"),
        ("", "policy=''"),
    ],
)
def test_a_policy_that_there_is_not(given, why):
    m, _, _ = booted()
    count = len(m.journal)
    with pytest.raises(vm.Refused, match=why):
        m.replacement = given
    assert (m.replacement.policy, len(m.journal)) == ("fifo", count)


@pytest.mark.parametrize(
    "given",
    [
        {"window": 0},
        {"window": True},
        {"window": "4"},
        {"local": 1},
        {"future": "7 0"},
        {"future": (1, "2")},
        {"future": (1, ("init", 2))},
        {"future": [("init", True)]},
        {"future": [("init", 1, 2)]},
    ],
)
def test_a_value_with_nonsense_in_it(given):
    with pytest.raises(vm.Refused, match=f"^{next(iter(given))}="):
        vm.Replacement("working set", **given)
