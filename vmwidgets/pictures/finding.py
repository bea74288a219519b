"""Search in a picture: for addresses, and for everything else by name.

A name is searched for in the pictures' texts about their things: a file, an object, a task, a thread, rights such as
"rw-".  A kernel function is found in the steps of the operation that is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from vmwidgets.engine.base.errors import Refused, in_ascii, shown
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.views.maps.runs import what_is
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.text import visible

LONGEST = 120
"""The most characters of a result's text."""


NO_NAMES: Mapping[int, str] = MappingProxyType({})

EVERY = 10**9
"""More entries than any map has: a search examines all of them."""


class Hit(NamedTuple):
    """A result: a `thing` that can be selected, a node, or a step of the operation that is shown."""

    words: str
    thing: str = ""
    node: str = ""
    step: int = -1


@frozen(slots=False)
class Found:
    """The results of a search for a name, and the index of the result that is shown; -1 if an address was looked up."""

    text: str
    names: tuple[str, ...]
    at: int = -1
    hit: Hit | None = None
    folded: bool = False
    """Whether the shown result is in a folded part of the picture."""

    @in_ascii
    def __repr__(self) -> str:
        if self.at < 0:
            return f"<{self.text} is shown>"
        hidden = ", which is folded here" if self.folded else ""
        return f"<{self.at + 1} of {len(self.names)}: {self.names[self.at]}{hidden}>"

    def told(self) -> dict[str, Any]:
        """Return the message to a page."""
        hit = self.hit or Hit("")
        return {
            "count": len(self.names),
            "at": self.at,
            "words": hit.words,
            "node": hit.node,
            "thing": hit.thing,
            "folded": self.folded,
        }


_ADDRESS = re.compile(r"(…|0x)?[0-9a-f][0-9a-f_ ]*", re.IGNORECASE)


def may_be_address(text: str) -> bool:
    """Return whether a text can be read as an address.

    >>> [may_be_address(text) for text in ("…14_1000", "face", "pipe_map")]
    [True, True, False]
    """
    return _ADDRESS.fullmatch(text.strip()) is not None


def is_address(text: str) -> bool:
    """Return whether a text is an address rather than a name: "face" and "add" are also words.

    >>> [is_address(text) for text in ("0xface", "14_1000", "face")]
    [True, True, False]
    """
    return may_be_address(text) and re.search(r"[0-9…]", text) is not None


class Finding:
    """Search in a picture: a part of :class:`~.picture.Picture`."""

    _search: tuple[object, tuple[Hit, ...], int] = (None, (), -1)

    def sought(self, text: str) -> None:
        """Show the address `text`."""
        raise Refused("find: there are no addresses in this picture")

    def called(self, text: str) -> Iterable[Hit]:
        """Return the things with this name, drawn or not.  Each has a `thing`, which the picture shows if selected."""
        return ()

    def search(self, text: str, way: int = 1) -> Found:
        """Find an address, or a name `text`: a file, an object, a thread, a kernel function, rights ("rw-").

        The first result is selected in all pictures of the machine.  Repeating the search selects the next result, or
        with `way` -1 the previous result.  A kernel function is found at the steps of the current operation.  Returns
        the result.  O(things of the picture); for a map, O(entries).

        Raises :class:`Refused` if there is nothing.

        >>> import vmwidgets as vm
        >>> t = vm.boot("x86-64").task("init")
        >>> a = t.mmap("4 KiB", "rw", "shared", t.machine.object("film", "1 MiB"))
        >>> b = t.mmap("8 KiB", "r")
        >>> picture = vm.picture(t.map)
        >>> picture.search("film")
        <1 of 1: film, entry 12: 0x1_0000-0x1_1000, 4 KiB, rw-, film>
        >>> picture.search("r--").at
        0
        """
        given: object = text
        wanted = given.strip() if isinstance(given, str) else ""
        if not wanted:
            raise Refused("find: write an address, or a name")
        if type(way) is not int or way not in (1, -1):
            raise Refused(f"find: way is {shown(way)}; it must be 1 or -1")
        has_addresses = type(self).sought is not Finding.sought
        if has_addresses and (wanted.lower().startswith(("0x", "…"))):
            return self._address(wanted)
        hits, at = self._hits(wanted)
        exact = re.compile(rf"(?<![\w.]){re.escape(wanted)}(?![\w.])", re.IGNORECASE)
        is_named = any(exact.search(hit.words) for hit in hits)
        if has_addresses and not is_named and (is_address(wanted) or (not hits and may_be_address(wanted))):
            try:
                return self._address(wanted)
            except Refused:
                if not hits:
                    raise
        if not hits:
            raise Refused(f"find: nothing in this picture is called {shown(visible(wanted))}{self._left_out()}")
        at = (at + way) % len(hits) if at >= 0 else 0 if way > 0 else len(hits) - 1
        self._search = (self._search[0], hits, at)
        return self._shown(wanted, hits, at)

    def _address(self, text: str) -> Found:
        self._search = (None, (), -1)
        self.sought(text)
        return Found(visible(text), ())

    def _hits(self, text: str) -> tuple[tuple[Hit, ...], int]:
        """Return all results, and the index of the result shown last; -1 for a new search, or at another moment."""
        picture: Any = self
        key = (text.lower(), picture.target, picture.operation, _latest(picture))
        if key == self._search[0]:
            return self._search[1:]
        scene = picture.scene()
        drawn = [*self.called(text), *hits_in(scene, text), *([] if picture.asks else steps_in(scene, text))]
        drawn = drawn or self._in_folds(scene, text)
        first: dict[object, Hit] = {}
        for hit in drawn:
            first.setdefault(hit.thing or hit.node or hit.step, hit)
        self._search = (key, tuple(first.values()), -1)
        return self._search[1:]

    def _in_folds(self, scene: Scene, text: str) -> list[Hit]:
        """Return the results in folded parts of a picture that is one function; these parts open if there are any."""
        picture: Any = self
        opened = self._folds(scene)
        found = [*hits_in(picture.drawing(replace(picture.at(), opened=opened)), text)]
        if found:
            picture._opened_nodes = opened
        return found

    def _folds(self, scene: Scene) -> tuple[str, ...]:
        """Return the nodes to open so that nothing of a picture that is one function is folded."""
        picture: Any = self
        folds = (node.id for node in scene.nodes if "folded" in node.state and node.action == "open")
        return (*picture._opened_nodes, *folds)

    def _shown(self, text: str, hits: tuple[Hit, ...], at: int) -> Found:
        """Return the result at an index, after showing it."""
        picture: Any = self
        hit = hits[at]
        if hit.step >= 0:
            picture.step = hit.step
        elif hit.thing:
            picture.selection = hit.thing
        folded = False
        if hit.thing:
            scene = picture.scene()
            folded = hit.thing not in _things(scene)
        return Found(visible(text), tuple(one.words for one in hits), at, hit, folded)

    def _left_out(self) -> str:
        if type(self).called is not Finding.called:
            return ""  # it knows all that is folded
        picture: Any = self
        scene = picture.drawing(replace(picture.at(), opened=self._folds(picture.scene())))
        folds = [node for node in scene.nodes if "folded" in node.state]
        were = "was" if len(folds) == 1 else "were"
        return f"; {counted(len(folds), 'folded part')} of it {were} not searched" if folds else ""


def _latest(picture: Any) -> int:
    machine = picture.machine
    return -1 if machine is None else len(machine.journal)


def _things(scene: Scene) -> set[str]:
    marked = (f"{marks.of}:{number}" for marks in scene.marks for number in marks.number)
    return {*(node.thing for node in scene.nodes), *marked}


def hits_in(scene: Scene, text: str) -> Iterator[Hit]:
    """Yield the nodes of a scene with `text`; nodes without a thing or a name of their own count as words."""
    for node in scene.whole().nodes:
        if not (node.thing or node.title):
            continue
        words = node.title or " ".join(run.text for run in node.text)
        said = " ".join((words, *(run.text for run in node.text)))
        if holds(said, text):
            yield Hit(_short(words), node.thing, node.id)


def steps_in(scene: Scene, text: str) -> Iterator[Hit]:
    """Yield the steps of the operation at which a kernel function with this name begins."""
    wanted = text.lower().removesuffix("()")
    was_under_way = False
    for number, (sentence, *functions) in enumerate(scene.steps.said[: scene.steps.count], 1):
        is_under_way = any(wanted in name.lower() for one in functions for name in one.split(" → "))
        if is_under_way and not was_under_way:
            yield Hit(_short(f"step {number}: {sentence}"), step=number)
        was_under_way = is_under_way


def entries_in(entries: Iterable[Any], text: str, names: Mapping[int, str] = NO_NAMES) -> Iterator[Hit]:
    """Yield the entries of a map with this name, drawn or not; `names` are the ranges' short names."""
    for entry in entries:
        words = ", ".join([*filter(None, [names.get(entry.id)]), _said_of(entry)])
        if holds(words, text):
            yield Hit(_short(words), f"entry:{entry.id}")


def _said_of(entry: Any) -> str:
    limits = f"{Address(entry.start)}–{Address(entry.end)}"
    what = what_is(entry).removesuffix("+0x0")
    return f"entry {entry.id}: {limits}, {binary_size(entry.size)}, {entry.protection}, {what}"


def holds(said: str, text: str) -> bool:
    """Return whether words contain a text, ignoring case.

    >>> holds("entry 3: rw-, film", "Film")
    True
    """
    return text.lower() in said.lower()


def _short(words: str) -> str:
    plain = visible(words)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"
