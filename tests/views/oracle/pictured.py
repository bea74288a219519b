"""Pictures of a machine as they are drawn after an operation, and what is said and counted in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import vmwidgets as vm
from vmwidgets.engine.base.journal import Operation
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.registry import known_pictures, picture
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.story.words.registry import Template

from .steps import Gone

T = TypeVar("T")

SUBJECTS = (
    "map pictures", "sought addresses", "no picture", "moments", "kentry pictures", "tlb pictures", "walks",
    "translations", "inverted tables", "comparisons", "fault strips", "object pictures",
    "strings of references", "side by side", "segments", "traces",
)  # fmt: skip  # a list
"""Whose sentences are a picture's own."""


@dataclass
class Pictured:
    """A picture that was drawn: what it shows, and the scene."""

    kind: str
    picture: Picture
    scene: Scene
    subject: Any = None
    """What it was made from, where that is not the machine."""
    began: Callable[[], vm.Machine] | None = None
    """What gives the machine as it was before the operation."""
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def machine(self) -> vm.Machine:
        """The machine after the operation."""
        machine = self.picture.machine
        assert machine is not None
        return machine

    @property
    def operation(self) -> Operation:
        """The operation that was done last."""
        return self.machine.journal.last

    @cached_property
    def before(self) -> vm.Machine:
        """The machine as it was before."""
        if self.operation.number == 0:
            raise Gone("what was before the boot")
        if self.began is not None:
            return self.began()
        earlier: vm.Machine = self.machine.history.at(self.operation.number - 1)
        return earlier

    @property
    def words(self) -> str:
        """All that is written in it, but in its table: a title goes on in the line below it."""
        caption = self.scene.caption
        drawn = [run.text for node in self.scene.nodes for run in node.text]
        return "\n".join([f"{caption.text} {caption.reason}", *drawn])

    def node(self, identity: str) -> Node:
        """The node that is called so."""
        (found,) = [one for one in self.scene.nodes if one.id == identity]
        return found

    def nodes(self, beginning: str) -> list[Node]:
        """The nodes whose names begin so."""
        return [one for one in self.scene.nodes if one.id.startswith(beginning)]

    def rows(self) -> list[dict[str, str]]:
        """The rows of the table, by the heads of its columns."""
        table = self.scene.table
        return [dict(zip(table.header, row, strict=False)) for row in table.rows if not row[0].startswith("…")]


def drawn(kind: str, picture: Picture, **others: Any) -> tuple[Pictured, list[tuple[str, str]]]:
    """A picture and the sentences of its own that it has, by their keys."""
    heard, scene = heard_while(picture.scene)
    pictured = Pictured(kind, picture, scene, **others)
    words = pictured.words
    own = [(key, said) for key, said in heard if key.partition(":")[0] in SUBJECTS and said and said in words]
    return pictured, list(dict.fromkeys(own))


def heard_while(act: Callable[[], T]) -> tuple[list[tuple[str, str]], T]:
    """The sentences that are made while something is done, by their keys, and what that gives."""
    heard: list[tuple[str, str]] = []
    say = Template.say

    def listening(template: Template, count: int = 1, /, **fields: object) -> str:
        sentence = say(template, count, **fields)
        heard.append((template.key, sentence))
        return sentence

    Template.say = listening  # type: ignore[method-assign]
    try:
        return heard, act()
    finally:
        Template.say = say  # type: ignore[method-assign]


SHOWN: dict[str, Any] = known_pictures()
"""Pictures without a page, which are on no other's step."""


# ---- which pictures ------------------------------------------------------------------------------


def a_task(machine: vm.Machine) -> Any:
    """The task that was made last; None where there is none."""
    return next(reversed([*machine.tasks.values()]), None)


def a_page(machine: vm.Machine) -> int:
    """An address that the operation was about, or one of a task's."""
    operation = machine.journal.last
    given = dict(operation.arguments).get("address", operation.result)
    if isinstance(given, int) and not isinstance(given, bool) and given >= 4096:
        return given
    task = a_task(machine)
    entries = [] if task is None else [*task.map.entries()]
    return int(entries[0].start) if entries else 0x40_0000


def _walk(machine: vm.Machine) -> Picture:
    task, va = a_task(machine), a_page(machine)
    space: Any = machine if task is None or va >= int(machine.layout.user_end) else task
    try:
        made: Picture = SHOWN["Walk"](space.walk(va))
    except vm.Refused:
        made = SHOWN["Walk"](space.walk(0x40_0000))
    return made


PICTURES: dict[str, Callable[[vm.Machine], Picture | None]] = {
    "tlb": lambda machine: SHOWN["Tlb"](machine.cpus),
    "map": lambda machine: SHOWN["Map"](machine.kernel_map),
    "objects": SHOWN["Objects"],
    "sharing": SHOWN["Sharing"],
    "clock": SHOWN["Clock"],
    "threads": SHOWN["Threads"],
    "task": lambda machine: task and SHOWN["Map"](task.map) if (task := a_task(machine)) else None,
    "walk": _walk,
    "frames": SHOWN["Frames"],
    "kentry": SHOWN["Kentry"],
    "slabs": SHOWN["Slabs"],
    "tables": lambda machine: SHOWN["Tables"](a_task(machine) or machine),
    "fault": SHOWN["Fault"],
    "dashboard": lambda machine: SHOWN["Dashboard"](machine.kernel_map),
    "translation": lambda machine: SHOWN["Dashboard"](machine, panes="translation"),
    "inverted": lambda machine: picture(machine.frames.inverted()),
    "sought": lambda machine: SHOWN["Map"](task.map, find=a_page(machine)) if (task := a_task(machine)) else None,
    "first": lambda machine: SHOWN["Map"](machine.kernel_map, step=0),
}
"""By name: a picture of a machine, or none."""


def pictures_of(machine: vm.Machine, turn: int) -> Iterator[tuple[str, Picture]]:
    """One of them, in turn."""
    name = [*PICTURES][turn % len(PICTURES)]
    try:
        made = PICTURES[name](machine)
    except vm.Refused:
        return
    if made is not None:
        yield name, made
