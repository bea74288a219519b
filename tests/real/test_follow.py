"""Following the kernel of `kernel/`: nothing is found in right ones, and the first break of each planted mistake is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import vmwidgets as vm
from tests.real.conftest import HERE, needed
from vmwidgets import Refused
from vmwidgets.cli import main
from vmwidgets.real.xv6 import _building

LABS = {"copy": "base", "cow": "cow", "lazy": "lazy"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The kernel's sources, in a folder of the test's own."""
    needed("qemu-system-riscv64", "riscv64-linux-gnu-gcc", "make")
    pytest.importorskip("elftools", reason="pyelftools is not installed: vmwidgets[kernels]")
    place = tmp_path / "xv6"
    shutil.copytree(HERE / "kernel", place, ignore=shutil.ignore_patterns("kernel.bin"))
    (place / "kernel" / "kernel").unlink(missing_ok=True)
    return place


def line_of(folder: Path, text: str, file: str = "vm.c") -> str:
    """The line in which `text` stands."""
    lines = (folder / "kernel" / file).read_text().splitlines()
    (number,) = [number for number, line in enumerate(lines, 1) if text in line]
    return f"{file}:{number}"


@pytest.mark.parametrize("cpus", [1, 3])
@pytest.mark.parametrize("lab", LABS)
def test_nothing_is_found_in_a_right_kernel(folder, lab, cpus):
    with vm.xv6(folder, cpus=cpus, options=(f"LAB={lab}",)) as k:
        found = k.follow(LABS[lab], run="life", counts="refcount" if lab == "cow" else None, seconds=400)
        assert found.first is None
        assert found.outcome == "nothing found", found
        assert found.calls > 80


@pytest.mark.kernel
def test_a_table_that_was_freed_is_the_root_of_another_process(folder):
    with vm.xv6(folder, cpus=3, options=("LAB=copy", "SLOW=freewalk")) as k:
        found = k.follow("base", run="life", seconds=400)
    assert found.outcome == "nothing found", found


COPY = "if (mappages(new, at, PGSIZE, (uint64)copy, flags) != 0)"

FIELD = "frame[((uint64)(pa) - KERNBASE) / PGSIZE].refs"

SHARE = "if (mappages(new, at, PGSIZE, pa, flags) != 0)"

ALLOCATED = "if (mappages(pagetable, at, PGSIZE, (uint64)page, PTE_R | PTE_U | xperm) != 0)"

LOOP = "for (uint64 at = va; at < va + npages * PGSIZE; at += PGSIZE) {"

CLEARED = "    *pte = 0;"

BUGS = [
    ("copy", "map_writable", "mappages", "*pte = PA2PTE(pa + done) | perm | PTE_V;"),
    ("copy", "unmap_short", "uvmunmap", LOOP),
    ("copy", "unmap_keeps", "uvmunmap", LOOP),
    ("copy", "free_mapped", "free-and-mapped", ALLOCATED),
    ("copy", "copy_shares", "uvmcopy", COPY),
    ("copy", "copy_loses_x", "uvmcopy", COPY),
    ("copy", "table_lost", "table-lost", "pagetable[i] = 0;"),
    ("cow", "parent_writes", "shared-and-writable", SHARE),
    ("cow", "child_writes", "shared-and-writable", SHARE),
    ("cow", "not_counted", "count", SHARE),
    ("lazy", "unmap_keeps", "free-and-mapped", CLEARED),
]


@pytest.mark.parametrize(("lab", "bug", "rule", "text"), BUGS, ids=lambda value: value if " " not in value else "")
def test_a_planted_mistake_is_found_at_its_line(folder, lab, bug, rule, text):
    with vm.xv6(folder, options=(f"LAB={lab}", f"BUG={bug}")) as k:
        found = k.follow(LABS[lab], run="life", counts="refcount" if bug == "not_counted" else None, seconds=120)
    assert found.outcome == "broken"
    assert found.first.rule == rule
    assert found.first.line == line_of(folder, text)
    assert found.first.walks or rule == "table-lost"


def keeps_rights(call):
    """A course's own check: pages that fork shares keep their rights, but for W."""
    assert call.function == "uvmcopy"
    assert set(call.arguments) == {"old", "new", "sz"}
    for va, word in call.before["old"].items():
        if va < call.arguments["sz"]:
            for name in ("old", "new"):
                if (call.after[name].get(va, 0) ^ word) & 0b11011:  # V, R, X and U
                    yield va, f"{name} has other rights at {va:#x} than before the fork."


def test_a_courses_own_check_finds_what_no_rule_of_the_lab_does(folder):
    with vm.xv6(folder, options=("LAB=copy", "BUG=copy_loses_x")) as k:
        found = k.follow("lazy", run="life", seconds=120, checks={"uvmcopy": keeps_rights})
    assert (found.outcome, found.first.rule) == ("broken", "uvmcopy")
    assert found.first.says.startswith("new has other rights at 0x0 than before the fork")
    assert found.first.line == line_of(folder, COPY)
    assert found.first.walks


@pytest.mark.parametrize("lab", ["copy", "cow"])
def test_a_courses_own_check_says_nothing_of_a_right_kernel(folder, lab):
    with vm.xv6(folder, options=(f"LAB={lab}",)) as k:
        found = k.follow(LABS[lab], run="life", seconds=200, checks={"uvmcopy": keeps_rights})
    assert found.outcome == "nothing found", found


def test_checks_that_are_none(folder):
    with vm.xv6(folder) as k:
        for checks, said in (
            (keeps_rights, r"checks=.*write functions by name"),
            ({"walk": keeps_rights}, "'walk' is not followed; there are mappages, uvmunmap, uvmalloc, uvmcopy"),
            ({"uvmcopy": 5}, r"checks\['uvmcopy'\]=5: write a function that takes the call"),
        ):
            with pytest.raises(Refused, match=said):
                k.follow(checks=checks)  # type: ignore[arg-type]  # they are refused
        wrong: tuple[Any, ...] = (lambda call: call.after["parent"], lambda call: ["wrong"])
        with pytest.raises(Refused, match=r"checks\['uvmcopy'\] raised KeyError after uvmcopy"):
            k.follow(run="life", seconds=120, checks={"uvmcopy": wrong[0]})
        with pytest.raises(Refused, match=r"checks\['uvmalloc'\] returned 'wrong': return pairs of an address and a"):
            k.follow(seconds=120, checks={"uvmalloc": wrong[1]})


def test_without_the_counts_the_freed_page_is_found(folder):
    """A page that is counted too little is freed while another process maps it."""
    with vm.xv6(folder, options=("LAB=cow", "BUG=not_counted")) as k:
        found = k.follow("lazy", run="life", seconds=120)  # the counts are the lab cow's
    assert found.first.rule in ("free-and-mapped", "shared-and-writable")


def test_without_the_counts_a_share_is_told_by_its_line_and_not_by_the_end_of_a_process(folder):
    edited(
        folder,
        "commands.c",
        "  struct proc *child = fork(p);\n  struct proc *second",
        "  exit(fork(p));\n  struct proc *child = fork(p);\n  struct proc *second",
    )
    with vm.xv6(folder, options=("LAB=cow", "BUG=not_counted")) as k:
        found = k.follow("lazy", run="life", seconds=120)
    assert (found.first.rule, found.first.line) == ("free-and-mapped", line_of(folder, SHARE)), found


def test_the_only_array_of_counts_is_found_by_itself(folder):
    with vm.xv6(folder, options=("LAB=cow", "BUG=not_counted")) as k:
        assert k.follow("cow", run="life", seconds=120).first.rule == "count"


def test_many_pages_are_followed_as_a_whole(folder):
    with vm.xv6(folder, options=("LAB=cow", "BUG=parent_writes")) as k:
        found = k.follow("cow", run="large", seconds=120)
        assert found.first.rule == "shared-and-writable"
        assert found.first.line == line_of(folder, SHARE)
        assert found.stops < 300


def test_a_panic_is_told(folder):
    with vm.xv6(folder) as k:
        found = k.follow("base", run="panic", seconds=60)
    assert (found.outcome, found.panic) == ("panicked", "freewalk: leaf")
    assert any("Page-table pages are freed only after" in line for line in found.lines)


def test_a_command_that_the_shell_does_not_know_is_not_sound(folder, capsys):
    with vm.xv6(folder) as k:
        found = k.follow("base", run="cowtst", seconds=60)
    assert (found.outcome, found.first) == ("unfinished", None)
    assert found.headline.endswith("xv6 printed 'exec cowtst failed', so the command did not run.")
    assert "exec cowtst failed" in found.console
    assert main(["follow", str(folder), "--run", "cowtst"]) == 3


def test_after_a_break_nothing_is_followed(folder):
    with vm.xv6(folder, options=("LAB=cow", "BUG=parent_writes")) as k:
        found = k.follow("cow", run="life", seconds=120)
        assert k.stops.all[-1].spaces
        with pytest.raises(Refused, match=r"this kernel was stopped before: Frame .*Start a new one: vm.xv6"):
            k.follow("cow", run="life")
    (one, other) = found.first.walks
    assert (one.fault, other.fault) == (None, None)  # the rule is broken, and the hardware refuses nothing


def test_counts_are_in_an_array(folder):
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        for counts, said in (
            ("kmem", "counts='kmem': this is not an array with a number for each frame; "),
            ("refcnt", "counts='refcnt': .*/kernel has no such variable; "),
            ("proc.pid", "counts='proc.pid': this is not an array with a number for each frame; "),
        ):
            with pytest.raises(Refused, match=said + "arrays with a number for each frame: refcount$"):
                k.follow("cow", counts=counts)


def test_counts_may_lie_in_structures(folder):
    source = folder / "kernel" / "kalloc.c"
    text = source.read_text()
    text = text.replace("int refcount[PAGES];", "struct { char lock; short refs; } frame[PAGES];")
    source.write_text(text.replace("refcount[((uint64)(pa) - KERNBASE) / PGSIZE]", FIELD))
    header = folder / "kernel" / "kernel.h"
    header.write_text(header.read_text().replace("extern int refcount[PAGES];", ""))
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        assert k.follow("cow", run="life", counts="frame.refs", seconds=200).outcome == "nothing found"
    (folder / "kernel" / "kernel").unlink()
    with vm.xv6(folder, options=("LAB=cow", "BUG=not_counted")) as k:
        assert k.follow("cow", run="life", counts="frame.refs", seconds=200).first.rule == "count"


BEHIND = """struct lock { int locked; };
struct count { struct lock lock; short refs; };
static struct count there[PAGES];
struct count *frame = there;
char letters[PAGES];
int numbers[PAGES];
"""


def test_counts_behind_a_pointer_are_found_among_other_arrays(folder):
    source = folder / "kernel" / "kalloc.c"
    text = source.read_text().replace("int refcount[PAGES];", BEHIND)
    source.write_text(text.replace("refcount[((uint64)(pa) - KERNBASE) / PGSIZE]", FIELD))
    header = folder / "kernel" / "kernel.h"
    header.write_text(header.read_text().replace("extern int refcount[PAGES];", ""))
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        assert {"frame.refs", "letters", "numbers", "there.refs"} == {*k._program.countings()}
        found = k.follow("cow", run="life", seconds=200)
    assert found.outcome == "nothing found", found
    assert not any("Counts" in line for line in found.outside), found.outside
    (folder / "kernel" / "kernel").unlink()
    with vm.xv6(folder, options=("LAB=cow", "BUG=not_counted")) as k:
        assert k.follow("cow", run="life", seconds=200).first.rule == "count"


def test_counts_that_were_asked_for_and_cant_be_compared_are_in_the_headline_and_the_status(folder, capsys):
    source = folder / "kernel" / "kalloc.c"
    source.write_text(source.read_text().replace("int refcount[PAGES];", "int refcount[PAGES], numbers[PAGES];"))
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        found = k.follow("cow", run="life", counts="numbers", seconds=200)
    assert (found.outcome, found.first) == ("unfinished", None)
    assert "numbers" in found.headline
    assert (
        main(["follow", str(folder), "--run", "life", "--lab", "cow", "--make", "LAB=cow", "--counts", "numbers"]) == 3
    )


def test_a_line_of_a_failed_test_is_not_sound(folder, capsys):
    edited(
        folder, "commands.c", "  growproc(p, 5 * PGSIZE);\n", '  growproc(p, 5 * PGSIZE);\n  print("life failed\\n");\n'
    )
    assert main(["follow", str(folder), "--run", "life", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["outcome"], found["break"]) == ("failed", None)
    assert "life failed" in found["says"]


def test_limits(folder):
    with vm.xv6(folder) as k:
        assert k.follow("base", run="life", stops=20).outcome == "unfinished"
    with vm.xv6(folder) as k:
        found = k.follow("base", run="spin", seconds=3)
        assert found.outcome == "unfinished"
        assert found.headline.endswith("it did not come to its end: 3 s were over.")


def test_what_can_not_be_followed(folder):
    with vm.xv6(folder) as k:
        with pytest.raises(Refused, match=r"known are base, pgtbl, cow, lazy, mmap"):
            k.follow("cows")
        with pytest.raises(Refused, match=r"counts='counts': .* has no such variable"):
            k.follow("cow", counts="counts")


def test_the_command_takes_a_courses_checks(folder, tmp_path, capsys):
    own = tmp_path / "own.py"
    words = ["follow", str(folder), "--run", "life", "--lab", "lazy", "--checks", str(own)]
    own.write_text("def says(call):\n    yield 0x1000, 'a sentence of the course'\nchecks = {'uvmcopy': says}\n")
    assert main(words) == 1
    assert "a sentence of the course" in capsys.readouterr().out
    for text, said in (("check = {}", "no name 'checks'"), ("1 / 0", "ZeroDivisionError"), ("checks = 5", "checks=5")):
        own.write_text(text)
        assert main(words) == 2
        assert said in capsys.readouterr().err
    own.unlink()
    assert main(words) == 2
    assert "No such file" in capsys.readouterr().err


LOST = [
    ("kfree((void *)PTE2PA(*pte));", ";", "vm.c", "lost", CLEARED),
    ("  kfree(p->trapframe);\n", "", "proc.c", "lost", "uvmunmap(pagetable, TRAPFRAME, 1, 0);"),
    ("  proc_freepagetable(old, oldsz);\n", "  (void)oldsz;\n", "proc.c", "table-lost", "p->pagetable = pagetable;"),
    ("  kfree(pagetable);\n", "", "vm.c", "table-lost", "pagetable[i] = 0;"),
]


@pytest.mark.parametrize(("was", "now", "file", "rule", "text"), LOST, ids=["page", "trapframe", "exec", "tables"])
@pytest.mark.parametrize("lab", ["copy", "lazy"])
def test_lost_memory_is_found_with_the_call_that_lost_it(folder, capsys, was, now, file, rule, text, lab):
    source = folder / "kernel" / file
    lines = source.read_text()
    assert lines.count(was) == 1
    source.write_text(lines.replace(was, now))
    with vm.xv6(folder, options=(f"LAB={lab}",)) as k:
        found = k.follow(LABS[lab], run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", rule), found
    number = line_of(folder, text, "proc.c" if file == "proc.c" else "vm.c").partition(":")[2]
    assert number in re.findall(r"\d+", found.first.line), found


def test_a_page_that_no_process_had_is_told_by_the_function_that_took_it(folder):
    edited(folder, "commands.c", "  growproc(p, 5 * PGSIZE);\n", "  growproc(p, 5 * PGSIZE);\n  kalloc();\n")
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "lost"), found
    assert found.first.line == line_of(folder, "kalloc();", "commands.c")
    assert any(line.startswith("handed out by kalloc to life") for line in found.first.lines), found.first.lines


def test_memory_of_a_program_that_was_not_executed_is_told_by_the_line_of_exec(folder):
    was = "  uvmclear(pagetable, sz - 2 * PGSIZE);\n"
    edited(folder, "proc.c", was, f"  if (pages == 7)\n    return -1;\n{was}")
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "lost"), found
    asked = [line_of(folder, text, "proc.c") for text in ("uvmalloc(pagetable, 0,", "uvmalloc(pagetable, sz,")]
    assert found.first.line in asked, found


def test_what_a_call_was_not_asked_to_unmap_is_its_callers_line(folder):
    was = "uvmdealloc(p->pagetable, p->sz, p->sz + by);"
    edited(folder, "proc.c", was, "(uvmdealloc(p->pagetable, p->sz + by, p->sz), p->sz + by);")
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "beyond-size"), found
    assert found.first.line == line_of(folder, "(uvmdealloc(p->pagetable", "proc.c")


def test_a_function_that_frees_pages_and_keeps_their_descriptors_is_followed(folder):
    edited(
        folder, "vm.c", "// What a page fault does",
        "void drop(pagetable_t pagetable, uint64 va)\n{\n  kfree((void *)PTE2PA(*walk(pagetable, va, 0)));\n}\n\n//",
    )  # fmt: skip  # the place, then what is written there
    edited(
        folder, "commands.c", "  growproc(p, 5 * PGSIZE);\n", "  growproc(p, 5 * PGSIZE);\n  drop(p->pagetable, 0);\n"
    )
    edited(folder, "kernel.h", "void freewalk(", "void drop(pagetable_t pagetable, uint64 va);\nvoid freewalk(")
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "free-and-mapped"), found
    assert found.first.line == line_of(folder, "void drop(")


def test_a_share_before_the_first_prompt_is_counted_too(folder):
    edited(folder, "commands.c", "  sh->state = SLEEPING;\n", "  exit(fork(sh));\n  sh->state = SLEEPING;\n")
    with vm.xv6(folder, options=("LAB=cow", "BUG=not_counted")) as k:
        found = k.follow("cow", run="life", seconds=120)
    assert (found.first.rule, found.first.line) == ("count", line_of(folder, SHARE)), found


def test_a_panic_over_a_page_that_is_still_mapped_names_the_call_that_mapped_it(folder):
    """The tables of the process were forgotten when the first of them was freed, and are read again at the panic."""
    edited(
        folder,
        "proc.c",
        "  uvmunmap(pagetable, TRAPFRAME, 1, 0);\n  uvmfree(pagetable, sz);",
        "  uvmfree(pagetable, sz);",
    )
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert (found.outcome, found.panic) == ("panicked", "freewalk: leaf"), found
    (still,) = [line for line in found.lines if "0x3f_ffff_e000 is still mapped" in line]
    assert "since mappages (" in still


def test_a_panic_of_mappages_tells_what_is_mapped_there(folder):
    edited(
        folder,
        "commands.c",
        "  growproc(p, 5 * PGSIZE);\n",
        "  growproc(p, 5 * PGSIZE);\n  p->sz -= 2 * PGSIZE;\n  growproc(p, PGSIZE);\n",
    )
    with vm.xv6(folder) as k:
        found = k.follow("cow", run="life", seconds=120)
    assert found.panic == "mappages: remap", found
    assert any("0x9000 is still mapped, to frame " in line and "since mappages (" in line for line in found.lines), (
        found.lines
    )


def test_free_pages_are_counted_before_and_after(folder):
    with vm.xv6(folder) as k:
        before, after = k.follow("base", run="life", seconds=120).free
    assert before == after
    assert before > 30_000


def test_a_kernel_that_hangs_is_ended_and_says_where(folder):
    source = folder / "kernel" / "proc.c"
    text = source.read_text()
    source.write_text(text.replace("  child->sz = parent->sz;\n", "  for (;;)\n    ;\n"))
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert found.outcome == "unfinished"
    assert "it hangs" in found.headline
    assert any("fork (proc.c:" in line for line in found.lines)


def test_the_result_for_gradescope(folder, tmp_path, capsys):
    target = tmp_path / "results.json"
    words = ["follow", str(folder), "--run", "life", "--seconds", "120", "--gradescope", str(target), "--points", "10"]
    assert main(words) == 0
    (test,) = json.loads(target.read_text())["tests"]
    assert (test["score"], test["max_score"]) == (10, 10)
    (folder / "kernel" / "kernel").unlink()
    assert main([*words, "--make", "BUG=unmap_short"]) == 1
    (test,) = json.loads(target.read_text())["tests"]
    assert test["score"] == 0
    assert "was to be unmapped" in test["output"]
    (folder / "kernel" / "vm.c").write_text("this is not C\n")
    assert main(words) == 2
    (test,) = json.loads(target.read_text())["tests"]
    assert "error:" in test["output"], "the compiler's own line"


def test_the_command(folder, capsys):
    words = ["follow", str(folder), "--run", "life", "--seconds", "120"]
    assert main([*words, "--lab", "cow", "--make", "LAB=cow", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "nothing found"
    (folder / "kernel" / "kernel").unlink()
    assert main([*words, "--lab", "cow", "--make", "LAB=cow", "--make", "BUG=parent_writes"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{line_of(folder, SHARE)}: Frame 0x87")
    assert "uvmcopy (vm.c:" in out
    assert main([*words, "--stops", "5"]) == 3
    capsys.readouterr()
    (folder / "kernel" / "vm.c").write_text("this is not C\n")
    assert main(words) == 2
    assert "make qemu-gdb failed" in capsys.readouterr().err
    assert main(["follow", str(folder / "kernel")]) == 2
    assert "this is not a folder of xv6-riscv" in capsys.readouterr().err


MAKEFILE = """
U = user
fs.img:
\tmkfs/mkfs fs.img README $U/_sh $U/_ls
qemu-gdb:
\tqemu-system-riscv64 -machine virt -m 128M
"""


def files_of(folder: Path) -> dict[Path, bytes]:
    return {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_bad_input_is_one_sentence_and_changes_nothing(folder, tmp_path, capsys, monkeypatch):
    other = tmp_path / "other"
    (other / "kernel").mkdir(parents=True)
    (other / "Makefile").write_text(MAKEFILE)
    (folder / "kernel" / "proc.c").write_text("this is not C\n")
    only_make = tmp_path / "bin"
    only_make.mkdir()
    for name in ("make", "sh"):
        found = shutil.which(name)
        assert found is not None
        (only_make / name).symlink_to(found)
    for place, run, path, said in (
        (folder, "life", None, "make qemu-gdb failed"),
        (other, "cowtest", None, "puts no program cowtest on xv6's disk; add $U/_cowtest to UPROGS"),
        (other, "ls", only_make, "qemu-system-riscv64 is not installed"),
    ):
        before = files_of(place)
        with monkeypatch.context() as here:
            if path is not None:
                here.setenv("PATH", str(path))
            assert main(["follow", str(place), "--run", run]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err
        assert files_of(place) == before


def test_two_runs_do_not_build_one_folder_at_once(folder, capsys):
    with _building(folder):
        assert main(["follow", str(folder), "--run", "life"]) == 2
    assert "another run is building this kernel now" in capsys.readouterr().err
    assert main(["follow", str(folder), "--run", "life", "--seconds", "120"]) == 0


FINISHER = "  *(volatile int *)0x100000 = %s;\n  for (;;)\n    ;\n"
"""What QEMU's machine "virt" does when 4 bytes are stored there: 0x7777 resets it, 0x5555 ends it."""


def with_finisher(folder: Path, word: str) -> None:
    """The child of the first fork resets the machine, or ends it."""
    for file, was, now in (
        ("proc.c", "  child->sz = parent->sz;\n", FINISHER % word),
        ("vm.c", "  kvmmap(UART0,", "  kvmmap(0x100000, 0x100000, PGSIZE, PTE_R | PTE_W);\n  kvmmap(UART0,"),
    ):
        source = folder / "kernel" / file
        text = source.read_text()
        assert text.count(was) == 1
        source.write_text(text.replace(was, now))


def test_a_kernel_that_reboots_is_not_sound(folder):
    with_finisher(folder, "0x7777")
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=60)
    assert (found.outcome, found.first) == ("unfinished", None)
    assert "it has rebooted" in found.headline


def test_an_emulator_that_ends_is_named(folder, capsys):
    with_finisher(folder, "0x5555")
    with vm.xv6(folder) as k, pytest.raises(Refused, match="QEMU") as said:
        k.follow("base", run="life", seconds=60)
    assert "\n" not in str(said.value)
    assert main(["follow", str(folder), "--run", "life"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_kernel_that_is_built_again_meanwhile_is_followed_as_it_runs(folder):
    with vm.xv6(folder) as k:
        (folder / "kernel" / "kernel").write_bytes(b"another kernel")
        assert k.follow("base", run="life", seconds=120).outcome == "nothing found"


def test_a_guest_is_stopped_when_what_decides_raises(folder):
    def raises() -> bool:
        raise RuntimeError("a callback")

    with vm.xv6(folder) as k:
        with pytest.raises(RuntimeError, match="a callback"):
            k._port.do(lambda gdb: gdb.go(30, raises))
        assert k.go(until="kvminit", seconds=60).startswith("kvminit")


def replaced(folder: Path, file: str, was: str, now: str) -> None:
    """Plant a mistake in a line of the sources."""
    source = folder / "kernel" / file
    text = source.read_text()
    assert text.count(was) == 1
    source.write_text(text.replace(was, now))


def test_a_page_that_no_process_had_names_the_call_in_which_it_was_handed_out(folder):
    replaced(folder, "vm.c", "    char *copy = kalloc();\n", "    kalloc();\n    char *copy = kalloc();\n")
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "lost"), found
    assert found.first.call.startswith("uvmcopy(")
    assert line_of(folder, "char *copy = kalloc();").partition(":")[2] in found.first.line
    before, after = found.free
    assert before > after


def test_at_a_panic_the_page_that_is_still_mapped_is_named(folder):
    replaced(folder, "vm.c", "uvmunmap(pagetable, 0, PGROUNDUP(sz) / PGSIZE, 1);", "uvmunmap(pagetable, 0, 4, 1);")
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert (found.outcome, found.panic, found.first) == ("panicked", "freewalk: leaf", None)
    assert any(line.startswith("0x4000 is still mapped, to frame 0x8") for line in found.lines)


def edited(folder: Path, file: str, was: str, now: str) -> None:
    """Change the kernel's source in one place."""
    source = folder / "kernel" / file
    text = source.read_text()
    assert text.count(was) == 1, was
    source.write_text(text.replace(was, now))


def test_a_size_that_only_fell_is_told_when_the_process_ends(folder):
    edited(folder, "commands.c", "growproc(p, -3 * (long)PGSIZE);", "p->sz -= 8 * PGSIZE;")
    with vm.xv6(folder, options=("LAB=lazy",)) as k:
        found = k.follow("lazy", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "beyond-size"), found
    assert found.first.address == 3 * vm.PAGE, "of 11 pages three are left"


def test_a_count_that_a_fault_forgets_is_found_when_the_fault_returns(folder):
    edited(folder, "vm.c", "uvmunmap(pagetable, va, 1, 1);", "uvmunmap(pagetable, va, 1, 0);")
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        found = k.follow("cow", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "count"), found
    assert found.first.call.startswith(("vmfault(", "uvmunmap(")), "and not where the process ends"


@pytest.mark.parametrize("state", ["ZOMBIE", "USED", "SLEEPING"])
def test_pages_that_are_fewer_are_told_with_who_has_them(folder, state, capsys):
    edited(folder, "commands.c", "exit(child);\n  store(second", f"child->state = {state};\n  store(second")
    status = main(["follow", str(folder), "--run", "life", "--seconds", "120", "--json"])
    found = json.loads(capsys.readouterr().out)
    fewer = found["free_pages"]["before"] - found["free_pages"]["after"]
    assert fewer > 5
    said = [found["break"]["says"]] if found["break"] else found["lines"]
    assert any(line.startswith(f"{fewer} pages fewer are free than before the command: life (") for line in said), said
    assert status == (0 if state == "SLEEPING" else 1), "pages of a living process are no mistake"
    assert (found["break"] or {}).get("rule") == (None if state == "SLEEPING" else "unreaped")


def test_two_processes_with_one_root_are_seen_where_it_is_made(folder):
    edited(
        folder,
        "proc.c",
        "  child->parent = parent;\n",
        "  child->parent = parent;\n  child->pagetable = parent->pagetable;\n",
    )
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "table-shared"), found
    assert "have the same page table" in found.first.says


def test_the_words_of_a_panic_before_the_shell_are_read_to_their_end(folder):
    edited(folder, "proc.c", 'panic("allocproc");', ";")
    edited(
        folder,
        "proc.c",
        "struct proc *p;\n  acquire",
        'struct proc *p;\n  if (!name[0])\n    panic("a name is empty");\n  acquire',
    )
    edited(folder, "commands.c", 'allocproc("sh', 'allocproc("\\0sh')
    with vm.xv6(folder) as k:
        found = k.follow("base", run="life", seconds=60)
    assert (found.outcome, found.panic) == ("panicked", "a name is empty"), found


def test_a_users_page_beside_the_trapframe_is_like_any_other(folder):
    page = "TRAPFRAME - 3 * PGSIZE"
    mapped = f"mappages(p->pagetable, {page}, PGSIZE, (uint64)page, PTE_R | PTE_U);"
    planted = f"char *page = kalloc();\n  {mapped}\n  kfree(page);"
    edited(folder, "commands.c", "growproc(p, 5 * PGSIZE);", f"{planted}\n  growproc(p, 5 * PGSIZE);")
    with vm.xv6(folder) as k:
        found = k.follow("mmap", run="life", seconds=120)
    assert (found.outcome, found.first.rule) == ("broken", "free-and-mapped"), found
    assert found.first.address == (1 << 38) - 5 * vm.PAGE


def test_a_fork_that_takes_the_parents_right_afterwards_is_right(folder):
    """The rule of shared frames holds when fork returns: it does not matter in which order fork clears W."""
    edited(folder, "vm.c", "*pte = PA2PTE(pa) | flags;", ";")
    later = """
  for (uint64 at = 0; at < parent->sz; at += PGSIZE) {
    pte_t *pte = walk(parent->pagetable, at, 0);
    if (pte && (*pte & PTE_V) && (*pte & PTE_W))
      *pte = (*pte & ~PTE_W) | PTE_COW;
  }
  child->sz"""
    edited(folder, "proc.c", "\n  child->sz", later)
    with vm.xv6(folder, options=("LAB=cow",)) as k:
        found = k.follow("cow", run="life", seconds=200)
    assert found.outcome == "nothing found", found
