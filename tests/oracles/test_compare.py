from __future__ import annotations

import pytest

from tests.oracles.compare import MISSING, differences


@pytest.mark.parametrize("value", [None, 0, 1, True, "text", [], [[1, None], "r"], {}, {"a": [{"b": 2}]}])
def test_equal_values_do_not_differ(value):
    assert differences(value, value, "x") == []


@pytest.mark.parametrize(
    ("expected", "actual", "path"),
    [
        (1, True, "x"),
        (0, False, "x"),
        (True, 1, "x"),
        (None, 0, "x"),
        (None, False, "x"),
        ("4096", 4096, "x"),
        ([], {}, "x"),
        ([], None, "x"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "x.a.b"),
        ([1, [2, 3]], [1, [2, 4]], "x[1][1]"),
        ([["r", 1]], [["r", True]], "x[0][1]"),
    ],
)
def test_the_leaf_that_differs_is_named_with_both_values(expected, actual, path):
    found = differences(expected, actual, "x")
    assert [one[0] for one in found] == [path]


def test_a_field_on_one_side_only_differs_whatever_it_holds():
    for value in (None, "(missing)", 0, [], {}):
        assert differences({"a": 1, "b": value}, {"a": 1}, "x") == [("x.b", value, MISSING)]
        assert differences({"a": 1}, {"a": 1, "b": value}, "x") == [("x.b", MISSING, value)]


def test_a_longer_list_differs_where_the_other_ends():
    assert differences([1, 2], [1, 2, None], "x") == [("x[2]", MISSING, None)]
    assert differences([1, 2, 3], [1], "x") == [("x[1]", 2, MISSING), ("x[2]", 3, MISSING)]


def test_all_leaves_that_differ_are_found():
    found = differences({"a": [1, 2], "b": 3}, {"a": [9, 2], "b": 4}, "x")
    assert found == [("x.a[0]", 1, 9), ("x.b", 3, 4)]
