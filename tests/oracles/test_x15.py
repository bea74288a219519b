"""Kinds of trace that the samples do not show: what the facts say for release builds, for words that wrap, for 64-bit
kernels and for a kentry area that runs out, worked out by hand."""

from __future__ import annotations

import pytest

from tests.oracles.x15 import X15Replay

PAGE = 0x1000
NONE_64, NONE_32 = 2**64 - 1, 2**32 - 1
LOW, HIGH = 0x10000, 0x50000


def trace(start=LOW, end=HIGH, *, build="debug", bits=64, corrected=False, setup=None):
    header = {
        "name": "made",
        "map": {"start": start, "end": end, "kernel": setup is not None},
        "build": build,
        "bits": bits,
        "state_every": 10,
        "no_find_cache": (1 << bits) - 1,
        "objects": [{"id": "obj0", "max_pages": 2}],
        "setup": setup or {},
    }
    return X15Replay(header | ({"variant": "corrected"} if corrected else {}))


def enter(run, size, **given):
    inputs = {
        "hint": 0, "align": 0, "object": None, "offset": 0, "prot": 3, "maxprot": 7, "inherit": 2, "advice": 0,
        "fixed": False, "nomerge": False,
    }  # fmt: skip
    return run.run({"op": "enter", "size": size, **inputs, **given})


def fixed(run, start, size, **given):
    return enter(run, size, hint=start, fixed=True, **given)


def remove(run, start, end):
    return run.run({"op": "remove", "start": start, "end": end})


def ranges(run):
    return [(row[0], row[1]) for row in run.state()["entries"]]


def after(run, *names):
    state = run.after()
    return tuple(state[name] for name in names)


FIND = ("find_cache", "find_cache_threshold")
DONE = {"error": None}


def granted(start):
    return {"error": None, "start": start}


def panic(name):
    return {"error": "PANIC", "start": None, "panic": name}


NOMEM = {"error": "NOMEM", "start": None}


class TestReleaseBuilds:
    """No check is made, and the kernel does with nonsense what its arithmetic does."""

    def test_sizes_need_not_be_pages(self):
        run = trace(build="ndebug")
        assert enter(run, 100) == granted(0x10000)
        assert after(run, *FIND) == (0x10064, 0)
        assert enter(run, PAGE) == granted(0x10064), "the search goes on from the find cache, which is not aligned"
        assert ranges(run) == [(0x10000, 0x11064)]
        assert after(run, "size", "nr_entries") == (0x1064, 1)

    def test_an_empty_range_gets_an_entry_that_no_address_leads_to(self):
        run = trace(build="ndebug")
        assert enter(run, 0) == granted(0x10000)
        assert ranges(run) == [(0x10000, 0x10000)]
        assert after(run, "size", "nr_entries", *FIND) == (0, 1, 0x10000, 0)
        assert run.run({"op": "lookup", "addr": 0x10000}) is None
        assert enter(run, PAGE) == granted(0x10000)
        assert ranges(run) == [(0x10000, 0x11000)], "it ends where the new range begins, and merges"

    def test_a_hint_need_not_be_aligned(self):
        run = trace(build="ndebug")
        assert fixed(run, 0x10008, PAGE) == granted(0x10008)
        assert ranges(run) == [(0x10008, 0x11008)]

    def test_an_alignment_need_not_be_a_power_of_two(self):
        run = trace(build="ndebug")
        # (0x10000 + 0x3000 - 1) & ~0x2fff
        assert enter(run, PAGE, align=0x3000) == granted(0x12FFF & ~0x2FFF)

    def test_protection_may_exceed_its_maximum(self):
        run = trace(build="ndebug")
        assert enter(run, PAGE, prot=7, maxprot=1) == granted(0x10000)
        assert run.state()["entries"][0][4:6] == [7, 1]

    def test_an_offset_without_object_is_recorded_as_zero(self):
        run = trace(build="ndebug")
        assert enter(run, PAGE, offset=0x5000) == granted(0x10000)
        assert run.state()["entries"][0][2:4] == [None, 0]

    def test_equal_nomerge_neighbours_merge(self):
        run = trace(build="ndebug")
        assert enter(run, PAGE, nomerge=True) == granted(0x10000)
        assert enter(run, PAGE, nomerge=True) == granted(0x11000)
        assert ranges(run) == [(0x10000, 0x12000)]
        assert enter(run, PAGE) == granted(0x12000)
        assert ranges(run) == [(0x10000, 0x12000), (0x12000, 0x13000)], "NOMERGE is a flag that has to be equal"
        assert fixed(run, 0x14000, PAGE) == granted(0x14000)
        assert fixed(run, 0x13000, PAGE) == granted(0x13000)
        assert ranges(run) == [(0x10000, 0x12000), (0x12000, 0x15000)]

    def test_a_fixed_range_may_wrap_round_the_word(self):
        run = trace(0, 0xC0000000, build="ndebug", bits=32)
        assert fixed(run, 0xFFFFF000, 0x2000) == granted(0xFFFFF000)
        assert ranges(run) == [(0xFFFFF000, 0x1000)]
        assert after(run, "size", "nr_entries") == (0x2000, 1)
        assert "      8k " in run.run({"op": "info"})
        assert trace(0, 0xC0000000, bits=32).run and fixed(trace(0, 0xC0000000, bits=32), 0xFFFFF000, 0x2000) == panic(
            "wrap"
        )

    def test_a_duplicate_goes_left_in_the_tree(self):
        run = trace(0, 0xC0000000, build="ndebug", bits=32)
        assert fixed(run, 0, 0x80001000) == granted(0)
        # The only gap begins at 0x80001000; rounded up to 2 GiB it wraps to 0, and all of the map seems free there.
        assert enter(run, PAGE, align=1 << 31) == granted(0)
        assert ranges(run) == [(0, 0x80001000), (0, 0x1000)], "linked at the list's end"
        assert run.state()["tree"] == [[0, "b", 1, 0], [0, "r", 0, 0]]
        assert after(run, "size", "nr_entries", *FIND) == (0x80002000, 2, 0x1000, 0)


class TestOutOfMap:
    def fill(self, **kind):
        run = trace(0x13000, 0x5E000, **kind)
        return run, enter(run, PAGE, align=0x80000)

    def test_rounding_past_the_end_finds_room_there(self):
        run, result = self.fill()
        assert result == granted(0x80000)
        assert ranges(run) == [(0x80000, 0x81000)]
        assert after(run, *FIND) == (0x81000, 0)

    def test_the_next_search_panics_with_assertions_and_nothing_moves(self):
        run, _ = self.fill()
        before = run.state()
        assert enter(run, PAGE) == panic("search_past_end")
        assert run.state() == before
        assert remove(run, 0x13000, 0x14000) == DONE
        assert after(run, *FIND) == (0, NONE_64), "an entry lies above, so the find cache is forgotten"
        assert enter(run, PAGE) == granted(0x13000)

    def test_the_next_search_goes_on_there_without_assertions(self):
        run, _ = self.fill(build="ndebug")
        assert enter(run, PAGE) == granted(0x81000)
        assert ranges(run) == [(0x80000, 0x82000)]

    def test_a_corrected_map_has_no_space(self):
        run, result = self.fill(corrected=True)
        assert result == NOMEM
        assert ranges(run) == []
        assert after(run, *FIND) == (0, NONE_64)

    def test_wrapping_to_a_range_that_is_taken_breaks_the_tree(self):
        run = trace(0, 0xC0000000, bits=32)
        assert fixed(run, 0, 0x80001000) == granted(0)
        assert enter(run, PAGE, align=1 << 31) == panic("tree_duplicate")
        with pytest.raises(ValueError, match="inconsistent"):
            enter(run, PAGE)
        right = trace(0, 0xC0000000, bits=32, corrected=True)
        fixed(right, 0, 0x80001000)
        assert enter(right, PAGE, align=1 << 31) == NOMEM
        assert after(right, *FIND) == (0, NONE_32)


class TestNomergeWithAssertions:
    def test_it_panics_after_the_search_and_forgets_nothing(self):
        run = trace()
        enter(run, 0x2000)
        assert enter(run, PAGE, nomerge=True) == panic("nomerge_enter")
        assert ranges(run) == [(0x10000, 0x12000)]
        assert after(run, "size", "nr_entries", *FIND) == (0x2000, 1, 0x13000, 0)

    def test_a_corrected_map_keeps_it_apart(self):
        run = trace(corrected=True)
        enter(run, 0x2000)
        assert enter(run, PAGE, nomerge=True) == granted(0x12000)
        assert enter(run, PAGE, nomerge=True) == granted(0x13000)
        assert enter(run, PAGE) == granted(0x14000)
        assert ranges(run) == [(0x10000, 0x12000), (0x12000, 0x13000), (0x13000, 0x14000), (0x14000, 0x15000)]


class TestClipEndOfTheFirst:
    def cut(self, **kind):
        run = trace(**kind)
        fixed(run, 0x10000, 0x4000, object="obj0", offset=0x8000)
        fixed(run, 0x20000, PAGE, object="obj0")
        assert remove(run, 0x10000, 0x11000) == DONE
        return run

    @pytest.mark.parametrize("build", ["debug", "ndebug"])
    def test_the_original_loses_the_order(self, build):
        run = self.cut(build=build)
        assert ranges(run) == [(0x20000, 0x21000), (0x11000, 0x14000)]
        assert run.state()["entries"][1][3] == 0x9000

    def test_a_corrected_map_keeps_it(self):
        run = self.cut(corrected=True)
        assert ranges(run) == [(0x11000, 0x14000), (0x20000, 0x21000)]


class TestOffsets:
    def test_the_original_cuts_them_on_32_bits(self):
        run = trace(bits=32)
        fixed(run, 0x10000, PAGE, object="obj0", offset=0x1_0000_5000)
        assert run.state()["entries"][0][3] == 0x5000
        right = trace(bits=32, corrected=True)
        fixed(right, 0x10000, PAGE, object="obj0", offset=0x1_0000_5000)
        assert right.state()["entries"][0][3] == 0x1_0000_5000

    def test_they_wrap_at_64_bits_when_clipped_and_faulted(self):
        run = trace()
        fixed(run, 0x10000, 0x4000, object="obj0", offset=2**64 - PAGE)
        fault = run.run({"op": "fault", "addr": 0x11234, "access": 1})
        assert (fault["offset"], fault["va"], fault["page"], fault["cache"]) == (0, 0x11000, 0, "miss")
        remove(run, 0x11000, 0x12000)
        assert [row[3] for row in run.state()["entries"]] == [2**64 - PAGE, PAGE]


class TestFaults:
    def test_without_object_the_original_panics_and_remembers_the_entry(self):
        run = trace()
        fixed(run, 0x10000, PAGE)
        assert run.run({"op": "fault", "addr": 0x10FFF, "access": 1}) == {
            "error": "PANIC",
            "panic": "fault_null_object",
        }
        assert after(run, "lookup_cache") == (0x10000,)
        assert enter(run, PAGE) == granted(0x11000), "the recording goes on"

    def test_a_corrected_map_gives_an_error(self):
        run = trace(corrected=True)
        fixed(run, 0x10000, PAGE)
        assert run.run({"op": "fault", "addr": 0x10000, "access": 1}) == {"error": "FAULT", "cache": None}

    def test_access_is_checked_before_the_object_and_nothing_passes_always(self):
        run = trace()
        fixed(run, 0x10000, PAGE, prot=1)
        assert run.run({"op": "fault", "addr": 0x10000, "access": 2}) == {"error": "ACCES", "cache": None}
        fixed(run, 0x20000, PAGE, prot=0, object="obj0")
        assert run.run({"op": "fault", "addr": 0x20000, "access": 0})["prot"] == 0

    def test_the_pager_stops_at_its_limit_and_pages_are_numbered_over_all(self):
        run = trace()
        fixed(run, 0x10000, 0x3000, object="obj0")
        results = [run.run({"op": "fault", "addr": 0x10000 + page * PAGE, "access": 1}) for page in (0, 2, 0, 1)]
        assert [(one["error"], one["cache"], one.get("page")) for one in results] == [
            (None, "miss", 0),
            (None, "miss", 1),
            (None, "hit", 0),
            ("NOMEM", "miss", None),
        ]

    def test_pages_stay_with_the_object_when_its_last_entry_goes(self):
        run = trace()
        fixed(run, 0x10000, PAGE, object="obj0")
        run.run({"op": "fault", "addr": 0x10000, "access": 1})
        remove(run, 0x10000, 0x11000)
        fixed(run, 0x30000, PAGE, object="obj0")
        assert run.run({"op": "fault", "addr": 0x30000, "access": 1})["cache"] == "hit"


KERNEL_64 = 0xFFFF_8080_0000_0000
KERNEL_END = 0xFFFF_FFFF_8000_0000


def kernel(slabs=3, **kind):
    boot_end = KERNEL_64 + 0x3000
    setup = {
        "boot": {"start": KERNEL_64, "end": boot_end},
        "l2_shift": 21,
        "kentry": {
            "start": boot_end, "area_size": slabs * PAGE, "slab_size": PAGE, "nr_slabs": slabs, "table_va": 0,
            "table_pages": 1,
        },
        "state": {"klimit": KERNEL_64 + (1 << 21), "kgrows": 1},
    }  # fmt: skip
    return trace(KERNEL_64, KERNEL_END, setup=setup, **kind)


class TestKernelMap64:
    def test_it_begins_with_the_boot_range_and_the_kentry_area(self):
        state = kernel().state()
        area_end = KERNEL_64 + 0x3000 + 4 * PAGE
        assert state["entries"] == [
            [KERNEL_64, KERNEL_64 + 0x3000, None, 0, 7, 7, 0, 0, 1],
            [KERNEL_64 + 0x3000, area_end, None, 0, 7, 7, 0, 0, 1],
        ]
        assert state["tree"] == [[KERNEL_64, "b", 0, 1], [KERNEL_64 + 0x3000, "r", 0, 0]]
        assert (state["find_cache"], state["find_cache_threshold"]) == (area_end, 0)
        assert state["lookup_cache"] == KERNEL_64
        assert (state["klimit"], state["kgrows"]) == (KERNEL_64 + (1 << 21), 1)

    @pytest.mark.parametrize(
        ("end", "klimit", "kgrows"),
        [
            (KERNEL_64 + (1 << 21), KERNEL_64 + (1 << 21), 1),  # not above the limit
            (KERNEL_64 + (1 << 21) + PAGE, KERNEL_64 + (2 << 21), 2),
            (KERNEL_64 + (2 << 21), KERNEL_64 + (3 << 21), 2),  # strictly above an end that is aligned
            (KERNEL_64 + (1 << 40) + PAGE, KERNEL_64 + (1 << 40) + (1 << 21), 2),  # at once, not span by span
        ],
    )
    def test_the_limit_grows_to_the_next_span_above_the_entry(self, end, klimit, kgrows):
        run = kernel()
        fixed(run, end - PAGE, PAGE)
        assert after(run, "klimit", "kgrows") == (klimit, kgrows)
        remove(run, end - PAGE, end)
        assert after(run, "klimit", "kgrows") == (klimit, kgrows), "it never shrinks"

    def test_the_limit_follows_the_merged_entry(self):
        run = kernel()
        fixed(run, KERNEL_64 + (1 << 21), 1 << 21)
        assert after(run, "klimit", "kgrows") == (KERNEL_64 + (3 << 21), 2)
        fixed(run, KERNEL_64 + (1 << 21) - PAGE, PAGE)
        assert after(run, "klimit", "kgrows") == (KERNEL_64 + (3 << 21), 2)

    def test_an_object_is_invalid_whatever_else_is_wrong(self):
        run = kernel()
        before = run.state()
        for size in (PAGE, 100, 0):
            assert enter(run, size, object="obj0", offset=5, hint=3) == {"error": "INVAL", "start": None}
        assert run.state() == before

    def test_slabs_run_out_and_come_back_last_first(self):
        run = kernel(slabs=3)
        first = KERNEL_64 + 0x3000
        before = run.state()
        taken = [run.run({"op": "kentry_alloc"}) for _ in range(4)]
        assert [one["va"] for one in taken] == [first, first + PAGE, first + 2 * PAGE, None]
        assert taken[3] == {"error": "PANIC", "va": None, "panic": "kentry_exhausted"}
        for slab in (1, 0):
            assert run.run({"op": "kentry_free", "va": first + slab * PAGE}) == DONE
        again = [run.run({"op": "kentry_alloc"})["va"] for _ in range(3)]
        assert again == [first, first + PAGE, None]
        assert run.state() == before, "the map has no part in it"

    def test_its_last_address_can_be_had(self):
        run = kernel()
        assert fixed(run, KERNEL_END - PAGE, PAGE) == granted(KERNEL_END - PAGE)
        assert fixed(run, KERNEL_END, PAGE) == NOMEM


def test_a_full_state_is_due_every_so_many_operations_but_after_a_broken_tree():
    run = trace()
    assert [i for i in range(25) if run.state_due({"i": i, "result": {}})] == [9, 19]
    assert not run.state_due({"i": 9, "result": {"panic": "tree_duplicate"}})
    assert run.state_due({"i": 9, "result": None})
