"""Worksheets: what is left out of a picture is nowhere in it, and is asked in an exam."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import vmwidgets as vm
from vmwidgets.pictures.blank import Worksheet
from vmwidgets.questions.blanks import exam_of


def forked() -> vm.Machine:
    machine = vm.boot("x86-64", fork="shadow")
    parent = machine.task("parent")
    start = parent.mmap("16 KiB")
    parent.write(start, b"x")
    parent.fork("child").write(start, b"y")
    return machine


@pytest.fixture
def sheet() -> Worksheet:
    return vm.picture(vm.Fault(forked().tasks["child"])).blank("frame", "error code")


def everything(picture: Worksheet) -> str:
    """All that a file of it holds, and its table."""
    return picture.to_svg() + json.dumps(picture.to_json()) + picture.to_html() + picture.to_text()


def test_what_is_left_out_is_nowhere_in_the_worksheet_and_all_of_it_is_in_the_key(sheet: Worksheet) -> None:
    machine = forked()
    frames = set(machine.system.task_memory.pages)
    left = {one.value for one in sheet.answers if one.word == "frame"}
    assert left == {f"{frame:#x}" for frame in frames}, "the page of the parent, and the copy of the child"
    text = everything(sheet)
    for value in left:
        assert not re.search(rf"\b{value}\b|frame:{int(value, 16)}\b", text)
        assert value in sheet.key.to_svg()
    assert "error code 6" not in text
    assert "not present, write" not in text, "what the code says is the code"
    assert "error code 6: not present, write, user" in sheet.key.to_text()
    assert [one.number for one in sheet.answers] == [1, 2, 3]


def test_a_value_that_is_said_twice_has_one_number(sheet: Worksheet) -> None:
    copy = next(one for one in sheet.answers if one.value in sheet.key.scene().table.rows[-1][2])
    blanks = re.findall(rf"_+{copy.number}_+", " ".join(cell for row in sheet.scene().table.rows for cell in row))
    assert len(blanks) == 3, "where the frame is taken, what the descriptor says, and where the walk ends"


def test_a_column_is_left_out_and_a_number_in_a_circle_is_no_value_of_it() -> None:
    drawn = vm.picture(vm.Fault(forked().tasks["child"]))
    runs = [run.text for node in drawn.blank("error code").scene().nodes for run in node.text]
    assert {"4", "5", "6"} <= set(runs), "the numbers of the steps"
    machine = vm.boot("x86-64")
    machine.kernel_map.enter("16 KiB", prot="rw")
    sizes = vm.picture(machine.kernel_map).blank("Size")
    assert {one.value for one in sizes.answers} == {row[3] for row in sizes.key.scene().table.rows}
    assert not {one.value for one in sizes.answers} & {run.text for node in sizes.scene().nodes for run in node.text}


@pytest.mark.parametrize("words", [("frames",), (), (7,), ("frame", "\N{SNOWMAN}")])
def test_a_word_that_the_picture_does_not_have_gets_a_sentence_that_names_those_it_has(
    words: tuple[str, ...],
) -> None:
    drawn = vm.picture(vm.Fault(forked().tasks["child"]))
    with pytest.raises(vm.Refused, match=r"^blank: .*it has .*error code, frame") as refused:
        drawn.blank(*words)
    assert "\n" not in str(refused.value)


def test_an_exam_asks_for_each_blank_and_shows_the_picture_once(sheet: Worksheet, tmp_path: Path) -> None:
    asked = exam_of(sheet)
    assert [question.answer for question in asked.questions] == [one.value for one in sheet.answers]
    paper = sheet.exam(tmp_path / "students.html", key=False).read_text()
    assert paper.count("<figure") == 1
    assert not any(re.search(rf"\b{one.value}\b", paper) for one in sheet.answers if one.word == "frame")
    whole = sheet.exam(tmp_path / "exam.html").read_text()
    assert whole.count("<figure") == 2
    assert all(f"<code>{one.value}</code>" in whole for one in sheet.answers)
    with pytest.raises(vm.Refused):
        sheet.exam(tmp_path / "exam.html")
    assert sheet.exam(tmp_path / "exam.qti", force=True).stat().st_size > 1000
