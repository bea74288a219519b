"""Questions on walks, faults, page tables, frames, and TLBs' contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.units import PAGE, Address, counted
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.engine.mmu.tables_schema import FaultRaised, Walk, decode
from vmwidgets.labs.draws import Draws
from vmwidgets.questions.question import Question
from vmwidgets.views.story.typed import called

from .steps import JournalSteps, Steps, headline
from .subject import COUNTED, LISTED, Subject, asks, before, drawn_first, sentences, with_steps

WORDS = {"read": "reads a byte at", "write": "writes a byte at"}

MOST_PLACES = 24
"""The most addresses that are examined."""

AT = ("at", "address", "start")
"""Arguments that are addresses."""


def walk(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask what the hardware's walk reads right after a step, and how it ends."""
    steps = subject.steps
    if steps is None or not steps.space_path:
        return
    found = []
    for step in draws.shuffled(steps.late)[:6]:
        for address in draws.shuffled(_places(steps))[:6]:
            access = draws.choice(list(WORDS))
            then, before = (_walked(steps, at, address, access) for at in (step, step - 1))
            if then is not None and (len(then.steps) > 1 or then.fault is None):
                found.append((step, address, access, then, before is not None and _end(before) != _end(then)))
    seen = set()
    for step, address, access, then, _ in drawn_first(draws, found, lambda one: bool(one[4])):
        if (end := (len(then.steps), _end(then))) in seen:
            continue
        seen.add(end)
        yield asks(
            f"Right after {steps.named(step)}, user code of `{called(steps.space_path)}` {WORDS[access]} "
            f"`{Address(address)}`. How many descriptors does the hardware's walk read, and does it end in a page, or "
            "in which fault?",
            f"{counted(len(then.steps), 'descriptor')} ({', '.join(one.name for one in then.steps)}); {_end(then)}",
            f"{then.fault_line}: {then.fault.why}"
            if then.fault
            else f"The last one is a {then.steps[-1].layout}, physical {Address((then.pa or 0) & -PAGE)}.",
        )


def _end(found: Walk) -> str:
    return "in a page" if found.fault is None else f"in a fault, {found.fault.kind}"


def _walked(steps: Steps, step: int, address: int, access: str) -> Walk | None:
    with suppress(VMError):
        machine = steps.machine_at(step)
        found: Walk = machine.walk(address, access, user=True, task=machine.part(steps.space_path))
        return found
    return None


def _places(steps: Steps) -> list[int]:
    """Return addresses in entries and calls, and addresses some pages after them."""
    space = steps.machine_at(len(steps)).part(steps.space_path)
    entries = space.map.entries() if isinstance(space, Task) else ()
    ends = {place for one in entries for place in (one.start, one.end - PAGE, one.end)}
    ends |= {one + more for one in _named(steps) for more in (0, PAGE)}
    places = [one for one in sorted(ends) if one >= 0]
    return places[:: 1 + len(places) // MOST_PLACES]


def _named(steps: Steps) -> set[int]:
    """Return addresses in calls' arguments and results."""
    if not isinstance(steps, JournalSteps):
        return set()
    done = [steps.operation(step) for step in steps.late]
    given = {
        value
        for one in done
        for name, value in one.arguments
        if name in AT and isinstance(value, int) and not isinstance(value, bool)
    }
    return {value & -PAGE for value in given | {one.result for one in done if isinstance(one.result, Address)}}


def fault(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the outcome of an access by user code now: no fault, a page, or a signal."""
    steps = subject.steps
    if steps is None or not steps.space_path.startswith("task:"):
        return
    found: dict[str, tuple[int, str, str]] = {}
    bare = [one for one in steps.branch().part(f"{steps.space_path}/map").entries() if one.object is None]
    promised = [
        one for one in draws.shuffled(_places(steps)) if not any(entry.start <= one < entry.end for entry in bare)
    ]  # no program would use memory without an object: it faults forever
    for address in promised[:5]:
        access = draws.choice(list(WORDS))
        answer, why = _touched(steps, address, access)
        found.setdefault(answer, (address, access, why))
    for answer, (address, access, why) in found.items():
        yield asks(
            f"As it is now, at the end: user code of `{called(steps.space_path)}` {WORDS[access]} "
            f"`{Address(address)}`. What happens: no fault, a page fault that the kernel resolves, or a signal?",
            answer,
            why,
        )


def _touched(steps: Steps, address: int, access: str) -> tuple[str, str]:
    """Return the outcome of an access by user code after all steps, and why."""
    machine = steps.branch()
    task = machine.part(steps.space_path)
    earlier, failed = len(task.signals), False
    try:
        task.touch(address, access)
    except VMError:
        failed = True
    done = machine.journal.last
    kind = next((one.kind for one in done.events if isinstance(one, FaultRaised)), "")
    signals = task.signals[earlier:]
    end = f"the signal {signals[-1].name}" if signals else "the kernel gives up"
    if not failed:
        resolved = f"a page fault ({kind}); the kernel resolves it, and the access goes on"
        return resolved if kind else "no fault: the page tables allow it", headline(machine, done)
    return f"a page fault ({kind}), and then {end}" if kind else end, headline(machine, done)


Measure = Callable[[Machine, str], int]


def _tables(machine: Machine, path: str) -> int:
    return len(machine.part(path).space.pmap.tables)


def _frames(machine: Machine, path: str) -> int:
    return len({frame for _, frame in machine.part(path).space.pmap.managed()})


def _measured(steps: Steps, measure: Measure) -> dict[int, int]:
    def here(step: int) -> int:
        try:
            return measure(steps.machine_at(step), steps.space_path)
        except VMError:  # the part did not exist yet
            return 0

    return steps.along(here)


def tables(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which steps created page tables."""
    steps = subject.steps
    if steps is None or not steps.space_path or not 2 <= len(steps) <= LISTED:
        return
    found = _measured(steps, _tables)
    more = [step for step in steps.late if found[step] > found[step - 1]]
    if not more or len(more) == len(steps):
        return
    each = ", ".join(f"{found[step] - found[step - 1]} by {steps.noun} {step}" for step in more)
    text = f"Which of your {steps.noun}s had page tables of `{called(steps.space_path)}` allocated, and how many each?"
    yield asks(with_steps(text, steps), each, steps.why(more[0]))


def frames(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask how many frames the page tables map."""
    steps = subject.steps
    if steps is None or not steps.space_path.startswith("task:"):
        return
    found = _measured(steps, _frames)
    changed = [step for step in steps.late if found[step] != found[step - 1]]
    for step in drawn_first(draws, changed, lambda one: found[one] - found[one - 1] != 1):
        yield asks(
            f"To how many frames did the page tables of `{called(steps.space_path)}` lead right after "
            f"{steps.named(step)}?{before(found[step - 1])}",
            f"to {counted(found[step], 'frame')}",
            f"Before it, to {found[step - 1]:,}. {steps.why(step)}",
        )


def slots(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask how many of its own slots a domain used."""
    steps = subject.steps
    if steps is None or not steps.space_path.startswith("domain:"):
        return
    found = _measured(steps, lambda machine, path: len(machine.part(path).slots))
    easy = [step for step in steps.late if abs(found[step] - found[step - 1]) <= COUNTED]
    for step in drawn_first(draws, easy, lambda one: found[one] - found[one - 1] not in (0, 1)):
        more = found[step] - found[step - 1]
        how = f"{counted(more, 'slot')} more" if more >= 0 else f"{counted(-more, 'slot')} fewer"
        yield asks(
            f"How many slots did domain `{called(steps.space_path)}` use right after {steps.named(step)}?"
            f"{before(found[step - 1])}",
            counted(found[step], "slot"),
            f"That is {how} than before it. {steps.why(step)}",
        )


def stale(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which TLBs have stale entries after a step between an edit and the last flush."""
    steps = subject.steps
    if steps is None or len(steps.machine_at(0).cpus) < 2:
        return
    for step in draws.shuffled(steps.late):
        left = {cpu.path: len(cpu.stale) for cpu in steps.machine_at(step).cpus if cpu.stale}
        if left:
            each = ", ".join(f"{count} in the TLB of `{called(path)}`" for path, count in left.items())
            yield asks(
                f"Right after {steps.named(step)}: how many entries of TLBs are no longer true, and on which "
                "processors?",
                each,
                f"{steps.why(step)} A TLB keeps an entry until the entry is flushed there.",
            )


def bits(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which bits of a descriptor a step changed, and for their names."""
    steps = subject.steps
    if not isinstance(steps, JournalSteps):
        return
    for step in draws.shuffled(steps.late):
        operation = steps.operation(step)
        if operation.name != "set_descriptor" or not isinstance(operation.result, int):
            continue
        given = dict(operation.arguments)
        before, after = operation.result, int(given["value"])
        names = _fields(steps, step, int(given["pa"]), before ^ after)
        if before != after and names:
            yield asks(
                f"{steps.named(step).capitalize()}: which bits of the descriptor did it change, and what are they for?",
                "; ".join(names),
                f"It was `{Address(before)}`, and became `{Address(after)}`.",
            )


def _fields(steps: JournalSteps, step: int, pa: int, changed: int) -> list[str]:
    """Return the changed fields of a descriptor, with bits and meaning."""
    machine = steps.machine_at(step)
    edits = [edit for edit in machine.descriptor_edits if edit.pa == pa]
    if not edits:
        return []
    found = machine.walk(edits[-1].va, task=edits[-1].space or None)
    for one in found.steps:
        if one.pa == pa:
            return [
                sentences([f"bits {bit.field.high}:{bit.field.low}, {bit.field.name}:", bit.field.meaning])
                if bit.field.high > bit.field.low
                else sentences([f"bit {bit.field.low}, {bit.field.name}:", bit.field.meaning])
                for bit in decode(one.fields, one.value)
                if bit.field.mask & changed
            ]
    return []


def room(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask how many slots of the kentry area are free, if there are few."""
    steps = subject.steps
    if steps is None or steps.map_path != "kernel_map":
        return
    found = steps.along(lambda step: _free(steps.machine_at(step)))
    for step in drawn_first(draws, steps.late, lambda one: found[one] != found[one - 1]):
        yield asks(
            f"How many slots of the kentry area were free right after {steps.named(step)}?{before(found[step - 1])}",
            counted(found[step], "slot"),
            f"Before it: {found[step - 1]:,}. {steps.why(step)}",
        )


def _free(machine: Machine) -> int:
    area = machine.kentry.area
    used = sum(area.start <= one.address < area.end for one in machine.kernel_map.entries())
    return machine.kentry.room - used
