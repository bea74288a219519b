"""A picture where there is no page: in words, in a pickle, as a copy."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm

WRITE = """
import vmwidgets as vm
t = vm.boot("x86-64").task("init")
a = t.mmap("16 KiB")
t.write(a, b"hello")
"""


@pytest.fixture
def task() -> Any:
    task = vm.boot("x86-64").task("init")
    task.write(task.mmap("16 KiB"), b"hello")
    return task


PICTURES: dict[str, Callable[[Any], Any]] = {
    "a view": vm.Fault,
    "a view of a whole machine": lambda task: vm.Dashboard(task.machine),
    "a picture": lambda task: vm.picture(task.map),
    "a picture beside another": lambda task: vm.Tables(task).beside(vm.Tables(task.fork())),
    "a snapshot": lambda task: vm.Fault(task).snapshot(),
}


@pytest.fixture(params=PICTURES)
def picture(request: pytest.FixtureRequest, task: Any) -> Any:
    return PICTURES[request.param](task)


def test_printed_it_is_said_in_words_and_its_repr_is_three_lines(picture: Any, task: Any) -> None:
    words = str(picture)
    assert words.isascii()
    assert len(words.splitlines()) > 2
    assert picture.scene().caption.text.split()[0] in words
    shown = repr(picture)
    assert shown.isascii()
    assert len(shown.splitlines()) == 3
    assert picture.scene().title.isascii() and picture.scene().title in shown.splitlines()[0]
    assert shown.splitlines()[0].count(task.machine.name) <= 1


@pytest.mark.parametrize(
    "kept", [lambda one: pickle.loads(pickle.dumps(one)), copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"]
)
def test_a_pickle_and_a_copy_are_the_picture_in_its_present_state(picture: Any, kept: Any, task: Any) -> None:
    svg, words = picture.to_svg(), str(picture)
    other = kept(picture)
    task.mmap("4 KiB")
    assert other.to_svg() == svg
    assert words.splitlines()[0] in str(other)
    assert "<img" in other._repr_mimebundle_()["text/html"]


def test_the_walk_of_a_machine_is_pickled_as_its_values(task: Any) -> None:
    walk = task.walk(task.map.entries()[0].start)
    again = pickle.loads(pickle.dumps(walk))
    assert (again, again.machine) == (walk, None)
    assert copy.deepcopy(walk).machine is task.machine
    with pytest.raises(vm.Refused, match="no longer exists"):
        again.flips()


def output(program: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, *arguments], input=program, capture_output=True, text=True, timeout=120, check=True
    )
    return ran.stdout


def test_at_a_plain_prompt_display_gives_words() -> None:
    shown = output(f"{WRITE}\nfrom IPython.display import display\nprint(vm.Fault(t))\ndisplay(vm.Fault(t))", "-")
    assert shown.count("page-table walk") == 2
    assert "<Fault" not in shown


@pytest.mark.parametrize("line", ["vm.Fault(t)", "display(vm.Fault(t))", "vm.show(vm.Fault(t))", "print(vm.Fault(t))"])
def test_in_ipythons_terminal_each_way_gives_the_words_once(line: str) -> None:
    program = "\n".join([*WRITE.strip().splitlines(), line, ""])
    shown = output(program, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor", "--no-confirm-exit")
    assert shown.count("page-table walk") == 1
    assert "cell [" not in shown


@pytest.mark.parametrize(
    ("name", "said"),
    [("show", r"last line of a cell.*print\(picture\)"), ("sav", r"did you mean save\?"), ("undo", r"m\.undo")],
)
def test_what_a_picture_does_not_have_leads_to_what_it_has(task: Any, name: str, said: str) -> None:
    for picture in vm.Fault(task), vm.picture(task.map):
        with pytest.raises(AttributeError, match=said):
            getattr(picture, name)
