"""The picture of an access on paper: the parts of addresses at their bits, the TLB's set, blanks, and the solution."""

from __future__ import annotations

import re
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused


def small():
    """The machine of CS:APP 9.6.4, with two pages."""
    return vm.paper(va=14, pa=12, page=64, tlb=(4, 4), cache=(16, 1, 4)).map({0: 1, 0xF: 0xD})


def bits_of(picture):
    """The named parts of the drawing, with the bits that their titles say."""
    titles = [node.title for node in picture.scene().nodes if node.lane == "bits" and node.id.startswith("paper/")]
    return [re.fullmatch(r"(\w+) (0x\w+), bits (\d+) to (\d+)", title).groups() for title in titles]


def test_each_part_is_drawn_with_its_bits():
    parts = bits_of(vm.picture(small().access("r 0x3d7")))
    assert parts == [
        ("VPN", "0xf", "13", "6"), ("VPO", "0x17", "5", "0"), ("TLBT", "0x3", "13", "8"), ("TLBI", "0x3", "7", "6"),
        ("PFN", "0xd", "11", "6"), ("PPO", "0x17", "5", "0"),
        ("CT", "0xd", "11", "6"), ("CI", "0x5", "5", "2"), ("CO", "0x3", "1", "0"),
    ]  # fmt: skip  # a part each


def test_parts_above_and_below_begin_at_the_same_bit():
    nodes = {node.id: node for node in vm.picture(small().access("r 0x3d7")).scene().nodes}
    vpn, vpo = nodes["paper/va/above/0"], nodes["paper/va/above/1"]
    tag, index = nodes["paper/va/below/0"], nodes["paper/va/below/1"]
    assert [vpn.x, vpn.x + vpn.w] == pytest.approx([tag.x, index.x + index.w])
    assert index.x + index.w < vpo.x
    ci, co, ppo = (nodes[f"paper/pa/{one}"] for one in ("below/1", "below/2", "above/1"))
    assert [ci.x, co.x + co.w] == pytest.approx([ppo.x, ppo.x + ppo.w])


def test_only_a_miss_draws_the_tables():
    p = small()
    miss, hit = ([node.title for node in vm.picture(p.access("r 0x3d7")).scene().nodes if node.kind == "stop"]
                 for _ in range(2))  # fmt: skip  # the second finds what the first cached
    assert [line.split(":")[0] for line in miss] == ["set 0x3 has no tag 0x3", "entry 15", "set 0x5 has no tag 0xd"]
    assert "0x3 → 0xd" in miss[0]
    assert hit == ["set 0x3 has tag 0x3: frame 0xd", "set 0x5 has tag 0xd: a hit"]


@pytest.mark.parametrize(
    ("access", "said"),
    [("w 0x41", "may not be written"), ("x 0x41", "may not be executed"), ("w 0x101", "is not valid")],
)
def test_a_page_that_may_not_be_written_is_not_said_to_be_invalid(access: str, said: str) -> None:
    p = vm.paper(va=12, pa=12, page=64, layout="V W X PFN:6").map({1: (2, "r")})
    caption = vm.picture(p.access(access)).scene().caption
    assert caption is not None
    assert said in caption.text


def test_the_frame_comes_from_the_last_stop_and_the_offset_straight_down():
    scene = vm.picture(small().access("r 0x3d7")).scene()
    places = {node.id: (node.x, node.x + node.w) for node in scene.nodes}
    ways = [(link.source, link.target) for link in scene.links]
    assert ways[-2:] == [("paper/stop/1", "paper/pa/above/0"), ("paper/va/above/1", "paper/pa/above/1")]
    assert places["paper/va/above/1"] == places["paper/pa/above/1"]
    assert places["paper/va/above/0"][1] == places["paper/pa/above/0"][1]


def test_the_slices_of_a_walk_on_paper_can_be_turned():
    walk: Any = vm.picture(small().access("r 0x3d7").walk)
    walk.turned("walk/slice/1", -15)
    assert walk.address == 0x17
    assert "physical 0x57" in walk.to_text()


def test_a_picture_that_asks_draws_nothing_before_its_answer():
    access = small().access("r 0x3d7")
    asking = vm.picture(vm.OnPaper(access, ask="asked/miss"))

    def seen():
        return [run.text for node in asking.scene().nodes for run in node.text]

    captions = []
    for press in (
        "ask/answer/table",
        "ask/answer/table",
        "ask/answer/fault",
    ):  # the TLB is first, then the table, then D
        assert not [words for words in (*seen(), asking.to_text()) if "0xd" in words and "PTE" not in words]
        captions.append(asking.scene().caption.text)
        asking.opened(press)
    assert [caption.endswith("first?") for caption in captions] == [True, False, False]
    assert "PFN 0xd, so PA 0x357" in asking.to_text()
    outcomes = {one.id: one.outcome.right for one in vm.lab.predictions.values() if one.id.startswith("asked/miss")}
    assert list(outcomes.values()) == [False, True, False]


def test_a_hit_that_asks_goes_from_the_tlb_to_the_frame():
    p = small()
    p.access("r 0x3d7")
    asking = vm.picture(vm.OnPaper(p.access("r 0x3d7"), ask="asked/hit"))
    asking.opened("ask/answer/tlb")
    asking.opened("ask/answer/frame")
    assert "TLB hit" in asking.to_text()
    passing = vm.picture(vm.OnPaper(p.access("r 0x2ea"), ask="asked/all"))
    passing.opened("ask/switch/all")
    assert "invalid at level 1" in passing.to_text()
    for wrong in (1, "", None):
        with pytest.raises(Refused, match="ask="):
            vm.OnPaper(p.access("r 0x3d7"), ask=wrong)
    with pytest.raises(Refused, match="ask=True"):
        vm.OnPaper(p, ask=True)


def test_an_access_that_reads_no_table_has_nothing_to_ask():
    """A segment refuses it, with its number in the address or beside it; or there are no tables."""
    paged = vm.paper(va=14, pa=12, page=64, segments={"heap": (0, 0x100, "r"), "stack": (0x400, 0x40)})
    moved = vm.paper(va=8, base=0x100, bounds=3)
    for access, why in (
        (paged.access(("heap", 0x100)), "heap"),
        (paged.access(0x100), "heap"),
        (paged.access("w 0x10"), "heap"),
        (moved.access(3), "limit"),
        (moved.access(2), ""),
        (vm.paper(va=7, segments=[(0, 20), (64, 20)]).access(0x11), ""),
    ):
        with pytest.raises(Refused, match=f"reads no table.*{why}"):
            vm.OnPaper(access, ask=True)
    asking = vm.OnPaper(paged.map({0: 1}).access(("heap", 5)), ask="asked/segment")
    assert "first?" in asking.scene().caption.text


def test_values_can_be_left_out():
    sheet = vm.picture(small().access("r 0x3d7")).blank("pfn", "tlbi", "ci")
    assert [(one.word, one.value) for one in sheet.answers] == [("pfn", "0xd"), ("tlbi", "0x3"), ("ci", "0x5")]
    words = " ".join(run.text for node in sheet.scene().nodes for run in node.text)
    assert not re.search(r"PFN 0x|TLBI 0x|CI 0x", words)


def test_the_text_is_the_solution():
    text = vm.picture(vm.paper(page="4 KiB").map({3: 6}).access("r 0x3229")).to_text()
    assert text.splitlines()[-1] == "VA 0x00003229 (decimal:    12841) --> 00006229 (decimal    25129) [VPN 3]"


def test_a_linear_table_without_a_place_is_drawn_without_an_address():
    for picture in (vm.picture(small().access(0x3D7)), vm.picture(small().page_tables())):
        assert not any(len(run.text) > 15 and run.text.startswith("0x1_") for node in picture.scene().nodes
                       for run in node.text)  # fmt: skip  # one condition


def test_a_physical_address_is_as_wide_as_its_cache_needs():
    p = vm.paper(va=10, page=64, cache=(64, 1, 16)).map({1: 1})
    assert bits_of(vm.picture(p.access("r 0x45")))[-2:] == [("CI", "0x4", "9", "4"), ("CO", "0x5", "3", "0")]


def test_a_table_that_is_too_large_to_draw_is_named():
    wide = vm.paper(va=48, pa=40, page="4 KiB", entry=8).map({1: 2})
    assert wide.access("r 0x1001").pa == 0x2001
    with pytest.raises(Refused, match="512 GiB is too large to be drawn"):
        vm.picture(wide.page_tables()).scene()


def test_each_bit_has_its_number_above_it_and_its_digit_below():
    access = small().access("r 0x3d7")
    nodes = [node for node in vm.picture(access).scene().nodes if node.id.startswith("paper/va/digits/")]
    numbers, digits = (
        [run for node in nodes for run in node.text if ("mono" in run.style) == is_mono] for is_mono in (0, 1)
    )
    assert [int(run.text) for run in numbers] == [*range(13, -1, -1)]
    assert "".join(run.text for run in digits) == f"{0x3D7:014b}"
    assert [run.x for run in numbers] == pytest.approx([run.x for run in digits])


def rows_of(picture, name):
    """The words of the rows of a machine's table, by the rows' names."""
    return [[run.text for run in node.text] for node in picture.scene().nodes if node.id.startswith(f"paper/{name}/")]


def test_a_machine_is_drawn_as_a_sheet_with_what_it_has():
    picture = vm.picture(small())
    assert picture.scene().caption.text == "256 pages of 64 B, and 64 frames."
    assert rows_of(picture, "page") == [["0x0", "0x1", "yes"], ["0xf", "0xd", "yes"]]
    assert rows_of(picture, "set") == [[f"set {number}", *["–"] * 4] for number in range(4)]
    boxes = [node for node in picture.scene().nodes if "digits" in node.id]
    assert not any("mono" in run.style for node in boxes for run in node.text), "no digit: a sheet to write on"
    held = small()
    held.access("r 0x3d7")
    assert "0x3 → 0xd" in rows_of(vm.picture(held), "set")[3]
    levels = vm.paper(va=15, pa=12, page=32, levels=(5, 5), entry=1)
    assert rows_of(vm.picture(levels), "level") == [
        ["page directory", "5", "32", "32 B"],
        ["page table", "5", "32", "32 B"],
    ]
    segments = vm.paper(va=7, pa=9, segments={"SEG0": (0, 20), "SEG1": (512, 20, "down")})
    assert [row[-1] for row in rows_of(vm.picture(segments), "segment")] == ["up", "down"]


def test_a_bit_of_an_entry_is_0_or_1_in_picture_and_words() -> None:
    machine = vm.paper(va=14, pa=12, page=64, layout="V R W PFN").map({5: (17, "r")})
    access = machine.access("w 0x140")
    words = " ".join(text.text for node in vm.picture(access).scene().nodes for text in node.text)
    for said in (words, str(access)):
        assert "R 1, W 0" in said


@pytest.mark.parametrize(
    ("layout", "said", "letters"),
    [
        ("V PFN", set(), ""),
        ("V R W PFN", {"reads", "writes"}, "rw"),
        ("V U PFN", {"user code"}, "user"),
        ("V R W X U PFN", {"reads", "writes", "execution", "user code"}, "rwx user"),
    ],
)
def test_a_walk_on_paper_says_nothing_about_rights_that_its_entries_lack(
    layout: str, said: set[str], letters: str
) -> None:
    machine = vm.paper(va=14, pa=12, page=64, layout=layout).map({0xF: 0xD})
    walk = vm.Walk(machine.access("r 0x3d7"))
    nodes = walk.scene().nodes
    verbs = {"reads": "read", "writes": "write", "execution": "execute", "user code": "user"}
    flags = dict(zip("RWXU", verbs, strict=True))
    drawn = {node.id.removeprefix("walk/flag/") for node in nodes if node.id.startswith("walk/flag/")}
    assert {flags[name] for name in drawn - {"V"}} == said
    rights = walk.to_text().splitlines()[1].partition(". ")[2]
    assert {name for name, verb in verbs.items() if verb in rights} == said
    switches = {node.id for node in nodes if node.role == "switch"}
    assert ("walk/switch/user" in switches) == ("user code" in said)
    assert ("walk/switch/write" in switches) == ("writes" in said)
    assert vm.Tables(machine).scene().table.rows[1][-1] == letters
