"""What was graded is made again from data, and judged the same: nothing that a learner wrote has to run for that."""

from __future__ import annotations

import json
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.grading.judge import judged
from vmwidgets.labs.checking import judged_for
from vmwidgets.labs.work import by_kind, packed, remade, users_names

from .test_sheets import SHIPPED, SOLVED, done


@pytest.mark.parametrize("name", SHIPPED)
def test_each_solution_earns_the_same_when_it_is_judged_from_its_data(name: str) -> None:
    """The right ones and the spoilt ones: a grader sees all that a check sees."""
    sheet = lab.practice(name, 2)
    for recipe in (*SOLVED[name].right, *SOLVED[name].spoilt):
        result = done(sheet, recipe(sheet.given))
        work = json.loads(json.dumps(result.work))
        again = judged(name, "practice 2", work)
        assert bool(again["picture"]) == (bool(result.picture) and not result.passed)
        for one in again["criteria"]:
            del one["why"]
        criteria = [one.data() | {"sentence": one.in_the_end} for one in result.criteria]
        wanted = result.data() | {"work": {}, "criteria": criteria}
        assert {key: again[key] for key in wanted} == wanted


def test_answers_are_kept_as_plain_data_whatever_they_are() -> None:
    odd = {0x1000: (1, "protection"), 0x2000: vm.Address(5), 0x3000: object(), 0x4000: "x" * 500, 0x5000: [[[1]]]}
    work = json.loads(json.dumps(packed(odd)))
    again = remade(work)
    assert list(again) == list(odd)
    assert (again[0x1000], again[0x2000]) == ([1, "protection"], 5)
    assert all(isinstance(again[key], str) and len(again[key]) < 500 for key in (0x3000, 0x4000, 0x5000))


def test_a_machine_that_was_changed_past_its_operations_is_not_kept_and_the_reason_names_no_file() -> None:
    machine = vm.boot("x86-64")
    machine.system.pages.allocate(owner="me")
    work = packed(machine)
    assert work["kind"] == "nothing"
    assert work["why"].startswith("this machine was changed past its operations (")


def test_too_many_answers_are_not_kept() -> None:
    assert packed(dict.fromkeys(range(1001)))["kind"] == "nothing"


@pytest.mark.parametrize(
    "value",
    [0, -7, True, 1.5, 1 << 70, "two\n'\"words", b"\x00", [1, (2, "x")], (), vm.Address(0x1000), [{"a": [1]}]],
)
def test_a_plain_value_is_made_again(value: Any) -> None:
    """For exercises of a course's own, which may take a number or a list."""
    work = json.loads(json.dumps(packed(value)))
    assert work["kind"] == "value"
    again = remade(work)
    assert (again, type(again)) == (value, int if isinstance(value, vm.Address) else type(value))


@pytest.mark.parametrize("value", [[object()], [1] * 20_000, "x" * 20_001, object(), None, [float("inf")], [{3}]])
def test_a_value_that_is_not_plain_or_too_long_is_not_kept(value: Any) -> None:
    work = packed(value)
    assert work["kind"] == "nothing"
    assert work["why"]


def test_a_function_as_earlier_versions_kept_it_is_not_made_again() -> None:
    with pytest.raises(vm.Refused, match="no student's code runs in grading"):
        remade({"kind": "function", "name": "chosen", "source": "def chosen(pages): return pages[0]"})


MAPS = """\
00400000-00402000 r-xp 00000000 08:01 77 /home/ada/secret/hello
7f0000000000-7f0000002000 r-xp 00000000 08:01 78 /usr/lib/x86_64-linux-gnu/libc.so.6
7f0000002000-7f0000003000 r--p 00002000 08:01 78 /usr/lib/x86_64-linux-gnu/libc.so.6
7ffffffef000-7ffffffff000 rw-p 00000000 00:00 0 [stack]
"""


def test_names_of_files_are_found_and_replaced_by_kind() -> None:
    task = vm.load_maps(vm.boot(), MAPS, task="mine").task
    work = packed(task)
    assert users_names(work) == {"/home/ada/secret/hello", "/usr/lib/x86_64-linux-gnu/libc.so.6"}
    again = remade(by_kind(work))
    assert {entry.object for entry in again.map} == {"/file-1", "/library-1.so", "[stack]"}
    assert [(entry.start, entry.end, entry.protection) for entry in again.map] == [
        (entry.start, entry.end, entry.protection) for entry in task.map
    ]


def test_a_journal_that_other_names_break_is_not_submitted() -> None:
    machine = vm.boot()
    machine.file("/file-1", b"one")
    machine.file("/home/ada/secret", b"two")
    with pytest.raises(vm.Refused, match="there is a file called '/file-1'"):
        by_kind(packed(machine))


@pytest.mark.parametrize(
    "data",
    [
        None, 5, {}, {"kind": "machine"}, {"kind": "machine", "part": "t", "journal": "not base64!"},
        {"kind": "machine", "part": 5, "journal": ""}, {"kind": "references", "string": "1 2", "runs": [["x", 3]]},
        {"kind": "references", "string": "1 2", "runs": "x"},
        {"kind": "references", "string": "1", "runs": [["lru", [3]]]}, {"kind": "strace", "text": 7},
        {"kind": "strace", "text": "x"},
        {"kind": "strace", "text": __file__}, {"kind": "nothing", "why": "too long"},
        {"kind": "function", "source": "import os"}, {"kind": ["machine"]},
        {"kind": "chosen", "source": "def f(): ..."}, {"kind": "chosen", "source": 1, "text": "()"},
        {"kind": "chosen", "source": "x" * 100_001, "text": "()"}, {"kind": "chosen", "source": "", "text": "f()"},
        {"kind": "value", "text": "print(1)"}, {"kind": "value", "text": "[" * 15_000}, {"kind": "value", "text": 3},
        {"kind": "value", "text": "-" * 19_000 + "1"}, {"kind": "value", "text": "1" * 20_001},
        {"kind": "answers", "answers": {}}, {"kind": "answers", "answers": [[[], 1]]},
        {"kind": "answers", "answers": [[1, 2]] * 1001}, {"kind": "segments", "segments": [1]},
        {"kind": "segments", "segments": {"code": [0, -1, "r"]}}, {"kind": "segments", "segments": {}},
    ],
)  # fmt: skip  # one list
def test_data_that_is_no_work_is_refused_in_one_sentence(data: Any) -> None:
    with pytest.raises(vm.VMError) as refused:
        remade(data)
    assert "\n" not in str(refused.value)
    assert "Traceback" not in str(refused.value)


def test_a_journal_of_another_part_is_refused() -> None:
    work = packed(vm.boot().task("t").map)
    with pytest.raises(vm.Refused, match="is not part of this machine"):
        remade({**work, "part": "task:u/map"})


def test_what_is_handed_in_is_what_was_checked_last() -> None:
    with pytest.raises(vm.Refused, match="no lab was begun"):
        lab.submit()
    lab.begin("01", student="ada", course="os")
    with pytest.raises(vm.Refused, match="nothing has been checked"):
        lab.submit()
    sheet = lab.variant("01/gaps")
    lab.check("01/gaps", sheet.start())
    lab.check(lab.practice("01/gaps"), lab.practice("01/gaps").start())
    solved = done(sheet, SOLVED["01/gaps"].right[0](sheet.given))
    lab.check("01/gaps", remade(solved.work))
    data = json.loads(json.dumps(lab.submit().data()))
    assert (data["student"], data["course"], list(data["works"])) == ("ada", "os", ["01/gaps"])
    work = data["works"]["01/gaps"]
    assert (work["points"], work["sheet"]) == (4, data["seed"])
    assert judged_for("01/gaps", work["sheet"], remade(work["work"])).passed


def test_names_of_files_are_replaced_in_what_is_handed_in_and_what_keeps_them_is_said() -> None:
    lab.begin("01", student="ada", course="os")
    own = vm.load_maps(vm.boot("x86-64"), "00400000-00402000 r-xp 00000000 08:01 77 /home/ada/bin/hello\n", task="own")
    lab.check("01/gaps", own.task.map)
    assert users_names(lab.submit().works["01/gaps"]["work"]) == {"/home/ada/bin/hello"}
    assert "It contains 1 name of files of this computer (/home/ada/bin/hello)" in repr(lab.submit())
    replaced = lab.submit(names="by kind")
    assert users_names(replaced.works["01/gaps"]["work"]) == set()
    assert "Outputs of cells that show /proc or strace, and of lab.check, keep them: clear" in repr(replaced)
