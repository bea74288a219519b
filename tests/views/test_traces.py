"""Pictures of a program's trace: what is where, how one comes to a part of it, and names of ranges."""

from __future__ import annotations

import gc
import random
import re
from itertools import pairwise
from typing import Literal

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says, whole
from tests.views.test_kmem_layout import sound
from vmwidgets.engine.base.errors import Refused
from vmwidgets.given.process import UsedOverTime, UsedRange
from vmwidgets.reference_strings.trace import Trace

PAGE = 4096


def two_phases(length: int = 4_000) -> Trace:
    """Pages 0 to 9 in the first half, one of which is written; then 100 to 104, from which instructions are fetched."""
    draws = random.Random(5)
    pages = [draws.randrange(10) if at < length // 2 else 100 + draws.randrange(5) for at in range(length)]
    found = vm.trace([page * PAGE + 8 for page in pages], [page == 3 for page in pages], name="phases")
    return Trace(found.addresses, [2 if page >= 100 else found.kinds[at] for at, page in enumerate(pages)])


def count_of(picture: object) -> int:
    return sum(row.references for row in picture._value(picture.target).rows)  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_a_cell_has_the_references_of_its_part_and_row(width: int) -> None:
    trace = two_phases()
    sound(vm.Locality(trace, width=width).scene())
    value = trace.locality(parts=50, rows=20)
    pages, kinds = (trace.addresses // PAGE).tolist(), trace.kinds.tolist()
    for row in value.rows:
        for part, cell in enumerate(row.cells):
            here = [kinds[at] for at in range(part * 80, (part + 1) * 80) if row.first <= pages[at] <= row.last]
            assert cell == (len(here), here.count(1), here.count(2))
    assert value.sets == tuple(len(set(pages[part * 400 : (part + 1) * 400])) for part in range(10))


def test_a_click_leads_from_a_part_of_the_time_to_its_references() -> None:
    picture = vm.Locality(two_phases())
    picture.opened("locality/part/9")
    assert (picture.first, picture.last) == (3_600, 4_000)
    picture.opened("locality/part/4")
    assert says("traces: part", picture.scene().caption.reason)
    table = picture.scene().table
    assert table.header == ("reference", "address", "does")
    assert len(table.rows) == 40
    assert table.rows[0][0] == "3,760" and {row[2] for row in table.rows} == {"fetch"}
    picture.opened("locality/whole")
    assert count_of(picture) == 4_000


def test_a_click_on_a_row_shows_its_pages_alone() -> None:
    picture = vm.Locality(two_phases())
    row = next(
        node for node in picture.scene().nodes if node.id.startswith("locality/row/") and "0x3000 to" in node.title
    )
    picture.opened(row.id)
    value = picture._value(picture.target)
    assert [(one.first, one.last) for one in value.rows] == [(3, 3)]
    assert value.rows[0].writes == value.rows[0].references == two_phases().pages()[0].tolist().count(3)
    with pytest.raises(Refused, match="no reference between these addresses"):
        two_phases().locality(low=50 * PAGE, high=60 * PAGE)


def test_ranges_with_names_are_rows_of_their_own() -> None:
    trace = vm.trace([page * PAGE for page in range(60)]).named({"A": (0, 10 * PAGE), "B": (10 * PAGE, 5 * PAGE)})
    rows = trace.locality(rows=8).rows
    assert [(row.first, row.name) for row in rows if row.name] == [(0, "A"), (10, "B")]
    words = [run.text for node in vm.Locality(trace).scene().nodes for run in node.text]
    assert words.count("A") == words.count("B") == 1


def test_a_loaded_map_gives_the_names() -> None:
    maps = vm.load_maps(
        vm.boot("x86-64"), "00400000-00401000 r-xp 00000000 08:01 11 /bin/cat\n00500000-00502000 rw-p 0 0:0 0 [heap]\n"
    )
    trace = vm.trace([0x40_0010, 0x50_1000, 0x60_0000]).named(maps)
    assert [row.name for row in trace.locality().rows] == ["cat", "[heap]", ""]
    assert trace.part(1).locality().rows[0].name == "[heap]"


@pytest.mark.parametrize(
    ("ranges", "sentence"),
    [(7, "pass what vm.load_maps gives"), ({"A": 4096}, "the range 'A': write its first address")],
)
def test_what_names_nothing_is_refused(ranges: object, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        vm.trace([1]).named(ranges)


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([*range(7)] * 10, "Each tenth"),
        ([*range(7)] * 9 + [0], "Each of the first 9 parts"),
    ],
)
def test_a_last_part_that_is_shorter_is_not_among_those_that_use_all_pages(pages: list[int], said: str) -> None:
    assert vm.Locality(vm.trace([page * PAGE for page in pages])).scene().caption.text == saying(
        "traces: none", 7, part=said
    )


def drawn_at(picture: vm.FaultCurves, kind: str) -> list[str]:
    return [
        node.id
        for node in picture.scene().nodes
        if node.id.startswith(f"faults/{kind}/") or node.id == f"faults/{kind}"
    ]


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_curves_mark_the_knee_the_anomaly_and_what_was_counted(width: int) -> None:
    belady = vm.trace([page * PAGE for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)])
    picture = vm.FaultCurves(belady.faults(("fifo", "lru"), (1, 2, 3, 4, 5)), width=width)
    sound(picture.scene())
    assert drawn_at(picture, "anomaly") == ["faults/anomaly/fifo/3", "faults/anomaly/fifo/4"]
    assert len(drawn_at(picture, "lru")) == 5
    assert drawn_at(picture, "knee") == []  # one frame is as good as any
    columns = vm.FaultCurves(vm.recording("columns").faults("lru", (1, 16, 32, 36, 92)), width=width)
    sound(columns.scene())
    assert drawn_at(columns, "knee")
    assert columns.target.knee("lru") == 36
    assert columns.target.worth("lru", 32) == (columns.target.faults("lru", 32) - columns.target.faults("lru", 36)) / 4


@pytest.mark.parametrize("width", [420, 900, 1600])
@pytest.mark.parametrize("name", ["columns", "rows"])
def test_the_names_of_curves_have_the_faults_that_the_title_compares(
    name: Literal["rows", "columns"], width: int
) -> None:
    scene = vm.FaultCurves(vm.recording(name).faults(("fifo", "lru", "random")), width=width).scene()
    title = fields_of("traces: least", scene.caption)
    head = next(node.text[0].text for node in scene.nodes if node.id == "faults/names")
    assert re.findall(r"\d+", head) == [title["count"]]
    said = {node.text[0].text.split()[-1] for node in scene.nodes if node.id.startswith("faults/name/")}
    assert {title["few"], title["many"]} <= said


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_each_curve_has_its_name_at_its_line(width: int) -> None:
    found = vm.recording("columns").faults(("fifo", "lru", "opt"))
    scene = vm.FaultCurves(found, width=width).scene()
    sound(scene)
    head = next(node.text[0].text for node in scene.nodes if node.id == "faults/names")
    frames = int(head.split()[1])
    lines = {link.id.split("/")[2]: link for link in scene.links if link.kind == "named"}
    assert len({link.points[-1] for link in lines.values()}) == len(lines), "curves at one place have one line"
    said = {node.id.split("/")[2]: node for node in scene.nodes if node.id.startswith("faults/name/")}
    assert {*said} == {*lines}
    named = set[str]()
    for policy, node in said.items():
        words, _, count = node.title.rpartition("  ")
        assert count == f"{found.faults(policy, frames):,}"
        ends = next(link for link in scene.links if link.id == f"faults/{policy}").points
        point = next(node for node in scene.nodes if node.id == lines[policy].target)
        assert point.title.startswith(f"{policy.upper()}, {frames} frames")
        assert lines[policy].points[-1] in ends
        assert all(x < node.x for x, _ in ends), "names are at the right of all curves"
        alike = words.rpartition(": ")[2].lower().replace(" = ", ", ").split(", ")
        assert {found.faults(one, frames) for one in alike} == {found.faults(policy, frames)}
        named |= {*alike}
    assert named == {*found.policies}


@pytest.mark.parametrize("width", [420, 900, 1600])
@pytest.mark.parametrize(
    "policies", [("fifo", "lru", "clock", "opt", "random"), ("fifo", "lru", "aging", "working set")]
)
def test_lines_to_the_names_of_curves_do_not_meet(policies: tuple[str, ...], width: int) -> None:
    trace = vm.trace([(5 + one * one % 97) << 12 for one in range(900)])
    scene = vm.FaultCurves(trace.faults(policies, tick=40), width=width).scene()
    lines = sorted((link.points for link in scene.links if link.kind == "named"), key=lambda ends: ends[0][1])
    assert len(lines) > 1
    assert len({start for (start, _), _ in lines}) == len({end for _, (end, _) in lines}) == 1
    assert all(one[1][1] < other[1][1] for one, other in pairwise(lines)), "in the order of their names"


def test_a_working_set_is_drawn_at_its_mean_size_and_never_as_frames() -> None:
    found = two_phases().faults(("lru", "working set"))
    assert found.policies == ("lru",)
    assert [(one.size, one.faults) for one in found.windows] == [
        (one.size, one.faults) for one in two_phases().working_set()
    ]
    scene = vm.FaultCurves(found).scene()
    points = {node.id: node.x for node in scene.nodes if node.id.startswith("faults/working set/")}
    assert len(points) == sum(1 <= one.mean <= 15 for one in found.windows) > 2
    assert [len(row) for row in scene.table.more[0][1].rows] == [4] * len(found.windows)
    with pytest.raises(Refused, match="has windows, not frames"):
        two_phases().faults("working set")


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_a_real_process_is_darker_where_it_uses_more_of_a_range(width: int) -> None:
    ranges = (UsedRange("a.so", 0x1000, 100, (60, 5, 0)), UsedRange("8 MiB, no file", 0x9000, 2000, (300, 0, 0)))
    scene = vm.Locality(UsedOverTime(1, "python3", 0.5, ranges, 3), width=width).scene()
    sound(scene)
    bars = {node.id: [bar.style for bar in node.bars] for node in scene.nodes if node.id.startswith("locality/range/")}
    assert bars == {
        "locality/range/0": ["refs-none", "refs-read-3", "refs-read-1"],
        "locality/range/1": ["refs-none", "refs-read-2"],
    }
    assert [node.id for node in scene.nodes][:2] == ["locality/range/1", "locality/range/0"]


def test_ranges_that_were_put_together_are_last_and_have_no_address() -> None:
    ranges = (UsedRange("a.so", 0x1000, 9, (6,)), UsedRange("[stack]", 0x9000, 9, (6,)))
    scene = vm.Locality(
        UsedOverTime(1, "python3", 0.5, (*ranges, UsedRange("9 other ranges", None, 99, (8,))), 1)
    ).scene()
    sound(scene)
    assert [row[:2] for row in scene.table.rows] == [
        ("a.so", "0x1000"),
        ("[stack]", "0x9000"),
        ("9 other ranges", "several places"),
    ]
    drawn = [node.text[0].text for node in scene.nodes if node.id.startswith("locality/range/")]
    assert drawn == ["[stack]", "a.so", "9 other ranges"], "the highest address is uppermost"


def test_of_a_process_that_uses_nothing_the_time_is_drawn_and_a_sentence_says_so() -> None:
    value = UsedOverTime(1, "sleep", 0.2, (), 2)
    assert value.sets == (0, 0)
    assert repr(value) == "sleep (1): no page used in 0.4 s"
    scene = vm.Locality(value).scene()
    sound(scene)
    assert scene.caption.text == "No page used in 0.4 s."
    assert "time: 0.4 s →" in [text.text for node in scene.nodes for text in node.text]
    assert scene.table.header == ("range", "from", "pages", "0.2 s", "0.4 s")


def test_a_picture_keeps_the_trace_that_has_no_other_name() -> None:
    shown = vm.Locality(two_phases(40)), vm.FaultCurves(two_phases(40).faults("lru"))
    gc.collect()
    assert all(picture.target is not None for picture in shown)


def test_curves_of_six_policies_look_different() -> None:
    picture = vm.FaultCurves(vm.recording("columns").faults(("fifo", "clock", "random", "lru", "opt", "second chance")))
    links = {link.id: link for link in picture.scene().links if link.kind == "curve"}
    looks = {key: link.state for key, link in links.items() if not key.endswith("/line")}
    assert len(looks) == len({*looks.values()}) == 6
    samples = {key.split("/")[-2]: link for key, link in links.items() if key.endswith("/line")}
    assert {f"faults/{policy}": link.state for policy, link in samples.items()} == looks
    assert all(link.points[0][1] == link.points[1][1] for link in samples.values())


def test_the_headline_of_several_policies_says_which_faults_least_and_most() -> None:
    trace = vm.trace([page << 12 for page in (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)])
    found = trace.faults(("fifo", "lru", "clock", "opt"), (2, 3, 4))
    caption = vm.picture(found).scene().caption
    assert {policy: found.faults(policy, 4) for policy in found.policies} == {
        "fifo": 10,
        "lru": 8,
        "clock": 10,
        "opt": 6,
    }
    assert whole(caption).startswith(saying("traces: least", 4, few=8, least="LRU", many=10, most="FIFO and clock"))
    assert saying("traces: possible", 4, policy="OPT", faults=6) in caption.reason
    two = vm.picture(trace.faults(("lru", "opt"), (2, 3, 4))).scene().caption
    assert whole(two).startswith(saying("traces: least", 2, few=9, least="OPT", many=12, most="LRU"))
    same = vm.picture(trace.faults(("fifo", "lru"), 5)).scene().caption
    assert same.text.startswith("With 5 frames, LRU ")


def test_parts_of_the_time_with_too_few_references_say_nothing_of_locality() -> None:
    def said(pages: int, times: int) -> str:
        trace = vm.trace([page << 12 for page in range(pages)] * times)
        return trace.locality().locality

    assert said(3, 2) == said(5, 4) == "short", "each part has one or two references, so it can't use more pages"
    assert said(5, 100) == "none"
    assert said(50, 10) == "none"
    assert said(100, 5) == "little", "fifty references to as many pages say something, though there are more pages"
