"""Random lives of tasks, threads, processors, objects and slow files against plain bytes; policies against paper.

``python -m tests.engine.machine.plain_lives`` lives at length, and prints what the lives did.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.engine.machine.plain_lives.__main__ import sweep
from tests.engine.machine.plain_lives.counting import shares, table
from tests.engine.machine.plain_lives.drawing import Step
from tests.engine.machine.plain_lives.life import ARCHITECTURES, Life
from tests.engine.machine.plain_lives.memory import Cell, Memory, Page, PlainTask
from tests.engine.machine.plain_lives.mutations import BUGS, ENOUGH, found_in_process, put_back, row
from tests.engine.machine.plain_lives.outcomes import Difference, Got, Outcomes
from tests.engine.machine.plain_lives.policies import life, optimal_life
from tests.engine.machine.plain_lives.shrinking import shortened

SAMPLE = {0: 160, 1: 160, 2: 120}
"""Steps by seed: with memory enough, with few frames, and with flushes that wait."""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("seed", SAMPLE)
def test_a_life_is_as_plain_bytes_have_it(architecture: str, seed: int) -> None:
    Life(architecture, seed).live_or_tell(SAMPLE[seed])


@pytest.mark.sweep
def test_each_kind_of_step_is_one_in_a_hundred() -> None:
    counts, found = sweep("x86-64", 12, 2_000)
    assert not found, "\n\n".join(found)
    rare = {kind: f"{share:.2%}" for kind, share in shares(counts).items() if share < 0.01}
    assert not rare, table(counts)


@pytest.mark.sweep
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_hundred_thousand_steps_are_as_plain_bytes_have_them(architecture: str) -> None:
    made, found = sweep(architecture, 1000, 100_000)
    print(table(made))
    assert not found, "\n\n".join(found[:3])


@pytest.mark.parametrize("policy", ["second chance", "lru", "clock", "function"])
def test_the_page_that_leaves_is_that_of_paper(policy: str) -> None:
    counts = sum((life("x86-64", policy, seed, 120) for seed in range(4)), Counter[str]())
    assert all(counts[kind] >= 5 for kind in ("touch", "write", "wire", "munmap")), counts


@pytest.mark.sweep
def test_a_function_chooses_as_often_as_it_is_asked() -> None:
    assert life("x86-64", "function", 0, 30_000).total() > 20_000


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_as_few_pages_come_as_by_beladys_rule(seed: int, alone: bool) -> None:
    assert optimal_life("x86-64", seed, 50, alone=alone)


# ---- bugs that were mended, put back one at a time -------------------------------------------


@pytest.mark.parametrize("name", BUGS)
def test_each_bug_can_be_put_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mended = [patch.function for patch in BUGS[name].patches]
    put_back(name, monkeypatch.setattr)
    broken = [patch.function for patch in BUGS[name].patches]
    assert all(map(callable, mended + broken))
    assert not any(one is other for one, other in zip(mended, broken, strict=True))


@pytest.mark.sweep
@pytest.mark.parametrize("name", BUGS)
def test_each_bug_is_found_within_a_hundred_thousand_steps(name: str) -> None:
    findings = found_in_process(name, 24, 100_000, 1e9)
    assert sum(bool(one.difference) for one in findings) >= ENOUGH * len(findings), row(name, findings)


@pytest.mark.parametrize("name", ["freed bytes come back", "a page that could not go counts as used"])
def test_a_bug_that_is_put_back_is_found(name: str) -> None:
    findings = found_in_process(name, 2, 2_000, 1e9)
    assert all(one.difference for one in findings), row(name, findings)


# ---- the judges themselves: they find what is put before them --------------------------------


class Forgets(Life):
    """A life whose machine loses the bytes of one write."""

    def line(self, line: str) -> object:
        return super().line("None" if ".write(0x2" in line else line)


def test_writes_that_are_lost_are_found() -> None:
    with pytest.raises(Difference, match="x86-64, seed 0"):
        Forgets("x86-64", 0).live_or_tell(400)


def test_a_life_that_differs_is_told_as_python_that_runs() -> None:
    one = Life("x86-64", 0)
    one.live(25)
    script = one.script()
    names: dict[str, object] = {}
    exec(script, names)
    machine = names["m"]
    assert [each.outcome for each in machine.journal] == [each.outcome for each in one.m.journal]  # type: ignore[attr-defined]


def test_a_life_is_shortened_to_the_steps_that_matter() -> None:
    wrong = Step("read", ("m.tasks['t1'].read(0x100000, 1)",), "access", ("t1", 0x100000, "read", 2))
    made = Step(
        "mmap", ("m.tasks['t1'].mmap(4096, 'rw', 'private fixed', at=0x100000)",), "mmap",
        ("t1", 4096, "rw", "private fixed", 0x100000, "", 0),
    )  # fmt: skip  # arguments in rows
    idle = [Step("run", ("m.tick()",))] * 9
    tasks = [Step("task", ("m.task('t1')",), "task", ("t1",))]
    short = shortened("x86-64", 0, [*tasks, *idle, made, *idle, wrong])
    assert short is not None
    assert [step.kind for step in short.steps if step.kind != "task"] == ["mmap", "read"]


def test_plain_bytes_know_posix() -> None:
    memory = Memory(tasks={"t": PlainTask(0, 1 << 30, (1 << 20, 1 << 20))}, files={"f": bytearray(b"abc")})
    outcomes, pages = Outcomes(memory, "x86-64"), memory.tasks["t"].pages
    pages[0x1_0000] = Page(Cell(), "rw")
    pages[0x1_1000] = Page(Cell(file="f"), "rw")
    outcomes.access(Got("", None), "t", 0x1_0FFE, "write", b"wxyz")
    outcomes.fork(Got("", None), "t", "u")
    outcomes.access(Got("", None), "t", 0x1_0FFE, "write", b"1234")
    outcomes.access(Got("", b"wxyz"), "u", 0x1_0FFE, "read", 4)
    assert memory.files["f"] == b"abc"
    with pytest.raises(Difference, match="and not FAULT"):
        outcomes.access(Got("", b"?"), "t", 0x1_2000, "read", 1)
    with pytest.raises(Difference, match="had to be done"):
        outcomes.access(Got("NOMEM", None), "t", 0x1_0000, "read", 1)
    outcomes.access(Got("NOMEM", None, frozenset({"NOMEM"})), "t", 0x1_0000, "read", 1)
    outcomes.mprotect(Got("FAULT", None), "t", 0x1_0000, 0x4000, "r")
    assert pages[0x1_0000].prot == "rw"
