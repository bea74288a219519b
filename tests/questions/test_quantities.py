"""A quantity that is left out can't be told: two pictures that differ in nothing else have one worksheet."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.pictures.blank import Worksheet
from vmwidgets.views.scene.twin import text_twin


def all_of(sheet: Worksheet, given: str = "(?!)") -> str:
    """Everything that the files of a worksheet contain, with one word for the number that the question gives."""
    files = [sheet.to_svg(), json.dumps(sheet.to_json()), sheet.to_html(), sheet.to_text(), sheet.to_dot()]
    return re.sub(given, "GIVEN", "\n".join(files))


def texts_of(sheet: Any) -> list[str]:
    """The texts of the drawing, and what a screen reader says."""
    return [text for node in sheet.scene().nodes for text in (*(run.text for run in node.text), node.title)]


# ---- on paper ------------------------------------------------------------------------------------


class Drawn:
    """The numbers of a machine and of an access; which bits each part has follows from them."""

    def __init__(self, seed: int) -> None:
        random = self.random = Random(seed)
        self.offset, self.vpn, self.pfn = random.randint(4, 8), random.randint(4, 8), random.randint(4, 8)
        self.co, self.ci, self.sets = random.randint(1, 3), random.randint(1, 4), random.randint(0, 3)
        self.low = random.choice((0, 0, self.vpn // 2))  # the bits of the last of two indices
        self.options: dict[str, Any] = {"va": self.offset + self.vpn, "pa": self.offset + self.pfn}
        self.options["page"] = 1 << self.offset
        self.parts = {"vpn": ("page", 0, self.vpn), "vpo": ("offset", 0, self.offset), "pfn": ("frame", 0, self.pfn)}
        if self.low:
            self.options["levels"] = (self.vpn - self.low, self.low)
            self.parts["index 2"] = ("page", 0, self.low)
        if random.random() < 0.7:
            self.options["tlb"] = (1 << self.sets, 2)
            self.parts |= {"tlbi": ("page", 0, self.sets), "tlbt": ("page", self.sets, self.vpn)}
        if random.random() < 0.7:
            self.options["cache"] = (1 << self.ci, 1, 1 << self.co)
            self.parts |= {"co": ("offset", 0, self.co), "ci": ("offset", self.co, self.co + self.ci)}
            self.parts["ct"] = ("frame", self.co + self.ci - self.offset, self.pfn)
        if random.random() < 0.3:
            self.options["segments"] = {"all": (0, 1 << self.offset + self.vpn)}
        self.hits = random.random() < 0.3
        self.page, self.frame = random.randrange(1 << self.vpn), random.randrange(1 << self.pfn)
        self.inside = random.randrange(1 << self.offset)

    def flipped(self, where: str, low: int, high: int) -> dict[str, int] | None:
        """The access with other bits between `low` and `high` of one of its three numbers; None if there are none."""
        held = {"page": self.page, "frame": self.frame, "offset": self.inside}
        top = {"page": self.low or self.vpn, "frame": self.pfn, "offset": self.offset}[where]
        if low < 0 or high > {"page": self.vpn, "frame": self.pfn, "offset": self.offset}[where]:
            return None  # a part of both numbers
        bits = list(range(low, min(high, top)))
        if not bits:
            return None
        return held | {
            where: held[where] ^ sum(1 << bit for bit in self.random.sample(bits, self.random.randint(1, len(bits))))
        }

    def sheet(self, one: dict[str, int], other: dict[str, int], word: str, *more: str) -> str:
        """A worksheet without a word on `one`, in a machine that maps both pages, if they are two."""
        pages = {other["page"] ^ (other["page"] == one["page"]): other["frame"], one["page"]: one["frame"]}
        p = vm.paper(**self.options).map(pages)
        va = one["page"] << self.offset | one["offset"]
        asked: Any = ("all", va) if "segments" in self.options else va
        for _ in range(1 + self.hits):
            access = p.access(asked)
        parts = (
            access.vpn,
            access.vpo,
            access.tlbi,
            access.tlbt,
            access.pfn,
            access.pa,
            access.ct,
            access.ci,
            access.co,
        )
        if va in parts:
            return ""  # the number that the question gives is also another one
        grouped = re.escape(f"{va:_x}")
        return all_of(vm.picture(access).blank(word, *more), rf"\b0x0*({va:x}|{grouped})\b|(?<=[+] ){va}\b")


@pytest.mark.parametrize("some", range(4))
def test_accesses_that_differ_only_in_what_is_left_out_have_one_worksheet(some: int) -> None:
    compared = set()
    for seed in range(6 * some, 6 * some + 6):
        for word, where in Drawn(seed).parts.items():
            q = Drawn(seed)
            one = {"page": q.page, "frame": q.frame, "offset": q.inside}
            other, more = q.flipped(*where), q.random.sample([*q.parts, "pa"], q.random.randint(0, 1))
            if other is not None:
                first, second = q.sheet(one, other, word, *more), q.sheet(other, one, word, *more)
                assert first == second or not (first and second), (seed, word, more, one, other)
                compared.add(word)
    assert compared >= {"vpn", "vpo", "pfn", "tlbt"}


def small() -> vm.Paper:
    """The machine of CS:APP 9.6.4: TLBI, TLBT and CO of 0x3d7 are all 3."""
    return vm.paper(va=14, pa=12, page=64, tlb=(4, 4), cache=(16, 1, 4)).map({0xF: 0xD})


def test_equal_values_of_other_quantities_stay_or_have_their_own_blanks() -> None:
    sheet = vm.picture(small().access("r 0x3d7")).blank("tlbi")
    assert {"set _1__", "tag 0x3", "byte 0x3"} <= set(texts_of(sheet))
    sheet = vm.picture(small().access("r 0x3d7")).blank("tlbi", "tlbt", "co", "ppo")
    assert [(one.number, one.word, one.value) for one in sheet.answers] == [
        (1, "tlbi", "0x3"), (2, "tlbt", "0x3"), (3, "co", "0x3"), (4, "ppo", "0x17"),
    ]  # fmt: skip  # an answer each
    assert {"set _1__", "tag _2__", "byte _3__", "offset _4__"} <= set(texts_of(sheet))
    assert texts_of(sheet).count("offset _4__") == 2, "the same quantity in both addresses"


@pytest.mark.parametrize("word", ["pa", "physical address"])
def test_the_physical_address_is_put_together_from_its_parts(word: str) -> None:
    sheet = vm.picture(small().access("r 0x3d7")).blank(word)
    assert [one.value for one in sheet.answers] == ["0x357"]
    said = " ".join(texts_of(sheet))
    assert {"entry 15: valid, frame 0xd", "VPO 0x17, bits 5 to 0"} <= set(texts_of(sheet)), "what it is computed from"
    assert not re.search(r"PFN 0x|PPO 0x|C[TIO] 0x", said), "its own row tells nothing"
    assert not re.search(r"0x0*357\b|\b855\b|001101", all_of(sheet))


@pytest.mark.parametrize(
    "access",
    [
        vm.paper(va=12, pa=12, page=64, layout="V W X PFN:6").map({1: (2, "r")}).access("w 0x41"),
        vm.paper(va=12, pa=12, page=64).map({1: 2}).access("w 0x101"),
        vm.paper(va=14, pa=12, page=64, segments={"s0": (0x400, 0x200)}, tlb=4).map({0x11: 5}).access(("s0", 0x45)),
        vm.paper(va=8, base=0x100, bounds=0x40).access(0x13),
        vm.paper(va=8, base=0x100, bounds=0x40).access(0x63),
        vm.paper(va=7, segments=[(0, 20), (64, 20, "down")], cache=(4, 1, 4)).access(0x7F),
        vm.paper(va=16, pa=16, page=256, levels=(4, 4), entry=2).map({0x12: 5}).access("r 0x1234"),
        vm.paper(va=12, pa=12, page=16, levels=(3, 3, 2)).map({0x12: 5}).access("r 0x134"),
        vm.paper(page="4 KiB").map({3: 6}).access("r 0x3229"),
    ],
    ids=repr,
)  # fmt: skip  # an access each
def test_each_blank_is_drawn_and_no_other_number_takes_its_place(access: Any) -> None:
    each_blank_is_drawn(vm.picture(access))
    if access.walk is not None:
        each_blank_is_drawn(vm.Walk(access))


def each_blank_is_drawn(picture: Any) -> None:
    number = re.compile(r"(?<!\w)(?:0x[\da-f_]*[\da-f]|[02-9]\d*)(?!\w)")
    whole = set(number.findall(" ".join(texts_of(picture)) + picture.scene().subtitle + text_twin(picture.scene())))
    with pytest.raises(vm.Refused, match="it has ") as refused:
        picture.blank("no such word")
    for word in str(refused.value).partition("it has ")[2].split(", "):
        sheet = picture.blank(word)
        said = " ".join(texts_of(sheet)) + sheet.to_text()
        assert all(re.search(rf"_{one.number}_", said) for one in sheet.answers), word
        left = "What is left out: " + said.partition("What is left out: ")[2]
        assert not set(number.findall(said.replace(left, ""))) - whole - {f"{len(sheet.answers)}"}, word


# ---- walks and tables ----------------------------------------------------------------------------

ARCHITECTURES = ("aarch64", "armv7", "riscv-sv39", "x86", "x86-64", "x86-64-la57", "x86-pae")


def task_of(architecture: str) -> tuple[vm.Task, int]:
    task = vm.boot(architecture).task("init")
    start = int(task.mmap("64 KiB"))
    for page in (2, 5):
        task.write(start + page * 0x1000, b"x")
    return task, start + 0x2000


def holds(number: int, page: int) -> bool:
    """Whether a number is a page's address, or a descriptor or an address with the page's number in it."""
    fields = {number >> 12, number & 0xFFFFFFFF, number >> 12 & (1 << 40) - 1, number >> 10 & (1 << 44) - 1}
    return number == page or page in fields


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_in_a_walk_tells_the_frame_that_is_left_out(architecture: str) -> None:
    task, page = task_of(architecture)
    found = task.walk(page + 0x345)
    assert found.pa is not None
    for word, inside in (("frame", 0x345), ("pfn", 0), ("physical", 0)):
        walk = vm.Walk(task.walk(page + inside))
        walk.opened("walk/fold")
        sheet = walk.blank(word)
        every = all_of(sheet, "(?s)<style.*?</style>")
        numbers = [int(one.replace("_", ""), 16) for one in re.findall(r"0x[\da-f_]*[\da-f]|\b[\da-f]{8,16}\b", every)]
        assert not [hex(one) for one in numbers if holds(one, int(found.pa) >> 12)], word
        bits = {node.title: node.text[1].text for node in sheet.scene().nodes if node.kind == "bit"}
        drawn = {name: text for name, text in bits.items() if re.search("of address", name)}
        assert drawn
        assert set(drawn.values()) == {"_"}
        assert set(bits.values()) > {"_"}, "flags stay"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_blank_of_a_walk_and_of_tables_is_drawn(architecture: str) -> None:
    task, page = task_of(architecture)
    each_blank_is_drawn(vm.Walk(task.walk(page + 0x345)))
    each_blank_is_drawn(vm.Walk(task.walk(page + 0x1000)))
    each_blank_is_drawn(vm.Tables(task, address=page))


def test_the_address_of_a_table_is_left_out_of_the_descriptor_that_leads_to_it() -> None:
    task, page = task_of("x86-64")
    walk = task.walk(page)
    table = vm.Address(walk.steps[-1].table)
    for sheet in (vm.Walk(walk).blank("pt address"), vm.Tables(task).blank("physical")):
        number = next(one.number for one in sheet.answers if one.value == f"{table}")
        text = all_of(sheet)
        assert not re.search(rf"{table}|{walk.steps[-2].value:x}\b", text)
        assert len(re.findall(rf"_{number}_", " ".join(texts_of(sheet)))) >= 2, "where it is, and what leads to it"


def test_an_index_is_left_out_of_the_bits_of_the_address_and_not_told_by_its_neighbours() -> None:
    task, page = task_of("x86-64")
    sheet = vm.Walk(task.walk(page)).blank("pt index")
    said = texts_of(sheet)
    assert said.count("_1__") == 2, "in the address, and in the table"
    other = vm.Walk(task.walk(page + 0x1D_0000)).blank("pt index")
    heights = {[node.y for node in one.scene().nodes if node.kind == "descriptor"][-1] for one in (sheet, other)}
    assert len(heights) == 1, "its height does not tell it"
    shown = {node.title: node.text[0].text for node in sheet.scene().nodes if node.kind == "address-bit"}
    assert {text for title, text in shown.items() if 12 <= int(re.findall(r"\d+", title)[0]) <= 20} == {"_"}


def test_a_picture_without_quantities_leaves_out_the_numbers_that_contain_a_frame() -> None:
    task, page = task_of("x86-64")
    frame = int(task.walk(page).pa or 0) >> 12
    for picture in (vm.Dashboard(task, panes="translation", address=page), vm.Fault(task)):
        every = all_of(picture.blank("frame"))
        numbers = [int(one.replace("_", ""), 16) for one in re.findall(r"0x[\da-f_]*[\da-f]", every)]
        assert not [hex(one) for one in numbers if one >> 12 & 0xFFFFFFFFFF == frame or one == frame]


def test_a_table_that_a_walk_reads_twice_has_one_blank() -> None:
    """Its own descriptor leads to the root, which is then seen as a table of the next level."""
    m = vm.boot("x86-64")
    root = vm.Tables(m).blank("at").answers[0].value
    window = 0xFFFF_8000_0000_0000  # the slot in which the root is its own table
    sheet = vm.Walk(m.walk(window)).blank("at")
    assert [one.value for one in sheet.answers].count(root) == 1
    assert root not in all_of(sheet)


def test_two_walks_beside_each_other_have_no_blanks_that_one_tells_of_the_other() -> None:
    m = vm.boot("x86-64")
    walks = []
    for name in ("one", "other"):
        task = m.task(name)
        at = task.mmap("4 KiB")
        task.write(at, b"x")
        walks.append(vm.Walk(task.walk(at)))
    with pytest.raises(vm.Refused, match="take a worksheet of one"):
        walks[0].beside(walks[1]).blank("frame")
