"""What pictures say and link, step by step: no places, no colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import vmwidgets as vm
from tests.views import gallery
from vmwidgets.pictures.picture import Picture
from vmwidgets.views.scene.model import Scene, Table

from .journals import drawn, loaded
from .packed import Case, Moment
from .plain import digest, lines

MOST = 24
"""Steps of one operation that are looked at; of more, so many evenly."""

LIVED = 5
"""One journal of so many is pictured."""

MOMENTS = 4
"""So many operations of it."""

MARKS = ("new", "changed", "leaving", "moved", "fault", "here", "path")
"""What is true of a thing only at this moment."""

GALLERY = {
    one.__name__: one
    for one in (
        gallery.of_maps, gallery.of_tables, gallery.of_pasted, gallery.of_real_kernels, gallery.of_linux,
        gallery.of_memory, gallery.of_objects, gallery.of_domains, gallery.of_comparisons, gallery.of_references,
    )
}  # fmt: skip  # read as a list


def jobs() -> list[str]:
    """The gallery by its sections, and journals that are pictured."""
    return [*GALLERY, *list(drawn())[::LIVED]]


def pictures(job: str, *, whole: bool = False) -> Iterator[Case]:
    """Titles, things, links, tables and steps of every kind of picture."""
    if job in GALLERY:
        for name, picture in GALLERY[job]():
            yield Case(name, list(_steps(picture)))
        return
    machine = loaded(job)
    for name, make in kinds(machine):
        with suppress(vm.Refused):  # this machine has nothing of the kind
            picture = make()
            yield Case(f"{job}: {name}", [one for moment in _moments(machine) for one in _at(picture, moment)])


def kinds(machine: Any) -> Iterator[tuple[str, Callable[[], Picture]]]:
    """Every kind of picture that a machine may have, by name."""
    tasks, domains = list(machine.tasks.values())[-1:], list(machine.domains.values())[-1:]
    for space in (machine.kernel_map, *(task.map for task in tasks)):
        for kind in (vm.Map, vm.Tree, vm.EntryList, vm.Ribbon):
            yield f"{kind.__name__} of {space.path}", partial(kind, space)
    wholes = (
        vm.Kmem, vm.Frames, vm.Slabs, vm.Threads, vm.Tables, vm.Sharing, vm.Objects, vm.Fault, vm.Clock,
        vm.ReferenceBits, vm.Dashboard,
    )  # fmt: skip  # read as a list
    for kind in wholes:
        yield kind.__name__, partial(kind, machine)
    yield "Kentry", lambda: vm.Kentry(machine.kentry)
    yield "Tlb", lambda: vm.Tlb(machine.cpus)
    yield "Inverted", lambda: vm.picture(machine.frames.inverted())
    yield "Beside", lambda: _beside(machine)
    for task in tasks:
        for kind in (vm.Fault, vm.Clock, vm.Objects, vm.Dashboard):
            yield f"{kind.__name__} of {task.path}", partial(kind, task)
        where = next((int(entry.start) for entry in task.map), 0)
        yield f"Tables of {task.path}", partial(vm.Tables, task)
        yield f"Walk of {task.path}", partial(_of, task.walk, where)
        yield f"Reasons of {task.path}", partial(_of, machine.why, task, where)
        for domain in domains:
            yield "Paging", partial(_of, vm.compare_paging, task, domain)
    for domain in domains:
        for kind in (vm.Domain, vm.Capabilities, vm.Vnodes, vm.SlabLevels):
            yield f"{kind.__name__} of {domain.path}", partial(kind, domain)


def _of(ask: Callable[..., Any], *given: Any) -> Picture:
    """A picture of an answer."""
    return vm.picture(ask(*given))


def _beside(machine: Any) -> Picture:
    """The kernel's map now, and as it was halfway."""
    early = vm.Map(machine.kernel_map, moment=(machine.journal.serial(len(machine.journal) // 2), None), follow=False)
    return early.beside(vm.Map(machine.kernel_map))


def _moments(machine: Any) -> list[int]:
    """Operations of a machine, evenly; the latest among them."""
    total = len(machine.journal)
    return sorted({total - 1 - place * total // MOMENTS for place in range(MOMENTS)})


def _at(picture: Picture, number: int) -> Iterator[Moment]:
    """A picture at each step of an operation."""
    machine = picture.machine
    if machine is not None:
        picture.moment = (machine.journal.serial(number), None)
        yield from _steps(picture, f"operation {number}, ")
    elif number:
        yield from _steps(picture)


def _steps(picture: Picture, label: str = "") -> Iterator[Moment]:
    """A picture at each of its steps."""
    last = picture.scene()
    count = last.steps.count
    stride = max(1, -(-count // MOST))
    for step in range(0, count, stride):
        picture.step = step
        yield Moment(f"{label}step {step}", lines(said_by(picture.scene())))
    picture.step = -1
    yield Moment(f"{label}after it", lines([*said_by(last), ("steps", f"{count}, after events {last.steps.places}")]))


def said_by(scene: Scene) -> Iterator[tuple[str, Any]]:
    """What a picture says: things with their kinds and words, the ends of links, the rows of its table."""
    whole = scene.whole()
    yield "title", scene.title
    yield "subtitle", scene.subtitle
    ends = {node.id: node.thing or node.id for node in whole.nodes}
    for node in whole.nodes:
        words = " ".join(run.text for run in node.text)
        if node.thing or words or node.title:
            yield f"thing {ends[node.id]} ({node.kind})", f"{words} – {node.title}" if node.title else words
        for mark in sorted({*node.state} & {*MARKS}):
            yield f"mark of {ends[node.id]} ({node.kind})", mark
    for link in whole.links:
        yield f"link {ends.get(link.source, link.source)} ({link.kind})", f"to {ends.get(link.target, link.target)}"
    yield from _table(scene.table, "table")
    for note in scene.notes:
        yield "note", note


def _table(table: Table, of: str) -> Iterator[tuple[str, Any]]:
    """Rows, with a check value of their order: a row that comes or goes does not move the others."""
    rows = [" | ".join(row) for row in table.rows]
    yield f"{of}, header", " | ".join(table.header)
    yield from ((f"{of}, row", row) for row in rows)
    yield f"{of}, order of rows", digest("\n".join(rows))
    for place, (title, more) in enumerate(table.more):  # the rest of a title is captions
        yield from _table(more, f"{of} {place} ({title.partition(' · ')[0]})")
