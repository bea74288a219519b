from __future__ import annotations

from pathlib import Path

import pytest
from ipywidgets.widgets.widget import _instances

import vmwidgets as vm
from tests.browser.fake_machine import FakeTree
from tests.widgets.notebook import LabShell, PyodideShell, open_notebook
from tests.widgets.page import HELLO, replies


@pytest.mark.parametrize("kind", [LabShell, PyodideShell])
def test_a_picture_lives_on_while_other_cells_run(kind: type[PyodideShell]) -> None:
    with open_notebook(kind) as shell:
        shell.run("tree = FakeTree(m)\ntree", cell="a")
        shell.run("m", cell="b")
        shell.run("m.operate(2)", cell="c")
        tree = shell.user_ns["tree"]
        replies(tree, HELLO)
        shell.run("m.operate(3)", cell="d")
        assert tree.comm is not None
        assert "Operation 5 is done." in tree.to_text()
        assert tree.origin == "cell [1]"


def test_what_a_cell_made_is_closed_when_it_runs_again() -> None:
    with open_notebook() as shell:
        shell.run("first = FakeTree(m)\nfirst", cell="a")
        first = shell.user_ns["first"]
        shell.run("second = FakeTree(m)\nsecond", cell="a")
        assert first.comm is None
        assert shell.user_ns["second"].comm is not None


def test_machines_side_by_side_say_nothing_of_each_other() -> None:
    with open_notebook() as shell:
        shell.run("all_of_them = []\nold = FakeTree(m)\nold", cell="a")
        shell.run("other = FakeMachine(7, 'machine 2')\nother", cell="b")
        booting = "one = FakeMachine(7, f'machine {number}')\n    display(one)\n    all_of_them.append(one)"
        shell.run(f"for number in (3, 4):\n    {booting}", cell="c")
        assert statuses(shell) == {"machine 1": "", "machine 2": "", "machine 3": "", "machine 4": ""}


def test_a_name_that_is_another_machine_now_is_said_by_the_pictures_of_the_first() -> None:
    with open_notebook() as shell:
        shell.run("kept = [m]\nold = FakeTree(m)\nold", cell="a")
        shell.run("k = m", cell="b")
        shell.run("m = FakeMachine(7, 'machine 2')\nm", cell="c")
        assert statuses(shell) == {"machine 1": "", "machine 2": ""}, "it has another name"
        shell.run("k = FakeMachine(7, 'machine 3')\nk", cell="d")
        assert statuses(shell) == {"machine 1": "k is machine 3 now", "machine 2": "", "machine 3": ""}
        shell.run("kept[0].operate()", cell="e")
        assert statuses(shell)["machine 1"] == "", "it is worked on"
        shell.run("first, m = kept[0], FakeMachine(7, 'machine 4')", cell="f")
        assert statuses(shell) == {"machine 1": "", "machine 2": "m is machine 4 now", "machine 3": ""}


@pytest.mark.parametrize("kept", [True, False])
def test_a_cell_that_boots_again_says_so_to_the_pictures_of_others(kept: bool) -> None:
    with open_notebook() as shell:
        shell.run("m = FakeMachine(7, 'machine 1')", cell="a")
        shell.run("tree = FakeTree(m)\ntree", cell="b")
        if kept:
            shell.run("kept = [m]", cell="c")
        shell.run("m = FakeMachine(7, 'machine 2')", cell="a")
        assert (shell.user_ns["tree"].machine is not None) == kept
        assert shell.user_ns["tree"].status == "m is machine 2 now"


def statuses(shell: PyodideShell) -> dict[str, str]:
    """What the open pictures say of their machines, by machine."""
    trees = [widget for widget in _instances.values() if isinstance(widget, FakeTree)]
    return {tree.machine.name: tree.status for tree in trees if tree.machine is not None}


@pytest.mark.parametrize("kind", [LabShell, PyodideShell])
def test_an_operation_knows_the_cell_that_did_it(kind: type[PyodideShell], tmp_path: Path) -> None:
    def cells(machine: vm.Machine) -> list[int]:
        return [machine.journal.cell_of(then.serial) for then in machine.journal]

    with open_notebook(kind) as shell:
        shell.user_ns["vm"] = vm
        shell.run("m = vm.boot('x86-64', layout='tiny')\nt = m.task('init')")
        shell.run("a = t.mmap('8 KiB')")
        m = shell.user_ns["m"]
        m.tasks["init"].write(0x1_0000, b"from the page")
        shell.run("m.undo()\nm.redo()\nt.write(a, b'x')")
        shell.run("m.undo()\nt.write(a, b'y')\nother = m.branch()\nother.tasks['init'].write(a, b'z')")
        other = shell.user_ns["other"]
        assert cells(m) == [1, 1, 2, 0, 4]
        assert cells(other) == [1, 1, 2, 0, 4, 4]
        assert "  cell [4]  5: task:init.write" in repr(other.why(other.tasks["init"], 0x1_0000))
        assert cells(m.at(2)) == [1, 1, 2]
        m.journal.save(tmp_path / "m.jsonl.gz")
        shell.run(f"again = vm.load_journal({str(tmp_path / 'm.jsonl.gz')!r})\nagain.task('late')")
        assert cells(shell.user_ns["again"]) == [0, 0, 0, 0, 0, 5]
