"""A life that differs, made shorter: steps are left out as long as something still goes wrong in the same way."""

from __future__ import annotations

from .drawing import Step
from .life import Life
from .outcomes import Difference


def shortened(architecture: str, seed: int, steps: list[Step]) -> Life | None:
    """The shortest life that was found; none where the steps alone show nothing.  O(steps²) at the worst."""
    best = again(architecture, seed, steps, checked=False)
    checked = best is None
    best = best or again(architecture, seed, steps, checked=True)
    if best is None:
        return None
    wanted, size = how(best), max(1, len(best.steps) // 2)
    while True:
        at, shorter = 0, False
        while at < len(best.steps):
            life = again(architecture, seed, [*best.steps[:at], *best.steps[at + size :]], checked=checked)
            if life is not None and how(life) == wanted:
                best, shorter = life, True
            else:
                at += size
        if size == 1 and not shorter:
            return best
        size = max(1, size // 2)


def again(architecture: str, seed: int, steps: list[Step], *, checked: bool) -> Life | None:
    """A life of these steps, up to where it differs; none if it doesn't.  Steps that make no sense are left out."""
    life = Life(architecture, seed)
    life.steps.clear()
    for step in steps:
        if step.outcome in ("access", "peek") or not step.arguments or step.arguments[0] in {
            *life.memory.tasks, *life.memory.files,
        } or step.outcome == "task":  # fmt: skip  # one condition
            try:
                life.perform(step)
                if checked:
                    life.check()
            except Exception as error:  # noqa: BLE001  whatever comes out is what is looked for
                life.difference = Difference(f"{type(error).__name__}: {error}")
                return life
    return None


def how(life: Life) -> str:
    """In which way it differs, without numbers."""
    return "".join(" " if letter.isdigit() else letter for letter in str(life.difference))[:40]
