"""Questions on threads, their locks, and handlers for low memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, Address, counted
from vmwidgets.engine.machine import Machine
from vmwidgets.labs.checking import criteria_of
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises.sleeping import Orders, OrderSheet
from vmwidgets.questions.question import Question
from vmwidgets.views.story.typed import called

from .counterfactual import said_of
from .steps import JournalSteps
from .subject import Subject, asks, drawn_first

TIMES = {1: "once", 2: "twice"}


def _steps(subject: Subject) -> JournalSteps | None:
    """Return the steps, if threads ran in them."""
    steps = subject.steps
    ran = isinstance(steps, JournalSteps) and steps.machine.journal.scripts
    return steps if isinstance(steps, JournalSteps) and ran else None


def _events(steps: JournalSteps) -> list[ev.Event]:
    journal = steps.machine.journal
    return [one for step in steps.late for one in journal.events(steps.operation(step).number)]


def _orders(steps: JournalSteps) -> Orders:
    """Return the locks that each thread took or waits for, in order."""
    found = {}
    for key, script in steps.machine.journal.scripts.items():
        locks = [called(one.target) for one in script if one.name == "lock"]
        if locks:
            found[key.partition("#")[0]] = tuple(dict.fromkeys(locks))
    return found


def _listed(orders: Orders) -> str:
    return "; ".join(f"`{name}` takes {', then '.join(f'`{one}`' for one in locks)}" for name, locks in orders.items())


def waits(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which threads waited for a lock, and who owned it."""
    steps = _steps(subject)
    if steps is None:
        return
    holders: dict[str, str] = {}
    waited = []
    for event in _events(steps):
        if isinstance(event, ev.MapLocked):
            holders[event.map] = event.thread
        elif isinstance(event, ev.ThreadSlept) and event.kind == "lock":
            waited.append(f"{event.thread} for {event.subject} ({holders.get(event.subject, 'another')} had it)")
    if waited:
        yield asks(
            f"In your run, {_listed(_orders(steps))}. Which threads had to wait for a lock, for which, and who had it?",
            "; ".join(waited),
            "A thread sleeps until its lock is free. After each lock except the last, it reads from disk.",
        )


def ended(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask in which order threads returned, and at which tick the last one did."""
    steps = _steps(subject)
    if steps is None:
        return
    order, tick = [], steps.machine_at(0).threads.ticks
    for event in _events(steps):
        if isinstance(event, ev.ClockTicked):
            tick = event.after
        elif isinstance(event, ev.ThreadEnded) and event.how == "returned":
            order.append((event.thread, tick))
    if len(order) > 1:
        yield asks(
            f"In your run, {_listed(_orders(steps))}. In which order did the threads return, and at which tick did "
            "the last one?",
            f"{', '.join(name for name, _ in order)}; at tick {order[-1][1]}",
            "; ".join(f"{name} at tick {at}" for name, at in order),
        )


def held(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask which thread got a lock last, and when."""
    steps = _steps(subject)
    orders = {} if steps is None else _orders(steps)
    if steps is None or not orders:
        return
    tick, last = steps.machine_at(0).threads.ticks, dict[str, tuple[str, int]]()
    for event in _events(steps):
        if isinstance(event, ev.ClockTicked):
            tick = event.after
        elif isinstance(event, ev.MapLocked) and event.thread in orders:
            last[event.map] = event.thread, tick
    for lock in draws.shuffled(sorted(last)):
        users = [name for name, taken in orders.items() if lock in taken]
        if len(users) > 1:
            thread, at = last[lock]
            yield asks(
                f"In your run, {_listed(orders)}. Which of them acquired the lock of `{lock}` last, and at which tick?",
                f"{thread}, at tick {at}",
                f"{' and '.join(users)} need it, and one has it at a time.",
            )


def locks(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the result if one thread takes its locks in another order."""
    steps = _steps(subject)
    if steps is None or not isinstance(subject.given, OrderSheet):
        return
    orders = _orders(steps)
    changes = [(name, other) for name, taken in orders.items() for other in permutations(taken) if other != taken]
    found = [
        (name, other, *_run(subject, steps, {**orders, name: other})) for name, other in draws.shuffled(changes)[:6]
    ]
    seen = set()
    for name, other, ends, circle in drawn_first(draws, found, lambda one: bool(one[3]) and one[2]):
        if (ends, bool(circle)) in seen:
            continue
        seen.add((ends, bool(circle)))
        yield asks(
            f"In your run, {_listed(orders)}. What if `{name}` took {', then '.join(f'`{one}`' for one in other)}? "
            "Would this run still end, and could the threads ever wait in a circle?",
            f"{'It ends' if ends else 'It does not end'}; "
            f"{f'a circle is possible: {circle}' if circle else 'no circle is possible'}",
            "Threads can wait in a circle if some take two locks in one order, and others in the opposite order.",
        )


def _run(subject: Subject, steps: JournalSteps, orders: Orders) -> tuple[bool, str]:
    """Return whether all threads return with these orders of locks, in the same schedule; if not, also the circle."""
    machine: Machine = subject.given.start()
    for step in range(1, len(steps) + 1):
        operation = steps.operation(step)
        name = dict(operation.arguments).get("name")
        if operation.name == "spawn" and name in orders:
            machine.spawn(machine.kmem.copier, *orders[name], name=name)
        elif operation.name == "run":
            machine.run()
    judged = criteria_of(subject.exercise, subject.of, machine)
    circle = next((one.actual for one in judged if " before " in one.actual), "")
    return all(machine.threads[name].state == "returned" for name in orders), circle


def handler(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask how often a handler was called."""
    steps = _steps(subject)
    if steps is None:
        return
    runs = [one for one in _events(steps) if isinstance(one, ev.CallbackRan)]
    if runs:
        times = TIMES.get(len(runs), f"{len(runs)} times")
        ticks = steps.machine.threads.ticks
        yield asks(
            "How often was your handler called in your run, and how many ticks had passed at the end?",
            f"{times}; {counted(ticks, 'tick')}",
            "Handlers are called at each try that finds no room; a thread sleeps between two tries.",
        )


def freed(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the result if a handler leaves one call out."""
    steps = _steps(subject)
    if steps is None:
        return
    places = [
        (key, place)
        for key, script in steps.machine.journal.scripts.items()
        for place, one in enumerate(script)
        if key.startswith("on_lowmem:") and one.name == "kmem_free"
    ]
    for key, place in draws.shuffled(places):
        action = steps.machine.journal.scripts[key][place]
        given = dict(action.arguments)
        page = (int(given["address"]) - steps.machine.kmem.kmem_map.start) // PAGE
        outcome = steps.again(range(1, len(steps) + 1), (key, place))
        if not outcome.criteria:
            continue
        yield asks(
            f"Your handler frees {counted(int(given['size']) // PAGE, 'page')} from page {page} of `kmem_map` on. What "
            "does your result lose if it leaves this one call out?",
            said_of(steps.whole, outcome),
            f"The largest gap of kmem_map is {outcome.thing.kmem.kmem_map.largest_gap} then.",
        )


def got(subject: Subject, draws: Draws) -> Iterator[Question]:
    """Ask for the address of the memory that a thread got."""
    steps = _steps(subject)
    if steps is None:
        return
    start = steps.machine.kmem.kmem_map.start
    for thread in steps.machine.threads:
        if isinstance(thread.result, Address):
            yield asks(
                f"At which page of `kmem_map`, counted from its start, does the memory begin that `{thread.name}` got?",
                f"at page {(thread.result - start) // PAGE}",
                "The search takes the first gap, from low addresses to high ones, that is large enough.",
            )
