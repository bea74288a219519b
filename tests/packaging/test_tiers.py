"""When a test runs, and what `make mutants` and `make tiers` compute."""

from __future__ import annotations

import ast
from array import array
from itertools import islice
from pathlib import Path

import pytest

from tests import tiers as when
from tools import finders, mutants, tiers


def test_a_mutant_differs_in_one_place_and_is_found_again_by_its_key() -> None:
    room = Path("vmwidgets", "engine", "mmu")
    for mutant, again in islice(zip(mutants.drawn(3, room), mutants.drawn(3, room), strict=True), 40):
        source = (mutants.ROOT / mutant.path).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(source))
        assert mutant.source.splitlines()[: mutant.line - 1] == source.splitlines()[: mutant.line - 1]
        assert mutant.key == again.key


def test_a_list_gives_its_changes_also_those_with_a_reason_and_says_which_are_gone(tmp_path: Path) -> None:
    first, second = islice(mutants.drawn(3, Path("vmwidgets", "engine", "mmu")), 2)
    gone = (first.path, first.function, "a line that is not there", "1 -> (2)")
    rows = [(*first.key, "a reason"), second.key, gone]
    (tmp_path / "list.txt").write_text("# a list\n" + "".join("\t".join(row) + "\n" for row in rows))
    found = {one if isinstance(one, tuple) else one.key for one in mutants.listed(tmp_path / "list.txt")}
    assert found == {first.key, second.key, gone}


def test_code_is_changed_and_no_docstring() -> None:
    tree = ast.parse("def f(a):\n    'Return it.'\n    return a + 1\n")
    (plus, kind), (one, other) = mutants.places(tree)
    assert (kind, other) == ("operator", "number")
    assert (plus.lineno, one.lineno) == (3, 3)


def test_the_first_case_of_a_share_is_chosen_and_a_smaller_share_is_part_of_a_larger() -> None:
    cases = [f"tests/a.py::b[{number}]" for number in range(200)]

    def share(of: int) -> set[str]:
        return {case for at, case in enumerate(cases) if when.is_chosen(case, of, first=at == 0)}

    assert share(when.NONE) == set()
    assert share(when.FIRST) == {cases[0]}
    assert share(when.ALL) == {*cases}
    assert share(when.FIRST) < share(9) < share(3) < share(when.ALL)


def measured(**cases: tuple[float, list[int]]) -> finders.Reach:
    """A run of `tests/ROOM/test_FILE.py::test_CASE`, by `ROOM_FILE_CASE`: seconds, and lines of views/map.py."""
    reach = finders.Reach(lines={("vmwidgets/views/map.py", line): line for line in range(100)})
    for name, (seconds, lines) in cases.items():
        room, file, case = name.split("_")
        reach.seconds[nodeid := f"tests/{room}/test_{file}.py::test_{case}"] = seconds
        reach.ran[nodeid] = array("I", lines)
    return reach


def test_near_a_line_are_the_tests_that_run_it_those_of_its_room_before_others() -> None:
    reach = measured(views_a_x=(0.3, [1, 2]), engine_a_x=(0.1, [1, 2]), views_a_y=(0.2, [2]), views_a_z=(0.1, [9]))
    assert reach.near("vmwidgets/views/map.py", 2, reach.ran) == [
        "tests/views/test_a.py::test_y", "tests/views/test_a.py::test_x", "tests/engine/test_a.py::test_x",
    ]  # fmt: skip
    assert reach.near("vmwidgets/views/map.py", 20, reach.ran) == ["tests/views/test_a.py::test_z"]  # within line 9
    assert len(reach.near("vmwidgets/views/map.py", 99, reach.ran)) == 4


def test_what_two_processes_measured_is_one_run() -> None:
    reach = measured(views_a_x=(1.0, [5]))
    reach.add(finders.Reach({"tests/b.py::c": 2.0}, {("vmwidgets/new.py", 7): 0}, {"tests/b.py::c": array("I", [0])}))
    assert reach.near("vmwidgets/new.py", 7, reach.ran) == ["tests/b.py::c"]
    assert reach.near("vmwidgets/views/map.py", 5, reach.ran) == ["tests/views/test_a.py::test_x"]


def found(*cases: str) -> dict[str, object]:
    """A change of views/map.py that these tests find."""
    return {"change": ["vmwidgets/views/map.py", "f", "x", "y"], "found": [f"tests/{case}" for case in cases]}


CORE = "views/test_a.py::test_cheap", "engine/test_a.py::test_only", "views/test_b.py::test_idle"
"""The cheapest of the changed file's room; the only one that finds the other change; the quickest of a file."""


@pytest.mark.parametrize("spare", [0.0, 10.0])
def test_the_cheapest_tests_that_find_all_are_in_the_fast_tier_a_test_of_the_room_before_another(spare: float) -> None:
    reach = measured(
        views_a_dear=(5.0, [1]), views_a_cheap=(2.0, [1]), engine_a_cheapest=(0.5, [1]), views_b_idle=(1.0, [1]),
        views_b_wide=(3.0, [1, 2, 3, 4, 5, 6, 7]), engine_a_only=(4.0, [8]),
    )  # fmt: skip
    changes = [
        found("views/test_a.py::test_dear", "views/test_a.py::test_cheap", "engine/test_a.py::test_cheapest"),
        found("engine/test_a.py::test_only"),
        found(),
    ]
    fast, both, _ = tiers.choose(reach, changes, 7.5 + spare, 100.0)
    assert {f"tests/{name}" for name in CORE} <= {*fast}
    assert ("tests/views/test_b.py::test_wide" in fast) == bool(spare)
    assert {*both} == {*reach.seconds}


def test_a_change_is_found_in_a_fork_by_the_tests_that_fail_and_no_file_of_the_checkout_changes() -> None:
    path = "vmwidgets/engine/base/units.py"
    source = (finders.ROOT / path).read_text(encoding="utf-8")
    tests = ["tests/engine/base/test_units.py"]
    broken = finders.Change(path, source.replace("KIB = 1 << 10", "KIB = 1 << 11"))
    verdicts = dict(finders.judge([(broken, tests), (finders.Change(path, source), tests), (broken, [])]))
    assert verdicts[0].found
    assert verdicts[0].ended
    assert verdicts[1] == verdicts[2] == finders.Verdict([], ended=True)
    assert (finders.ROOT / path).read_text(encoding="utf-8") == source
