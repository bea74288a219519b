"""Which page of tasks goes when memory runs short: on machines, by bits in their page tables."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.values.past import Past

PAGE = vm.PAGE
ARCHITECTURES = ["x86-64", "armv7", "aarch64", "riscv-sv39"]
LONG, BELADY = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1", "1 2 3 4 1 2 5 1 2 3 4 5"
FAULTS = {
    (LONG, "fifo"): (15, 10), (LONG, "lru"): (12, 8), (LONG, "opt"): (9, 8), (LONG, "clock"): (14, 9),
    (LONG, "second chance"): (14, 9),
    (BELADY, "fifo"): (9, 10), (BELADY, "lru"): (10, 8), (BELADY, "opt"): (7, 6), (BELADY, "clock"): (9, 10),
    (BELADY, "second chance"): (9, 10),
}  # fmt: skip  # pairs of string and policy, and the faults with 3 and with 4 frames, as textbooks have them


def booted(architecture="x86-64", **options):
    """A machine with swap space, and a task with sixteen pages; the first one's address."""
    m = vm.boot(architecture, layout="tiny", ram="8 MiB", **options)
    m.swap_on("1 MiB")
    t = m.task("init")
    a = t.mmap(16 * PAGE)
    return m, t, a


def chosen(policy, a, string):
    """What `m.replacement` is given for a string of references to pages from `a` on."""
    return vm.Replacement("opt", future=tuple(a // PAGE + page for page in string)) if policy == "opt" else policy


def came(m, since=0):
    """How many pages came into memory in the operations from `since` on."""
    return sum(len(e.pages) for op in m.journal[since:] for e in op.events if e.tag == "PagesEntered")


def in_memory(t, a):
    """The numbers of the pages from `a` on that the task has in memory, without touching them."""
    entry = t.space.vm_map.peek(a)
    return {page for page in range(16) if entry.object.found(entry.offset_of(a + page * PAGE)) is not None}


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
    assert [(page.va - a) // PAGE for page in ring.pages] == [3, 1, 2]
    assert ring.hand == 1
    assert [page.referenced for page in ring.pages] == [True, False, False]


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


def fewest(string, frames):
    """The fewest faults that any choice of victims gives."""
    if not string:
        return 0
    page, rest = string[0], string[1:]
    if page in frames:
        return fewest(rest, frames)
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
        assert m.replacement.value(Past(m.journal.last.events)) == before


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
    assert max(page.place for page in m.replacement.value().rings[""].pages) < 2 * 10 + 65
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


def test_a_limit_below_a_page_is_refused():
    _m, t, _a = booted()
    for most in (0, 5, "1 KiB"):
        with pytest.raises(vm.Refused, match=r"^most=.*: a task needs a page in memory"):
            t.limit("rss", most)


# ---- a learner's function --------------------------------------------------------------------------


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
    with pytest.raises(vm.Refused, match="another machine's"):
        m.replacement = vm.boot().replacement


def test_a_function_may_not_call_the_machine():
    m, t, a = booted()
    m.replacement = lambda pages: t.read(a)
    t.limit("rss", PAGE)
    t.read(a)
    with pytest.raises(vm.CallbackFailed, match="may not call the machine"):
        t.read(a + PAGE)
    m.check()


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
    "given", [{"window": 0}, {"window": True}, {"window": "4"}, {"local": 1}, {"future": "7 0"}, {"future": (1, "2")}]
)
def test_a_value_with_nonsense_in_it(given):
    with pytest.raises(vm.Refused, match=f"^{next(iter(given))}="):
        vm.Replacement("working set", **given)
