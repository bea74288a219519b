"""What is known of a page in memory is in one place, and only structures hold it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.tasks.forks import FORKS
from vmwidgets.engine.memory.page import Page

PAGE = vm.PAGE


def shared(fork: str) -> tuple[Any, Any, Any, int]:
    """A machine with swap space, a task with two pages, its child, and where the pages are."""
    m: Any = vm.boot(layout="tiny", ram="8 MiB", fork=fork)
    m.swap_on(8 * PAGE)
    t = m.task("t")
    a = int(t.mmap(2 * PAGE))
    t.write(a, b"one")
    t.write(a + PAGE, b"two")
    return m, t, t.fork(), a


def parts(value: Any) -> Iterator[Any]:
    """A value and all that it holds."""
    yield value
    if dataclasses.is_dataclass(value):
        held = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, dict):
        held = [*value, *value.values()]
    else:
        held = list(value) if isinstance(value, (tuple, list, set, frozenset)) else []
    for one in held:
        yield from parts(one)


@pytest.mark.parametrize("fork", FORKS)
def test_events_and_values_name_pages_by_their_frames(fork):
    m, t, child, a = shared(fork)
    m.replacement = "clock"
    child.write(a, b"own")
    t.page_out(a, 2 * PAGE)
    t.read(a)
    child.exit()
    held = [m.replacement.value(), m.memory_objects.value(), m.frames.value(), *(one.events for one in m.journal)]
    kinds = {type(part) for part in parts(held)}
    assert vm.events.PageOut in kinds
    assert vm.events.RingMoved in kinds
    assert not any(issubclass(kind, Page) for kind in kinds)


def test_a_page_that_several_have_is_the_next_ones_when_the_first_has_a_copy():
    m, t, child, a = shared("counted")
    frame = int(t.walk(a).pa) // PAGE
    page = m.system.task_memory.pages[frame]
    assert [one.pages[page.index] for one in page.users] == [frame, frame]
    first, second = page.users
    t.write(a, b"own")
    assert (page.users, page.task, int(child.walk(a).pa) // PAGE) == ((second,), child.name, frame)
    assert first.pages[page.index] != frame


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (
            lambda memory, page: page.users[0].pages.pop(page.index),
            "O4: frame 0x[0-9a-f]+ has 0 users, and 1 are noted",
        ),
        (lambda memory, page: setattr(page, "held", 1), "O4: frame 0x[0-9a-f]+ is still held"),
        (lambda memory, page: setattr(page, "task", "nobody"), "O7: "),
        (lambda memory, page: memory.rings._ring(page.task).left(page), "O7: [0-9]+ pages are in rings"),
        (lambda memory, page: memory.rings.entered(Page(999, page.owner, 9)), "O7: the page of a ring in frame 0x3e7"),
        (lambda memory, page: memory.pages.pop(page.frame), "O4: frame 0x[0-9a-f]+ has 1 user, and 0 are noted"),
    ],
)
def test_what_is_wrong_about_a_page_is_found(broken, found):
    m, _, _, _ = shared("eager")
    m.check()
    memory = m.system.task_memory
    broken(memory, next(iter(memory.pages.values())))
    with pytest.raises(vm.Broken, match=found):
        memory.check()
