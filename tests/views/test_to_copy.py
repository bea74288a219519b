"""Which mappings a picture of memory objects marks: those whose next write copies, as the machine does it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.tasks.forks import FORKS
from vmwidgets.events import PageCopied
from vmwidgets.views.memory.seen_pages import OWNS, seen_by


def lived(way: str, seed: int) -> Iterator[vm.Machine]:
    """A machine in which tasks fork and write, after some of its operations."""
    draws = random.Random(f"to copy {way} {seed}")
    machine: Any = vm.boot("x86-64", layout="small", fork=way)
    machine.swap_on("256 KiB")
    file = machine.file("motd", b"x" * 9000)
    first = machine.task("init")
    places = [int(first.mmap("16 KiB")), int(first.mmap("12 KiB", "rw", "private", file))]
    places.append(int(first.mmap("8 KiB", "rw", "shared")))
    first.read(places[1])
    for _ in range(24):
        task, at = draws.choice(list(machine.tasks.values())), draws.choice(places) + draws.randrange(4) * vm.PAGE
        acts = acts_of(machine, task, at, draws)
        with suppress(vm.VMError):
            draws.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()
        if len(machine.tasks) > 1 and draws.random() < 0.25:
            yield machine


def acts_of(machine: vm.Machine, task: Any, at: int, draws: random.Random) -> list[tuple[int, Callable[[], object]]]:
    """What a task may do, and how often it does."""
    return [
        (6, lambda: task.write(at, b"w")),
        (3, lambda: task.read(at)),
        (3, lambda: task.fork() if len(machine.tasks) < 4 else task.read(at)),
        (2, lambda: task.page_out(at, "8 KiB")),
        (1, lambda: task.mprotect(at, "4 KiB", draws.choice(["r", "rw"]))),
        (1, lambda: task.munmap(at, "4 KiB")),
        (1, lambda: task.exit() if len(machine.tasks) > 1 else task.read(at)),
        (1, lambda: task.map.inherit(at, size="4 KiB", inherit=draws.choice(["share", "copy"]))),
        (1, lambda: task.map.wire(at, size="4 KiB")),
        (1, lambda: task.madvise(at, "4 KiB", "dontneed")),
    ]


def copies(machine: vm.Machine, task: str, address: int) -> bool:
    """Whether a write copies a page: it is made on a branch."""
    other = machine.branch()
    with suppress(vm.VMError):
        other.tasks[task].write(address, b"!")
    return any(isinstance(event, PageCopied) for event in other.journal.last.events)


def said_of(words: list[str]) -> str:
    """What a mapping's card says of copies, of its words."""
    return next((one for one in words if one.startswith(OWNS)), "")


@pytest.mark.parametrize("way", FORKS)
@pytest.mark.parametrize("seed", range(4))
def test_a_mapping_is_marked_where_its_next_write_copies_and_nowhere_else(way: str, seed: int) -> None:
    marked = 0
    for machine in lived(way, seed):
        value = machine.memory_objects.value()
        nodes = {node.id: node for node in vm.Objects(machine).scene().nodes}
        for name, mappers in value.all_mappers().items():
            for one in mappers:
                card, task = f"mapping/{one.map}/{one.entry}", one.map.removeprefix("task:").removesuffix("/map")
                if card not in nodes:  # there are too many, or it is on the card of others
                    continue
                pages = list(seen_by(value, one, name))
                wanted = [page for page in pages if copies(machine, task, one.start + (page - one.first) * vm.PAGE)]
                said = said_of([run.text for run in nodes[card].text])
                some = f"{OWNS} {len(pages) - len(wanted) or 'none'} of {len(pages)}"
                assert said == (some if wanted else ""), (card, pages, wanted)
                marked += bool(wanted)
    assert marked, "lives in which nothing is to be copied show nothing"
