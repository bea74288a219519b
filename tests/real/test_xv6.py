"""Following MIT's own xv6 (RISC-V): right kernels are not blamed, and mistakes planted in them are found.

It is not a part of this project: `make real` runs these tests where VMWIDGETS_XV6 names a folder of it, of any year.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import vmwidgets as vm
from tests.real.conftest import needed

XV6 = os.environ.get("VMWIDGETS_XV6", "")

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not XV6, reason="VMWIDGETS_XV6 names no folder of xv6-riscv"),
]


TESTS = {
    "cowtest": "cow", "lazytests": "lazy", "pgtbltest": "pgtbl", "mmaptest": "mmap", "forktest": "base",
    "usertests sbrkbasic": "base",
}  # fmt: skip  # a command, and the lab whose rules hold


def commands(folder: Path) -> dict[str, str]:
    """The tests that a folder has, each with its lab: those of labs, or else two of xv6's own."""
    there = {run: lab for run, lab in TESTS.items() if (folder / "user" / f"{run.split()[0]}.c").is_file()}
    own = {run: lab for run, lab in there.items() if lab != "base"}
    return own or there


@pytest.fixture
def xv6(tmp_path: Path) -> Path:
    """The sources, in a folder of the test's own."""
    needed("qemu-system-riscv64", "riscv64-linux-gnu-gcc", "make")
    place = tmp_path / "xv6"
    shutil.copytree(XV6, place)
    (place / "kernel" / "kernel").unlink(missing_ok=True)
    return place


def planted(xv6: Path, file: str, was: str, now: str) -> None:
    """Plant a mistake; the kernels of some years have other words there."""
    source = xv6 / "kernel" / file
    text = source.read_text()
    if was not in text:
        pytest.skip(f"this xv6 has no {was!r} in {file}")
    source.write_text(text.replace(was, now, 1))


@pytest.mark.parametrize("cpus", [1, 3])
@pytest.mark.parametrize("command", ["forktest", "ls | grep README"])
def test_nothing_is_found(xv6, command, cpus):
    with vm.xv6(xv6, cpus=cpus) as k:
        found = k.follow(run=command, seconds=400)
    assert found.outcome == "nothing found", found
    assert found.free[0] == found.free[1]


@pytest.mark.parametrize("cpus", [1, 3])
def test_nothing_is_found_in_a_solution_that_runs_the_test_of_its_lab(xv6, cpus):
    for run, lab in commands(xv6).items():
        with vm.xv6(xv6, cpus=cpus) as k:
            found = k.follow(lab, run=run, seconds=900)
        assert found.outcome == "nothing found", found


MISTAKES = [
    ("vm.c", "kfree((void*)pa);\n    }\n    *pte = 0;", "(void)pa;\n    }\n    *pte = 0;", {"lost"}),
    ("vm.c", "  kfree((void*)pagetable);\n}", "}", {"table-lost"}),
    ("proc.c", "kfree((void*)p->trapframe);", ";", {"lost"}),
    ("proc.c", "proc_freepagetable(p->pagetable, p->sz);", ";", {"lost", "table-lost"}),
    ("proc.c", "kfree((void*)p->trapframe);\n", "{ kfree(p->trapframe); kfree(p->trapframe); }\n", {"free-list"}),
    ("exec.c", "  // Save program name", "  kalloc();\n  // Save program name", {"lost"}),
    ("vm.c", "if(!alloc || (pagetable", "if(!alloc || (kalloc(), pagetable", {"lost"}),
    ("exec.c", "  uvmclear(pagetable", "  if(0) uvmclear(pagetable", {"guard"}),
    ("vm.c", "(uint64)mem, flags)", "i == 4096 ? pa : (uint64)mem, flags)", {"uvmcopy"}),
]


@pytest.mark.parametrize(("file", "was", "now", "rules"), MISTAKES)
def test_a_planted_mistake_is_found(xv6, file, was, now, rules):
    planted(xv6, file, was, now)
    with vm.xv6(xv6) as k:
        found = k.follow(run="ls | grep README", seconds=200)
    assert found.outcome == "broken", found
    assert found.first.rule in rules


def test_a_page_that_two_processes_can_write_is_found_when_fork_returns(xv6):
    planted(xv6, "vm.c", "(uint64)mem, flags)", "pa, flags)")
    with vm.xv6(xv6) as k:
        found = k.follow("lazy", run="ls", seconds=200)
    assert (found.outcome, found.first.rule) == ("broken", "shared-and-writable"), found
    assert "uvmcopy" in found.first.lines[0], "and not where one of them ends"


def test_a_right_too_many_is_told_by_the_line_of_exec_that_asked_for_it(xv6):
    planted(xv6, "exec.c", "    if(flags & 0x1)\n      perm = PTE_X;", "    perm = PTE_X;")
    with vm.xv6(xv6) as k:
        found = k.follow(run="ls", seconds=200)
    assert (found.outcome, found.first.rule) == ("broken", "exec-rights"), found
    assert found.first.line.startswith("exec.c:")


def test_a_zombie_whose_parent_was_not_woken_is_found(xv6):
    planted(xv6, "proc.c", "      wakeup(initproc);", "      ;")
    nap = "pause" if "pause" in (xv6 / "user" / "user.h").read_text() else "sleep"
    life = f"if(fork() == 0) {{ if(fork() == 0) exit(0); {nap}(3); exit(0); }} wait(0); exit(0);"
    planted(xv6, "../user/echo.c", "  int i;\n", f"  int i;\n\n  {life}\n")
    with vm.xv6(xv6) as k:
        found = k.follow(run="echo", seconds=200)
    assert (found.outcome, found.first.rule) == ("broken", "unreaped"), found


def test_the_same_folder_is_started_twice(xv6):
    with vm.xv6(xv6) as one, vm.xv6(xv6) as two:
        assert one.go(until="userinit", seconds=60).startswith("userinit (proc.c:")
        assert two.go(until="userinit", seconds=60).startswith("userinit (proc.c:")


def test_a_page_that_user_code_cant_touch_is_found_where_it_is_mapped(xv6):
    planted(xv6, "vm.c", "(uint64)mem, PTE_R|PTE_U|xperm)", "(uint64)mem, PTE_R|(a > 0x4000 ? 0 : PTE_U)|xperm)")
    with vm.xv6(xv6) as k:
        found = k.follow("lazy", run="ls", seconds=200)
    assert found.first is not None, found
    assert found.first.rule == "user"


def test_a_trap_of_user_code_is_explained_by_its_walk(xv6):
    with vm.xv6(xv6) as k:
        found = k.follow(run="usertests kernmem", seconds=300)
    assert any("its load of 0x8000_0000 was refused: " in line for line in found.lines), found.lines


def test_the_same_fault_without_end_ends_the_run(xv6):
    trap = (xv6 / "kernel" / "trap.c").read_text()
    kill = next(words for words in ("    setkilled(p);\n  }", "    p->killed = 1;\n  }") if words in trap)
    planted(
        xv6, "trap.c", kill, "    if(r_scause() != 13) setkilled(p);\n  }".replace("setkilled(p)", kill.strip()[:-4])
    )
    with vm.xv6(xv6) as k:
        found = k.follow(run="usertests kernmem", seconds=300)
    assert (found.outcome, found.first) == ("unfinished", None)
    assert "vmfault" not in trap or "faulted 2,500 times" in found.headline, "in other years, no call is followed there"
