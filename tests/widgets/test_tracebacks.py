"""An operation that fails shows the learner's line and one sentence."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

CELL = """
def twice(size):
    return k.enter(size), k.enter(size)

twice("5 bytes")
"""


def failure(*sources: str) -> Any:
    """The error output of the last cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    return notebook.cells[-1].outputs[-1]


@pytest.fixture(scope="module")
def output() -> Any:
    return failure('import vmwidgets as vm\nk = vm.boot("x86-64").kernel_map', CELL)


def test_the_learners_lines_are_shown_and_the_packages_are_not(output: Any) -> None:
    lines = output["traceback"]
    assert len(lines) == 3
    assert "twice(" in lines[0]
    assert "return k.enter(size)" in lines[1]
    assert "of twice" in lines[1]


def test_the_sentence_stands_at_the_end(output: Any) -> None:
    assert output["ename"] == "Refused"
    assert "size: '5 bytes' is not a size" in output["traceback"][-1]


def test_other_errors_keep_their_tracebacks() -> None:
    assert len(failure("import vmwidgets as vm", "1 / 0")["traceback"]) >= 3


def test_a_misspelt_attribute_is_as_short() -> None:
    shown = failure('import vmwidgets as vm\nm = vm.boot("x86-64")', "m.kernel_map.entr('4 KiB')")
    assert len(shown["traceback"]) == 2
    assert "m.kernel_map.entr(" in shown["traceback"][0]
    assert shown["traceback"][1].endswith("did you mean enter?")


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("vm.Tabels(parent)", "did you mean Tables?"),
        ("vm.lab.hints('00/walk')", "did you mean hint?"),
        ("parent.walk()", "it takes walk(address, access='read')"),
        ("parent.mmap()", "at=None)"),
        ("vm.boot(memory='64 MiB')", "fork='counted')"),
        ("vm.Size('4k')", "did you mean '4 KiB'?"),
        ("parent.name_ = 3\nm.cpus = 3", "can be set"),
    ],
)
def test_slips_of_beginners_take_two_lines(line: str, end: str) -> None:
    lines = failure("import vmwidgets as vm\nm = vm.boot('x86-64')\nparent = m.task('init')", line)["traceback"]
    assert len(lines) == 2, lines
    assert lines[0].startswith("line ")
    assert end in lines[1]


LOOP = """
import os, signal, threading
threading.Timer({after}, os.kill, (os.getpid(), signal.SIGINT)).start()
while True:
    parent.read(a, 5)
"""


@pytest.mark.parametrize("after", [0.3, 0.55])
def test_the_stop_button_in_a_loop_of_operations_takes_two_lines(after: float) -> None:
    made = "import vmwidgets as vm\nparent = vm.boot('x86-64').task('init')\na = parent.mmap('4 KiB')"
    lines = failure(made, LOOP.format(after=after))["traceback"]
    assert len(lines) == 2, lines
    assert lines[0] == "line 4: parent.read(a, 5)"
    assert "Interrupted" in lines[1]


def test_a_call_without_its_thing_has_no_line_of_pythons_own() -> None:
    lines = failure("import vmwidgets as vm", "with vm.lab.try_on() as copy: pass")["traceback"]
    assert len(lines) == 2, lines
    assert "it takes try_on(thing)" in lines[1]


@pytest.mark.parametrize("options", [[], ["--colors=NoColor"]])
def test_a_pipe_and_a_terminal_without_colours_get_none(options: list[str]) -> None:
    cell = "import vmwidgets as vm; vm.boot().kernel_map.enter('5 bytes')"
    command = [sys.executable, "-m", "IPython", "--no-banner", "--quick", *options, "-c", cell]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    line = next(one for one in (said.stdout + said.stderr).splitlines() if "is not a size" in one)
    assert "\x1b" not in line


def test_a_notebook_has_colours(output: Any) -> None:
    assert output["traceback"][-1].startswith("\x1b[")
