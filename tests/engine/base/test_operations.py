from __future__ import annotations

import inspect
import threading
from types import SimpleNamespace
from typing import Annotated, Any, get_type_hints

import pytest

from tests.engine.base.counters import Counter
from vmwidgets.engine.base.errors import KernelError, KernelPanic, Refused
from vmwidgets.engine.base.event import Panicked
from vmwidgets.engine.base.operations import Argument, PartReference, operation, plain
from vmwidgets.engine.kernel.map.map_schema import MapResized


@pytest.fixture
def counter():
    return Counter()


@pytest.fixture
def told(counter):
    """How often the listener was told, and the journal's length each time."""
    times: list[int] = []
    counter.door.listeners.append(lambda: times.append(len(counter.door.journal)))
    return times


def test_a_call_is_recorded_with_its_arguments_by_name_and_its_result(counter, told):
    assert counter.add(2) == 2
    assert counter.add(amount=3, twice=False) == 5
    first, second = counter.door.journal
    assert (first.number, first.target, first.name, first.outcome, first.result) == (0, "counter", "add", "done", 2)
    assert first.arguments == (("amount", 2),)
    assert second.arguments == (("amount", 3), ("twice", False))
    assert first.events == (MapResized("counter", 0, 2),)
    assert str(second) == "1: counter.add(amount=3, twice=False) -> 5"
    assert told == [1, 2]


def test_an_operation_goes_through_its_states(counter):
    seen = []

    class Looking(Counter):
        @operation
        def add(self, amount, *, twice=False):
            seen.append(self.door.state)
            return super().add(amount, twice=twice)

    looking = Looking()
    looking.between = lambda: seen.append(looking.door.state)
    looking.add(1)
    with pytest.raises(Refused):
        looking.add(0)
    assert (seen, looking.door.state) == (["decided", "changing", "decided"], "")


@pytest.mark.parametrize("outcome", ["", "interrupted"])
def test_no_operation_that_changed_something_ends_as_if_it_had_not(counter, monkeypatch, outcome):
    monkeypatch.setattr(counter.door, "_failure", lambda error, edited: (outcome, "", None))
    with pytest.raises(AssertionError, match="changing"):
        counter.fail()


def test_calls_inside_an_operation_are_part_of_it(counter, told):
    counter.add(2, twice=True)
    assert len(counter.door.journal) == 1
    assert counter.door.journal.last.events == (MapResized("counter", 0, 2), MapResized("counter", 2, 4))
    assert told == [1]


def test_a_refusal_is_not_recorded(counter, told):
    with pytest.raises(Refused):
        counter.add(0)
    with pytest.raises(TypeError):
        counter.add()
    assert (len(counter.door.journal), told) == (0, [])
    assert counter.recorder.emit is None
    assert counter.add(1) == 1


def test_a_kernel_error_is_recorded_with_what_happened_before_it(counter, told):
    with pytest.raises(KernelError):
        counter.fail()
    record = counter.door.journal.last
    assert (record.name, record.outcome, record.result) == ("fail", "error", ("KernelError", "NOMEM", 1))
    assert record.said == "NOMEM: no room"
    assert record.events == (MapResized("counter", 0, 1),)
    assert told == [1]
    assert counter.add(1) == 2, "the machine lives on"


def test_a_panic_is_recorded_and_ends_the_machine(counter, told):
    with pytest.raises(KernelPanic):
        counter.panic()
    record = counter.door.journal.last
    assert record.outcome == "panic"
    assert record.events == (MapResized("counter", 0, 1), Panicked("wrap", "it wraps"))
    assert told == [1], "pictures have to show it"
    for call in (lambda: counter.add(1), lambda: counter.add(0), counter.fail):
        with pytest.raises(Refused, match=r"this machine is dead \(panic \(wrap\): it wraps\)"):
            call()
    assert (len(counter.door.journal), counter.left) == (1, 1)
    with counter.door.looking() as free:
        assert free


def test_a_bug_of_ours_is_not_recorded_and_leaves_the_door_open(counter):
    with pytest.raises(ZeroDivisionError):
        counter.crash()
    assert len(counter.door.journal) == 0
    assert (counter.door.inside, counter.door.busy, counter.recorder.emit) == (False, False, None)
    assert counter.add(1) == 1


def test_nothing_is_recorded_while_no_operation_runs(counter):
    counter.add(1)
    assert counter.recorder.emit is None


def test_parts_of_the_machine_are_recorded_by_their_path(counter):
    assert counter.give(counter) is counter
    record = counter.door.journal.last
    assert record.arguments == (("other", "counter"),)
    assert isinstance(record.arguments[0][1], PartReference)
    assert isinstance(record.result, PartReference)
    assert not isinstance(plain("counter"), PartReference)


def test_operations_are_marked():
    assert Counter.add.is_operation  # type: ignore[attr-defined]
    assert not hasattr(Counter.check, "is_operation")
    assert Counter.add.__name__ == "add"


def test_other_threads_wait_at_the_door(counter):
    inside, go_on, order = threading.Event(), threading.Event(), []

    def between():
        inside.set()
        assert go_on.wait(30)

    counter.between = between
    first = threading.Thread(target=lambda: order.append(counter.add(1)))
    first.start()
    assert inside.wait(30)
    assert (counter.door.busy, counter.door.inside) == (True, False)
    counter.between = lambda: None
    second = threading.Thread(target=lambda: order.append(counter.add(10)))
    second.start()
    with counter.door.looking(wait=False) as free:
        assert not free, "the drawing timer skips"
    second.join(0.05)
    assert second.is_alive()
    assert counter.left == 1
    go_on.set()
    first.join(30)
    second.join(30)
    assert order == [1, 11]
    assert [record.result for record in counter.door.journal] == [1, 11]
    counter.check()


def test_many_threads_lose_nothing(counter):
    threads = [threading.Thread(target=lambda: [counter.add(1) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (counter.left, counter.right, len(counter.door.journal)) == (800, 800, 800)
    assert [record.number for record in counter.door.journal] == list(range(800))


def test_looking_keeps_operations_out(counter):
    with counter.door.looking():
        thread = threading.Thread(target=lambda: counter.add(1))
        thread.start()
        thread.join(0.05)
        assert counter.left == 0
    thread.join(30)
    assert counter.left == 1


def test_one_may_look_from_inside_an_operation(counter):
    looked = []

    def between():
        with counter.door.looking() as free:
            looked.append((free, counter.left, counter.right))

    counter.between = between
    counter.add(3)
    assert looked == [(True, 3, 0)]
    assert not counter.door.busy


def test_looking_ends_when_the_one_who_looks_fails(counter):
    with pytest.raises(ZeroDivisionError), counter.door.looking():
        raise ZeroDivisionError
    assert counter.add(1) == 1


def test_a_listener_that_fails_fails_the_call_and_nothing_else(counter):
    def listener():
        raise ZeroDivisionError

    counter.door.listeners.append(listener)
    with pytest.raises(ZeroDivisionError):
        counter.add(1)
    counter.door.listeners.clear()
    assert (counter.left, counter.right, len(counter.door.journal)) == (1, 1, 1)
    assert counter.add(1) == 2


def test_a_listener_may_begin_an_operation_of_its_own(counter):
    """It is told when the operation is over: what it does is another one."""

    def once():
        counter.door.listeners.clear()
        counter.add(10)

    counter.door.listeners.append(once)
    counter.add(1)
    assert [record.arguments for record in counter.door.journal] == [(("amount", 1),), (("amount", 10),)]
    assert counter.left == 11


@pytest.mark.parametrize(
    ("args", "words", "says"),
    [
        ((), {}, "add: missing a required argument: 'amount'; it takes add(amount, *, twice=False)"),
        ((1, 2), {}, "add: too many positional arguments; it takes add(amount, *, twice=False)"),
        ((1,), {"amount": 2}, "add: multiple values for argument 'amount'; it takes add(amount, *, twice=False)"),
        ((1,), {"thrice": 2}, "add: got an unexpected keyword argument 'thrice'; it takes add(amount, *, twice=False)"),
    ],
)
@pytest.mark.parametrize("edited", [False, True])
def test_arguments_that_it_does_not_take_never_come_to_the_door(counter, told, edited, args, words, says):
    counter.door.edits = SimpleNamespace(places=[4096] if edited else [])
    with pytest.raises(TypeError) as caught:
        counter.add(*args, **words)
    assert str(caught.value) == says
    assert (counter.door.dead, len(counter.door.journal), told) == (None, 0, [])
    assert counter.add(1) == 1


def _dozens(value, name):
    if not isinstance(value, (int, str)):
        raise Refused(f"{name}={value!r} is not a number of dozens")
    return 12 * int(value)


Dozens: Any = Annotated[int | str, Argument(_dozens)]
Room: Any = Annotated[int, Argument(lambda part, value, name: part.room + value, of_part=True)]


class Egged(Counter):
    """A part that reads its arguments as their types say."""

    room = 100

    @operation
    def lay(self, eggs: Dozens, at: Dozens | None = None, *, more: Dozens = "2", past: Room = 5):
        """What a method gets."""
        self.left += eggs
        self.right += eggs
        return eggs, at, more, past


def test_a_method_gets_what_the_types_of_its_arguments_read_and_the_record_what_was_given():
    part = Egged()
    assert part.lay("3") == (36, None, 24, 105)
    part.room = 200
    assert part.lay(1, "1", past=7, more=0) == (12, 12, 0, 207)
    assert [one.arguments for one in part.door.journal] == [
        (("eggs", "3"),),
        (("eggs", 1), ("at", "1"), ("past", 7), ("more", 0)),
    ]


def test_callers_see_the_types_that_they_may_write():
    parameters = inspect.signature(Egged().lay).parameters
    assert [(one.name, one.annotation, one.default) for one in parameters.values()] == [
        ("eggs", "int | str", inspect.Parameter.empty),
        ("at", "int | str | None", None),
        ("more", "int | str", "2"),
        ("past", "int", 5),
    ]
    hints = get_type_hints(Egged.lay, include_extras=True)
    assert not [name for name, hint in hints.items() if "Argument" in str(hint)], "pages of reference read these"


def test_arguments_are_refused_from_left_to_right_before_anything_changes():
    part = Egged()
    for given, said in (((None, 1.5), "eggs=None"), ((1, 1.5), "at=1.5")):
        with pytest.raises(Refused, match=f"{said} is not a number of dozens"):
            part.lay(*given, more=None)
    with pytest.raises(Refused, match="more=None"):
        part.lay(1, None, more=None)
    assert (part.left, len(part.door.journal)) == (0, 0)


def test_a_call_inside_an_operation_reads_its_arguments_too():
    class Laying(Egged):
        @operation
        def both(self):
            return self.lay("1"), self.lay(2)

    assert [one[0] for one in Laying().both()] == [12, 24]
