"""The machine on paper against the published answers of books and exams, and the sentences for bad input."""

from __future__ import annotations

from typing import Any, cast

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused

# Bryant and O'Hallaron, "Computer Systems: A Programmer's Perspective", 9.6.4: the TLB, the table and the cache.
CSAPP_TLB = {(0, 0x09): 0x0D, (0, 0x07): 0x02, (1, 0x03): 0x2D, (3, 0x03): 0x0D, (3, 0x0A): 0x34}
CSAPP_TABLE = {0: 0x28, 2: 0x33, 3: 2, 5: 0x16, 8: 0x13, 9: 0x17, 0xA: 9, 0xD: 0x2D, 0xE: 0x11, 0xF: 0x0D}
CSAPP_CACHE = {
    (0x0, 0x19): "99 11 23 11", (0x2, 0x1B): "00 02 04 08", (0x4, 0x32): "43 6d 8f 09", (0x5, 0x0D): "36 72 f0 1d",
    (0x7, 0x16): "11 c2 df 03", (0x8, 0x24): "3a 00 51 89", (0xA, 0x2D): "93 15 da 3b", (0xD, 0x16): "04 96 34 15",
    (0xE, 0x13): "83 77 1b d3",
}  # fmt: skip


def csapp():
    p = vm.paper(va=14, pa=12, page=64, tlb=(4, 4), cache=(16, 1, 4))
    return p.map(CSAPP_TABLE).fill_tlb(CSAPP_TLB).fill_cache(CSAPP_CACHE)


@pytest.mark.parametrize(
    ("va", "translated", "read"),
    [
        (0x3D7, (0xF, 0x17, 3, 3, True, 0xD, 0x357), (3, 5, 0xD, True, 0x1D)),
        (0x3D4, (0xF, 0x14, 3, 3, True, 0xD, 0x354), (0, 5, 0xD, True, 0x36)),
        (0x175, (5, 0x35, 1, 1, False, 0x16, 0x5B5), (1, 0xD, 0x16, True, 0x96)),
        (0xADD, (0x2B, 0x1D, 3, 0xA, True, 0x34, 0xD1D), (1, 7, 0x34, False, None)),
        (0x2EA, (0xB, 0x2A, 3, 2, False, None, None), (None, None, None, None, None)),
    ],
)
def test_csapp_9_6_4(va, translated, read):
    a = csapp().access(va)
    assert (a.vpn, a.vpo, a.tlbi, a.tlbt, a.hit, a.pfn, a.pa) == translated
    assert (a.co, a.ci, a.ct, a.cache_hit, a.byte) == read
    assert a.fault == ("" if translated[-1] is not None else "invalid at level 1")


def test_csapps_byte_in_the_table_is_read_after_a_tlb_miss():
    p = vm.paper(va=14, pa=12, page=64, tlb=(4, 4), cache=(16, 1, 4)).map({0xF: 0xD})
    first, second = p.access("r 0x3d7"), p.access("r 0x3d7")
    assert (first.hit, second.hit, first.cache_hit, second.cache_hit) == (False, True, False, True)
    assert [(step.index, step.address, step.fields["PFN"]) for step in first.path] == [(0xF, None, 0xD)]
    assert second.path == ()


def test_ostep_20_walks_the_book_s_two_levels():
    a = vm.paper(va=14, page=64, levels=(4, 4), entry=4).map({0xFE: 55}).access("r 0x3f80")
    assert [step.index for step in a.path] == [15, 14]
    assert (a.vpo, a.pfn, a.pa, a.split) == (0, 55, 0x0DC0, "1111 1110 000000")


DUMP = f"""
page 108: {"7f " * 24} a1 {"7f " * 7}
page  33: {"7f " * 8} b5 {"7f" * 23}
page  53: {"00 " * 28} 08 {"00 " * 3}
"""


def test_osteps_dump_is_walked_from_the_pdbr():
    p = vm.paper(va=15, pa=12, page=32, levels=(5, 5), layout="V PFN:7").memory(DUMP, root=108)
    a = p.access("r 0x611c")
    assert [tuple(step)[2:5] for step in a.path] == [(24, 108 * 32 + 24, 0xA1), (8, 33 * 32 + 8, 0xB5)]
    assert (a.pa, a.byte, a.fault) == (0x6BC, 8, "")
    assert a.book.splitlines() == [
        "Virtual Address 611c:",
        "  --> pde index:0x18  pde contents:(valid 1, pfn 0x21)",
        "    --> pte index:0x8  pte contents:(valid 1, pfn 0x35)",
        "      --> Translates to Physical Address 0x6bc --> Value: 08",
    ]
    assert [p.access(at).fault for at in (0x3DA8, 0x6000 + 0x20 * 9, 0x8000)] == [
        "invalid at level 1", "invalid at level 2", "out of the address space"]  # fmt: skip  # one list
    assert p.access(0x8000).book == "", "the homework gives no address that has no number of a page"


# Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", paging-linear-translate.py -c, as published with its solution.
LINEAR = """
  [       0]   0x8000000a
  [       1]   0x80000131
  [       2]   0x800000c6
  [       3]   0x800000a5
  [       4]   0x00000000
  [      15]   0x00000000
  [      13]   0x800003de
"""


@pytest.mark.parametrize(("pages", "vpn"), [({0: 0}, 1), ({0: 3, 1: 0}, 1), ({2: 1}, 2), ({4: 1}, 3)])
def test_addresses_have_as_many_bits_as_the_last_page_needs(pages, vpn):
    p = vm.paper(page=64).map(pages)
    assert f"(bits: VPN {vpn}, VPO 6)" in p.access(0).worked[0]


def test_the_smallest_page_of_a_table_has_two_entries():
    assert vm.paper(va=8, levels=4, entry=8).solve("page").value == 16  # 4 x 1 index bit + an offset of 4


def test_osteps_linear_table_and_its_own_lines():
    p = vm.paper(va="1 MiB", pa="64 MiB", page="64 KiB").memory(LINEAR)
    assert p.access("0x000deea9").book == "VA 0x000deea9 (decimal:   913065) --> 03deeea9 (decimal 64941737) [VPN 13]"
    assert p.access(0xF0B37).book == "VA 0x000f0b37 (decimal:   985911) -->  Invalid (VPN 15 not valid)"
    words = [0x8000000C, 0, 0, 0x80000006]
    assert vm.paper(va="16 KiB", pa="64 KiB", page="4 KiB").memory(words).access("r 0x3229").pa == 0x6229


def test_of_an_address_in_a_segment_the_book_has_no_lines():
    """Its own programs have segments or pages, and never pages below segments."""
    p = vm.paper(va=14, pa=12, page=64, segments={"code": (0x80, 0x200), "heap": (0x400, 0x400)})
    p.map({number: number + 1 for number in range(32)})
    found = p.access(0x10)
    assert (found.segment, found.vpn, found.pa) == ("code", 2, 3 * 64 + 0x10)
    assert found.book == ""


def test_tables_of_other_sizes_do_not_overlap():
    """A table of the middle level fills four pages, and one below it a part of a page."""
    p = vm.paper(va=14, page=32, levels=(2, 6, 1), entry=2, fills="any")
    pages = {vpn: 300 + vpn for vpn in range(512)}
    p.map(pages)
    assert {vpn: p.access(vpn * 32).pfn for vpn in pages} == pages


@pytest.mark.parametrize("more", [{"tlb": 2}, {"cache": (4, 2, 4)}])
def test_a_policy_that_the_machine_does_not_have_is_refused_with_those_that_it_has(more):
    with pytest.raises(vm.Refused, match=r"^policy='clock': write 'lru' or 'fifo'$"):
        vm.paper(va=10, page=64, policy="clock", **more)


def test_entries_by_address_and_a_layout_with_the_valid_bit_last():
    # Harvard CS 61, exercise on x86-like tables of two levels: 0x3007 refers to a table at 0x3000; 1, 2, 3 are entries.
    p = vm.paper(va=32, page=4096, levels=(10, 10), layout="PFN:20 -:9 U W P")
    p.memory("0x1000: 0x3007\n0x3000: 0x1\n0x3004: 0x2\n0x3008: 0x7", root="0x1000")
    assert [p.access(at, user=False).pa for at in (0, 0x100, 0x1000, 0x2040)] == [0, 0x100, None, 0x40]
    assert p.access("w 0", user=False).fault == p.access("r 0").fault == "protection"
    assert p.access("w 0x2040").pa == 0x40


def test_pages_alone_are_a_machine():
    assert vm.paper(page="4 KiB").map({5: 17}).access(0x5200).pa == 0x11200
    assert vm.paper(page="4 KiB").map({5: 17}).access(0x9200).fault == "invalid at level 1"


def test_the_average_times_of_exams():
    gate_2003 = vm.paper(levels=2).time(tlb=1, hits=0.96, cache=1, cache_hits=0.9, memory=10)
    assert float(gate_2003) == 3.8
    assert "1 + (1 - 0.96) x 2 x 10 + [1 + (1 - 0.9) x 10]" in repr(gate_2003)
    p = vm.paper()
    assert [float(p.time(memory=10, hits=hits)) for hits in ("80 %", 0.99)] == [12, 10.1]
    assert float(p.time(memory=100, tlb=20, hits=0.8)) == 140  # 0.8 x 120 + 0.2 x 220
    assert float(p.time(memory=200, faults=0.001, service="8 ms")) == 8199.8
    assert float(p.time(memory=200, faults=0.001, service="8 ms", adds=True)) == 8200
    assert float(p.time(memory=200)) == 400  # the entry, then the word
    assert float(vm.paper(levels=3).time(memory=100, faults=0, service=1)) == 400
    assert float(vm.paper(levels=2).time(tlb=1, hits=0.96, cache=1, cache_hits=0.9, memory=10, walk="cache")) == 3.16
    assert float(p.time(memory=100, tlb=20, hits=0.8, overlap="walk")) == 136  # 0.8 x 120 + 0.2 x 200
    assert float(p.time(memory=10, tlb=1, hits=1, cache=2, cache_hits=1, overlap="cache")) == 2
    assert float(p.time(memory=10, hits=1, cache=2, cache_hits=0.5, cache_miss="replaces")) == 6


def test_a_time_is_solved_for_one_number():
    # Silberschatz: 8 ms if the page is clean, 20 ms if it is dirty, 70 % are dirty, memory 100 ns, at most 200 ns.
    found = vm.paper().solve("faults", time=200, memory=100, clean="8 ms", dirty="20 ms", dirty_share=0.7)
    assert float(found) == pytest.approx(100 / (16_400_000 - 100))
    assert float(vm.paper().solve("hits", time=12, memory=10)) == 0.8
    with pytest.raises(Refused, match=r"hits would be 1\.2"):
        vm.paper().solve("hits", time=8, memory=10)


def test_the_sizes_of_exams():
    gate_2013 = vm.paper(va=46, pa=32, levels=3, entry="32 bits", cache=("1 MiB", 16, 64))
    assert (gate_2013.widths.page, gate_2013.solve("page").value, gate_2013.colours) == (8192, 8192, 8)
    assert vm.paper(va=32, pa=36, page="4 KiB", levels=(2, 9, 9), entry=4).pointer_bits == (25, 25, 24)
    p = vm.paper(va=32, pa="512 MiB", page="4 KiB", entry=4)
    assert (p.pages, p.frames, p.linear.value, p.inverted().parts) == (
        1_048_576,
        131_072,
        4 << 20,
        (("entries", 131_072),),
    )
    assert p.inverted(pid=12, chain=True).value == 131_072 * (12 + 20 + 17) / 8
    assert vm.paper().best_page("1 MiB", entry=8).value == 4096
    assert vm.paper(page="64 KiB", entry=8, levels=2).widths.va == 42  # 16 + 13 + 13
    assert vm.paper(va=64, page="16 KiB", entry=8, levels=2).widths.levels == (39, 11)
    assert vm.paper(va=32, page="1 KiB", tlb=(32, 4)).bits["TLBT"] == 17  # 22 bits, 5 of them choose a set
    assert vm.paper(va=40, pa=36, page="16 KiB", entry="26 bits").linear.value == 218_103_808
    assert vm.paper(va=32, page=4096, levels=2, entry=4).tables([(0, "28 MiB"), (0xBFC0_0000, 4096)]).value == 9 * 4096
    assert "an entry needs 23 bits" in repr(vm.paper(va=32, pa=30, page="4 KiB", layout="V D R W X PFN"))
    # GATE 2004, 66: 32 and 30 bits, pages of 4 KiB, entries of 32 bits: 14 bits are left for protection.
    assert vm.paper(va=32, pa=30, page="4 KiB", entry="32 bits").bits["spare"] == 14
    assert vm.paper(page=4096, tlb=64).reach == 256 << 10
    assert vm.paper(va=57, page="4 KiB", entry=8).solve("levels").value == 5
    assert vm.paper(va=32, levels=2, fills="root", page=4096, entry=4).widths.levels == (10, 10)
    words = vm.paper(va=16, unit="word", word=2, page="512 words", entry=2)
    assert (words.widths.offset, words.widths.page, words.linear.value) == (9, 1024, 256)
    assert vm.paper(va="8 pages", pa="32 frames", page=1024).bits == {"VA": 13, "PA": 15, "VPN": 3, "VPO": 10, "PFN": 5}


def test_the_smallest_page_is_named_if_none_makes_both_sides_equal():
    found = vm.paper(va=32, levels=2, entry=8).solve("page")
    assert found.value == 1 << 13  # 2 x (12 - 3) + 12 = 30 and 2 x (13 - 3) + 13 = 33
    assert "13 reaches 33 bits; an offset of 12 reaches 30" in repr(found)


def test_an_inverted_tables_chain_is_read_from_its_anchor():
    held = [(1, 3, 7), (2, 1, 5), (1, 1, 4)]
    found = vm.paper().probes(held, lambda pid, vpn: (pid + vpn) % 2, 1, 1)
    assert (found.value, found.parts) == (2, (("frame", 4),))  # (1, 3), then (1, 1)
    assert vm.paper().probes(held, lambda pid, vpn: (pid + vpn) % 2, 2, 2).parts == (("frame", None),)


def test_silberschatz_segment_table():
    p = vm.paper(segments=[(219, 600), (2300, 14), (90, 100), (1327, 580), (1952, 96)])
    found = [p.access(one) for one in ((0, 430), (1, 10), (2, 500), (3, 400), (4, 112))]
    assert [one.pa for one in found] == [649, 2310, None, 1727, None]
    assert {one.fault for one in found} == {"", "out of the address space"}


def test_osteps_segments_and_base_and_bounds():
    # segmentation.py -a 128 -p 512 -b 0 -l 20 -B 512 -L 20: the second segment grows down.
    p = vm.paper(va=7, pa=9, segments={"SEG0": (0, 20), "SEG1": (512, 20, "down")})
    assert [p.access(at).pa for at in (0x6C, 0x61, 0x11, 0x7A)] == [0x1EC, None, 0x11, 0x1FA]
    assert p.access(0x6C).segment == "SEG1"
    assert p.access(0x6C).worked[1:] == ("SEG1: base 512 - 20 = 492", "PA 0x1ec")
    assert p.access(0x11).worked[1:] == ("SEG0: base 0 + 17 = 17", "PA 0x011")
    b = vm.paper(base=0x3082, bounds=472)
    assert (b.access(0x1AE).pa, b.access(0x109).pa, b.access(0x20B).fault) == (
        0x3230,
        0x318B,
        "out of the address space",
    )
    rights = vm.paper(va=8, segments={"code": (0, 64, "rx"), "data": (100, 64, "rw")})
    assert (rights.access("w 3").fault, rights.access("w 131").pa) == ("protection", 103)


def test_rights_and_marks_of_the_layout():
    p = vm.paper(va=10, page=64, entry=2, layout="V R W U D A PFN:10", tlb=2).map(
        {1: (7, "ru"), 2: (8, "rwu"), 3: (9, "rw")}
    )
    assert p.access("w 0x40").fault == "protection"
    assert p.access("r 0xc0").fault == "protection"  # user code, and U is 0
    assert p.access("r 0xc0", user=False).pa == 9 << 6
    p.access("r 0x80")
    p.access("w 0x80")  # the TLB has it, and D is set in the table
    tables = p.page_tables()
    step = tables.walk(0x80).steps[0]
    fields = {one.field.name: one.value for one in step.decoded}
    assert (fields["A"], fields["D"]) == (1, 1)


def test_address_spaces_share_a_tlb_by_their_numbers():
    p = vm.paper(va=10, pa=10, page=64, tlb=4, asid=2).map({1: 2}, asid=1).map({1: 3}, asid=2)
    assert [p.access(0x41, asid=asid).pa for asid in (1, 2, 1)] == [0x81, 0xC1, 0x81]
    assert p.access(0x41, asid=1).hit
    with pytest.raises(Refused, match="from 0 to 3"):
        p.access(0x41, asid=4)
    with pytest.raises(Refused, match="from 0 to 3"):
        p.fill_tlb({1: 2}, asid=4)


def test_fifo_and_lru_evict_different_entries():
    def hits(policy):
        p = vm.paper(va=10, page=64, tlb=2, policy=policy).map({0: 1, 1: 2, 2: 3})
        return [p.access(64 * page).hit for page in (0, 1, 0, 2, 0)]

    assert hits("lru") == [False, False, True, False, True]
    assert hits("fifo") == [False, False, True, False, False]


def test_a_map_that_changes_leaves_the_tlb_alone():
    p = vm.paper(va=10, pa=10, page=64, tlb=2).map({1: 2})
    p.access(0x40)
    p.map({1: 5})
    assert p.access(0x40).pa == 2 << 6  # stale, as on a processor
    assert p.access(0x40 + 64).fault == "invalid at level 1"


def test_tables_lie_beside_the_pages_and_each_other():
    p = vm.paper(va=12, pa=12, page=64, levels=(3, 3), entry=4, asid=1).map({0: 1, 9: 4, 63: 2}).map({0: 3}, asid=1)
    used = [step.address // 64 for asid, at in ((0, 0), (0, 9 * 64), (0, 63 * 64), (1, 0))
            for step in p.access(at, asid=asid).path]  # fmt: skip  # one list
    assert not {1, 2, 3, 4} & set(used)
    assert len(set(used)) == 6  # two roots and four tables


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: vm.paper(va=14, page=64, levels=(4, 5)), r"6 = 15 bits, not va=14: levels=\(3, 5\) or va=15 fits"),
        (lambda: vm.paper(va=14, page=100), "near it are 64 and 128"),
        (lambda: vm.paper(va=6, page=64), "va=7 or more"),
        (lambda: vm.paper(va=32, page=4096, levels=(8, 12), entry=4), "a page has 4 KiB: 10 index bits fit"),
        (lambda: vm.paper(va=14, page=64, levels=4, entry=4), "levels=2 is enough"),
        (lambda: vm.paper(va=14, pa=5, page=64), "pa=6 or more"),
        (lambda: vm.paper(va=16, pa=16, page=64, layout="V PFN:7"), "PFN has 7 bits, and .* needs 10"),
        (lambda: vm.paper(va=14, page=64, entry=4, layout="V PFN:7"), "8 bits, and an entry 32"),
        (lambda: vm.paper(va=14, page=64, layout="R PFN:7"), "one V"),
        (lambda: vm.paper(va=14, page=64, tlb=(3, 4)), "sets are a power of two"),
        (lambda: vm.paper(va=40, page=64, tlb=(1 << 17, 1)), "sets=131072: .* to 65,536"),
        (lambda: vm.paper(va=40, page=64, tlb=65_537), "ways=65537: .* to 65,536"),
        (lambda: vm.paper(va=14, page=64, cache=(1, 2)), r"cache=\(1, 2\): write .sets, ways, block."),
        (lambda: vm.paper(va=14, page=64, entry=1).tables([(16384 - 64, 128)]), "ends past the 14 bits"),
        (lambda: vm.paper(va=14, page=64, entry=1).tables([(16384 - 64, 64)]), None),
        (lambda: vm.paper(va=12, page=64, entry=4, levels=4, fills="root"), "4 index bits, and 6 are to be shared"),
        (lambda: vm.paper(va=32).linear, "page and entry are not known: say page=, entry="),
        (lambda: vm.paper(va=14, pa=12, page=64).map({0: 64}), "frame 0x40 has 7 bits.* 6: up to 0x3f"),
        (lambda: vm.paper(va=14, pa=12, page=64).map({256: 0}), "up to 0xff"),
        (lambda: vm.paper(va=14, pa=12, page=64).memory([0x80000041]), r"0x41.*6 bits"),
        (lambda: vm.paper(va=14, pa=12, page=64, layout="V PFN:7").memory([0x1FF]), "9 bits, and an entry 8"),
        (lambda: vm.paper(va=14, pa=12, page=64, levels=(4, 4), layout="V PFN:7").memory("page 0: 1b"), "root="),
        (lambda: vm.paper(page=64).memory("pgae 0: 1b", root=0), "line 1 of the dump"),
        (lambda: vm.paper(va=15, page=32, levels=(5, 5), layout="V PFN:7").memory("page 108: 81", root=108).access(0),
         "nothing at 0x20"),
        (lambda: vm.paper().time(memory=10, hits=96), r"did you mean 0\.96"),
        (lambda: vm.paper(va=14).access(3), "say page="),
        (lambda: vm.paper(page=64, levels=2, layout="V PFN:7").access(3), None),
        (lambda: vm.paper(va=14, page=64).map(5), "a dict such as"),
        (lambda: vm.paper(va=14, page=64, tlb=4).fill_tlb(cast("Any", "x")), "a dict such as"),
        (lambda: vm.paper(va=14, pa=12, page=64, tlb=(4, 4)).fill_tlb({(4, 0): 1}), "fill_tlb: set 0x4"),
        (lambda: vm.paper(va=14, pa=12, page=64, tlb=(4, 4)).fill_tlb({("x", 0): 1}), "a whole number"),
        (lambda: vm.paper(va=14, page=64).memory(5), "a text, a dict or a list"),
        (lambda: vm.paper(segments=5), "a list of .base, limit."),
        (lambda: vm.paper(va=14, page=64, entry=1).tables(cast("Any", 5)), "a list of"),
        (lambda: vm.paper().probes([1], max, 1, 1), "not .pid, vpn, frame."),
        (lambda: vm.paper().time(memory=10, levels="x"), "levels='x'"),
        (lambda: vm.paper(va=14, page=64, layout="V PFN:7").map({1: (2, "r")}), "no bit W"),
        (lambda: vm.paper(va=32, page=4096, levels=2).map({1: 1}).access(0x1000), None),
    ],
)  # fmt: skip  # a line for each
def test_bad_input_is_one_sentence(make, words):
    if words is None:
        make()
        return
    with pytest.raises(Refused, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)


def test_other_words_for_an_access_lead_to_it():
    with pytest.raises(AttributeError, match=r"access\(address\)"):
        getattr(vm.paper(va=14, page=64), "translate")  # noqa: B009  # as people ask for it


def test_a_refused_call_changes_nothing():
    p = vm.paper(va=10, pa=10, page=64).map({1: 2})
    for bad in ({1: 3, 2: 99}, {99: 1}):
        with pytest.raises(Refused):
            p.map(bad)
    assert p.access(0x40).pa == 0x80
    with pytest.raises(Refused):
        p.memory([1])
    assert p.access(0x40).pa == 0x80


@pytest.mark.parametrize(("answer", "points"), [(0x357, 1), ("0x357", 1), ("855", 1), ("0b1101010111", 1), ("357", 0)])
def test_an_answer_on_paper_is_a_value(answer: object, points: int) -> None:
    access = vm.paper(va=14, pa=12, page=64).map({0xF: 0xD}).access("r 0x3d7")
    assert vm.lab.check(access, {"pa": answer}).points == points
