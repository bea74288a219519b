"""Memory objects: a row for each, above the object behind it, and a column for each page.

A search for a page goes down its column: the first object that has the page answers.  On the left are the mappings,
each beside its object.  A frame that several mappings see is round.  If forks count frames, each frame is drawn once,
in the first object that has it: the same frame can be a page of several objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, PAGE_SHIFT, counted
from vmwidgets.engine.kernel.tasks.objects_schema import MappedBy, ObjectsValue
from vmwidgets.views.scene import boxes
from vmwidgets.views.scene.model import Row
from vmwidgets.views.scene.relations import About, Pages, space_of
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import visible
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import once, seen
from vmwidgets.views.story.words.called import called
from vmwidgets.views.story.words.names import address
from vmwidgets.views.story.words.pictures import say_objects

from .object_rows import REST, ObjectRows, explained, touched_by
from .seen_pages import Seeing, mappings_of, task_of, uses_of

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

ROWS = 400
"""The most rows of the table."""

DEEP = 3
"""The most objects of a chain about which the picture says nothing: it is short enough to be read at once."""

_COLUMNS = ("object", "kind", "behind", "references", "page", "where", "mapped by")


@picture(
    "Objects",
    first_for=["vmwidgets.engine.machine.handles.objects.MachineObjects"],
    shows=["vmwidgets.engine.machine.handles.tasks.Task"],
    part="memory_objects",
    what="the memory objects of a machine, machine.memory_objects, or of a task",
)
def objects(at: At) -> Sheet:
    """Draw memory objects: where each page is found, the tasks that map it, and shadow chains from front to back.

    `target` is ``m.memory_objects``, the machine, or a task, whose picture shows the objects that the task maps.

    >>> import vmwidgets as vm
    >>> t = vm.boot("x86-64").task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> child = t.fork()
    >>> vm.Objects(t.machine).scene().subtitle
    '2 objects · 1 page seen by entries, 1 by several'
    """
    task = at.target.path if at.target.path.startswith("task:") else ""
    moment, opened = at.moment, REST in at.opened
    look: Look[ObjectsValue] = at.look(at.whole.memory_objects, ROWS, named_in(moment))
    facts = seen(lambda done: _seen(look.to(done), task, opened).facts, is_far=look.is_far)
    steps = moment.steps(once(("objects", task, opened), facts))
    value, mappers, uses, ours, (answer, search), rows = _seen(look, task, opened)
    if steps.count and moment.is_after:  # the longest chain is the answer only if it, or nothing, changed
        search = f"{answer} {search}" if rows.searched_first and answer else ""
        answer = _copied(moment, value)
    none = "" if ours or rows.alone else say_objects("none/task", task=called(task)) if task else say_objects("none")
    whose = f" of {called(task)}" if task else ""
    return Sheet(
        f"memory objects{whose}",
        _subtitle(value, uses),
        boxes.below(
            boxes.words("objects/none", none) if none else rows.part(),
            explained,
            boxes.words("objects/once", say_objects("once") if value.counted and ours else ""),
            gap=10,
        ),
        answer=answer,
        more=search,
        header=_COLUMNS,
        rows=lambda: _rows(value, mappers),
        steps=steps,
        about=lambda things: _about(ours, things),
    )


def _answer(value: ObjectsValue, deepest: Seeing | None) -> tuple[str, str]:
    """Return where a task finds its pages in the longest chain; how long that is, and how many objects are shadows."""
    if deepest is None or len(deepest.seen.chain) <= DEEP:
        return "", ""
    found, task = deepest.found, visible(task_of(deepest.mapper))
    most = max(found, key=lambda name: found[name])
    key = "depth" if deepest.seen else "depth/none"
    said = say_objects(key, len(deepest.seen), task=task, found=f"{found[most]:,}", where=visible(most))
    shadows = sum(bool(one.shadow) for one in value.objects.values())
    of = counted(len(value.objects) + value.left_out, "object")
    return said, f"{say_objects('search', task=task, objects=len(found))} {say_objects('shadows', shadows, of=of)}"


def _copied(moment: Moment, value: ObjectsValue) -> str:
    """Return who has a copy of a page now, if the operation copied one page; "" otherwise."""
    copies = [event for event in moment.events if isinstance(event, ev.PageCopied)]
    if len(copies) != 1 or copies[0].object not in value.objects:
        return ""
    (copy,) = copies
    tasks = {task_of(one) for one in value.mappers(copy.object)}
    if len(tasks) != 1 or value.objects[copy.object].pages.get(copy.index) != copy.frame:
        return ""
    return say_objects("copied", task=visible(*tasks), page=f"{copy.index:,}", where=visible(copy.object))


def _about(mappings: Sequence[Seeing], drawn: Collection[str]) -> dict[str, About]:
    """Return the places and objects of the drawn mappings."""
    known: dict[str, About] = {}
    for one in mappings:
        thing, mapper = f"entry:{one.mapper.entry}", one.mapper
        if thing in drawn:
            at = Pages(space_of(mapper.map), mapper.start >> PAGE_SHIFT, mapper.pages)
            known[thing] = About((at,), (f"object:{one.target}",))
    return known


def _subtitle(value: ObjectsValue, uses: Counter[int]) -> str:
    shared = len(uses) - [*uses.values()].count(1)
    words = [
        counted(len(value.objects) + value.left_out, "object"),
        f"{counted(len(uses), 'page')} seen by entries, {shared:,} by several",
    ]
    if value.swap:
        words.append(f"{value.swap_used:,} of {value.swap:,} slots of swap space used")
    return " · ".join(words)


# ---- steps -------------------------------------------------------------------------------------------------


class _Seen(NamedTuple):
    """What is drawn at a moment: all objects, the mappings of a task or of all tasks, the answer, and the rows."""

    value: ObjectsValue
    mappers: Mapping[str, Sequence[MappedBy]]
    uses: Counter[int]
    ours: Sequence[Seeing]
    answer: tuple[str, str]
    rows: ObjectRows

    @property
    def facts(self) -> object:
        """The drawn contents, as a value to compare."""
        its = ((one, one.mapper) for one in self.ours)
        cards = [(who.map, who.entry, who.start, who.pages, one.target, one.said) for one, who in its]
        return cards, self.rows.facts, _subtitle(self.value, self.uses)


def _seen(look: Look[ObjectsValue], task: str, opened: bool) -> _Seen:
    """Return what is drawn of a `task`, or of all tasks if it is ""; `opened` if rows are that would be left out."""
    moment, value, mappers = look.moment, look.now, look.now.all_mappers()
    every = mappings_of(value, mappers)
    uses = uses_of(every)
    ours = [one for one in every if one.mapper.map.startswith(f"{task}/") or not task]
    caller = f"{moment.operation.target}/" if moment.operation is not None else "/"
    deepest = max(ours, key=lambda one: (len(one.seen.chain), one.mapper.map.startswith(caller)), default=None)
    answer = _answer(value, deepest)
    searched = deepest if answer[0] else None
    rows = ObjectRows(look, uses, mappers, ours, once=value.counted, searched=searched, opened=opened)
    return _Seen(value, mappers, uses, ours, answer, rows)


# ---- the table ---------------------------------------------------------------------------------------------


def named_in(moment: Moment) -> set[str]:
    """Return the objects that an operation concerns, so that a shortened value includes them."""
    names: set[str] = set()
    for event in moment.events:
        if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)):
            names.add(event.entry[3] or "")
        elif isinstance(event, (ev.EntryResized, ev.EntryChanged)):
            names.update((event.before[3] or "", event.after[3] or ""))
        elif isinstance(event, ev.SwapMoved):
            names.add(event.before)
        elif isinstance(event, ev.FileResized):
            names.add(f"file {event.file}")
    written, looked_at = touched_by(moment)
    return (names | looked_at | {name for name in written if isinstance(name, str)}) - {""}


def _rows(value: ObjectsValue, mappers: Mapping[str, Sequence[MappedBy]]) -> tuple[Row, ...]:
    """Return the rows of the table, and a note on what is left out."""
    every = _every_row(value, mappers)
    rows = tuple(islice(every, ROWS))
    if value.left_out or next(every, None) is not None:
        left = len(value.objects) + value.left_out - len({row[0] for row in rows})
        rows = (*rows, ("…", f"{counted(left, 'object')} more" if left else "more pages", *[""] * (len(_COLUMNS) - 2)))
    return rows


def _every_row(value: ObjectsValue, mappers: Mapping[str, Sequence[MappedBy]]) -> Iterator[Row]:
    """Yield a row for each page of each object, with the entries that map it, and one for each object without pages."""
    references = value.all_references(mappers)
    for name, one in value.objects.items():
        own = (visible(name), one.kind, visible(one.shadow), str(references[name]))
        places = {index: f"slot {slot}" for index, slot in one.swapped.items()}
        for index, frame in one.pages.items():
            also = f", {places[index]}" if index in places else " dirty" * (index in one.dirty)
            places[index] = f"frame {frame:#x}{also}"
        if not places:
            yield (*own, "", "", _mapped_by(mappers[name]))
        for index, place in sorted(places.items()):
            with_page = (who for who in mappers[name] if who.first <= index < who.first + who.pages)
            yield (*own, str(index), place, _mapped_by(with_page, index))


def _mapped_by(mappers: Iterable[MappedBy], page: int | None = None) -> str:
    """Return the maps and the addresses of the first entries among `mappers`, or of their page `page`."""
    return ", ".join(
        f"{who.map.removesuffix('/map')} {address(who.start + (0 if page is None else (page - who.first) * PAGE))}"
        for who in islice(mappers, 6)
    )
