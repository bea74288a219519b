"""The rows of memory objects: which objects and columns of pages are drawn, and how.

Objects with pages in common are a family: chains that join the longest chain come first, and then that chain, from
front to back; an object that the operation changed is above chains that it only looked at.  All rows of a family have
the same columns, in all steps of an operation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property, partial
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.units import Size, counted
from vmwidgets.engine.kernel.tasks.objects_schema import MappedBy, ObjectsValue, ObjectValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.key import kind_of_object
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, visible
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.names import address

from .seen_pages import Seeing, task_of

OBJECTS, FEW, CHAIN, BRANCHES = 14, 10, 12, 3
"""The most objects that are drawn; the most of which all chains are drawn; if there are more, the most objects of a
chain, and of changed chains that join it."""

REST = "objects/fold"
"""The line that counts the objects that are not drawn; a press draws them."""

MAPPINGS, BESIDE = 12, 3
"""The number of mappings from which on equal ones are one, and the most next to an object."""

ORPHAN = "\N{DAGGER}"
"""The mark after the frame or slot of a page that no mapping refers to."""

_MAPPER, _OBJECT, _TRACK, _NARROW = 228.0, 198.0, 5.0, 690.0
"""Widths of a mapping and, at least, of an object's words; pixels between two tracks of arrows; and the width below
which cells are below an object's words."""

_HIGH, _FOLD, _CELL, _MOST, _CELL_H, _APART, _BELOW = 36.0, 26.0, 42.0, 320.0, 26.0, 4.0, 14.0
"""Heights of a row and of a fold; the least and the greatest width of a cell, its height; space between two cells, and
for the arrow between two rows."""


class _Run(NamedTuple):
    """A column: a page, or neighbouring pages with the same places."""

    pages: Sequence[int]

    @property
    def label(self) -> str:
        first, last = self.pages[0], self.pages[-1]
        return f"{first:,}" if first == last else f"{first:,}–{last:,}"

    @property
    def key(self) -> str:
        first, last = self.pages[0], self.pages[-1]
        return f"{first}" if first == last else f"{first}-{last}"


class _Family(NamedTuple):
    """Objects that are drawn; names of `others` that join them; objects `between` the front and the last as a line."""

    names: list[str]
    others: Sequence[str] = ()
    between: Sequence[str] = ()


class _Places(NamedTuple):
    """Where the parts of a family's rows are, in pixels.

    They are the space for arrows, the first cell, and the widths of a cell and of an object's words.
    """

    is_wide: bool
    gutter: float
    first: float
    each: float
    words: float

    def cell(self, number: int) -> float:
        """Return the place of a cell from the left end of a row's object."""
        return self.first + number * (self.each + _APART)


class ObjectRows:
    """The rows of objects with their mappings at a moment: `ours` are the mappings to draw, `uses` counts all.

    If the operation changed objects, only they are drawn, and those behind them, and a line counts the others, unless
    they are `opened`.  Otherwise the chain of the mapping that is `searched` comes first: each of its objects says what
    is found there.
    """

    def __init__(
        self,
        look: Look[ObjectsValue],
        uses: Counter[int],
        mappers: Mapping[str, Sequence[MappedBy]],
        ours: Sequence[Seeing],
        *,
        once: bool,
        searched: Seeing | None = None,
        opened: bool = False,
    ) -> None:
        value, moment = look.now, look.moment
        self._look, self._value, self._before, self._uses, self._once = look, value, look.before, uses, once
        self._mappers, self._references = mappers, value.all_references(mappers)
        self._shared = {frame for frame, count in uses.items() if count > 1}
        self._written, self._looked_at = touched_by(moment)
        self._caller = f"{moment.operation.target}/" if moment.operation is not None else "/"
        self._known: dict[str, tuple[set[int], set[int]]] = {}
        shadowed = {one.shadow for one in value.objects.values()}
        self.alone = [name for name in value.objects if not (mappers[name] or name in shadowed)]
        """The objects to which nothing leads, the operation's first."""
        self.alone.sort(key=lambda name: name not in self._written)
        self._mappings: dict[str, list[Seeing]] = {}
        for one in self._together(ours) if len(ours) > MAPPINGS else ours:
            self._mappings.setdefault(one.target, []).append(one)
        its = [name for name, some in self._mappings.items() for one in some if one.mapper.entry in self._written]
        self._changed = self._written.union(its)
        names = dict.fromkeys([each.name for some in self._mappings.values() for each in some[0].seen.chain])
        self._found = {} if searched is None else searched.found
        self._is_about = not opened and not self._changed.isdisjoint(names)
        """Whether only what the operation changed is drawn."""
        self._families = self._chosen(names)
        drawn = {name for family in self._families for name in family.names}
        if self._is_about and len(drawn) + 1 == len(names):  # a line in place of one row would save no room
            self._is_about = False
            self._families = self._chosen(names)
        drawn = {name for family in self._families for name in family.names}
        self._homes: dict[int, str] = {}
        """If frames are drawn once, the object in which each frame is drawn."""
        for name in sorted(drawn, key=_in_order, reverse=True) if once else ():
            self._homes |= dict.fromkeys(value.objects[name].pages.values(), name)
        drawn.update(*((*family.others, *family.between) for family in self._families))
        self._left_out = [name for name in names if name not in drawn]

    def part(self) -> Part:
        """Return all rows."""
        room, some = self._room, self.alone[: self._room]
        families = [*self._families, *[_Family(some)] * bool(some)]
        parts: list[Part] = []
        for number, one in enumerate(families):
            parts.append(boxes.sized(partial(self._family_part, one, not number)))
        folded = len(self.alone) + self._value.left_out - len(some)
        if folded > 0 and room:
            parts.append(boxes.folded("objects/alone", f"{counted(folded, 'object')} more that nothing maps"))
        if self._left_out:
            mappings = _count([one for name in self._left_out for one in self._mappings.get(name, ())])
            said = f"{counted(len(self._left_out), 'object')} more, with {counted(mappings, 'mapping')}"
            parts.append(boxes.folded(REST, said, title=f"{said}: show them", opens=True))
        return boxes.below(*parts, gap=24)

    @cached_property
    def _room(self) -> int:
        """The number of drawn objects to which nothing leads."""
        drawn = sum(len(family.names) for family in self._families)
        room = max(1, OBJECTS - drawn) if not self._left_out else 0
        return room + (not self._value.left_out and len(self.alone) == room + 1)

    @property
    def facts(self) -> object:
        """The contents of all objects with rows, and the numbers of pages of objects that are a line."""
        rows = [name for family in self._families for name in family.names] + self.alone[: self._room]
        objects, files = self._value.objects, self._value.files
        whole = [(objects[name], self._references[name], files.get(name.removeprefix("file "))) for name in rows]
        uses = {frame: self._uses[frame] for name in rows for frame in objects[name].pages.values()}
        lines = [(family.others, self._shadows(family.between)) for family in self._families if family[1:] != ((), ())]
        return whole, uses, lines, [*self._found.items()], len(self.alone), len(self._left_out)

    @property
    def searched_first(self) -> bool:
        """Return whether the chain that is searched is the first one drawn."""
        return bool(self._families) and not self._found.keys().isdisjoint(self._families[0].names)

    # ---- which objects -------------------------------------------------------------------------------------

    def _together(self, ours: Sequence[Seeing]) -> list[Seeing]:
        """Return one mapping for all that show the same pages of an object, at the same address, in the same way.

        Mappings that the operation changed, and mappings of its task, stay separate.
        """
        alike: dict[object, list[Seeing]] = {}
        for one in ours:
            mapper = one.mapper
            is_alone = mapper.entry in self._written or mapper.map.startswith(self._caller)
            key = one.target, mapper.start, mapper.first, mapper.pages, mapper.needs_copy, frozenset(one.copied)
            alike.setdefault(mapper.entry if is_alone else key, []).append(one)
        return [one._replace(others=tuple(other.mapper for other in others)) for one, *others in alike.values()]

    def _rank(self, name: str) -> tuple[bool, bool]:
        """Return a sort key: objects that the operation changed come first, then those that it examined."""
        return name not in self._changed, name not in self._looked_at

    def _chosen(self, names: Collection[str]) -> list[_Family]:
        """Return the families that are drawn: those that changed, then the chain that is searched, then by name."""
        kin: dict[str, list[str]] = {}
        first: dict[int, str] = {}
        for name in names:
            key = self._value.chain(name)[-1]
            if self._once:  # those with a frame in common
                frames = self._value.objects[name].pages.values()
                key = next((first[frame] for frame in frames if frame in first), key)
                first |= dict.fromkeys(frames, key)
            kin.setdefault(key, []).append(name)
        room = OBJECTS
        found: list[_Family] = []
        for last, those in sorted(kin.items(), key=lambda one: min(map(self._rank, one[1]))):
            if not room or (self._is_about and self._changed.isdisjoint(those)):
                break
            family = _Family(sorted(those, key=_in_order)[:room])
            if not self._once:
                family = self._family(last, those, is_small=len(names) <= FEW, most=CHAIN)
            if len(family.names) <= room or not found:
                room = max(0, room - len(family.names))
                found.append(family)
        order = {name: number for number, name in enumerate(names)}

        def place(one: _Family) -> tuple[bool, bool, int]:
            those = {*one.names, *one.others}
            return (
                self._changed.isdisjoint(those),
                self._found.keys().isdisjoint(those),
                min(map(order.__getitem__, one.names)),
            )

        return sorted(found, key=place)

    def _family(self, last: str, names: Collection[str], *, is_small: bool, most: int) -> _Family:
        """Return a tree of objects as rows: chains that join the longest come first, and then the longest chain.

        Of a chain of more objects than `most` and one, the front and the last one are drawn.
        """
        front: dict[str, list[str]] = {}
        deep = dict.fromkeys(names, 0)
        for name in names:
            chain = self._value.chain(name)
            if len(chain) > 1:
                front.setdefault(chain[1], []).append(name)
            for number, one in enumerate(chain):
                deep[one] = max(deep[one], number)

        def longest(name: str) -> list[str]:
            chain = [name]
            while chain[-1] in front:
                chain.append(min(front[chain[-1]], key=lambda one: (-deep[one], self._rank(one))))
            return chain[::-1]

        whole = longest(last)
        main = [*whole[: most - 1], last] if len(whole) > most + 1 else whole
        joining = [name for name in names if name not in whole and self._value.objects[name].shadow in main]
        shown = joining if is_small else [name for name in joining if not all(self._rank(name))][:BRANCHES]
        rows = [name for one in shown for name in longest(one)][: OBJECTS - len(main)]
        known = {*rows, *whole}
        between = [name for name in whole if name not in main]
        others = [name for name in names if name not in known]
        if len(others) == 1:
            rows, others = [*others, *rows], []
        if self._is_about:
            others = []  # one line counts them all
        is_first = main[0] in self._changed and self._changed.isdisjoint(rows) and len(main) > 1
        return _Family([*main[:1], *rows, *main[1:]] if is_first else [*rows, *main], others, between)

    # ---- which columns -------------------------------------------------------------------------------------

    def _runs(self, names: Sequence[str], most: int) -> list[_Run]:
        """Return the columns of some objects, at most `most`, the same in all steps of the operation.

        Neighbouring pages with the same places are one column, unless there is room for each.
        """
        places: dict[int, int] = {}
        bit = 1
        for value in self._look.after, self._before, self._value:
            for one in filter(None, map(value.objects.get, names)):
                for some in one.pages, one.swapped, one.dirty:
                    for index in some:
                        places[index] = places.get(index, 0) | bit
                    bit <<= 1
        runs: list[list[int]] = []
        for index in sorted(places):
            if runs and runs[-1][-1] == index - 1 and places[runs[-1][0]] == places[index]:
                runs[-1].append(index)
            else:
                runs.append([index])
        if len(runs) > most:
            return _merged(runs, places, set[int]().union(*(self._fresh(name)[0] for name in names)), most)
        for run in sorted(runs, key=len):
            if 1 < len(run) <= most - len(runs) + 1:
                at = runs.index(run)
                runs[at : at + 1] = [[index] for index in run]
        return [_Run(run) for run in runs]

    @cached_property
    def _held(self) -> set[tuple[int, int]]:
        """The pages before the operation, and their frames."""
        return {pair for one in self._before.objects.values() for pair in one.pages.items()}

    def _fresh(self, name: str) -> tuple[set[int], set[int]]:
        """Return an object's pages in frames that the operation allocated, and pages that it changed otherwise."""
        if name not in self._known:
            one, was = self._value.objects[name], self._before.objects.get(name)
            came = one.pages.items() - (was.pages.items() if was is not None else set())
            dirtied = one.dirty - was.dirty if was is not None else frozenset[int]()
            moved = came & self._held
            self._known[name] = {index for index, _ in came - moved}, {index for index, _ in moved} | dirtied
        return self._known[name]

    # ---- the drawing ---------------------------------------------------------------------------------------

    def _family_part(self, family: _Family, is_first: bool, w: float) -> Part:
        """Return a family's rows below the numbers of its pages, with arrows from each object to the one behind it."""
        tracks = _tracks(family.names, self._value)
        is_wide, gutter = w >= _NARROW, 8.0 + _TRACK * (1 + max(tracks.values(), default=-1))
        left = (_MAPPER if is_wide else 0.0) + gutter
        longest = max(text_width(_short(name), "strong") for name in family.names)
        wide = min(max(_OBJECT, longest + 30), w / 3) if is_wide else w
        first = wide + 8 if is_wide else 8.0
        room = w - left - first - 8 + _APART
        runs = self._runs(family.names, max(3, int(room // (_CELL + _APART))))
        each = min(_MOST, room / max(1, len(runs)) - _APART)
        places = _Places(is_wide, gutter, first, each, wide)
        rows = [self._row(name, runs, places) for name in family.names]
        if family.between:
            words = self._shadows(family.between)
            title = f"{words}: {', '.join(map(visible, family.between))}"
            fold = boxes.folded(f"objects/chain/{family.names[-1]}", words, title=title)
            rows.insert(-1, boxes.inset(left, fold))
        others = [one for name in family.others for one in self._mappings.get(name, ())]
        if family.others:
            last = visible(family.names[-1]).removeprefix("file ")
            words = f"{counted(len(family.others), 'object')} more in front of {last}"
            tasks = dict.fromkeys(visible(task_of(one.mapper)) for one in others)
            title = f"{words}: {', '.join(map(visible, family.others))}, of {', '.join(tasks)}"
            rows.append(boxes.folded(f"objects/others/{family.names[-1]}", words, title=title))
        heads = [(0.0, "mapped by"), (left, "object"), (left + first - 40, "page")] if is_wide and is_first else []
        text = [Text(at, 13, word, "label dim") for at, word in heads]
        for number, run in enumerate(runs):
            ways, middle = (run.label, f"{run.pages[0]:,}–…"), left + places.cell(number) + each / 2
            text.append(fitted(middle, 13, ways, each + 2, "label dim", "middle"))
        head = boxes.thing(
            16, lambda box: kit.runs(f"objects/pages/{family.names[0]}", box, [run for run in text if run.text])
        )
        return boxes.linked(
            boxes.below(head, boxes.below(*rows, gap=_BELOW), gap=4), partial(self._arrows, family, tracks)
        )

    def _shadows(self, between: Sequence[str]) -> str:
        """Return what the objects in the middle of a chain have: how many pages of their own, in all."""
        owns = [len({*one.pages, *one.swapped}) for one in map(self._value.objects.__getitem__, between)]
        each = " each" * (len(owns) > 1)
        pages = f"{counted(owns[0], 'page')}{each}" if len({*owns}) == 1 else f"{counted(sum(owns), 'page')} in all"
        return f"{counted(len(between), 'shadow')} in between, with {pages}"

    def _arrows(self, family: _Family, tracks: Mapping[str, int], placed: Mapping[str, Node]) -> Iterator[Link]:
        """Yield lines from mappings to their objects, and an arrow from each object to the object behind it.

        An arrow goes straight down, or on a track left of the rows between.
        """
        fold = placed.get(f"objects/chain/{family.names[-1]}")
        for number, name in enumerate(family.names):
            one, behind = placed[f"object/{name}"], self._value.objects[name].shadow
            for mapping in self._mappings.get(name, ()):
                node = placed.get(_card_of(mapping))
                if node is not None:
                    is_beside = node.x + node.w < one.x
                    y = node.y + _HIGH / 2
                    ends = (
                        ((node.x + node.w, y), (one.x, y))
                        if is_beside
                        else ((one.x + 40, node.y + node.h), (one.x + 40, one.y))
                    )
                    yield Link(f"{node.id}/to/{one.id}", "backs", node.id, one.id, ends)
            after = placed.get(f"object/{behind}") if behind in family.names else None
            if fold is not None and number == len(family.names) - 2:
                after = fold
            if after is None:
                continue
            x = one.x + 20
            ways: tuple[tuple[float, float], ...] = (x, one.y + one.h), (x, after.y)
            if behind in tracks and family.names.index(behind) != number + 1:
                x = one.x - 6 - _TRACK * tracks[behind]
                ways = (one.x, one.y + 26), (x, one.y + 26), (x, after.y + 12), (after.x, after.y + 12)
            yield Link(f"{one.id}/to/{after.id}", "backs", one.id, after.id, ways, arrow=True)

    def _row(self, name: str, runs: Sequence[_Run], places: _Places) -> Part:
        """Return an object with its mappings, those that the operation changed first if there are too many."""
        mine = self._mappings.get(name, ())
        quiet = [one for one in mine if one.mapper.entry not in self._written]
        if self._is_about and len(quiet) > 1:
            others = [it for one in quiet for it in (one.mapper, *one.others)][1:]
            mine = [*(one for one in mine if one not in quiet), quiet[0]._replace(others=tuple(others))]
        most = BESIDE if len(mine) <= BESIDE else BESIDE - 1
        ranked = sorted(
            mine, key=lambda one: (one.mapper.entry not in self._written, not one.mapper.map.startswith(self._caller))
        )[:most]
        parts = [boxes.thing(_HIGH, partial(self._mapping, one)) for one in mine if one in ranked]
        if left := _count(mine) - _count(ranked):
            parts.append(boxes.folded(f"objects/fold/{name}", f"{counted(left, 'mapping')} more", high=_FOLD))
        high = _HIGH if places.is_wide else _HIGH + (_CELL_H + 4) * bool(runs)
        if not places.is_wide:
            return boxes.inset(places.gutter, boxes.below(*parts, self._object(name, runs, places, high), gap=2))
        high = max(high, len(parts) * (_HIGH + 4) - 4 - (_HIGH - _FOLD) * bool(left))
        columns = (_MAPPER, boxes.below(*parts, gap=4)), (0, self._object(name, runs, places, high))
        return boxes.columns(*columns, gap=places.gutter)

    def _mapping(self, one: Seeing, box: Box) -> Node:
        mapper, before = one.mapper, self._before.entries.get(one.mapper.map, {})
        tasks = [*dict.fromkeys(task_of(it) for it in (mapper, *one.others))]
        where, pages = f"{address(mapper.start)}", counted(mapper.pages, "page")
        places = {it.start for it in one.others if it.start != mapper.start}
        where = f"at {len(places) + 1:,} addresses" if places else where
        title = ", ".join(
            [
                f"{one.who} {where}",
                f"{pages} of {visible(one.target)}",
                *[f"{one.said}: a write to another page in memory copies it first"] * bool(one.said),
                *[", ".join(map(visible, tasks))] * bool(one.others),
            ]
        )
        is_beside = text_width(one.who, "strong") + text_width(one.said) + 26 <= box.w
        lines = (
            kit.Line(one.who, "strong", one.said * is_beside, "label", middle=True),
            kit.Line((f"{where}, {pages}", where), "label dim", one.said * (not is_beside), "label"),
        )
        return kit.card(_card_of(one), box, lines, thing=f"entry:{mapper.entry}",
                        state=("new",) * (mapper.entry not in before), title=title, lane="objects/0", top=15, step=16,
                        pad=10, bars=(Bar(0, 0, 4, box.h, kind_of_object(one.target, "r--")),))  # fmt: skip

    def _object(self, name: str, runs: Sequence[_Run], places: _Places, high: float) -> Part:
        """Return an object's card with its own pages, and lines down the columns of pages that are further below."""
        one = self._value.objects[name]
        behind = [self._value.objects[each] for each in self._value.chain(name)[1:]]
        below = set[int]().union(*(each.pages for each in behind), *(each.swapped for each in behind))
        top = 5.0 if places.is_wide else _HIGH

        def put(drawn: Drawn, x: float, y: float, w: float) -> float:
            cells: list[Node] = []
            lines: list[Bar] = []
            for number, run in enumerate(runs):
                left = places.cell(number)
                own, box = self._own(one, run), Box(x + left, y + top, places.each, _CELL_H)
                if own:
                    cells.append(self._cell(one, run, own, box))
                elif any(index in one.pages for index in run.pages):
                    cells.append(self._echo(one, run, box))
                elif not below.isdisjoint(run.pages):
                    from_y = 0.0 if places.is_wide else top - 2
                    lines.append(Bar(left + places.each / 2 - 0.75, from_y, 1.5, high - from_y, "line"))
            card = self._card(one, Box(x, y, w, high), places.words if places.is_wide else w)
            if "new" in card.state:  # a line is around the whole object
                cells = [
                    replace(node, state=("within", *node.state)) if "new" in node.state else node for node in cells
                ]
            drawn.nodes += [replace(card, bars=(*card.bars, *lines)), *cells]
            return y + high

        return put

    def _own(self, one: ObjectValue, run: _Run) -> list[int]:
        """Return the pages of a column that are drawn in an object."""
        own = [index for index in run.pages if index in one.pages or index in one.swapped]
        if not self._once:
            return own
        return [index for index in own if self._homes.get(one.pages.get(index, -1), one.name) == one.name]

    def _card(self, one: ObjectValue, box: Box, wide: float) -> Node:
        """Return an object's card: its name, its references, and what is behind it, in `wide` pixels."""
        name, was = one.name, self._before.objects.get(one.name)
        size = self._value.files.get(name.removeprefix("file "), -1) if one.kind == "file" else -1
        kind = f"file, {Size(size)}" if size >= 0 else one.kind + f" of {visible(one.shadow)}" * bool(one.shadow)
        if kind == "anonymous" and name.startswith("/"):  # the map of a process was loaded, and not its files
            kind = "named after a file"
        count = self._references[name]
        beside = said = counted(count, "reference")
        if one.kind == "file":
            said += f": {counted(count - 1, 'reference')} of mappings and shadows, and the open file"
        names = visible(name), _short(name)  # the line below says that it is a file
        if text_width(names[-1], "strong") + text_width(beside) > wide - 26:
            beside = ""
        found, style = "", "label dim"
        if name in self._found:  # it is below the name, for an arrow leads to what is behind
            here = self._found[name]
            found = f"search {[*self._found].index(name) + 1}: {counted(here, 'page')}"
            style = "label strong" if here == max(self._found.values()) else style
        tasks = {visible(task_of(who)) for who in self._mappers[name]}
        own = [f"{task}'s own copies" for task in tasks] * (one.kind == "shadow" and len(tasks) == 1 and count == 1)
        lines = kit.Line(names, "strong", beside, middle=True), kit.Line(found or (*own, kind, one.kind), style)
        state = ("new",) if was is None else ("changed",) if was.shadow != one.shadow else ()
        text, bar = kit.lines_of(lines, wide, top=15, step=16, pad=10), Bar(0, 0, 4, box.h, kind_of_object(name, "r--"))
        title = ", ".join(filter(None, (names[0], kind, said, found)))
        return Node(
            f"object/{name}", "card", *box, f"object:{name}", "box", text, (bar,), state, title, "select", "objects/1"
        )

    def _cell(self, one: ObjectValue, run: _Run, own: Sequence[int], box: Box) -> Node:
        """Return a cell for a page, or for several in a column."""
        new, changed = (those.intersection(own) for those in self._fresh(one.name))
        frames = [one.pages.get(index, -1) for index in own]
        slots = frames.count(-1)
        kind = "file" if kind_of_object(one.name, "r--") == "file" else "anonymous"
        state = (
            *["new"] * bool(new),
            *["changed"] * (not new and bool(changed)),
            "folded" if slots == len(own) else f"is-{kind}",
        )
        bars: tuple[Bar, ...] = ()
        words: tuple[str, ...]
        identity, thing = f"object/{one.name}/{run.key}", ""
        shape = "box" if self._shared.isdisjoint(frames) else "round"
        if len(run.pages) > 1:
            count = f"{len(own):,}" if len(own) == len(run.pages) else f"{len(own):,} of {len(run.pages):,}"
            title = f"pages {run.label}: {len(own):,} are of {one.name}"
            title += f", {slots:,} in swap space" * bool(slots) + f", {len(new):,} new" * bool(new)
            words, style = (f"{count} {'in swap' if slots == len(own) else 'pages'}", count, f"{len(own):,}"), "label"
        else:
            said, words, style = self._page(one, own[0])
            title = ", ".join(said)
            bars = (Bar(6, box.h - 4, box.w - 12, 3, "used-and-dirty"),) * (own[0] in one.dirty)
            thing = f"frame:{frames[0]}" * (frames[0] >= 0)
        return kit.chip(identity, "page", box, words, style=style, spare=2, title=title, thing=thing, state=state,
                        shape=shape, bars=bars, lane=f"object/{one.name}/pages")  # fmt: skip

    def _echo(self, one: ObjectValue, run: _Run, box: Box) -> Node:
        """Return a pale cell for the frames of a column that have their colour in another object's row."""
        frames = [one.pages[index] for index in run.pages if index in one.pages]
        is_one = len(run.pages) == 1
        words = f"{frames[0]:#x}" if is_one else f"{len(frames):,}"
        home = self._homes[frames[0]]
        title = f"{f'page {run.label}, frame' if is_one else f'pages {run.label}:'} {words}, as in {visible(home)}"
        style = "mono label dim" if is_one else "label dim"
        return kit.chip(f"object/{one.name}/{run.key}", "page", box, words, style=style, spare=2, title=title,
                        thing=f"frame:{frames[0]}" * is_one, state=("echo",), shape="round",
                        lane=f"object/{one.name}/pages")  # fmt: skip

    def _page(self, one: ObjectValue, index: int) -> tuple[list[str], tuple[str, ...], str]:
        """Return all about a page of an object, the words in its cell, and their style."""
        frame, slot = one.pages.get(index, -1), one.swapped.get(index, -1)
        many, is_orphan = self._uses.get(frame, 0), self._is_orphan(one, index)
        said = [f"page {index}", f"frame {frame:#x}" if frame >= 0 else f"slot {slot}"]
        said += [f"seen by {many} mappings"] if many > 1 else []
        said += ["written: its file does not have it yet"] if index in one.dirty else []
        said += ["orphan: no mapping leads to it"] if is_orphan else []
        said += [f"clean: slot {slot} of swap space has it too"] if frame >= 0 and slot >= 0 else []
        words = (f"{frame:#x}" if frame >= 0 else f"slot {slot}") + ORPHAN * is_orphan
        return said, (f"frame {words}", words) if frame >= 0 else (words,), "mono label" if frame >= 0 else "label"

    def _is_orphan(self, owner: ObjectValue, index: int) -> bool:
        """Return whether no mapping refers to a page of anonymous memory; a file's pages can be mapped again."""
        if owner.kind not in ("anonymous", "shadow") or self._uses.get(owner.pages.get(index, -1)):
            return False
        mappings = ((name, one) for name, those in self._mappers.items() for one in those)
        fronts = (name for name, one in mappings if one.first <= index < one.first + one.pages)
        return not any(self._holder(name, index) == owner.name for name in fronts)

    def _holder(self, front: str, index: int) -> str:
        """Return the first object of a chain that has a page; "" if none has it."""
        chain = (self._value.objects[name] for name in self._value.chain(front))
        return next((one.name for one in chain if index in one.pages or index in one.swapped), "")


def _short(name: str) -> str:
    return visible(name).removeprefix("file ")


def _card_of(one: Seeing) -> str:
    return f"mapping/{one.mapper.map}/{one.mapper.entry}"


def _count(mappings: Iterable[Seeing]) -> int:
    return sum([1 + len(one.others) for one in mappings])


def _merged(runs: Sequence[list[int]], places: Mapping[int, int], new: Set[int], most: int) -> list[_Run]:
    """Return columns for too many runs: new pages and the rarest stay alone, and the others are put together."""
    often = Counter([places[run[0]] for run in runs])
    ranked = sorted(runs, key=lambda run: (new.isdisjoint(run), often[places[run[0]]], -len(run)))
    kept = {run[0] for run in ranked[: max(1, (most - 1) // 2)]}
    found: list[list[int]] = []
    is_open = False
    for run in runs:
        if is_open and run[0] not in kept:
            found[-1] += run
        else:
            found.append([*run])
        is_open = run[0] not in kept
    return [_Run(run) for run in found]


# ---- arrows to the object behind ---------------------------------------------------------------------------


def _tracks(names: Sequence[str], value: ObjectsValue) -> dict[str, int]:
    """Return a track for each object to which arrows go past other rows: none is used twice at one height."""
    spans: dict[str, tuple[int, int]] = {}
    for number, name in enumerate(names):
        behind = value.objects[name].shadow
        if behind in names and names.index(behind) != number + 1:
            spans.setdefault(behind, (number, names.index(behind)))
    found: dict[str, int] = {}
    for name, (top, bottom) in sorted(spans.items(), key=lambda one: one[1][1] - one[1][0]):
        used = {found[other] for other in found if top <= spans[other][1] and spans[other][0] <= bottom}
        found[name] = next(number for number in range(len(names)) if number not in used)
    return found


# ---- the key, and what the operation is about --------------------------------------------------------------

_LEGEND = (
    ("round", "seen by several mappings"),
    ("echo", "the same frame as in another row"),
    ("dirty", "written: its file does not have it yet"),
    ("orphan", "no mapping leads to this page"),
)
"""The meanings of cells' styles."""


def explained(drawn: Drawn, x: float, y: float, w: float) -> float:
    """Draw a cell of each style in the picture, with its meaning."""
    pages = [node for node in drawn.nodes if node.kind == "page"]
    looks = {look for node in pages for look in (node.shape, *node.state, "dirty" * bool(node.bars))}
    looks |= {"orphan" for node in pages for run in node.text if run.text.endswith(ORPHAN)}
    known = [(text_width(words) + 40, _meaning(look, words)) for look, words in _LEGEND if look in looks]
    if any(bar.style == "line" for node in drawn.nodes for bar in node.bars):
        words = "not in this shadow: it is found below"
        known.insert(0, (text_width(words) + 20, boxes.key("objects", (("line", words),))))
    return boxes.flowing(known, gap=14)(drawn, x, y, w)


def _meaning(look: str, words: str) -> Part:
    """Return a cell of a style, and its meaning."""

    def draw(box: Box) -> Iterator[Node]:
        bars = (Bar(5, box.h - 4, 18, 3, "used-and-dirty"),) * (look == "dirty")
        yield kit.chip(
            f"objects/legend/{look}",
            "page",
            box._replace(w=28),
            ORPHAN * (look == "orphan"),
            bars=bars,
            shape="round" if look == "round" else "box",
            title=words,
        )
        yield kit.label(f"objects/legend/{look}/words", words, box.x + 34, box.y, most=box.w - 34)

    return boxes.drawing(18.0, draw)


_ENTRIES = ev.EntryChanged, ev.EntryResized, ev.EntryLinked


def _names_object(kind: type[Event]) -> bool:
    return "object" in kind.field_names


def touched_by(moment: Moment) -> tuple[set[str | int], set[str]]:
    """Return the objects, by name, and entries, by number, that the operation changed; and the objects it examined."""
    written: set[str | int] = set()
    looked_at: set[str] = set()
    kinds = {
        kind for kind in {type(event) for event in moment.events} if issubclass(kind, _ENTRIES) or _names_object(kind)
    }
    for event in moment.events:
        if type(event) not in kinds:
            continue
        if isinstance(event, (ev.ObjectSearched, ev.PagerAsked)):
            looked_at.add(event.object)
        elif isinstance(event, (ev.EntryChanged, ev.EntryResized)):
            written.add(event.after[0])
        elif isinstance(event, ev.EntryLinked):
            written.add(event.entry[0])
        else:
            written.add(event.object)  # type: ignore[attr-defined]  # its class has one
    return written, looked_at


def _in_order(path: str) -> list[str | int]:
    """Return a sort key that puts "init.2" before "init.10"."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split(r"(\d+)", path))]
