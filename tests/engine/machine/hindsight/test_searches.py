"""The first operation after which something is true, and one with which it turned: as looking at each moment has it."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.lives import ARCHITECTURES, ThreadsLife, operations_life
from tests.engine.machine.task_model import Model
from vmwidgets import PAGE
from vmwidgets.engine.machine import history

PREDICATES: list[Callable[[Any], Any]] = [
    lambda m: len(m.kernel_map) > 5,
    lambda m: len(m.tasks) >= 2,
    lambda m: m.pages.free_pages % 7 == 3,
    lambda m: m.system.task_memory.resident > 6,
    lambda m: m.journal.last.number // 8,
    lambda m: m.frames.owner(700),
]


def lives() -> list[Any]:
    """Lives of all operations, of tasks, and of threads."""
    found = [operations_life(architecture, 5, 60) for architecture in ARCHITECTURES]
    model = Model("x86-64", 6)
    for _ in range(40):
        model.step()
    return [*found, model.machine, ThreadsLife("x86-64", 2).live(60)]


@pytest.fixture(scope="module")
def machines() -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "EVERY", 9)  # so that there are copies to halve at
        patch.setattr(history, "BYTES_AN_OPERATION", 1 << 30)
        return lives()


@pytest.mark.parametrize("at", range(6))
def test_as_looking_at_each_moment_has_it(machines: list[Any], at: int) -> None:
    m = machines[at]
    before, answers = len(m.journal), 0
    moments = [m.at(number) for number in range(before)]
    for f in PREDICATES:
        seen = [f(moment) for moment in moments]
        true = [number for number, value in enumerate(seen) if value]
        if true:
            assert m.first(f).number == true[0]
        else:
            with pytest.raises(vm.Refused, match=f"true after none of {before} operations"):
                m.first(f)
        if seen[0] == seen[-1]:
            with pytest.raises(vm.Refused, match="after the boot and now"):
                m.turned(f)
            continue
        turn = m.turned(f)
        number = turn.operation.number
        assert (turn.before, turn.after) == (seen[number - 1], seen[number])
        assert turn.before != turn.after
        answers += 1
    assert answers
    assert len(m.journal) == before


def test_it_is_halved_at_copies() -> None:
    """Of a long history little is looked at."""
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    for number in range(3 * history.EVERY):
        t.write(a, number.to_bytes(2, "little"))
    asked: list[int] = []

    def is_late(machine: Any) -> bool:
        asked.append(machine.journal.last.number)
        return bool(machine.tasks["t"].peek(a, 2) >= b"\x00\x04")

    turn = m.turned(lambda machine: is_late(machine) and machine.journal.last.number >= 1000)
    assert turn.operation.number == 1000
    assert len(asked) < history.EVERY + 20


def test_each_place_between_copies_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "EVERY", 7)
    monkeypatch.setattr(history, "BYTES_AN_OPERATION", 1 << 30)
    m = vm.boot("x86-64", layout="tiny")
    for number in range(30):
        m.task(f"t{number}")
    assert len(m.history.cheap()) > 2
    found = [m.turned(lambda m, at=at: len(m.tasks) >= at).operation.number for at in range(1, 31)]  # type: ignore[misc]
    assert found == list(range(1, 31))


def test_what_is_not_there_yet_counts_as_false() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"x")
    t.write(a, b"y")
    assert m.first(lambda m: m.tasks["t"].peek(a) == b"y").number == 4
    turn = m.turned(lambda m: m.tasks["t"].peek(a) == b"y")
    assert (turn.operation.number, turn.before, turn.after) == (4, False, True)
    assert str(turn).endswith("f is False before it, and True after it; it may have changed elsewhere too")
    with pytest.raises(vm.Refused, match=r"5 times it asked for what was not there, the last time: unknown task 'u'"):
        m.first(lambda m: m.tasks["u"])


def test_the_boot_counts() -> None:
    m = vm.boot("x86-64", layout="tiny")
    m.task("t")
    assert m.first(lambda m: True).number == 0


def test_a_function_may_only_look() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"x")
    before = len(m.journal)
    changing: list[Callable[[Any], Any]] = [
        lambda m: m.tasks["t"].read(a),
        lambda _: t.read(a),
        lambda _: t.write(a, b"y"),
        lambda m: m.kernel_map.enter(PAGE),
        lambda m: m.system.maps["kernel_map"].enter(0, PAGE) if m.tasks else None,
    ]
    for f in changing:
        for search in m.first, m.turned:
            with pytest.raises((vm.Refused, vm.CallbackFailed)) as failed:
                search(f)
            assert str(failed.value).startswith(f"{search.__name__}(f): f ")
    assert (len(m.journal), t.peek(a), m.journal.incomplete) == (before, b"x", "")
    t.write(a, b"z")  # and the door is open again
    assert m.last_write(t, a).number == before


def test_a_function_that_fails_is_named_with_the_operation() -> None:
    m = vm.boot("x86-64", layout="tiny")
    m.task("t")
    m.task("u")

    def fails(machine: Any) -> Any:
        return 1 // (2 - len(machine.tasks)) > 5

    with pytest.raises(vm.CallbackFailed, match=r"first\(f\): f failed after operation 2: ZeroDivisionError"):
        m.first(fails)

    class Odd:
        def __bool__(self) -> bool:
            raise ValueError("neither")

        def __ne__(self, other: object) -> Any:
            raise ValueError("neither")

    with pytest.raises(vm.CallbackFailed, match="f failed after operation 0: ValueError: neither"):
        m.first(lambda _: Odd())
    with pytest.raises(vm.CallbackFailed, match="f failed after operation 2: ValueError: neither"):
        m.turned(lambda _: Odd())
    for search in m.first, m.turned:
        with pytest.raises(vm.Refused, match="write a function that reads the machine"):
            search(5)  # type: ignore[arg-type]  # on purpose


def test_the_stop_button_ends_a_search_in_its_function_too() -> None:
    m = vm.boot("x86-64", layout="tiny")
    for number in range(5):
        m.task(f"t{number}")

    def presses(machine: Any) -> bool:
        if len(machine.tasks) == 3:
            _thread.interrupt_main()
            for _ in range(1000):
                pass
        return False

    with pytest.raises(KeyboardInterrupt):
        m.first(presses)
    assert m.first(lambda m: len(m.tasks) == 4).number == 4
    m.task("later")


def test_progress_counts_operations() -> None:
    m = vm.boot("x86-64", layout="tiny")
    for number in range(3):
        m.task(f"t{number}")
    said: list[tuple[int, int]] = []
    m.first(lambda m: len(m.tasks) == 2, progress=lambda done, count: said.append((done, count)))
    assert said == [(1, 4), (2, 4), (3, 4)]


def test_what_was_absent_at_first_and_false_now_is_said_as_it_is() -> None:
    m = vm.boot("x86-64", layout="tiny")
    t = m.task("t")
    t.mmap("4 KiB")
    with pytest.raises(vm.Refused) as refused:
        m.turned(lambda m: m.tasks["t"].peek(t.map.entries()[0].start) == b"x")
    assert "f has nothing to look at after the boot and is False now, which is not a change" in str(refused.value)


@pytest.mark.parametrize("search", ["first", "turned"])
@pytest.mark.parametrize(
    "changes",
    [lambda m: m.task("new"), lambda m: m.mark("here"), lambda m: m.undo(), lambda m: m.break_on("fault"),
     lambda m: setattr(m, "name", "other")],
)  # fmt: skip  # one list
def test_a_function_that_changes_the_machine_it_is_given_or_its_own_is_refused(search: str, changes: Any) -> None:
    m = vm.boot("x86-64", layout="tiny")
    m.task("t")
    before = m.name, dict(m.journal.marks), len(m.journal), m.system.breaks
    for function in (changes, lambda _: changes(m)):
        with pytest.raises(vm.Refused, match="f calls an operation, and it may only look"):
            getattr(m, search)(function)
    assert (m.name, dict(m.journal.marks), len(m.journal), m.system.breaks) == before
