"""The load curve as matplotlib draws it."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree as ET

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.pictures import slim
from vmwidgets.reference_strings.thrashing import SCOPES
from vmwidgets.released import install
from vmwidgets.views.scene.twin import drawing_in


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


def test_the_drawing_without_matplotlib_has_the_same_lines(curve, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    drawn = curve.drawn(mark="6")
    root = ET.fromstring(drawn.svg)
    lines = root.findall("{*}polyline")
    assert len(lines) == len(SCOPES)
    assert len({(line.get("stroke"), line.get("stroke-dasharray")) for line in lines}) == len(SCOPES)
    for line, scope in zip(lines, SCOPES, strict=True):
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        across, down = zip(*points, strict=True)
        assert list(across) == sorted(across)
        lower = [y for _, y in sorted(zip((one.work for one in curve.of(scope)), down, strict=True))]
        assert lower == sorted(lower, reverse=True), "more work is higher up"
    words = [text.text for text in root.findall("{*}text")]
    assert {*SCOPES, "your mark", *map(str, curve.tasks)} <= set(words)
    assert "your mark" not in curve.drawn(mark=99).svg
    html = drawn._repr_html_()
    assert "<img alt=" in html
    assert "your mark" not in curve.drawn(mark="I don't know").svg


def test_a_page_for_telephones_too_has_both_layouts(curve, monkeypatch):
    monkeypatch.setattr(slim, "KEPT", True)
    small, usual = re.findall(r'(?:srcset|src)="([^"]+)"', curve.drawn()._repr_html_())
    assert " " not in small, "an address ends there"
    widths = [float(ET.fromstring(drawing_in(one)).get("width")) for one in (small, usual)]
    assert widths[0] == slim.SLIM < widths[1]


def test_without_matplotlib_it_says_what_to_install(curve, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(Refused, match=re.escape(install("plot"))):
        curve.plot()
