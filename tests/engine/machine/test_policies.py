"""What policies know of pages: counters and bits at ticks, strings of references, and places in rings."""

from __future__ import annotations

import random

import pytest

import vmwidgets as vm
from tests.engine.machine.short_memory import (
    ARCHITECTURES,
    BELADY,
    FAULTS,
    PAGE,
    booted,
    came,
    chosen,
    in_memory,
)


def counters(m, a, ring="init"):
    """The counters of pages from `a` on, by page."""
    return {(page.va - a) // PAGE: f"{page.note:08b}" for page in m.replacement.value().rings[ring].pages}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_aging_reads_the_tables_at_each_tick_as_on_paper(architecture):
    """Bits that are cleared are set again by the next use, TLB or not."""
    m, t, a = booted(architecture)
    m.replacement = "aging"
    t.limit("rss", 4 * PAGE)
    draws, text = random.Random(5), "0"
    t.read(a)
    for _ in range(50):
        if draws.random() < 0.3:
            m.tick()
            text += "|"
        else:
            page = draws.randrange(6)
            t.read(a + page * PAGE)
            text += f" {page}"
        m.check()
        last = vm.reference_string(text, 4, "aging").runs[0].steps[-1]
        assert in_memory(t, a) == set(last.pages) - {None}
        expected = {page: f"{one:08b}" for page, one in zip(last.pages, last.counters, strict=True) if one is not None}
        assert counters(m, a) == expected


def test_counters_are_kept_where_pages_change_their_ring():
    m, t, a = booted()
    m.replacement = "aging"
    t.read(a)
    m.tick()
    t.read(a + PAGE)
    m.tick()
    expected = {0: "01000000", 1: "10000000"}
    assert counters(m, a, "") == expected
    t.limit("rss", 4 * PAGE)
    assert counters(m, a) == expected
    m.replacement = vm.Replacement("aging", local=True)
    assert counters(m, a) == expected
    t.limit("rss", None)
    assert counters(m, a) == expected


def test_several_ticks_at_once_are_as_many():
    found = []
    for counts in ((1, 1, 1), (3,), (0, 3)):
        m, t, a = booted()
        m.replacement = "aging"
        t.read(a)
        for count in counts:
            m.tick(count)
        found.append(counters(m, a, ""))
    assert found == [{0: "00100000"}] * 3
    m.tick(10**9)
    assert counters(m, a, "") == {0: "00000000"}


def test_a_tick_is_taken_back_and_goes_on_after_a_branch():
    m, t, a = booted()
    m.replacement = "aging"
    t.read(a)
    m.tick()
    before = m.replacement.value()
    t.read(a + PAGE)
    m.tick()
    assert m.at(m.journal.last.number - 2).replacement.value() == before
    branch = m.branch()
    m.tick()
    branch.tick()
    assert counters(branch, a, "") == counters(m, a, "") == {0: "00100000", 1: "01000000"}
    m.undo()
    m.tick(2)
    assert counters(m, a, "") == {0: "00010000", 1: "00100000"}


def test_nru_prefers_a_page_that_was_not_used_since_the_tick():
    m, t, a = booted()
    m.replacement = "nru"
    t.limit("rss", 3 * PAGE)
    for page in (0, 1, 2):
        t.read(a + page * PAGE)
    m.tick()
    t.read(a)
    t.read(a + PAGE)
    t.read(a + 3 * PAGE)
    assert in_memory(t, a) == {0, 1, 3}


@pytest.mark.parametrize("beside", ["nothing", "task", "domain", "child", "populate", "other pages"])
def test_references_that_are_not_the_strings_take_no_time_of_opt(beside):
    m, t, a = booted()
    string = [int(page) for page in BELADY.split()]
    m.replacement = chosen("opt", a, string)
    t.limit("rss", (4 if beside == "other pages" else 3) * PAGE)
    other = m.task("other")
    b = other.mmap(PAGE)
    d = m.domain("init")
    c = d.map(d.frame())
    code = t.mmap(PAGE)
    t.map.wire(code, size=PAGE) if beside == "other pages" else t.munmap(code, PAGE)
    begun, faults = len(m.journal), 0
    for page in string:
        faults += page not in in_memory(t, a)
        t.read(a + page * PAGE)
        if beside == "task":
            other.read(b)
        elif beside == "domain":
            d.read(c)
        elif beside == "child":
            child = t.fork()
            child.read(a + page * PAGE)
            child.exit()
        elif beside == "populate":
            other.munmap(other.mmap(PAGE, flags="private populate"), PAGE)
        elif beside == "other pages":
            t.read(code)
    m.check()
    assert faults == FAULTS[BELADY, "opt"][0]
    assert len(m.journal) > begun


def test_two_tasks_have_one_string_of_pairs(tmp_path):
    """Their pages have the same numbers; each goes by its own next use, in a memory that is theirs together."""
    m, t, a = booted()
    other = m.task("other")
    assert other.mmap(16 * PAGE) == a
    draws = random.Random(3)
    string = [(draws.choice(["init", "other"]), draws.randrange(4)) for _ in range(12)]
    for task in (t, other):
        task.map.wire(a + 15 * PAGE, size=PAGE)
    m.replacement = vm.Replacement("opt", future=tuple((name, a // PAGE + page) for name, page in string))
    m.take_pages(m.pages.obtainable_pages)
    m.give_pages(3)
    m.journal.save(tmp_path / "m")
    for machine in (m.branch(), vm.load_journal(tmp_path / "m"), m):
        begun = len(machine.journal)
        for name, page in string:
            machine.tasks[name].read(a + page * PAGE)
        assert machine.replacement.setting.future[0] == (string[0][0], a // PAGE + string[0][1])
        assert came(machine, begun) == fewest(string, frozenset())


def test_a_page_that_was_brought_in_without_an_access_is_known_to_opt():
    m, t, _ = booted()
    a = t.mmap(4 * PAGE)
    m.replacement = chosen("opt", a, [3, 0, 1, 2, 0, 1])
    t.limit("rss", 3 * PAGE)
    b = t.mmap(3 * PAGE, at=a, flags="private fixed populate")
    assert b == a
    t.read(a + 3 * PAGE)
    assert in_memory(t, a) == {0, 1}, "page 2 is used last"


def next_uses(m, a, ring):
    """What OPT knows of pages from `a` on: the next use of each, by task and page."""
    return {(page.task, (page.va - a) // PAGE): page.note for page in m.replacement.value().rings[ring].pages}


def test_opt_goes_on_where_a_task_does_not_keep_to_its_string():
    m, t, a = booted()
    m.replacement = chosen("opt", a, [0, 1, 2, 0, 1, 2, 3])
    t.limit("rss", 3 * PAGE)
    for page in (0, 1, 2, 1):  # the string has 0 there
        t.read(a + page * PAGE)
    assert next_uses(m, a, "init") == {("init", 0): None, ("init", 1): 4, ("init", 2): 5}
    t.read(a + 3 * PAGE)
    assert in_memory(t, a) == {1, 2, 3}


def test_numbers_are_any_tasks_until_one_of_them_uses_them():
    m, t, a = booted()
    other = m.task("other")
    assert other.mmap(4 * PAGE) == a
    for page in (0, 1):
        other.read(a + page * PAGE)
        t.read(a + page * PAGE)
    m.replacement = chosen("opt", a, [0, 1, 0])
    assert next_uses(m, a, "") == {("init", 0): 0, ("init", 1): 1, ("other", 0): 0, ("other", 1): 1}
    t.read(a)
    assert next_uses(m, a, "") == {("init", 0): 2, ("init", 1): 1, ("other", 0): None, ("other", 1): None}


def fewest(string, frames):
    """The fewest faults that any choice of victims gives."""
    if not string:
        return 0
    page, rest = string[0], string[1:]
    if page in frames:
        return fewest(rest, frames)
    if len(frames) < 3:
        return 1 + fewest(rest, frames | {page})
    return 1 + min(fewest(rest, frames - {victim} | {page}) for victim in frames)


def test_a_working_set_ages_by_the_references_of_its_own_task():
    m, t, a = booted()
    m.replacement = vm.Replacement("working set", window=4)
    for page in (0, 1, 2):
        t.write(a + page * PAGE, b"x")
    child = t.fork()
    for _ in range(10):
        child.read(a)
    t.read(a)
    assert {1, 2} <= in_memory(t, a)


def test_the_hand_is_taken_back_over_whatever_moves_it():
    m, t, a = booted()
    m.replacement = "clock"
    t.limit("rss", 3 * PAGE)
    for page in range(4):
        t.read(a + page * PAGE)
    for change in (
        lambda: t.limit("rss", 4 * PAGE),
        lambda: t.limit("rss", None),
        lambda: setattr(m, "replacement", "fifo"),
    ):
        before = m.replacement.value()
        change()
        assert m.history.moments(m.journal.last.number, lambda then: then.replacement.value())[0] == before


def test_a_ring_that_grows_has_the_new_page_before_the_hand():
    m, t, a = booted()
    m.replacement = "clock"
    t.limit("rss", 3 * PAGE)
    for page in range(4):
        t.read(a + page * PAGE)
    t.limit("rss", 4 * PAGE)
    before = m.replacement.value()
    t.read(a + 4 * PAGE)  # nothing goes
    assert m.history.moments(m.journal.last.number, lambda then: then.replacement.value())[0] == before
    ring = m.replacement.value().rings["init"]
    assert [(page.va - a) // PAGE for page in ring.pages[ring.count - ring.hand :]] == [3, 4]


def test_a_ring_of_which_many_left_closes_up_and_the_hand_keeps_its_page():
    m = vm.boot("x86-64")
    m.swap_on("4 MiB")
    m.replacement = "clock"
    t = m.task("init")
    a = t.mmap(400 * PAGE)
    for page in range(400):
        t.read(a + page * PAGE)
    t.page_out(a, 100 * PAGE)
    t.page_out(a + 110 * PAGE, 290 * PAGE)
    m.check()
    assert [page.va for page in m.replacement.value().rings[""].pages] == [a + page * PAGE for page in range(100, 110)]


def test_a_task_at_its_limit_has_no_other_task_killed():
    m, t, a = booted()
    m.kill_when_out_of_memory()
    other = m.task("big")
    other.write(other.mmap("64 KiB"), b"x" * 65536)
    t.limit("rss", PAGE)
    t.map.wire(a, size=PAGE)
    with pytest.raises(vm.KernelError, match="NOMEM"):
        t.read(a + PAGE)
    assert set(m.tasks) == {"init", "big"}
    said = next(event.why for event in m.journal.last.events if event.tag == "NothingToReclaim")
    assert said == "of 1 page of task 'init' in memory none can go: they are wired, or needed at this moment"


def test_large_pages_keep_to_a_limit():
    m = vm.boot("x86-64")
    t = m.task("init")
    a = t.map.enter("4 MiB", at="64 MiB", object=m.object("film"))
    t.limit("rss", 4 * PAGE)
    assert t.map.superpages(a, size="4 MiB", page="2 MiB") == 0
    m.check()


def test_a_working_set_goes_on_where_pages_change_their_ring():
    """A page leaves when three others were used after it, though a limit moved it to a ring of its task's own."""
    residents: list[list[int]] = []
    for limit in (None, 6 * PAGE):
        m = vm.boot("x86-64")
        m.replacement = vm.Replacement("working set", window=3)
        t = m.task("t")
        a = t.mmap(8 * PAGE)
        m.swap_on(16 * PAGE)
        residents.append([])
        for index in range(6):
            t.write(a + index * PAGE, b"x")
            residents[-1].append(t.resident // PAGE)
            if index == 1:
                t.limit("rss", limit)
    assert residents[0] == residents[1]


def test_an_heir_has_the_counters_of_its_parents_pages():
    m = vm.boot("x86-64")
    m.replacement = vm.Replacement("aging", local=True)
    t = m.task("t")
    a = t.mmap(2 * PAGE)
    t.write(a, b"x")
    t.write(a + PAGE, b"x")
    c = t.fork()
    c.read(a, 1)
    c.read(a + PAGE, 1)
    m.tick()
    t.read(a + PAGE, 1)
    m.tick()
    rings = m.system.task_memory.rings.rings
    before = {page.frame: rings["t"].note(page) for page in rings["t"].queue}
    t.exit()
    assert sorted(before.values()) == [0b0100_0000, 0b1100_0000]
    assert {page.frame: rings[c.name].note(page) for page in rings[c.name].queue} == before


def test_opt_knows_the_pages_that_were_there_before():
    m, t, a = booted()
    for page in (0, 1, 2):
        t.read(a + page * PAGE)
    string = [4, 3, 0, 0, 1, 4, 0, 2, 0, 2, 3, 4]
    m.replacement = chosen("opt", a, string)
    t.limit("rss", 3 * PAGE)
    begun = len(m.journal)
    for page in string:
        t.read(a + page * PAGE)
    assert came(m, begun) == fewest(string, frozenset((0, 1, 2)))
