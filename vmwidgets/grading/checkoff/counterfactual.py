"""Counterfactuals: the work repeated without a step, or with two steps swapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations
from typing import Any

from vmwidgets.engine.base.units import Address, counted, listed
from vmwidgets.labs.criterion import Criterion
from vmwidgets.labs.draws import Draws
from vmwidgets.questions.question import Again, Question
from vmwidgets.views.story.typed import value

from .steps import JournalSteps, Outcome, Steps
from .subject import LISTED, Subject, asks, choices, sentences, with_steps

MOST_RUNS = 12
"""The most runs for one kind of question."""

MOST_OPERATIONS = 20_000
"""The most operations of all runs for one kind of question."""


def without(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which steps could be left out, and what is lost without a necessary step."""
    steps = subject.steps
    if steps is None or not (runs := _runs(steps)):
        return
    tried = draws.shuffled([step for step in steps.late if not steps.is_trivial(step)])[:runs]
    found = {}
    for step in tried:
        with suppress(Again):
            found[step] = steps.without(step)
    needless = [step for step, outcome in found.items() if not lost(steps.whole, outcome)]
    needed = [step for step in found if step not in needless]
    if len(found) == len(steps) <= LISTED and needless and needed:
        text = (
            f"Which of your {steps.noun}s could be left out without losing a point, each by itself? "
            f"(All others stay as they are.)"
        )
        example = f"Without {steps.noun} {needed[0]}: {said_of(steps.whole, found[needed[0]])}."
        yield asks(with_steps(text, steps), choices(steps, needless), example)
    for step in needed:
        yield asks(
            f"Leave out {steps.named(step)}. All others stay as you typed them. What does your result lose?",
            said_of(steps.whole, found[step]),
            sentences([f"What it did: {steps.why(step)}", _capital(failed(steps, found[step]))]),
        )


def order(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask what differs if two steps are swapped."""
    steps = subject.steps
    if steps is None or not (runs := _runs(steps)):
        return
    pairs = list(combinations(steps.late, 2))
    pairs = [pair for pair in pairs if not any(map(steps.is_trivial, pair))]
    near = [pair for pair in pairs if pair[1] - pair[0] == 1]
    others = draws.shuffled([pair for pair in pairs if pair not in near])
    for one, other in [*draws.shuffled(near), *others][:runs]:
        if steps.typed(one) == steps.typed(other):
            continue
        try:
            outcome = steps.exchanged(one, other)
        except Again:
            continue
        if answer := _differs(steps, outcome):
            yield asks(
                f"Exchange {steps.noun}s {one} and {other} of {len(steps)}, `{steps.typed(one)}` and "
                f"`{steps.typed(other)}`: the later one comes first. Everything else stays. What differs then: points, "
                f"the result of a {steps.noun}, or the entries at the end?",
                answer,
                f"As it was: {steps.why(other)}",
            )


def lost(before: Outcome, after: Outcome) -> list[tuple[Criterion, Criterion]]:
    """Return the criteria that lost points, each before and after; if nothing can be judged now, all criteria."""
    if not after.criteria:
        return [(one, one) for one in before.criteria]
    pairs = zip(before.criteria, after.criteria, strict=False)
    return [(one, other) for one, other in pairs if other.points < one.points]


def said_of(before: Outcome, after: Outcome) -> str:
    """Return how many points a run lost or gained, compared with the original run, and why."""
    if not after.criteria:
        return f"{counted(before.points, 'point')}, all of them: {after.end}"
    worse = lost(before, after)
    if not worse:
        more = after.points - before.points
        return f"nothing: it gains {counted(more, 'point')}" if more > 0 else "nothing"
    total = sum(a.points - b.points for a, b in worse)
    whys = [_why(a, b) for a, b in worse]
    return (
        f"{counted(total, 'point')}: {'; '.join(f'{why}{_found(b)}' for why, (_, b) in zip(whys, worse, strict=True))}"
    )


def _why(before: Criterion, after: Criterion) -> str:
    """Return why a criterion has fewer points: it fails, or can't be judged now."""
    if after.first:
        return f"“{before.sentence}” is not judged, since you would first have to {after.first}"
    return f"“{before.sentence}” no longer holds" if before.met else after.sentence.partition(": ")[0]


def _found(criterion: Criterion) -> str:
    return f" (found: {criterion.actual})" if criterion.actual else ""


def failed(steps: Steps, outcome: Outcome) -> str:
    """Return, in words, which step fails in this run but not in the original run."""
    for step, (said, _) in outcome.results.items():
        if said != "done" and steps.whole.results.get(step, ("", None))[0] == "done":
            return f"{steps.noun} {step} then fails: {said}"
    return ""


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _differs(steps: Steps, outcome: Outcome) -> str:
    """Return how a run differs from the original; "" if no difference is known."""
    parts = []
    if outcome.points != steps.whole.points:
        worse = said_of(steps.whole, outcome)
        parts.append(f"it loses {worse}" if lost(steps.whole, outcome) else worse.removeprefix("nothing: "))
    parts += [failed(steps, outcome)]
    results = []
    for step, (said, result) in outcome.results.items():
        then = steps.whole.results.get(step)
        if said == "done" and then is not None and then != (said, result) and isinstance(result, (int, bytes)):
            instead = f"(not {value('', then[1])})" if then[0] == "done" else "and does not fail"
            results.append(f"{steps.noun} {step} gives {value('', result)} {instead}")
    if results:
        parts.append(f"by the old numbers, {listed(results)}")
    if not any(parts) and isinstance(steps, JournalSteps) and (now := _entries(steps, outcome)) is not None:
        before = _entries(steps, steps.whole) or []
        if len(now) != len(before):
            parts.append(f"the map has {counted(len(now), 'entry')} at the end, not {len(before):,}")
        elif now != before:
            place = next(a[0] for a, b in zip(now, before, strict=True) if a != b)
            parts.append(f"the map has other entries at the end, the first at {Address(place)}")
    return "; ".join(part for part in parts if part)


def _entries(steps: Steps, outcome: Outcome) -> list[tuple[Any, ...]] | None:
    machine = getattr(outcome.thing, "machine", outcome.thing)
    if not steps.map_path or machine is None:
        return None
    entries = machine.part(steps.map_path).entries()
    return [(one.start, one.end, one.flags, _named(one.object), one.offset) for one in entries]


def _named(name: str | None) -> str | None:
    """Return an object by its name; memory without a name is numbered in order of creation."""
    return "memory" if name is not None and name.startswith("memory ") else name


def _runs(steps: Steps) -> int:
    """Return how many runs are allowed: fewer for long journals, none for very long ones, or if no two can differ."""
    if len(steps) < 2:
        return 0
    runs = min(MOST_RUNS, MOST_OPERATIONS // len(steps.machine_at(len(steps)).journal))
    return runs if runs and steps.whole.criteria else 0
