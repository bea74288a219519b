"""Sentences that are false are found by the claims of their templates: in each, a number, name or reason is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.journal import Operation

from . import court  # noqa: F401  # which makes claims
from .claiming import CLAIMS, Court, Heard, Seen
from .lives import one_after_the_other
from .makers_kmem import Acts, handlers_are_asked_for_memory
from .mutants import Made, is_found
from .pictured import Pictured
from .reading import PAGE
from .steps import StepSeen


class Liar(Court):
    """Holds each sentence, and those of one template with other words in them as well."""

    def __init__(self, key: str, right: str, wrong: str) -> None:
        super().__init__(steps=40)
        self.key, self.right, self.wording = key, right, wrong
        self.lies: dict[str, bool] = {}
        """The sentences that are false, and whether each was found."""

    def _hold(self, one: Heard, seen: Seen | StepSeen | Pictured, text: str, operation: Operation | None) -> None:
        super()._hold(one, seen, text, operation)
        if one.key == self.key and self.right in one.sentence:
            lie = one.sentence.replace(self.right, self.wording)
            self.lies[lie] = is_found(Made("", "", self.key, lie), seen)


def faults() -> Iterator[vm.Machine]:
    """Reads and writes of memory that has not come yet."""
    machine: Any = vm.boot("x86-64", layout="small")
    machine.swap_on(8 * PAGE)
    task = machine.task("init")
    start = int(task.mmap(8 * PAGE))
    acts: Acts = [lambda: task.read(start, 3 * PAGE), lambda: task.write(start + 3 * PAGE, b"x" * 2 * PAGE)]
    yield from one_after_the_other(machine, acts)


def stuck(swap: int = 0, *, wired: bool = False) -> Callable[[], Iterator[vm.Machine]]:
    """Two tasks that want more than there is, with so many slots of swap space; or one that has all its pages wired."""

    def live() -> Iterator[vm.Machine]:
        machine: Any = vm.boot("x86-64", layout="small", ram="4 MiB")
        if swap:
            machine.swap_on(swap * PAGE)
        tasks = [machine.task(name) for name in ("init", "other")]
        starts = [int(task.mmap(20 * PAGE)) for task in tasks]
        machine.take_pages(machine.kmem.pages.available - 20)
        acts: Acts = []
        if wired:
            tasks[0].limit("rss", 3 * PAGE)
            acts += [lambda: tasks[0].map.wire(starts[0], size=3 * PAGE)]
        for page in range(3, 17):
            acts += [
                lambda task=task, at=start + page * PAGE: task.write(at, b"x")  # type: ignore[misc]
                for task, start in zip(tasks, starts, strict=True)
            ]
        yield from one_after_the_other(machine, acts)

    return live


NO_SWAP, FULL, WIRED = "there is no swap space", "swap space is full", "they are wired, or needed at this moment"
STUCK = "object events: NothingToReclaim"
FALSE: dict[str, tuple[str, Callable[[], Iterator[Any]], str, str]] = {
    "one fault fewer": ("map operations: access/faults", faults, "3 page faults", "2 page faults"),
    "one fault more": ("map operations: access/faults", faults, "3 page faults", "4 page faults"),
    "tables of another": ("map operations: access/faults", faults, "of init", "of other"),
    "a page more": ("map operations: access/faults", faults, "supplied 3 pages", "supplied 4 pages"),
    "a handler that did not fail": (
        "kmem events: CallbackRan/failed", handlers_are_asked_for_memory, "on_lowmem:fails", "on_lowmem:gives",
    ),
    "another error": ("kmem events: CallbackRan/failed", handlers_are_asked_for_memory, "ValueError", "KeyError"),
    "a page of a task more": (STUCK, stuck(64, wired=True), "Of 3 pages", "Of 4 pages"),
    "a page of all fewer": (STUCK, stuck(8), "Of 14 pages", "Of 13 pages"),
    "another task's pages": (STUCK, stuck(64, wired=True), "task 'init'", "task 'other'"),
    "all tasks' pages": (STUCK, stuck(64, wired=True), " of task 'init'", ""),
    "swap space that is not there": (STUCK, stuck(), NO_SWAP, FULL),
    "no swap space where it is full": (STUCK, stuck(8), FULL, NO_SWAP),
    "full where pages are wired": (STUCK, stuck(64, wired=True), WIRED, FULL),
    "wired where swap space is full": (STUCK, stuck(8), FULL, WIRED),
    "wired where there is none": (STUCK, stuck(), NO_SWAP, WIRED),
    "another reason": ("kmem events: CallbackRan/failed", handlers_are_asked_for_memory, "has nothing", "has all"),
}  # fmt: skip  # a table
"""By what is wrong then: the template, a life that has such sentences, and words that are others."""


@pytest.mark.parametrize("name", FALSE)
def test_a_false_sentence_is_found(name: str) -> None:
    key, life, right, wrong = FALSE[name]
    liar = Liar(key, right, wrong)
    for machine in life():
        liar.hear(machine)
    assert liar.wrong == []
    assert liar.lies and all(liar.lies.values()), liar.lies


def test_that_handlers_are_asked_is_false_where_nothing_is_lacking() -> None:
    key = "kmem events: LowMemory"
    found = []

    class Elsewhere(Court):
        def _hold(self, one: Heard, seen: Seen | StepSeen | Pictured, text: str, operation: Operation | None) -> None:
            super()._hold(one, seen, text, operation)
            if isinstance(seen, StepSeen):
                found.append(is_found(Made("", "", key, CLAIMS[key].words[0]), seen))

    for without_handlers in (True, False):
        machine: Any = vm.boot("x86-64", layout="small")
        if not without_handlers:
            machine.on_lowmem(lambda: None)
        listening = Elsewhere()
        machine.kmem_malloc(4 * PAGE)
        listening.hear(machine)
        assert listening.wrong == []
    assert len(found) > 4 and all(found)
