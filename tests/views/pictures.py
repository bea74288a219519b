"""Machines in many states, and what every scene must hold."""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

import vmwidgets as vm
from vmwidgets.engine.base.errors import KernelError
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.views.scene.model import Node, Scene, Text
from vmwidgets.views.scene.text import ELLIPSIS, cut, font_size, text_width

PAGE = 4096


def machine_with(entries: int, seed: int = 1, layout: str = "small") -> vm.Machine:
    """A machine whose kernel map has `entries` entries, those of the boot too, entered in an order that `seed` decides.

    They lie above kernel memory, 8 pages apart, and none touches another.
    """
    machine = vm.boot("x86-64", layout=layout, ram="64 MiB")
    target, draws = machine.kernel_map, random.Random(seed)
    above = int(target.entries()[-1].end) + PAGE
    slots = [above + number * 8 * PAGE for number in range(entries - len(target))]
    draws.shuffle(slots)
    for where in slots:
        target.enter(draws.randrange(1, 8) * PAGE, at=where, fixed=True, prot=draws.choice(["r", "rw", "rx"]))
    return machine


def worked_on(seed: int, steps: int = 40) -> vm.Machine:
    """A machine after a random life on its kernel map."""
    machine = vm.boot("x86-64", layout="tiny")
    draws = random.Random(seed)
    for _ in range(steps):
        with suppress(KernelError, vm.Refused):
            _act(machine.kernel_map, draws)
    return machine


def _act(target: MachineMap, draws: random.Random) -> None:
    if draws.random() < 0.6:
        at = None if draws.random() < 0.5 else _somewhere(target, draws)
        target.enter(draws.randrange(1, 20) * PAGE, at=at, prot=draws.choice(["r", "rw"]))
    else:
        target.remove(_somewhere(target, draws), size=draws.randrange(1, 24) * PAGE)


def _somewhere(target: MachineMap, draws: random.Random) -> int:
    """A page above what the boot entered in layout tiny, or now and then where kernel memory is."""
    return int(target.start) + draws.randrange(480, 1000) * PAGE


def width_of(run: Text) -> float:
    """Pixels that a run may take."""
    return min(run.room or float("inf"), text_width(run.text, run.style))


def misplaced_text(scene: Scene) -> list[str]:
    """Runs of text that reach out of the box they stand in."""
    wrong = []
    for node in scene.nodes:
        for run in node.text:
            w = width_of(run)
            left = run.x - {"start": 0.0, "middle": w / 2, "end": w}[run.anchor]
            inside = left >= -0.6 and left + w <= node.w + 0.6 and 0 < run.y <= node.h + 1
            if not inside:
                wrong.append(
                    f"{node.id}: {run.text!r} from {left:.1f} to {left + w:.1f} in {node.w:.1f} × {node.h:.1f}"
                )
    return wrong


def crossing_text(scene: Scene) -> list[str]:
    """Runs of text in one line of one node that reach into each other."""
    wrong = []
    for node in scene.nodes:
        lines: dict[float, list[tuple[float, float, str]]] = {}
        for run in node.text:
            if run.text:
                w = width_of(run)
                left = run.x - {"start": 0.0, "middle": w / 2, "end": w}[run.anchor]
                lines.setdefault(run.y, []).append((left, left + w, run.text))
        for line in lines.values():
            for one, following in pairwise(sorted(line)):
                if one[1] > following[0]:
                    wrong.append(f"{node.id}: {one[2]!r} over {following[2]!r}")
    return wrong


class Words(NamedTuple):
    """Where a run of text is in its picture, from the top of its letters to their foot."""

    node: Node
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def is_over(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether they are in part where that box is."""
        across = self.left < right - 0.6 and left < self.right - 0.6
        return across and self.top < bottom - 1 and top < self.bottom - 1


def words_of(scene: Scene) -> list[Words]:
    """All runs of text, from the top down."""
    found = []
    for node in scene.nodes:
        for run in node.text:
            w, x, y = width_of(run), node.x + run.x, node.y + run.y
            left = x - {"start": 0.0, "middle": w / 2, "end": w}[run.anchor]
            if run.text.strip():
                found.append(Words(node, run.text, left, y - 0.7 * font_size(run.style), left + w, y))
    return sorted(found, key=lambda words: words.top)


def covered_words(scene: Scene) -> list[str]:
    """Words that lie over words of another node, or half in and half out of another node's box."""
    found = []
    words = words_of(scene)
    for number, one in enumerate(words):
        for other in words[number + 1 :]:
            if other.top > one.bottom:
                break
            if one.node is not other.node and one.is_over(*other[2:]):
                found.append(f"{one.node.id}: {one.text[:40]!r} over {other.node.id}: {other.text[:40]!r}")
    boxes = [node for node in scene.nodes if node.shape in ("box", "round")]
    for one in words:
        for box in boxes:
            right, bottom = box.x + box.w, box.y + box.h
            holds = (
                box.x - 1 <= one.left and one.right <= right + 1 and box.y - 1 <= one.top and one.bottom <= bottom + 1
            )
            if box is not one.node and not holds and one.is_over(box.x, box.y, right, bottom):
                found.append(f"{one.node.id}: {one.text[:40]!r} over the box {box.id}")
    return found


def cut_text(scene: Scene) -> list[str]:
    """Runs of text that are cut in a file."""
    return [f"{node.id}: {run.text!r}" for node in scene.nodes for run in node.text if ELLIPSIS in cut(run)[1:]]


def overlaps(nodes: list[Node], slack: float = 0.6) -> list[str]:
    """Pairs of neighbouring boxes in one row that cover each other."""
    rows: dict[float, list[Node]] = {}
    for node in nodes:
        rows.setdefault(node.y + node.h / 2, []).append(node)
    found = []
    for row in rows.values():
        for left, right in pairwise(sorted(row, key=lambda node: node.x)):
            if left.x + left.w > right.x + slack:
                found.append(f"{left.id} over {right.id}")
    return found


def outside(scene: Scene) -> list[str]:
    """Nodes that reach out of the scene."""
    return [
        node.id
        for node in scene.nodes
        if node.x < -0.6 or node.y < -0.6 or node.x + node.w > scene.width + 0.6 or node.y + node.h > scene.height + 0.6
    ]
