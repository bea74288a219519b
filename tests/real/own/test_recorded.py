"""Where a system has no /proc: the recording says that it is one, and lab 00's first prediction comes out the same."""

from __future__ import annotations

from vmwidgets.real.own.recorded import recorded_cell, recorded_moment


def test_the_recording_is_marked_and_maps_what_the_lab_maps():
    cell = recorded_cell("This cell")
    assert "recording" in cell.notes[0]
    assert "recording" in recorded_moment().unsaid[0]
    assert cell.mapped >= 64 << 20
    assert cell.resident < 1 << 20
    assert "big" in [change.holds for change in cell.changes]
    assert not any(one.path.startswith(("/root", "/home", "/work", "/tmp")) for one in recorded_moment().ranges)
