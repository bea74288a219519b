"""Which labs the bench of weak laptops measures."""

from __future__ import annotations

import pytest

from tools.benchmarks.laptops import named


def test_labs_are_named_by_number_or_by_file() -> None:
    assert named(["08a", "01-maps", "beyond"]) == ("08a-demand-paging", "01-maps", "beyond")


def test_without_a_name_each_notebook_is_measured() -> None:
    labs = named([])
    assert labs[0] == "00-addresses"
    assert len(labs) == 16


def test_an_unknown_lab_is_refused_with_the_labs_that_there_are() -> None:
    with pytest.raises(ValueError, match="there is no lab '99'; the labs are 00-addresses, 01-maps"):
        named(["01", "99"])
