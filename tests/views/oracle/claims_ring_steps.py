"""What steps claim of page replacement: the policy, its rings, the hand, counters and reference bits."""

from __future__ import annotations

from vmwidgets.engine.memory.replacement_schema import ReplacementValue, RingPage, RingValue

from .claiming import Said, claim
from .reading import number
from .steps import Gone, StepSeen, Then, earlier_steps


def rings(then: Then) -> ReplacementValue:
    """The policy and its rings."""
    value: ReplacementValue = then.value("replacement")
    return value


def ring(then: Then, name: str) -> RingValue:
    """A ring by its name; an empty one is in no value."""
    return rings(then).rings.get(name, RingValue(name, (), 0))


def page(then: Then, name: str, frame: int) -> RingPage | None:
    """The page in a frame, where the ring has it."""
    return next((one for one in ring(then, name).pages if one.frame == frame), None)


@claim("object events: ReplacementChosen")
def chosen(seen: StepSeen, said: Said) -> None:
    assert rings(seen.then).policy == said["after"]


@claim("object events: RingMoved/in")
def came_in(seen: StepSeen, said: Said) -> None:
    """It may have been in it before: then at another place, for an event that this step tells as well."""
    found = page(seen.then, seen.about, number(said["frame"]))
    assert found is not None
    assert page(seen.before, seen.about, found.frame) is None


@claim("object events: RingMoved/out")
def went_out(seen: StepSeen, said: Said) -> None:
    frame = number(said["frame"])
    assert page(seen.before, seen.about, frame) is not None
    assert page(seen.then, seen.about, frame) is None


@claim("object events: RingMoved/again")
def came_in_again(seen: StepSeen, said: Said) -> None:
    """It was in a ring before, in this operation or when that began."""
    came_in(seen, said)
    frame, steps = number(said["frame"]), len(seen.moment.story.steps)
    assert any(
        one.frame == frame
        for then in reversed(earlier_steps(seen, steps))
        for value in rings(then).rings.values()
        for one in value.pages
    )


def lately(seen: StepSeen, frame: int, steps: int = 8) -> list[RingPage]:
    """The page in a frame at the step before and at those before it, the latest first, where the ring has it."""
    found = [page(then, seen.about, frame) for then in (seen.before, *earlier_steps(seen, steps))]
    return [one for one in found if one is not None]


def is_at(seen: StepSeen, one: RingPage, said: Said) -> bool:
    """Whether a task has the page there; of several that have it the value names one."""
    if said["task"] not in seen.machine.tasks:  # it was killed later, and its tables are gone
        assert said["task"] in seen.started.tasks
        raise Gone(said["task"])
    return (one.task, one.va) == (said["task"], number(said["page"])) or (one.task != "" and one.others > 0)


@claim("object events: RingMoved/evicted")
def evicted(seen: StepSeen, said: Said) -> None:
    """What processors drop of it is told before."""
    went_out(seen, said)
    frame = number(said["frame"])
    assert any(is_at(seen, one, said) for steps in (8, 64) for one in lately(seen, frame, steps)), (
        "tables can go before"
    )
    assert not any(is_at(seen, one, said) and not one.others for one in ring(seen.then, seen.about).pages)


@claim("object events: RingMoved/evicted, mapped nowhere")
def evicted_unmapped(seen: StepSeen, said: Said) -> None:
    went_out(seen, said)
    assert [one.task for one in lately(seen, number(said["frame"]))][:1] == [""]


@claim("object events: RingMoved/behind")
def went_behind(seen: StepSeen, said: Said) -> None:
    frame = number(said["frame"])
    assert page(seen.before, seen.about, frame) is not None
    assert ring(seen.then, seen.about).pages[-1].frame == frame


@claim("object events: PagesAged")
def aged(seen: StepSeen, said: Said) -> None:
    """Each counter is its half, with a bit or without; after several ticks that again, without a bit."""
    notes = {one.frame: (one.note, one) for one in ring(seen.then, seen.about).pages}
    changed = {}
    for one in ring(seen.before, seen.about).pages:
        after = notes[one.frame][0]
        if one.note != after:
            changed[one.frame] = one.note, after
    assert len(changed) == number(said["count"])
    if not said.plural:
        assert number(said["frame"]) in changed
    for before, after in changed.values():
        halves = [(before >> 1 | bit << 7) >> ticks for bit in (0, 1) for ticks in range(9)]
        assert after in halves


@claim("object events: HandMoved")
def hand_moved(seen: StepSeen, said: Said) -> None:
    before, after = ring(seen.before, seen.about), ring(seen.then, seen.about)
    assert [one.frame for one in after.pages] == [one.frame for one in (*before.pages[1:], before.pages[0])]


def looked_at(seen: StepSeen, said: Said) -> RingPage:
    """The page that the hand is at, which is in the frame that is said."""
    found = ring(seen.then, seen.about).pages[0]
    assert found.frame == number(said["frame"])
    return found


@claim("object events: HandLooked/used")
def hand_found_used(seen: StepSeen, said: Said) -> None:
    found = looked_at(seen, said)
    assert is_at(seen, found, said)
    assert not found.referenced
    assert any(one.referenced for one in lately(seen, found.frame))


@claim("object events: HandLooked/unused")
def hand_found_unused(seen: StepSeen, said: Said) -> None:
    found = looked_at(seen, said)
    assert is_at(seen, found, said)
    assert not found.referenced


@claim("object events: HandLooked/unused, mapped nowhere")
def hand_found_unmapped(seen: StepSeen, said: Said) -> None:
    assert looked_at(seen, said).task == ""


@claim("object events: HandLooked/kept")
def hand_passed(seen: StepSeen, said: Said) -> None:
    """It stays, with the bit that it had."""
    found = looked_at(seen, said)
    assert lately(seen, found.frame, 1)[0].referenced == found.referenced


@claim("object events: ReferenceCleared")
def reference_cleared(seen: StepSeen, said: Said) -> None:
    frame = number(said["frame"])
    after = [one for value in rings(seen.then).rings.values() for one in value.pages if one.frame == frame]
    assert [one.referenced for one in after] == [False]
    for then in (seen.before, *earlier_steps(seen, 4)):  # what a TLB drops for it is told before
        before = [one for value in rings(then).rings.values() for one in value.pages if one.frame == frame]
        if [one.referenced for one in before] == [True]:
            return
    raise AssertionError("it had no bit that could be cleared")
