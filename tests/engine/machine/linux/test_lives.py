"""What tasks do is what processes of Linux do: random lives, and short ones about what random lives have found."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.engine.machine.linux.judge import ARCHITECTURES, judge, replayed, script
from tests.engine.machine.linux.life import Setting
from tests.engine.machine.linux.steps import HEAP, PAGE, STACK_TOP, WEIGHTS, WINDOW, Step
from vmwidgets.real.linux.processes import Linux, why_not

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=f"only Linux can say what Linux does. {why_not()}"),
]

STEPS = 1200
"""Of each architecture, in `make test`; `python -m tests.engine.machine.linux.sweep` does 100,000."""
KINDS = {*WEIGHTS, "start", "brk grows", "brk shrinks"} - {"brk"}
STACK = STACK_TOP - 5 * PAGE

SHORT = {
    "a heap that shrank while a child shared it": (
        Step("brk", "t1", (HEAP + 4 * PAGE,)),
        Step("write", "t1", (HEAP, b"<secret>", 2048, 0)),
        Step("fork", "t1", ("t2",)),
        Step("brk", "t1", (HEAP + 2 * PAGE,)),
        Step("exit", "t2"),
        Step("write", "t1", (HEAP, b"x", 1, 0)),
        Step("brk", "t1", (HEAP + 4 * PAGE,)),
        Step("read", "t1", (HEAP + 2 * PAGE, PAGE, 0)),
    ),
    "a stack that shrank and grows while a child shares it": (
        Step("mmap stack", "t1", (1,)),
        Step("write", "t1", (STACK, b"<secret>", 2560, 0)),
        Step("fork", "t1", ("t2",)),
        Step("munmap stack", "t1", (1,)),
        Step("write", "t1", (STACK, b"x", 1, 0)),
        Step("read", "t1", (STACK + PAGE, PAGE, 0)),
    ),
    "a stack that shrank while a child shared it": (
        Step("mmap stack", "t1", (1,)),
        Step("write", "t1", (STACK, b"<secret>", 2560, 0)),
        Step("fork", "t1", ("t2",)),
        Step("munmap stack", "t1", (1,)),
        Step("exit", "t2"),
        Step("write", "t1", (STACK_TOP - PAGE, b"x", 1, 0)),
        Step("read", "t1", (STACK, 4 * PAGE, 0)),
    ),
    "what may be written may be read, before it is written and after": (
        Step("mmap private anonymous", "t1", (WINDOW, 1, "w", "private", "", 0)),
        Step("read", "t1", (WINDOW, 16, 0)),
        Step("write", "t1", (WINDOW, b"x", 1, 0)),
        Step("read", "t1", (WINDOW, 16, 0)),
    ),
    "what may not be executed may not after it was read": (
        Step("mmap private anonymous", "t1", (WINDOW, 1, "rw", "private", "", 0)),
        Step("execute", "t1", (WINDOW,)),
        Step("write", "t1", (WINDOW, b"x", 1, 0)),
        Step("execute", "t1", (WINDOW,)),
    ),
    "dontneed passes a hole over, and then says so": (
        Step("mmap private anonymous", "t1", (WINDOW, 1, "rw", "private", "", 0)),
        Step("mmap private anonymous", "t1", (WINDOW + 2 * PAGE, 1, "rw", "private", "", 0)),
        Step("write", "t1", (WINDOW, b"x", 1, 0)),
        Step("write", "t1", (WINDOW + 2 * PAGE, b"x", 1, 0)),
        Step("dontneed", "t1", (WINDOW, 3)),
        Step("read", "t1", (WINDOW + 2 * PAGE, 16, 0)),
    ),
    "a mapping in the place of another needs no more room": (
        Step("mmap private anonymous", "t1", (WINDOW, 4, "rw", "private", "", 0)),
        Step("limit", "t1", (4,)),
        Step("mmap private anonymous", "t1", (WINDOW + PAGE, 3, "r", "private", "", 0)),
    ),
    "a stack grows no further than the limit of addresses": (
        Step("mmap stack", "t1", (1,)),
        Step("limit", "t1", (3,)),
        Step("write", "t1", (STACK_TOP - 3 * PAGE, b"x", 1, 0)),
        Step("write", "t1", (STACK_TOP - 4 * PAGE, b"x", 1, 0)),
    ),
}
"""Lives of a few steps: what a task t1 and its child do."""


@pytest.fixture(scope="module")
def linux():
    with Linux() as started:
        yield started


def test_lives_are_those_of_linux_and_ask_for_each_kind_of_step_often_enough(linux):
    counts, failures = Counter[str](), Counter[str]()
    for number, architecture in enumerate(ARCHITECTURES):
        found = judge(linux, architecture, 1000 * number, STEPS)
        assert not found.script, found.script
        counts += found.counts
        failures += found.failures
    rare = {kind: counts[kind] / counts.total() for kind in KINDS if counts[kind] < counts.total() / 100}
    assert not rare, rare
    assert set(failures) == {"FAULT", "ACCES", "IO", "NOMEM"}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("steps", SHORT.values(), ids=SHORT)
def test_short_lives_are_those_of_linux(linux, steps, architecture):
    outcome = replayed(linux, Setting(architecture), (Step("start", "t1"), *steps))
    assert not outcome.difference, script(outcome)
    assert outcome.counts.total() == len(steps) + 1
