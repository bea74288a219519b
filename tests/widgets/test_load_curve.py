"""The load curve as matplotlib draws it."""

from __future__ import annotations

import re
import sys

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.released import install
from vmwidgets.engine.paper.thrashing import SCOPES


@pytest.fixture(scope="module")
def curve():
    return vm.load_curve((1, 4, 9))


def test_the_plot_shows_each_scope_and_the_mark(curve):
    import matplotlib as mpl

    mpl.use("agg")
    axes = curve.plot(mark="6")
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines) == [*SCOPES, "your mark"]
    for scope in SCOPES:
        assert list(lines[scope].get_ydata()) == [100 * point.work for point in curve.of(scope)]
        assert list(lines[scope].get_xdata()) == list(curve.tasks)
    assert set(lines["your mark"].get_xdata()) == {6}
    assert len({line.get_linestyle() for line in lines.values()}) == 4  # not by colour alone
    assert curve.plot(axes) is axes
    mpl.pyplot.close("all")


def test_a_mark_is_a_number(curve):
    with pytest.raises(Refused, match="mark='here': write a number of tasks"):
        curve.plot(mark="here")


def test_without_matplotlib_it_says_what_to_install(curve, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(Refused, match=re.escape(install("plot"))):
        curve.plot()
