"""The judge: lives from seeds, where they differ from Linux, and the shortest life that does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import vmwidgets as vm
from tests.engine.machine.linux.life import Difference, Life, Setting
from tests.engine.machine.linux.steps import Drawing, Step
from vmwidgets.real.linux.processes import Linux

ARCHITECTURES = ("x86-64", "aarch64", "riscv-sv39", "armv7")
STEPS = 150
"""Steps of a life, as they are drawn."""


@dataclass(frozen=True)
class Outcome:
    """What came of a life: the steps by kind, the failures, and where it differed, if it did."""

    counts: Counter[str]
    failures: Counter[str]
    difference: str
    lines: tuple[str, ...]
    steps: tuple[Step, ...]


def live(linux: Linux, setting: Setting, steps: Callable[[list[str]], Step | None]) -> Outcome:
    """Live a life to its end, or to where it differs; `steps` gives each step, from who lives."""
    life, done, difference = Life(linux, setting), [], ""
    try:
        while (step := steps(sorted(life.real))) is not None:
            done.append(step)
            life.perform(step)
        life.compare_all()
    except Difference as found:
        difference = str(found)
    except (vm.VMError, vm.Broken) as error:  # none of these may end a step
        difference = f"{life.lines[-1]}: {type(error).__name__}: {error}"
    finally:
        life.close()
    return Outcome(life.counts, life.failures, difference, tuple(life.lines), tuple(done))


def drawn_life(linux: Linux, architecture: str, seed: int) -> Outcome:
    """The life of a seed."""
    setting, left = Setting.drawn(architecture, seed), iter(range(STEPS))
    drawing = Drawing(seed, setting.tasks)

    def next_step(living: list[str]) -> Step | None:
        return None if next(left, None) is None else drawing.step(living)

    return live(linux, setting, next_step)


def replayed(linux: Linux, setting: Setting, steps: tuple[Step, ...]) -> Outcome:
    """The life of these steps."""
    rest = iter(steps)
    return live(linux, setting, lambda _: next(rest, None))


def shrunk(linux: Linux, setting: Setting, outcome: Outcome) -> Outcome:
    """A life that differs too, with as many steps left out as can be, one after the other."""
    size = len(outcome.steps) // 2
    while size:
        start = 0
        while start < len(outcome.steps):
            tried = replayed(linux, setting, outcome.steps[:start] + outcome.steps[start + size :])
            if tried.difference:
                outcome = tried
            else:
                start += size
        size //= 2
    return outcome


def script(outcome: Outcome) -> str:
    """A life that differs, as Python that can be pasted."""
    head = ["import vmwidgets as vm", "from contextlib import suppress", *outcome.lines]
    return "\n".join([*head, f"# {outcome.difference}"])


@dataclass
class Judgement:
    """What came of many lives: how often each kind of step was asked, and the first life that differs, as a script."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    lives: int = 0
    seed: int | None = None
    """That of the life that differs; none where none does."""
    script: str = ""

    @property
    def steps(self) -> int:
        """How many were asked in all."""
        return self.counts.total()

    def table(self) -> str:
        """Kinds and their shares, the most frequent first; then failures, which are outcomes of steps."""
        rows = [f"{kind:24} {count:7,} {count / self.steps:7.2%}" for kind, count in self.counts.most_common()]
        failures = ", ".join(f"{count:,} {name}" for name, count in self.failures.most_common())
        return "\n".join([*rows, f"{self.lives:,} lives, {self.steps:,} steps; failures: {failures}"])


def judge(linux: Linux, architecture: str, first: int, steps: int) -> Judgement:
    """Live the lives from seed `first` on until so many steps were asked, or one differs, which is then shrunk."""
    found = Judgement()
    for seed in count(first):
        if found.steps >= steps:
            break
        outcome = drawn_life(linux, architecture, seed)
        found.counts += outcome.counts
        found.failures += outcome.failures
        found.lives += 1
        if outcome.difference:
            shortest = shrunk(linux, Setting.drawn(architecture, seed), outcome)
            found.seed, found.script = seed, f"# seed {seed} of {architecture}\n{script(shortest)}"
            break
    return found
