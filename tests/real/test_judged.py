"""What the follower says of tables, machine code and consoles that are made here: no emulator runs."""

from __future__ import annotations

from struct import pack
from types import SimpleNamespace
from typing import Any

import pytest

from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.mmu.formats.riscv import R, U, V, W, X
from vmwidgets.given.followed import Followed
from vmwidgets.real.code import Code, Part
from vmwidgets.real.follow.calls import Call
from vmwidgets.real.follow.free_list import FreePages
from vmwidgets.real.follow.judge import Judge
from vmwidgets.real.follow.plan import Point
from vmwidgets.real.follow.rules import Loaded, State, any_call, leaf_wrong, refused_wrong, suspects
from vmwidgets.real.follow.seen import Seen
from vmwidgets.real.follow.spaces import Change, Leaf, Spaces
from vmwidgets.real.kernel import _Console
from vmwidgets.real.processes import Process
from vmwidgets.real.program import Parameter, Place
from vmwidgets.sources.pasted.traps import junk_of

ROOT, MIDDLE, LAST, FRAME = 0x8700_0000, 0x8700_1000, 0x8700_2000, 0x8710_0000
SUPER = 512 * PAGE

TEXT, DATA = (0, 2 * PAGE, 5), (2 * PAGE, PAGE, 6)
"""Segments of a program: address, size, and the flags R and X, or R and W."""


def word(frame: int, rights: int) -> int:
    return frame >> 12 << 10 | rights | V


def spaces(last: dict[int, int], middle: dict[int, int] | None = None) -> Spaces:
    """Tables of one root: the last-level descriptors by number, and further ones of the level above it."""
    pages = {ROOT: {0: word(MIDDLE, 0)}, MIDDLE: {0: word(LAST, 0), **(middle or {})}, LAST: last}
    data = {pa: pack("<512Q", *(words.get(number, 0) for number in range(512))) for pa, words in pages.items()}
    gdb: Any = SimpleNamespace(read=lambda pieces: [data.get(pa) for pa, _ in pieces])
    found = Spaces()
    found.read(gdb, ROOT, ())
    return found


def state(there: Spaces, lab: str = "cow", size: int = 8 * PAGE, **more: Any) -> State:
    process = Process("t", 4, "running", size, ROOT)
    free: Any = more.pop("free", ())
    gdb: Any = None
    images = {"t": [TEXT, DATA]}
    return State(gdb, lab, {ROOT: process}, there, free, set(), images=images, reads_flags=True, has_guard=True, **more)


# ---- rights that are given after exec ------------------------------------------------------------------------------

LOADED = {ROOT: Loaded("t", 5 * PAGE)}


@pytest.mark.parametrize(
    ("number", "rights", "rule", "letter"),
    [
        (0, R | W | X | U, "exec-rights", "W"),
        (1, R | U, "exec-rights", "X"),
        (2, R | W | X | U, "exec-rights", "X"),
        (4, R | W | X | U, "exec-rights", "X"),
        (3, R | W | U, "guard", ""),
        (0, R | X | U, "", ""),
        (2, R | U, "", ""),
        (6, R | W | X | U, "", ""),
    ],
    ids=["code gets W", "code loses X", "data gets X", "stack gets X", "guard gets U", "code", "shared data", "heap"],
)
def test_rights_that_a_fault_or_a_fork_gives_are_those_of_the_program(number, rights, rule, letter):
    now = state(spaces({number: word(FRAME, rights)}), loaded=LOADED)
    va = number * PAGE
    found = [one for at in suspects(now, ROOT, [va]) for one in leaf_wrong(now, ROOT, at)]
    assert [one.rule for one in found] == ([rule] if rule else [])
    assert all(one.says.endswith(f" {letter}.") or not letter for one in found)


def test_rights_are_not_judged_where_another_call_may_have_changed_them():
    """Not of pages that a shrink gave back and a growth took anew, and not where no exec was seen."""
    now = spaces({1: word(FRAME, R | W | U)})
    for loaded in ({ROOT: Loaded("t", PAGE)}, {}):
        assert not list(leaf_wrong(state(now, loaded=loaded), ROOT, PAGE))


def test_a_child_has_its_parents_program_and_the_least_size_since_exec_counts():
    seen: Any = SimpleNamespace(loaded={}, slots={}, forked=set())

    def at_stop(*processes: Process) -> dict[int, Loaded]:
        for one in processes:
            Seen._note_program(seen, one)
        seen.slots = {one.place: one for one in processes}
        return dict(seen.loaded)

    before = Process("sh", 3, "running", 9 * PAGE, 1, 0x100)
    after = Process("t", 3, "running", 5 * PAGE, 2, 0x100)
    assert at_stop(before) == {}
    assert at_stop(after) == {2: Loaded("t", 5 * PAGE)}
    parent = Process("t", 3, "running", 4 * PAGE, 2, 0x100)
    unready = Process("", 4, "used", 0, 3, 0x200, 0x100)
    child = Process("t", 4, "runnable", 7 * PAGE, 3, 0x200, 0x100)
    assert at_stop(parent, unready)[2] == Loaded("t", 4 * PAGE)
    assert at_stop(parent, child)[3] == Loaded("t", 4 * PAGE)
    assert seen.forked == {3}, "its pages are judged now: fork had not named it when they were mapped"


# ---- what the hardware refuses -------------------------------------------------------------------------------------


def test_a_superpage_that_is_not_aligned_is_told_as_such_and_not_by_the_frames_of_its_range():
    there = spaces({5: word(FRAME + PAGE, R | W | U)}, {1: word(FRAME, R | W | U)})
    now = state(there, "pgtbl", 2 * SUPER, free={FRAME + 7 * PAGE})
    for va in (5 * PAGE, SUPER):
        assert not list(leaf_wrong(now, ROOT, va)), hex(va)
    (found,) = refused_wrong(now, ROOT, [SUPER])
    assert (found.rule, found.address) == ("aligned", SUPER)


def test_a_frame_outside_of_memory_is_told():
    there = spaces({0: word(FRAME, R | U), 3: word(1 << 40, R | W | U)})
    for memory, expected in ((range(0x8000_0000, 0x8800_0000), [3 * PAGE]), (range(0), [])):
        now = state(there, memory=memory)
        assert [one.address for one in refused_wrong(now, ROOT, [0, 3 * PAGE])] == expected


@pytest.mark.parametrize(
    ("last", "middle"),
    [
        ({3: word(FRAME, R | U) | 1 << 54}, {}),
        ({3: word(FRAME, W | U)}, {}),
        ({}, {0: word(LAST, U)}),
        ({3: 0x0505_0505_0505_0505}, {}),
    ],
    ids=["a high bit", "W without R", "U of a table", "junk"],
)
def test_reserved_bits_are_told(last, middle):
    there = spaces({0: word(FRAME, R | U), **last}, middle)
    (found,) = refused_wrong(state(there), ROOT, [])
    assert found.rule == "reserved"
    assert found.address == (0 if middle else 3 * PAGE)
    junk = junk_of(last.get(3, 0)).strip(" .")
    assert junk in found.says


def test_a_right_table_has_no_reserved_bits_and_a_descriptor_that_was_mended_has_none():
    assert not list(refused_wrong(state(spaces({0: word(FRAME, R | W | U), 2: word(FRAME, R)})), ROOT, []))
    there = spaces({3: word(FRAME, W | U)})
    mended = pack("<512Q", *(word(FRAME, R | W | U) if number == 3 else 0 for number in range(512)))
    data = {pa: table.data for pa, table in there.known[ROOT].pages.items()} | {LAST: mended}
    gdb: Any = SimpleNamespace(read=lambda pieces: [data.get(pa) for pa, _ in pieces])
    there.read(gdb, ROOT, ())
    assert not list(refused_wrong(state(there), ROOT, []))


# ---- what nobody asked to unmap ------------------------------------------------------------------------------------


def call(function: str, *values: int, names: tuple[str, ...] = (), outer: Call | None = None) -> Call:
    parameters = tuple(Parameter(name, "uint64") for name in names)
    return Call(Point(function, 0, (), (), parameters), 0, 0, values, (ROOT,), outer=outer)


def unasked(left: dict[int, int], gone: dict[int, int], by: Call | None, asked_for: Any = None) -> list[Any]:
    """What is noted where `gone` (pages by address) were unmapped, and `left` are mapped."""
    mapped = {va: Leaf(word(FRAME, R | U), size) for va, size in left.items()}
    changes = [Change(ROOT, va, Leaf(word(FRAME, R | U), size), mapped.get(va)) for va, size in gone.items()]
    seen: Any = SimpleNamespace(
        spaces=SimpleNamespace(known={ROOT: SimpleNamespace(leaves=mapped)}),
        there={ROOT: Process("t", 4, "running", 8 * PAGE, ROOT)},
        unasked=[],
        _asked_for=lambda process: asked_for,
        _from=lambda process, inner: (),
    )
    Seen._note_unasked(seen, ROOT, changes, by)
    return [(one.va, one.call) for one in seen.unasked]


def test_a_page_outside_the_range_of_a_call_is_told_with_the_call():
    inner = call("uvmunmap", ROOT, 3 * PAGE, 2, 1)
    assert unasked({}, {3 * PAGE: PAGE, 4 * PAGE: PAGE}, inner) == []
    assert unasked({}, {3 * PAGE: PAGE, 2 * PAGE: PAGE}, inner) == [(2 * PAGE, inner)]


def test_a_range_that_the_outer_call_was_not_asked_for_is_the_outer_calls():
    outer = call("uvmdealloc", ROOT, 5 * PAGE, 3 * PAGE + 100)
    inner = call("uvmunmap", ROOT, 3 * PAGE, 2, 1, outer=outer)
    assert unasked({}, {3 * PAGE: PAGE, 4 * PAGE: PAGE}, inner) == [(3 * PAGE, outer)]


def test_a_superpage_that_is_cut_leaves_the_rest_mapped():
    inner = call("uvmunmap", ROOT, SUPER + 4 * PAGE, 508, 1)
    small = {SUPER + number * PAGE: PAGE for number in range(4)}
    assert unasked(small, {SUPER: SUPER}, inner) == []
    del small[SUPER + PAGE]
    assert unasked(small, {SUPER: SUPER}, inner) == [(SUPER + PAGE, inner)]


def test_a_range_that_the_process_did_not_ask_for_is_the_callers():
    inner = call("uvmunmap", ROOT, 3 * PAGE, 2, 1)
    asked = "munmap", range(3 * PAGE, 4 * PAGE, PAGE)
    assert unasked({}, {3 * PAGE: PAGE, 4 * PAGE: PAGE}, inner, asked) == [(4 * PAGE, inner)]
    assert unasked({}, {3 * PAGE: PAGE}, inner, asked) == []


@pytest.mark.parametrize(
    ("names", "first", "second", "expected"),
    [
        (["uvmunmap", "sys_munmap"], 0x5010, PAGE, range(0x5000, 0x7000, PAGE)),
        (["uvmdealloc", "growproc", "sys_sbrk"], (1 << 64) - 2 * PAGE, 0, range(6 * PAGE, 1 << 38, PAGE)),
        (["uvmdealloc", "growproc", "sys_sbrk"], 2 * PAGE, 0, None),
        (["uvmunmap", "vmfault", "usertrap"], 0x5000, PAGE, None),
    ],
    ids=["munmap", "a shrink", "a growth that failed", "a fault"],
)
def test_what_a_process_asked_for_is_read_from_its_registers(names, first, second, expected):
    saved = bytes(112) + pack("<2Q", first, second) + bytes(160)
    stacks = SimpleNamespace(names=lambda places: names)
    seen: Any = SimpleNamespace(stacks=stacks, user_registers=lambda one: saved, _places_of=lambda one: [])
    found = Seen._asked_for(seen, Process("t", 4, "running", 8 * PAGE, ROOT))
    assert (None if found is None else found[1]) == expected


@pytest.mark.parametrize(("number", "rights", "rule"), [(0, R | U, "exec-rights"), (3, R | W | U, "guard")])
def test_a_child_that_dies_before_it_has_a_name_has_its_parents_program(number, rights, rule):
    leaves = {0: R | X | U, 1: R | X | U, 2: R | U, 3: R | W, 4: R | U}
    copy = call("uvmcopy", ROOT + PAGE, ROOT, 8 * PAGE)
    copy.before = {ROOT + PAGE: {}}
    loaded = {ROOT + PAGE: Loaded("t", 5 * PAGE)}
    for wrong, expected in (({}, []), ({number: rights}, [(rule, number * PAGE)])):
        child = spaces({at: word(FRAME, bits) for at, bits in {**leaves, **wrong}.items()})
        assert [(one.rule, one.address) for one in any_call(state(child, loaded=loaded), copy)] == expected


def test_a_stack_that_lost_u_is_no_guard_page():
    now = state(spaces({3: word(FRAME, R | W), 4: word(FRAME + PAGE, R | W)}), loaded=LOADED)
    found = [one for va in (3 * PAGE, 4 * PAGE) for one in leaf_wrong(now, ROOT, va)]
    assert [(one.rule, one.address) for one in found] == [("user", 4 * PAGE)]


@pytest.mark.parametrize(("result", "far", "size"), [(0, 0, 8), (1, 0x8000_0000, 3)], ids=["result", "size"])
def test_pages_that_a_growth_left_when_memory_ran_out_are_told(result, far, size):
    grow = call("uvmalloc", ROOT, 3 * PAGE, 9 * PAGE, W)
    grow.result, grow.far = result, far
    left = spaces({0: word(FRAME, R | U), 4: word(FRAME + PAGE, R | W | U)})
    assert [one.address for one in any_call(state(left, size=size * PAGE), grow)] == [4 * PAGE]
    assert not list(any_call(state(spaces({0: word(FRAME, R | U)}), size=size * PAGE), grow))
    grow.result = 9 * PAGE
    assert not list(any_call(state(left, size=9 * PAGE), grow)), "it has grown"


def test_a_fork_that_stops_at_a_hole_leaves_the_child_without_the_pages_behind_it():
    copy = call("uvmcopy", ROOT + PAGE, ROOT, 8 * PAGE)
    copy.before = {ROOT + PAGE: {va: Leaf(word(FRAME, R | U), PAGE) for va in (0, 6 * PAGE)}}
    assert [one.address for one in any_call(state(spaces({0: word(FRAME, R | U)})), copy)] == [6 * PAGE]
    both = spaces({0: word(FRAME, R | U), 6: word(FRAME, R | U)})
    assert not list(any_call(state(both), copy))


# ---- the list of free pages ----------------------------------------------------------------------------------------

HEAD = 0x8000_1000


@pytest.mark.parametrize(
    ("link", "says"),
    [
        (0x8000_0000_0008_7FFF, ["written after it was freed", "the trapframe of init (1)"]),
        (0x0101_0101_0101_0101, ["written after it was freed", junk_of(0x0101_0101_0101_0101)]),
        (0x8700_3000, ["0x8700_3000", "freed twice"]),
    ],
    ids=["registers", "kfree's junk", "a circle"],
)
def test_a_free_page_that_was_written_is_named_with_its_user(link, says):
    words = {HEAD: 0x8700_3000, 0x8700_3000: 0x8700_2000, 0x8700_2000: link}
    init = Process("init", 1, "sleeping", PAGE, ROOT, 0x8000_2000)
    memory = pack("<2Q", 0x8700_9000, 0x8700_2000)
    gdb: Any = SimpleNamespace(
        words=lambda places: [words.get(at, 0) for at in places], read_one=lambda at, length: memory
    )
    program: Any = SimpleNamespace(
        heads_of=lambda structure: [HEAD],
        variable=lambda name: SimpleNamespace(step=16, fields={"kstack": Place(0, 8), "trapframe": Place(8, 8)}),
    )
    free = FreePages(program)
    free.update(gdb)
    processes = SimpleNamespace(read=lambda gdb: [init])
    seen = SimpleNamespace(free=free, gdb=gdb, program=program, processes=processes)
    judge: Any = SimpleNamespace(seen=seen, left={})
    judge._whose = lambda page: Judge._whose(judge, page)
    assert free.damaged is not None
    found = Judge._damaged(judge, free.damaged)
    assert found.rule == "free-list"
    assert all(one in found.says for one in says), found.says


# ---- machine code --------------------------------------------------------------------------------------------------

WALK, AFTER = 0x100, 0x300


def sd(source: int, base: int, offset: int = 0) -> int:
    """The instruction `sd source, offset(base)`."""
    return (offset >> 5) << 25 | source << 20 | base << 15 | 3 << 12 | (offset & 31) << 7 | 0x23


def mv(to: int, source: int) -> int:
    return source << 15 | to << 7 | 0x13


def jal(at: int, target: int) -> int:
    by = target - at
    return (
        (by >> 20 & 1) << 31 | (by >> 1 & 0x3FF) << 21 | (by >> 11 & 1) << 20 | (by >> 12 & 0xFF) << 12 | 1 << 7 | 0x6F
    )


def bne(at: int, target: int) -> int:
    by = target - at
    return (
        (by >> 12 & 1) << 31
        | (by >> 5 & 63) << 25
        | 10 << 15
        | 1 << 12
        | (by >> 1 & 15) << 8
        | (by >> 11 & 1) << 7
        | 0x63
    )


S1, S2, S3, SP, A0 = 9, 18, 19, 2, 10


def code(*words: int) -> Code:
    """`walk`, then a function `f` of these words at 0x200, then `after`, without a gap."""
    data = b"".join(one.to_bytes(4, "little") for one in words)
    parts = [Part("walk", WALK, 4), Part("f", 0x200, len(data)), Part("after", 0x200 + len(data), 4)]
    return Code(parts, [(WALK, bytes(0x100) + data + bytes(64))])


def test_stores_through_what_walk_returned_are_the_stores_of_descriptors():
    f = code(
        sd(8, SP, 16), jal(0x204, WALK), mv(S1, A0), sd(S2, S3, 16),
        sd(0, S1), sd(S2, A0), jal(0x218, WALK + 2), sd(S2, A0),
    )  # fmt: skip  # one instruction after the other
    gives = frozenset((WALK,))
    assert f.descriptor_stores("f", gives, frozenset()) == [(0x210, True), (0x214, False)]
    assert f.descriptor_stores("f", gives, frozenset((S3,))) == [(0x20C, False), (0x210, True), (0x214, False)]
    assert f.stores_at("f", 16) == [0x20C]


def test_what_walk_returned_at_the_end_of_a_loop_is_stored_through_at_its_beginning():
    f = code(sd(S2, S1), jal(0x204, WALK), mv(S1, A0), bne(0x20C, 0x200))
    assert f.descriptor_stores("f", frozenset((WALK,)), frozenset()) == [(0x200, False)]


def test_the_loop_around_an_instruction_is_the_innermost_one():
    f = code(0x13, 0x13, 0x13, bne(0x20C, 0x208), 0x13, bne(0x214, 0x204), 0x13)
    assert f.loop_around(0x208) == range(0x208, 0x20D)
    assert f.loop_around(0x210) == range(0x204, 0x215)
    assert len(f.loop_around(0x218)) == 0


def test_a_place_after_no_call_is_no_return_address():
    f = code(0x13, jal(0x204, WALK))
    assert f.is_called_from(0x208), "a call may be the last instruction of a function, such as one of panic"
    assert not f.is_called_from(0x204)
    assert not f.is_called_from(0x200)


# ---- what the command printed --------------------------------------------------------------------------------------


FAILED_WITH_OTHER_WORDS = (
    "test failed: expected 3, got 4",
    "FAIL (expected 3)",
    "sbrk failed, not OK",
    "usertests: 1 test failed: 0 passed",
    "failed: 0 bytes read",
)


@pytest.mark.parametrize(
    ("printed", "failures"),
    [
        ("superpg_free failed\n", ("superpg_free failed",)),
        (
            "test sbrk: FAILED -- lost some free pages 3 (out of 9)\nx\n",
            ("test sbrk: FAILED -- lost some free pages 3 (out of 9)",),
        ),
        ("test sbrkfail: OK\ntest execfailed ok\n0 failed\nexec failed as expected\nALL TESTS PASSED\n", ()),
        *((f"{line}\n", (line,)) for line in FAILED_WITH_OTHER_WORDS),
    ],
)
def test_lines_in_which_a_command_fails(printed, failures):
    booted = "init: failed before\r\n$ "
    started: Any = SimpleNamespace(text=booted, length=len(booted), type=lambda text: None)
    console = _Console(started, "echo failed")
    assert console.failures == ()
    console.type_command()
    started.text += f"echo failed\r\n{printed}$ "
    started.length = len(started.text)
    assert console.failures == failures


@pytest.mark.parametrize("outcome", ["failed", "unfinished"])
def test_what_is_not_sound_is_in_the_headline(outcome):
    found = Followed(outcome, "cow", 3, 5, why="refs was not compared")
    assert found.headline.endswith(", and refs was not compared.")


def test_a_call_in_a_system_call_has_no_fault():
    one = call("copyout")
    one.began, one.within = 0x8000_0100, "sys_read"
    assert str(one) == "copyout(), in the system call sys_read"
    one.fault = 0x4000
    assert "the fault at 0x4000" in str(one)
