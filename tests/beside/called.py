"""What the lines of a life call besides a machine: the same functions for both sides; they know no package."""

from __future__ import annotations

from collections.abc import Callable, Generator
from gzip import decompress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Body = Callable[[], Generator[Any, Any, Any]]


def allocates(m: Any, size: int, nap: int) -> Body:
    """Return a thread that allocates kernel memory, uses it, naps, and frees it; with a nap of 3 it fails then."""

    def body() -> Generator[Any, Any, int]:
        address = yield from m.kmem_malloc(size)
        yield from m.write(address, b"data")
        if nap:
            yield from m.tsleep("nap", ticks=nap)
        yield from m.kmem_free(address, size)
        if nap == 3:
            raise ValueError("at the end")
        return size

    return body


def waits_for_room(m: Any, size: int) -> Body:
    """Return a thread that waits for addresses of a small map, and frees them."""

    def body() -> Generator[Any, Any, None]:
        address = yield from m.kmem_alloc_wait(size, map="pipe_map")
        yield from m.tsleep("nap", ticks=3)
        yield from m.kmem_free_wakeup(address, size, map="pipe_map")

    return body


def locks(m: Any, one: str, other: str) -> Body:
    """Return a thread that takes two locks, one after the other."""

    def body() -> Generator[Any, Any, None]:
        first, second = m.kmem.maps[one], m.kmem.maps[other]
        yield from first.lock()
        yield from m.tsleep("between", ticks=1)
        yield from second.lock()
        second.unlock()
        first.unlock()

    return body


def sleeps(m: Any, channel: str, ticks: int) -> Body:
    """Return a thread that sleeps, and says how it was woken."""

    def body() -> Generator[Any, Any, Any]:
        return (yield from m.tsleep(channel, "a nap", ticks))

    return body


def uses(m: Any, name: str, program: list[tuple[Any, ...]]) -> Body:
    """Return a thread that makes accesses of a task, with naps between."""

    def body() -> Generator[Any, Any, None]:
        for what, *given in program:
            if what == "sleep":
                yield from m.tsleep("nap", ticks=given[0])
            else:
                yield from getattr(m.tasks[name], what)(*given)

    return body


def frees(m: Any, addresses: list[int]) -> Callable[[], None]:
    """Return a handler of low memory that frees what a life has left."""

    def handler() -> None:
        while addresses:
            m.kmem_free(addresses.pop(), 4096)

    return handler


def bytes_of(page: int) -> bytes:
    """Return a pager's bytes of a page."""
    return bytes([page % 250 + 1]) * 40


def newest(pages: list[Any]) -> Any:
    """Choose the page that came last: a policy."""
    return max(pages, key=lambda page: page.arrived)


def clean_first(pages: list[Any]) -> Any:
    """Choose the first page that need not be written: a policy."""
    return next((page for page in pages if not page.dirty), pages[0])


def stopped_at(m: Any, point: int, call: Callable[[], Any]) -> Any:
    """Make a call that is interrupted at a safe point, if it reaches it."""
    m.door.stop_at = point
    try:
        return call()
    finally:
        m.door.stop_at = 0


def saved(m: Any) -> str:
    """Return the lines of a machine's journal file, between the format's version and the check value of them all."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl.gz"
        m.journal.save(path)
        return "\n".join(decompress(path.read_bytes()).decode().splitlines()[1:-1])


def loaded(vm: Any, m: Any) -> Any:
    """Return the machine that a machine's journal file rebuilds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl.gz"
        m.journal.save(path)
        return vm.load_journal(path)


CALLED = {
    one.__name__: one
    for one in (
        allocates, waits_for_room, locks, sleeps, uses, frees, bytes_of, newest, clean_first, stopped_at, saved, loaded,
    )
}  # fmt: skip  # a list
