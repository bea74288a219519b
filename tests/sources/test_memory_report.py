"""Two reports of Linux: memory ran out and a task was killed, or one allocation failed and nobody was."""

from __future__ import annotations

import contextlib
import random

import pytest

import vmwidgets as vm
from vmwidgets.cli import main

HEAD = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
SH = "[   77]     0    77     1000      500    40960        0             0 sh\n"
EAT = "[   88]  1000    88   300000   262144  2400256        0             0 eat\n"
SIZES = "total-vm:1200000kB, anon-rss:1048576kB, file-rss:0kB, shmem-rss:0kB"
KILLED = f"Out of memory: Killed process 88 (eat) {SIZES}\n"
REPORT = f"bash invoked oom-killer: gfp_mask=0x1, order=0\n{HEAD}{SH}{EAT}{KILLED}"
FAILED = """\
kworker/0:1: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)
Node 0 DMA: 1*4kB (U) 0*8kB 1*16kB (U) 0*32kB 0*64kB = 20kB
Node 0 Normal: 100*4kB (UME) 20*8kB (UM) 0*16kB = 560kB
"""


def test_who_was_killed_and_the_largest_tasks():
    found = vm.load(REPORT)
    assert (found.killed.pid, found.killed.name, found.page, found.unsaid) == (88, "eat", 4096, ())
    assert (found.killed.resident, found.killed.mapped, found.killed.tables) == (1 << 30, 1_200_000 << 10, 2_400_256)
    assert [(one.name, one.resident, one.mapped) for one in found.tasks] == [
        ("eat", 262_144 * 4096, 300_000 * 4096),
        ("sh", 500 * 4096, 1000 * 4096),
    ]
    assert found.says == "eat (88) was killed: 1 GiB in memory, of 1.14 GiB mapped; its page tables take 2.29 MiB."
    assert "| sh (77) | 1.95 MiB | 3.91 MiB | 40 KiB |" in found._repr_markdown_()


def test_the_size_of_a_page_is_that_of_the_text():
    """64 KiB: 1,200,000 kB are 18,750 pages, and 1 GiB in memory is 16,384."""
    found = vm.load(REPORT.replace("300000   262144", " 18750    16384"))
    assert (found.page, found.tasks[0].resident, found.tasks[1].resident) == (65536, 1 << 30, 500 << 16)


def test_a_group_has_a_limit_of_its_own():
    found = vm.load(
        f"{HEAD}{EAT}memory: usage 1048572kB, limit 1048576kB, failcnt 117\n"
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,oom_memcg=/docker/x,task_memcg=/docker/x,task=eat\n"
        f"Memory cgroup out of memory: Killed process 88 (eat) {SIZES}, UID:1000 pgtables:2344kB oom_score_adj:0\n"
    )
    assert "group /docker/x" in found.says
    assert "of at most 1 GiB" in found.says
    assert found.killed.tables == 2344 << 10
    assert "group" not in vm.load(REPORT).says


@pytest.mark.parametrize(
    ("head", "row", "expects"),
    [
        ("[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name\n",
         "[   77]    0    77     1000      500       9       3        0             0 sh\n", 12 * 4096),
        ("[  pid  ]  uid  tgid total_vm  rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n",
         "[   77]     0    77     1000   500     400   100    0    40960        0         -1000 my sh\n", 40960),
    ],
    ids=["of 2015", "of 2024"],
)  # fmt: skip  # a head and its row
def test_the_head_of_the_table_names_its_columns(head: str, row: str, expects: int):
    (task,) = vm.load(f"{head}{row}").tasks
    assert (task.pid, task.mapped, task.resident, task.tables) == (77, 1000 * 4096, 500 * 4096, expects)
    assert task.name in ("sh", "my sh")


def test_what_is_missing_is_said():
    assert "which task" in vm.load(HEAD + SH).says
    assert any("4 KiB is assumed" in one for one in vm.load(HEAD + SH).unsaid)
    assert any("no table" in one for one in vm.load(KILLED).unsaid)
    assert any("1 line of the table" in one for one in vm.load(HEAD + "[   7x]  0 1 2\n" + EAT + KILLED).unsaid)
    assert any("at line 6" in one for one in vm.load(REPORT + REPORT).unsaid)


def test_an_allocation_that_fails_kills_nobody():
    """Order 4 is 16 pages; 4 + 16 + 400 + 160 kB are free, and 16 kB is the largest block."""
    found = vm.load(FAILED)
    assert (found.killed, found.tasks) == (None, ())
    assert "16 pages in a row (64 KiB)" in found.says
    assert "580 KiB is free; the largest block has 16 KiB" in found.says


def test_a_kill_is_said_before_a_failure_of_the_same_log():
    """The failure has its own free lists: 4 kB free, and 8 kB in those of the report that follows."""
    failed = FAILED.splitlines()[0] + "\nNode 0 DMA: 1*4kB (U) 0*8kB = 4kB\n"
    found = vm.load(failed + REPORT.replace(HEAD, "Node 0 DMA: 0*4kB 1*8kB (U) = 8kB\n" + HEAD))
    assert found.killed.name == "eat"
    assert found.unsaid == ("Another report is at line 1: load it by itself.",)
    only = vm.load(failed + failed)
    assert "4 KiB is free" in only.says
    assert only.unsaid == ("Another report is at line 3: load it by itself.",)


def test_the_free_lists_give_the_size_of_a_page():
    found = vm.load("sh invoked oom-killer: order=0\nNode 0 Normal: 1*64kB (U) 0*128kB = 64kB\n" + HEAD + SH)
    assert (found.page, found.tasks[0].resident) == (65536, 500 << 16)
    assert not any("assumed" in one for one in found.unsaid)


def test_the_command_prints_the_table_and_has_no_picture(tmp_path, capsys):
    (tmp_path / "log").write_text(REPORT)
    assert main(["read", str(tmp_path / "log")]) == 0
    assert "sh (77)" in capsys.readouterr().out
    assert main(["read", str(tmp_path / "log"), "--to", str(tmp_path / "a.svg")]) == 2
    assert "no picture" in capsys.readouterr().err


def test_damaged_reports_are_read_or_refused():
    chance = random.Random(76)
    for _ in range(300):
        text = [*(REPORT + FAILED)]
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(text))
            match chance.randrange(3):
                case 0:
                    del text[at : at + chance.randrange(1, 40)]
                case 1:
                    text.insert(at, chance.choice("0[]:\n 9-x"))
                case _:
                    text[at:at] = text[at : at + 60]
        with contextlib.suppress(vm.Refused):
            vm.load("".join(text) + "\n")
