from __future__ import annotations

import re

import pytest

import vmwidgets as vm
from tests.captions import saying
from tests.views.pictures import covered_words, crossing_text, misplaced_text, outside
from vmwidgets.engine.base.errors import Refused
from vmwidgets.views.maps import diff

A = 0x10000
TEXT = "".join(
    f"{A + start * 4096:x}-{A + end * 4096:x} {flags} {offset:x} 08:01 1 {path}\n"
    for start, end, flags, offset, path in (
        (0, 1, "r-xp", 0, "/bin/prog"), (1, 2, "rw-p", 0x1000, "/bin/prog"), (4, 5, "r--p", 0, ""),
        (5, 6, "rw-p", 0, "[heap]"), (8, 9, "r--p", 0, "/lib/x"), (9, 10, "r-xp", 0x1000, "/lib/x"),
    )
)  # fmt: skip


@pytest.fixture
def found():
    task = vm.boot("x86-64").task("init")
    task.mmap(3 * 4096, at=A + 4 * 4096, flags="private fixed")
    lib = task.machine.object("/lib/x")
    for page, prot in ((8, "r"), (9, "rx")):
        at = A + page * 4096
        task.map.enter(4096, at=at, fixed=True, prot=prot, object=lib, offset=(page - 8) * 4096)
    return vm.diff(task, TEXT)


def lines(scene):
    """What each line says, from the top down, and whether it is marked as what should agree."""
    drawn = sorted((node for node in scene.nodes if node.id.endswith("/row")), key=lambda node: node.y)
    return [(" ".join(run.text for run in node.text), "fault" in node.state) for node in drawn]


@pytest.mark.parametrize("width", [420, 900])
def test_differences_come_first_with_both_sides_and_what_agrees_is_a_row_a_file(found, width):
    picture = vm.picture(found)
    picture.width = width
    scene = picture.scene()
    said = lines(scene)
    assert [is_fault for _, is_fault in said] == [True, True, False, False, False]
    changed, gone, program, heap, x = [words for words, _ in said]
    assert changed.startswith("≠ memory 4 KiB model rw system r rw- in the model, r-- in the system")
    assert gone.startswith("≠ memory 4 KiB model rw system nothing the system has nothing there")
    assert [words.endswith(place) for words, place in ((changed, "0x1_4000"), (gone, "0x1_6000"))] == [True, True]
    assert program == "prog execve: the program 8 KiB" if width > 420 else "prog 8 KiB execve: the program"
    assert heap == "[heap] 4 KiB"
    assert x == "x 8 KiB"
    cells = {node.id: [bar.style for bar in node.bars] for node in scene.nodes}
    assert cells["diff/0/row"] == ["own-code", "own-data"], "a cell for each range, in the colour of what it is"
    assert cells["diff/5/row"] == ["own-file", "own-code"]
    assert not outside(scene)
    assert misplaced_text(scene) == []
    assert crossing_text(scene) == []
    assert covered_words(scene) == []


def test_sections_count_what_they_hold(found):
    scene = vm.picture(found).scene()
    said = [[run.text for run in node.text[:2]] for node in scene.nodes if node.id.startswith("diff/section/")]
    assert said == [["2 ranges should agree", "8 KiB"], ["2 only one side can know", "8 KiB"], ["3 agree", "12 KiB"]]


@pytest.mark.parametrize("width", [420, 900])
def test_what_is_missing_in_the_model_is_not_said_to_be_wrong(width):
    task = vm.boot("x86-64").task("init")
    text = "".join(f"{A + at * 4096:x}-{A + (at + 1) * 4096:x} rw-p 0 08:01 1 /lib/x\n" for at in (0, 2, 4))
    found = vm.diff(task, text)
    assert len(found.faults) == 3
    scene = vm.Diff(found, width=width).scene()
    ((words, is_fault),) = lines(scene)
    assert is_fault
    assert words == "x rw rw rw 12 KiB 0x1_0000"
    assert scene.caption.text == saying("comparisons: diff/missing", 3)
    assert not any("≠" in run.text for node in scene.nodes for run in node.text)
    (row,) = [node for node in scene.nodes if node.id == "diff/0/row"]
    assert {bar.style for bar in row.bars} == {"missing own-data"}
    assert covered_words(scene) == []


def test_what_should_agree_is_counted(found):
    assert vm.picture(found).scene().caption.text == saying("comparisons: diff/disagree", 2)


def test_the_strips_have_a_cell_for_each_range(found):
    strips = {node.id: node for node in vm.picture(found).scene().nodes if "/strip/" in node.id}
    styles = {side: [bar.style for bar in strips[f"diff/strip/{side}"].bars] for side in ("model", "system")}
    assert styles == {
        "model": ["rail", "rail", "own-anonymous", "own-heap", "own-anonymous", "own-file", "own-code"],
        "system": ["own-code", "own-data", "own-anonymous", "error", "own-heap", "missing own-anonymous", "error",
                   "own-file", "own-code"],
    }  # fmt: skip  # red between both sides of what should agree


def test_the_table_is_the_values(found):
    scene = vm.picture(found).scene()
    assert scene.table.rows == found.table()
    assert "≠ differs" in vm.picture(found).to_text()


def test_of_many_ranges_those_that_agree_are_left_out_first(monkeypatch, found):
    monkeypatch.setattr(diff, "MOST_LINES", 3)
    monkeypatch.setattr(diff, "MOST_ROWS", 2)
    scene = vm.picture(found).scene()
    assert [is_fault for _, is_fault in lines(scene)] == [True, True, False]
    assert [words.split()[0] for words, _ in lines(scene)] == ["≠", "≠", "prog"]
    assert [node.text[0].text for node in scene.nodes if node.id == "diff/more"] == ["… 3 ranges more, in the table"]
    assert scene.table.rows[2][0] == "… 5 ranges more"


def test_a_diff_shows_itself_and_nothing_else_is_one(found):
    assert vm.picture(found).scene().view == "diff"
    with pytest.raises(Refused, match=r"Diff shows the result of vm.diff\(task, maps\), not 'x'"):
        vm.Diff("x")


@pytest.fixture(scope="module")
def recorded():
    """A recorded program, beside the map that the system reported."""
    python = vm.recording("python")
    return vm.diff(vm.load_strace(vm.boot("x86-64"), python.strace, until="maps").task, python.maps)


@pytest.mark.parametrize("width", [420, 640, 900, 1300])
def test_why_only_one_side_has_a_range_is_said_in_full(recorded, width):
    scene = vm.Diff(recorded, width=width).scene()
    nodes = {node.id: node for node in scene.nodes}
    alone = [nodes[f"diff/{at}/row"] for at, row in enumerate(recorded.rows) if f"diff/{at}/row" in nodes and row.why]
    assert len(alone) == 5, "a reason is said once"
    assert not any(text.text.endswith("…") for node in alone for text in node.text)
    assert not outside(scene)
    assert not covered_words(scene)
    assert not crossing_text(scene)


def test_a_size_is_written_one_way(recorded):
    scene = vm.picture(recorded).scene()
    sizes = re.findall(r"[\d.,]+ [KMG]iB", scene.caption.reason)
    assert len(sizes) == 2
    below = {run.text for node in scene.nodes for run in node.text}
    assert sizes[0] in below, "as its section says it"
