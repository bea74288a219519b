from __future__ import annotations

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.memory.replacement import ResidentPage

BELADY = "1 2 3 4 1 2 5 1 2 3 4 5"


def points(name: str, target: object) -> list[int]:
    return [criterion.points for criterion in lab.check(name, target).criteria]


# ---- 11/anomaly ----------------------------------------------------------------------------------


def test_the_anomaly_twice_is_all_of_it() -> None:
    assert lab.check("11/anomaly", vm.reference_string(f"{BELADY} {BELADY}", (3, 4), ("fifo", "lru"))).passed


def test_the_textbooks_string_is_a_part() -> None:
    assert points("11/anomaly", vm.reference_string(BELADY, (3, 4))) == [1, 0]


def test_a_long_string_is_not_short() -> None:
    assert points("11/anomaly", vm.reference_string(" ".join([BELADY] * 3), (3, 4), "fifo")) == [3, 0]


def test_fifo_has_to_be_run_with_both() -> None:
    result = lab.check("11/anomaly", vm.reference_string(BELADY, 3, "fifo"))
    assert result.points == 0
    assert "not judged yet: first run the string through fifo with frames=(3, 4)" in repr(result)
    assert points("11/anomaly", vm.reference_string(f"{BELADY} {BELADY}", (3, 4), "lru")) == [0, 0]


# ---- 11/policy -----------------------------------------------------------------------------------


def loops_and_phases(pages: list[ResidentPage]) -> ResidentPage:
    last, oldest = max(pages, key=lambda page: page.used), min(pages, key=lambda page: page.used)
    return oldest if last.used - oldest.used > 8 else last


def test_old_pages_first_and_else_the_latest() -> None:
    assert lab.check("11/policy", loops_and_phases).passed


def test_lru_is_good_in_phases_and_the_newest_in_loops() -> None:
    assert points("11/policy", lambda pages: min(pages, key=lambda page: page.used)) == [0, 3]
    assert points("11/policy", lambda pages: max(pages, key=lambda page: page.arrived)) == [2, 0]


def test_a_function_that_fails_gets_a_sentence() -> None:
    result = lab.check("11/policy", lambda pages: None)
    assert result.points == 0
    assert "gave no value: it must give one of" in repr(result)
    assert lab.check("11/policy", lambda pages: pages[99]).points == 0
