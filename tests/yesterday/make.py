"""Makes the files of a version: `python -m tests.yesterday.make FOLDER`, or some of them with their names after it.

A folder is named after the commit that made it, and its files stay as they are.  A later version's files are another
folder beside it.  Names: journals, handouts, notebooks, tables, facts.
"""

from __future__ import annotations

import json
import lzma
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES, LIVES
from tests.yesterday import facts
from tests.yesterday.notebooks import save
from vmwidgets import __version__
from vmwidgets.cli import TOOLS, main
from vmwidgets.labs.exercise import exercises
from vmwidgets.pictures.registry import known_pictures

OPERATIONS = 200


def forked(fork: str) -> vm.Machine:
    """A parent and a child, a mark, and one write that was undone."""
    machine = vm.boot("x86-64", fork=fork)
    parent = machine.task("parent")
    address = parent.mmap("16 KiB")
    parent.write(address, b"x")
    child = parent.fork("child")
    machine.mark("after fork")
    child.write(address, b"y")
    machine.mark("after write")
    child.munmap(address + vm.PAGE, vm.PAGE)
    parent.write(address, b"z")
    child.exit()
    machine.undo(1)
    return machine


def branched() -> vm.Machine:
    """A branch of such a machine, which goes on by itself."""
    machine = forked("cow").branch("after fork")
    machine.tasks["parent"].write(machine.tasks["parent"].map.entries()[0].start, b"w")
    machine.kernel_map.enter("16 KiB", prot="r")
    return machine


def kernel_memory() -> vm.Machine:
    """The kernel's memory: allocated, used and freed."""
    machine = vm.boot("x86-64", layout="tiny", ram="8 MiB")
    first = machine.kmem_malloc("8 KiB", "M_NOWAIT")
    machine.write(first, b"secret")
    second = machine.kmem_malloc("4 KiB", "M_NOWAIT")
    machine.kmem_free(first, "8 KiB")
    machine.kmem_malloc("4 KiB", "M_NOWAIT|M_ZERO")
    machine.kmem_free(second, "4 KiB")
    return machine


def domain(architecture: str) -> vm.Machine:
    """A self-paging program that maps, copies and revokes."""
    one = vm.boot(architecture).domain("hello")
    frame = one.frame("16 KiB")
    one.map(frame)
    for right in ("r", "rw"):
        one.map(one.mint(frame, f"{right}g"), flags=right)
    one.map(one.frame("16 KiB"))
    one.revoke(frame)
    machine: vm.Machine = one.machine
    return machine


def translated(architecture: str) -> vm.Machine:
    """A task that reads and writes, with and without its TLB."""
    machine = vm.boot(architecture)
    task = machine.task("init")
    address = task.mmap("16 KiB")
    task.write(address, b"x")
    machine.cpus[0].flush()
    task.read(address)
    task.mprotect(address, "4 KiB", "r")
    task.read(address)
    return machine


def machines() -> dict[str, Callable[[], vm.Machine]]:
    """A machine of each kind, by the name of its file."""
    lives = product(LIVES.items(), ARCHITECTURES)
    return {
        **{f"life-{kind}-{one}": partial(live, one, 3, OPERATIONS) for (kind, live), one in lives},
        **{f"forked-{fork}": partial(forked, fork) for fork in ("counted", "cow", "eager", "shadow")},
        **{f"domain-{one}": partial(domain, one) for one in ("armv7", "x86-64")},
        **{f"translated-{one}": partial(translated, one) for one in ARCHITECTURES},
        "branched": branched,
        "kernel-memory": kernel_memory,
    }


def journals(folder: Path) -> None:
    """Save each machine."""
    for name, make in machines().items():
        machine = make()
        if name.startswith("life") and not machine.dead:
            machine.undo(1)
        machine.journal.save(folder / f"{name}.jsonl.gz")


HANDOUTS: dict[str, tuple[str, Callable[[vm.Machine, Path], Any]]] = {}
"""By name the journal of a handout, and what writes it."""


def handout(name: str, journal: str) -> Callable[[Any], Any]:
    """Name a handout of a journal's machine."""

    def keep(write: Any) -> Any:
        HANDOUTS[name] = journal, write
        return write

    return keep


@handout("fork", "forked-cow")
def _fork(machine: vm.Machine, file: Path) -> None:
    other = machine.branch("after fork")
    other.tasks["parent"].write(other.tasks["parent"].map.entries()[0].start, b"z")
    asked = "How many frames are in use then?", ["4", "5", "6"], "5", "The write copies one."
    kinds = known_pictures()
    shown = kinds["Objects"](machine), kinds["Fault"](machine)
    vm.handout(machine, file, *shown, title="Fork", ask={"after fork": asked}, what_if={"the parent writes": other})


@handout("translation", "translated-x86-64")
def _translation(machine: vm.Machine, file: Path) -> None:
    vm.handout(machine, file, known_pictures()["Tlb"](machine), by="step", since=1)


@handout("domain", "domain-armv7")
def _domain(machine: vm.Machine, file: Path) -> None:
    vm.handout(machine, file, known_pictures()["Domain"](machine.domains["hello"]), by="function", paper="slides")


@handout("map", "branched")
def _map(machine: vm.Machine, file: Path) -> None:
    vm.handout(machine, file, machine.kernel_map, by="operation", questions="open", notes={"after fork": "Ask first."})


def handouts(folder: Path, to: Path) -> None:
    """Write each handout of the journals in `folder`."""
    for name, (journal, write) in HANDOUTS.items():
        file = to / f"{name}.html"
        write(vm.load_journal(folder / f"{journal}.jsonl.gz"), file)
        packed = lzma.compress(file.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
        file.with_suffix(".html.xz").write_bytes(packed)
        file.unlink()


def tables(folder: Path) -> None:
    """Write a course's file and its archive for Gradescope."""
    graded = {name: one.points for name, one in exercises().items() if one.shipped}
    lines = "".join(f'"{name}" = {points}\n' for name, points in sorted(graded.items()))
    course = folder / "course.toml"
    course.write_text(f'course = "os-2026"\npredictions = 1\ngroups = 2\n\n[exercises]\n{lines}')
    with TemporaryDirectory() as made:
        wheel = Path(made, f"vmwidgets-{__version__}-py3-none-any.whl")
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("vmwidgets/__init__.py", "")
        place = folder / "autograder.zip"
        asked = ["assignment", "--for", "gradescope", str(place), "--course", str(course), "--wheel", str(wheel)]
        assert main([*asked, "--labs", "01,02,08a"], TOOLS) == 0


def run(folder: Path, names: list[str]) -> None:
    """Make files of these names; of all, without names."""
    for name in names or ("journals", "handouts", "notebooks", "tables", "facts"):
        part = folder / name
        if name == "facts":
            found = {one: facts.today(folder, one) for one in facts.names_in(folder)}
            text = json.dumps(found, ensure_ascii=False, sort_keys=True)
            (folder / "facts.json.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
            continue
        part.mkdir(parents=True, exist_ok=True)
        if name == "handouts":
            handouts(folder / "journals", part)
        elif name == "notebooks":
            save(part)
        else:
            {"journals": journals, "tables": tables}[name](part)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
