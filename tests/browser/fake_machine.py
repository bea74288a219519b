"""A machine that only counts, and a view of it that is a tree: what the transport tests draw."""

from __future__ import annotations

import weakref
from typing import Any

from vmwidgets.engine.base.journal import Journal
from vmwidgets.engine.base.operations import Door
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.pictures.at import At
from vmwidgets.views.scene.model import AFTER, Caption, Lane, Link, Node, Scene, Steps, Table, Text
from vmwidgets.widgets.host.view import View


class FakeMachine:
    """Counts operations; listeners are told after each."""

    def __init__(self, nodes: int = 7, name: str = "machine 1") -> None:
        self.name, self.nodes, self.operations = name, nodes, 0
        self.door = Door(Recorder(), Journal(lambda _number: ()))
        self.journal = self.door.journal
        self._listeners: list[weakref.WeakMethod[Any]] = []

    def on_operation(self, callback: Any) -> None:
        self._listeners.append(weakref.WeakMethod(callback))

    def at(self, n: int) -> FakeMachine:
        """The machine after its first `n` operations."""
        there = FakeMachine(self.nodes, self.name)
        there.operations = n + 1
        return there

    def _count(self) -> None:
        self.operations += 1

    def operate(self, times: int = 1) -> None:
        for _ in range(times):
            self.door.operate("machine", "count", (), self._count)
            for listener in self._listeners:
                call = listener()
                if call is not None:
                    call(self)


class FakeTree(View):
    """A complete binary tree of the machine's nodes; the newest operation's node is new."""

    def __init__(self, machine: FakeMachine, **options: Any) -> None:
        super().__init__(machine, machine=machine, **options)

    def draw(self, at: At) -> Scene:
        machine: FakeMachine = at.target
        return tree_scene(machine.nodes, machine.operations, machine.name, -1 if at.done is None else min(at.done, 3))


def tree_scene(count: int, operations: int, machine: str = "machine 1", step: int = -1) -> Scene:
    """A tree of `count` nodes whose labels and marks follow `operations`."""
    depth = count.bit_length()
    width = max(320.0, 24.0 * count)
    nodes, links, place = [], [], {}
    for i in range(count):
        level = (i + 1).bit_length() - 1
        across = (i + 1 - (1 << level) + 0.5) / (1 << level)
        x, y = across * (width - 70), 10 + 44.0 * level
        place[i] = (x + 35, y)
        new = operations % count == i
        label = f"{i:x}.{operations:x}" if new else f"{i:x}"
        nodes.append(
            Node(
                id=f"tree/{i}", kind="tree-node", thing=f"entry:{i}", action="select", lane="tree",
                x=x, y=y, w=70, h=28, shape="round" if level % 2 else "box", title=f"node {i}",
                text=(Text(10, 17, "R" if level % 2 else "B", "letter"), Text(35, 18, label, "mono", "middle")),
                state=("red" if level % 2 else "black", *(("new",) if new else ())),
            )
        )  # fmt: skip
        if i:
            (px, py), parent = place[(i - 1) // 2], (i - 1) // 2
            points = ((px, py + 14), (x + 35, y + 14))
            links.append(Link(f"link/{i}", "tree", f"tree/{parent}", f"tree/{i}", points, branch=True))
    count_of_steps = 3 if operations else 0
    places = (0, 1, 2, AFTER) if operations else (AFTER,)
    caption = Caption(f"Operation {operations} is done.", ("fake_insert", "rbtree_insert"), "It was asked for.", "good")
    return Scene(
        view="tree", title="fake_map", subtitle=f"{count} nodes", width=width, height=20 + 44.0 * depth,
        caption=caption,
        nodes=tuple(nodes), links=tuple(links),
        table=Table(("node", "state"), tuple((node.id, " ".join(node.state)) for node in nodes)),
        steps=Steps(count_of_steps if step < 0 else step, count_of_steps, operations, places), machine=machine,
        lanes=(Lane("tree", "tree", label="tree of fake_map"),),
    )  # fmt: skip
