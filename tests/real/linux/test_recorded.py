"""Where there is no Linux: recordings of the labs' own experiments, and a sentence for everything else."""

from __future__ import annotations

import json
import sys

import pytest

import vmwidgets as vm
from tools.record_linux import FOLDER, experiments, lived
from vmwidgets.real.linux import processes

LABS = ("01", "08b", "11")


def without_linux(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert processes.why_not() == "This computer runs emscripten, not Linux."


def test_these_labs_ask_linux_once_each_and_there_are_recordings_of_them_alone():
    assert tuple(experiments()) == LABS
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"{lab}.json" for lab in LABS]


@pytest.mark.parametrize("lab", LABS)
def test_without_linux_a_labs_experiment_is_compared_with_its_recording(lab, monkeypatch):
    machine = lived(experiments()[lab])
    without_linux(monkeypatch)
    found = vm.compare_with_linux(machine)
    assert found.is_recording
    assert found.agrees
    assert not found.stopped
    assert found.source.startswith("a recording of Linux 6.")
    assert f"(lab {lab})" in found.source
    assert {one.kind for one in found.rows} == ({"page of zeroes"} if lab == "01" else set())
    assert "This computer runs emscripten, not Linux." in vm.picture(found).to_text()


def test_a_recording_is_held_against_the_machine_and_not_only_replayed(monkeypatch):
    code = experiments()["08b"]
    machine = lived(code.replace('fork="counted"', 'fork="counted", quirks=()'))
    without_linux(monkeypatch)
    assert vm.compare_with_linux(machine).agrees
    recorded = FOLDER.joinpath("08b.json").read_text("utf-8")
    assert '"pages":["ssss"]' in recorded
    real = json.loads

    def spoilt(text):
        return real(text.replace('"pages":["ssss"]', '"pages":["sss."]', 1))

    monkeypatch.setattr(json, "loads", spoilt)
    [wrong] = vm.compare_with_linux(machine).surprises
    assert (wrong.what, wrong.here, wrong.linux) == ("pages from 0x1_0000 on", "ssss", "sss.")


def test_without_linux_another_machine_is_refused_in_a_sentence(monkeypatch):
    machine = vm.boot(layout="tiny")
    machine.task("init").mmap("4 KiB")
    without_linux(monkeypatch)
    said = r"This computer runs emscripten, not Linux\. Only recordings of Linux can be compared here, .* 01, 08b, 11 "
    with pytest.raises(vm.Refused, match=said):
        vm.compare_with_linux(machine)


@pytest.mark.skipif(bool(processes.why_not()), reason="processes of Linux")
def test_where_no_process_can_be_started_a_recording_is_taken(monkeypatch):
    machine = lived(experiments()["11"])
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    found = vm.compare_with_linux(machine)
    assert found.is_recording
    assert "Processes can't be started here in the way that is needed" in found.source
