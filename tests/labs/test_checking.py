from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.grading.judge import judged
from vmwidgets.labs.records import MIME
from vmwidgets.labs.result import Result
from vmwidgets.labs.work import packed
from vmwidgets.pictures.at import At
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import Scene

from .solutions import of_lab, run


def divided(by: Any) -> Iterator[Any]:
    yield lab.author.criterion(1, True, "a start", "no start")
    yield lab.author.criterion(2, 1 // by, "both", "<b>one</b> of both", expected="2", actual="<i>1</i>")


lab.author.exercise("t/divided", "Divided <points>", points=3, takes=int)(divided)
lab.author.exercise("t/miscounted", "Miscounted", points=5, takes=int)(divided)


def test_a_criterion_may_be_earned_in_part() -> None:
    result = lab.check("t/divided", 1)
    assert (result.points, result.of, result.passed) == (2, 3, False)
    assert [criterion.points for criterion in result.criteria] == [1, 1]
    assert "one" in repr(result)
    assert "both" in repr(lab.check("t/divided", 1)).splitlines()[2]


def test_what_fails_is_told_and_costs_only_the_points_from_there_on() -> None:
    result = lab.check("t/divided", 0)
    assert (result.points, result.of, result.passed) == (1, 3, False)
    assert "ZeroDivisionError" in result.problem


def failing_at_the_end(_number: int) -> Iterator[Any]:
    yield lab.author.criterion(3, True, "all", "nothing")
    raise RuntimeError("after all")


lab.author.exercise("t/failing", "Failing at the end", points=3, takes=int)(failing_at_the_end)


def test_a_check_that_stopped_is_not_passed() -> None:
    result = lab.check("t/failing", 1)
    assert (result.points, result.of, result.passed) == (3, 3, False)


def test_the_result_is_data_that_a_notebook_keeps() -> None:
    data = json.loads(json.dumps(lab.check("t/divided", 1)._repr_mimebundle_()[MIME]))
    assert (data["schema"], data["id"], data["points"], data["of"], data["passed"]) == (1, "t/divided", 2, 3, False)
    assert data["criteria"][1] == {
        "points": 1, "of": 2, "sentence": "<b>one</b> of both", "expected": "2", "actual": "<i>1</i>", "mistake": "",
        "met": False,
    }  # fmt: skip


def test_what_can_not_be_kept_is_said_before_the_points() -> None:
    """Its text has to be there, since what it is asked is drawn from it."""
    names: dict[str, Any] = {}
    exec("def mine(pages): return pages[0]", names)
    result = lab.check("11/policy", names["mine"])
    assert result.points == 0
    first, second = repr(result).splitlines()[:2]
    assert first.startswith("Not kept in the notebook, so it can't be graded: the source of `mine` can't be found")
    assert second.startswith("11/policy | ")
    html = result.bundle()["text/html"]
    assert 0 < html.index("be graded") < html.index("points")
    assert "Not kept" not in repr(lab.check("11/policy", lambda pages: pages[0]))


def test_what_was_not_kept_ranks_below_what_a_grader_can_judge() -> None:
    kept, other = (
        Result("t", "T", 3, work={"kind": "answers"}),
        Result("t", "T", 3, (lab.author.criterion(3, True, "", ""),)),
    )
    assert Result("t", "T", 3).rank < replace(other, work={"kind": "nothing"}).rank < kept.rank
    assert kept.rank < replace(other, work=kept.work).rank


def test_words_are_not_markup() -> None:
    html = lab.check("t/divided", 1)._repr_mimebundle_()["text/html"]
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;points&gt;" in html


def test_names_and_addresses_are_set_as_code_beside_a_criterion_too() -> None:
    missing = lab.author.criterion(1, False, "", "`fill` is missing", actual="missing: `0x1000`")
    html = Result("t", "T", 1, (missing,)).bundle()["text/html"]
    assert ("<code>fill</code>" in html, "<code>0x1000</code>" in html, "`" in html) == (True, True, False)


def test_a_judge_whose_points_do_not_add_up_is_refused() -> None:
    with pytest.raises(vm.Refused, match="worth 5 points, its criteria are worth 3"):
        lab.check("t/miscounted", 1)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(vm.Refused, match="did you mean '01/guard'"):
        lab.check("01/gard", vm.boot())
    with pytest.raises(vm.Refused, match=r"known: 07/door, 07/eleven$"):
        lab.check("07/nothing", vm.boot())
    for name in None, 5, ["01/guard"]:
        with pytest.raises(vm.Refused):
            lab.check(name, vm.boot())  # type: ignore[arg-type]  # that is the point


def test_a_thing_of_another_kind_is_refused() -> None:
    with pytest.raises(vm.Refused, match=r"'01/guard' needs a map, but \[3\] is a list"):
        lab.check("01/guard", [3])


@pytest.mark.parametrize("nothing", [None, ...])
def test_what_is_not_done_yet_has_no_points(nothing: Any) -> None:
    result = lab.check("01/guard", nothing)
    assert (result.points, result.of, result.problem) == (0, 5, "not done yet")


def test_a_dead_machine_has_no_points_and_says_why() -> None:
    machine = vm.boot()
    space = machine.task("t").map
    with pytest.raises(vm.KernelPanic):
        machine.unchecked.vm_map_enter(space, 0, 5, 0, 0x277)
    result = lab.check("01/guard", space)
    assert result.points == 0
    assert "this machine is dead" in result.problem
    again = judged("01/guard", "default", result.work)
    assert again["problem"] == result.problem, "a grader is told the same, and not that nothing was checked"


def test_a_task_stands_for_its_map_and_a_machine_for_the_kernels() -> None:
    task = lab.variant("01/guard").start().machine.tasks["stacks"]
    assert lab.check("01/guard", task) == lab.check("01/guard", task.map)
    assert lab.check("01/guard", task.machine).problem.startswith(
        "this is kernel_map, and the variant's is task:stacks"
    )


def test_looking_changes_nothing() -> None:
    space = lab.variant("01/guard").start()
    space.enter("33 pages")
    before = space.value(), len(space.machine.journal)
    first, second = lab.check("01/guard", space), lab.check("01/guard", space)
    assert (space.value(), len(space.machine.journal)) == before
    assert first.data() == second.data()
    space.machine.check()


def test_what_is_right_is_shown_to_a_learner_as_well() -> None:
    space = lab.variant("01/guard").start()
    assert "<img" in lab.check("01/guard", space)._repr_mimebundle_()["text/html"]
    right = of_lab("01-maps").SOLVED["01/guard"].right[0](lab.variant("01/guard").given)
    exec(right, {"vm": vm, "thing": space})
    result = lab.check("01/guard", space)
    assert (result.passed, result.hints) == (True, False)
    assert "<img" in result._repr_mimebundle_()["text/html"]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The moments that were drawn."""
    moments: list[object] = []
    draw = Picture.drawing

    def drawing(picture: Picture, at: At) -> Scene:
        moments.append(at)
        return draw(picture, at)

    monkeypatch.setattr(Picture, "drawing", drawing)
    return moments


def test_nothing_is_drawn_before_somebody_looks(drawn: list[object]) -> None:
    result = lab.check("01/guard", lab.variant("01/guard").start())
    assert (result.points, drawn) == (0, [])
    assert "<img" in result.picture
    first = len(drawn)
    assert "<img" in result.bundle()["text/html"]
    assert len(drawn) == first > 0, "it is drawn once"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))])
def test_a_result_can_be_copied_with_what_it_shows(copied: Callable[[Result], Result]) -> None:
    access = vm.paper(va=14, pa=12, page=64).map({0xF: 0xD}).access("r 0x3d7")
    for result in lab.check(access, {"pa": 0x354}), lab.check("01/guard", lab.variant("01/guard").start()):
        again = copied(result)
        assert (again, again.work) == (result, result.work)
        assert again.picture == result.picture != ""


def test_a_grader_draws_only_what_is_not_right(drawn: list[object]) -> None:
    space = lab.variant("01/guard").start()
    assert judged("01/guard", "default", packed(space))["picture"]
    drawn.clear()
    exec(of_lab("01-maps").SOLVED["01/guard"].right[0](lab.variant("01/guard").given), {"vm": vm, "thing": space})
    assert judged("01/guard", "default", packed(space))["picture"] == ""
    assert drawn == []


def test_a_solution_is_shown_as_it_was_when_it_was_judged() -> None:
    space = lab.variant("01/guard").start()
    first = lab.check("01/guard", space)
    space.enter("64 KiB")
    second = lab.check("01/guard", space)
    assert [entries_in(one) for one in (first, second)] == ["0", "1"]
    gone = lab.check("01/guard", space)
    space.machine.undo()
    assert (gone.points, gone.picture) == (0, ""), "that state is undone"


def entries_in(result: Result) -> str:
    """The number of entries in the picture of a map, as screen readers get it."""
    found = re.search(r'alt="[^"]*? · (\d+) entr', result.picture)
    assert found is not None
    return found[1]


MACHINES = "04/thrifty", "05/handler", "05b/order", "06/by-hand", "07/eleven"


@pytest.mark.parametrize("name", MACHINES)
def test_of_a_machine_the_part_is_shown_that_the_check_is_about(name: str) -> None:
    result = lab.check(name, lab.variant(name).start())
    assert not result.passed
    assert "<img" in result.picture
    assert "<img" in result._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("name", MACHINES)
def test_what_cannot_be_judged_yet_says_the_criterion_first(name: str) -> None:
    result = lab.check(name, lab.variant(name).start())
    sentences = [criterion.sentence for criterion in result.criteria]
    assert sentences
    assert [sentence for sentence in sentences if sentence.startswith("first ")] == []
    assert len(set(sentences)) == len(sentences)


def test_a_criterion_that_waits_for_another_is_named_with_what_to_do_first() -> None:
    words = "nothing else is mapped", "something else is mapped"
    waiting = lab.author.criterion(1, 0, *words, first="make a stack", expected="one range", actual="one range")
    assert waiting.sentence == "nothing else is mapped (not judged yet: first make a stack)"
    assert (waiting.expected, waiting.actual) == ("one range", ""), "what is as expected is not found beside a cross"
    assert lab.author.criterion(1, 1, "all", "none", first="begin", actual="all").data()["actual"] == "all"
    assert lab.author.criterion(1, 1, "all", "none", first="begin").sentence == "all"
    part = lab.author.criterion(2, 1, *words, first="make a stack")
    assert (part.points, part.sentence) == (1, waiting.sentence), "it takes no points away, as in 05b/order"


def test_a_part_that_is_not_there_is_not_shown_and_the_result_says_why() -> None:
    def unseen(_number: int) -> object:
        raise LookupError

    lab.author.exercise("t/unseen", "Unseen", points=3, takes=int, shows=unseen)(divided)
    result = lab.check("t/unseen", 1)
    assert (result.picture, result.points) == ("", 2)


def test_an_exercise_may_say_what_is_shown() -> None:
    lab.author.exercise("t/shown", "Shown", points=3, takes=int, shows=lambda number: vm.boot().threads)(divided)
    assert "<img" in lab.check("t/shown", 1).picture
    assert lab.check("t/divided", 1).picture == ""


@pytest.mark.parametrize(
    "make",
    [
        lambda: lab.author.criterion(0, True, "", ""),
        lambda: lab.author.criterion(2, 3, "", ""),
        lambda: lab.author.criterion(2, -1, "", ""),
        lambda: lab.author.criterion(2, 0.5, "", ""),  # type: ignore[arg-type]  # that is the point
        lambda: lab.author.exercise("t/x", "Title", points=0, takes=int),
        lambda: lab.author.exercise("t/x", "", points=1, takes=int),
        lambda: lab.author.exercise("", "Title", points=1, takes=int),
        lambda: lab.author.exercise("t/x", "Title", points=1, takes="int"),  # type: ignore[arg-type]  # that is the point
        lambda: lab.author.exercise("t/x", "Title", points=1, takes=int, shows="it"),  # type: ignore[arg-type]
    ],
)
def test_an_exercise_that_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(vm.Refused):
        make()


@pytest.mark.parametrize("begun", ["03", "h1", "concepts"])
def test_an_exercise_of_another_lab_than_was_begun_has_no_points_and_says_so(begun: str) -> None:
    """As after a first cell that was copied from last week's notebook."""
    lab.begin(begun, student="ada", course="os")
    sheet = lab.variant("01/guard")
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": sheet.start()}
    run(of_lab("01-maps").SOLVED["01/guard"].right[0](sheet.given), names)
    result = lab.check("01/guard", names["thing"])
    assert (result.points, result.of) == (0, 5)
    assert "lab.begin('01', ...)" in repr(result).replace('"', "'")
    assert result.work
