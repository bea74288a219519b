"""The whole machine in one picture, or one access from its address to a frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.machine.handles.kmem import MachineKmem
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.domain.domain import domain as domain_sheet
from vmwidgets.views.domain.picture import found_at as found_in_domain
from vmwidgets.views.maps.lanes import TREE_HEAD, draw_map
from vmwidgets.views.maps.picture import LANES
from vmwidgets.views.memory.gauge import gauge_facts
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import typed_in_register
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import Node, Scene, Text
from vmwidgets.views.scene.parts import fold_parts
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import where
from vmwidgets.views.story.words.pictures import map_state

from .asked import WORDS, Asker, Question, asking_scene, questions_of
from .at import At
from .finding import EVERY, Hit, entries_in
from .maps import AnyMap, Map, entry_id, fit_of, title_of
from .memory import (
    BLOCKS,
    entries_of_maps,
    found_at,
    frames_scene,
    kentry_look,
    kentry_scene,
    kmem_scene,
    threads_scene,
)
from .moments import When, look_at
from .options import AddressTrait
from .registry import open_node, picture_of
from .spaces import range_names
from .tables import walk_line, walk_steps
from .translation import (
    Translation,
    nothing_translated,
    panes_of,
    sight_of,
    steps_of_translation,
    translation_in,
    translation_scene,
)


@picture_of(first_for=(Machine, Task))
class Dashboard(Map):
    """The state in a sentence; the last operation's map; below it, the kentry area and a walk.

    While operations change kernel memory, the picture shows its maps, the threads if there are any, and the amount of
    free physical memory.  While operations change a self-paging domain, the picture shows the domain's picture.
    `target` is a machine, or one of its maps; a map stays in view.

    With ``panes="translation"``, the picture shows the latest access of a task, of the machine, or to `address`: the
    address, the TLB, the walk and what each descriptor allows; with `ask`, the frames too.  `panes` may also list some
    of "address", "tlb", "walk", "rights" and "frames".
    With `ask`, the picture asks "what comes next?" and waits for a press; the outcome is drawn only afterwards.  The
    answers are saved like answers to :func:`vmwidgets.lab.predict`.  If `ask` is a string, their names begin with it.

    Raises :class:`Refused` for a pane that is unknown or given twice, and if `ask` has nothing to ask about.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> task = m.task("init")
    >>> task.write(task.mmap("4 KiB"), b"x")
    >>> vm.Dashboard(task, panes="translation").scene().title
    'translation of 0x1_0000 in init'
    """

    folds = True

    address = AddressTrait(
        None,
        allow_none=True,
        min=0,
        max=2**64 - 1,
        help="The address that is translated; None: that of the latest access.",
    ).tag(public=True)

    def __init__(
        self, target: Machine | AnyMap | Task, *, panes: Any = None, ask: bool | str = False, **options: Any
    ) -> None:
        self._follows = isinstance(target, Machine)
        self._kentry_whole = self._walk_whole = False
        if not self._made:  # otherwise the picture gets another target
            self._panes = panes_of(panes, asks=ask is not False)
            self._asker = _asker_of(target, self._panes, ask)
        self._task = None if self._follows else _space_of(target)
        super().__init__(target, **options)

    def _own_options(self) -> dict[str, Any]:
        """Return the panes; a copy of the picture does not ask the same questions again."""
        return {"panes": self._panes or None}

    def _part(self) -> Any:
        return None if self._follows else self.target

    def draw(self, at: At) -> Scene:
        """Return the machine at a moment; on a page, a tree without news and parts without room are folded."""
        if self._panes:
            return self._translation(at)
        scene = self._whole(at)
        has_tree = any(node.id.startswith("tree/") for node in scene.nodes if node.id != TREE_HEAD)
        folded = {} if has_tree else {TREE_HEAD: False}
        return fold_parts(scene, _heads_of(scene), at.height, folded | self._parts_asked)

    def _whole(self, at: At) -> Scene:
        target = self._subject(at)
        machine = target.machine
        if isinstance(target, MachineDomain):
            return domain_dashboard(replace(at, target=target))
        if isinstance(target, MachineKmem):
            return kmem_dashboard(machine, at.moment, self.selection, self._folds_opened, at.width)
        has_kentry = target is machine.kernel_map
        if has_kentry:
            kentry_look(machine.kentry, at.moment, compact=True)  # so it is read in the same replay as the map
        picture, name = self.picture(target, at.moment), title_of(target)
        style = picture.style  # the state has the numbers
        subtitle = f"{style.long(target.start)}–{style.long(target.end)}{f' · {style.legend}' * bool(style.legend)}"
        scenes = [
            draw_map(
                picture,
                lanes=LANES,
                title=name,
                subtitle=subtitle + fit_of(target),
                machine=machine.name,
                selection=entry_id(self.selection),
                width=at.width,
                has_tree=self._has_tree(picture, at),
            )
        ]
        if has_kentry:
            kentry = kentry_scene(
                machine.kentry,
                picture.moment,
                compact=True,
                whole=self._kentry_whole,
                width=at.width if self._kentry_whole else beside(at.width),
            )
            scenes.append(replace(kentry, title="records of entries: where new entries come from"))
        address = self._address_at_hand(target, at.moment.operation)
        task = next((task.name for task in machine.tasks.values() if target is task.map), "")
        moment = picture.moment
        in_line = not self._walk_whole
        width = beside(at.width) if in_line else at.width
        walk = walk_line(machine, task, address, is_open=self._walk_whole, moment=moment, width=width)
        steps = moment.steps(walk_steps(machine, moment, task, address, "read", bool(task), in_line=in_line))
        scenes.append(replace(walk, title=f"walk of {picture.style.long(address)}", steps=steps))
        return _panes(machine, name, map_state(picture.value, picture.used), scenes, moment)

    def opened(self, node_id: str) -> None:
        """Open a fold, open or fold a part, go to a call of a domain, or answer a question."""
        if self._panes:
            self._press(node_id)
            return
        if node_id.startswith("kentry/line"):
            self._kentry_whole = not self._kentry_whole
            return
        if node_id == "walk/line":
            self._walk_whole = not self._walk_whole
            return
        if self._scene is not None and node_id in _heads_of(self._scene):
            self._parts_asked[node_id] = any("folded" in node.state for node in self._scene.nodes if node.id == node_id)
            return
        if not isinstance(self._subject(self.at()), MachineDomain):
            super().opened(node_id)
            return
        open_node(self, node_id)

    def sought(self, text: str) -> None:
        """Show the address `text`; if kernel memory or a domain is shown, in that part."""
        at = self.at()
        target = self._subject(at)
        if self._panes:
            self.address = typed_in_register(text, at.whole.system.pmap.fmt.word_bits)
        elif isinstance(target, MachineDomain):
            self.selection = found_in_domain(replace(at, target=target), text)
        elif isinstance(target, MachineKmem):
            self.selection = found_at(target, text)
        else:
            super().sought(text)

    def called(self, text: str) -> Iterator[Hit]:
        """Yield the entries with this name in the shown map, or in kernel memory's maps."""
        at = self.at()
        target = self._subject(at)
        if self._panes or isinstance(target, MachineDomain):
            return
        if isinstance(target, MachineKmem):
            yield from entries_of_maps(at, target, text)
        else:
            names = range_names(target.vm_map, target.roles)
            yield from entries_in(at.value(target, whole=EVERY).entries, text, names)

    @property
    def asks(self) -> bool:
        """Return whether the picture asks what comes next."""
        return self._asker is not None

    # ---- one access from its address to a frame --------------------------------------------------

    def _translation(self, at: At) -> Scene:
        """Return the current translation; if the picture asks, only as far as its questions were answered."""
        one = translation_in(at.whole, self._task, self.address)
        if one is None:
            return nothing_translated(at, self._task or "")
        asked = self._asked_at(at, one)
        if asked is not None and asked.question is not None:
            return asking_scene(asked.at, self._panes, one, asked.at.moment, asked.question, asked.said)
        scene = translation_scene(at, self._panes, one, at.moment, sight_of(at.whole, one, at.moment))
        caption = scene.caption
        if asked is not None and asked.said:
            if at.number != one.number:  # the answer is to an earlier operation, so its outcome follows
                sight = sight_of(asked.at.whole, one, asked.at.moment)
                caption = translation_scene(asked.at, self._panes, one, asked.at.moment, sight).caption
            caption = replace(caption, reason=f"{asked.said} {caption.reason}".strip())
        return replace(scene, caption=caption, steps=at.moment.steps(steps_of_translation(at, self._panes, one)))

    def _asked_at(self, at: At, one: Translation) -> _Asked | None:
        """Return the first open question of a translation by an operation, if this picture asks."""
        if self._asker is None or not one.lookups:
            return None
        then = replace(at, done=None) if at.number == one.number else self._at_operation(at, one.number)
        questions = questions_of(then.whole, one, then.moment, self._panes)
        question, said = self._asker.first_open(one, questions)
        return _Asked(then, question, said)

    def _at_operation(self, at: At, number: int) -> At:
        there = self.at(When(at.whole.journal.serial(number)))
        return replace(there, width=at.width, height=at.height)

    def _press(self, node_id: str) -> None:
        """Answer the open question with the pressed node; two further nodes pass the question, or all open ones."""
        at = self.at()
        one = translation_in(at.whole, self._task, self.address)
        if one is None or self._asker is None:
            return
        every = node_id == "ask/switch/all"
        while (asked := self._asked_at(at, one)) is not None and asked.question is not None:
            question = asked.question
            said = next((WORDS[key] for key in question.answers if node_id == f"ask/answer/{key}"), None)
            if said is None and not node_id.startswith("ask/switch/"):
                return
            self._asker.answer(one, question, said, WORDS[question.right])
            if not every:
                return

    @traitlets.validate("address")
    def _of_a_translation(self, proposal: Any) -> Any:
        if proposal["value"] is not None and not self._panes:
            raise Refused("Dashboard: address is for a translation: write panes='translation' too")
        return proposal["value"]

    @traitlets.observe("address")
    def _translated_otherwise(self, change: object) -> None:
        self.changed(change)

    # ---- the subject, and the current address ----------------------------------------------------

    def _subject(self, at: At) -> AnyMap | MachineKmem | MachineDomain:
        """Return what the picture is of: its map, or the part of the machine that the latest operations changed."""
        target: AnyMap = at.target
        if not self._follows:
            return target
        machine: Machine = target.machine
        if (domain := domain_at_hand(at.whole)) is not None:
            return domain
        if is_kmem_at_hand(at.whole):
            return at.whole.kmem
        of_tasks = {task.path: task.map for task in machine.tasks.values()}
        maps = {one.path: one for one in (machine.kernel_map, *of_tasks.values())} | of_tasks
        for operation in reversed(machine.journal[-16:]):
            if operation.target in maps:
                return maps[operation.target]
            if operation.target in ("kentry", "unchecked"):
                break
        return machine.kernel_map

    def _address_at_hand(self, target: AnyMap, operation: Operation | None) -> int:
        """Return the start of the selection, or the last operation's result or argument, or the first entry's start."""
        entry = target.vm_map.by_id.get(entry_id(self.selection))
        if entry is not None:
            return entry.start
        if operation is not None:
            given = dict(operation.arguments)
            for value in (operation.result, given.get("address"), given.get("start")):
                if isinstance(value, int) and not isinstance(value, bool) and target.start <= value < target.end:
                    return int(value)
        return int(target.start) if target.vm_map.first is None else target.vm_map.first.start


def _heads_of(scene: Scene) -> tuple[str, ...]:
    """Return the headings of the parts that can be folded: the tree, and the sections below it."""
    return tuple(node.id for node in scene.nodes if node.id.startswith(("section/", TREE_HEAD)))


class _Asked(NamedTuple):
    """The first open question, a moment after the operation it is about, and the answer to the question before it."""

    at: At
    question: Question | None
    said: str


def _asker_of(target: Any, panes: Sequence[str], ask: object) -> Asker | None:
    """Return the asker for a picture of `target`, if `ask` requests questions."""
    if ask is False:
        return None
    if ask is not True and not (isinstance(ask, str) and ask):
        raise Refused(f"Dashboard: ask={shown(ask)}; it must be True, or a lasting name for its questions")
    if not {"tlb", "walk", "frames"} & {*panes}:
        raise Refused("Dashboard: ask needs panes with something to press: write panes='translation' too")
    machine = getattr(target, "machine", target)
    return Asker(
        ask
        if isinstance(ask, str)
        else f"translation/{'-'.join(re.findall(r'[A-Za-z0-9]+', machine.name)) or 'machine'}"
    )


def _space_of(target: AnyMap | Task | Machine) -> str:
    """Return the task whose addresses a picture shows; "" if they are the kernel's."""
    if isinstance(target, Task):
        return target.name
    path = getattr(target, "path", None)
    machine: Machine | None = getattr(target, "machine", None)
    tasks = machine.tasks.values() if isinstance(path, str) and machine is not None else ()
    return next((task.name for task in tasks if str(path).startswith(f"{task.path}/")), "")


AMONG = 16
"""The number of latest operations that decide which parts are in use."""

_ELSEWHERE = frozenset(
    ("boot", "task", "object", "device", "domain", "destroy_domain", "reap", "set_controls", "set_descriptor",
     "undo_descriptor")
)  # fmt: skip
"""A machine's operations that do not concern kernel memory."""


def is_kmem_at_hand(machine: Machine) -> bool:
    """Return whether the latest operation that concerns a map is about kernel memory, its pages or threads."""
    operation: Operation
    for operation in reversed(machine.journal[-AMONG:]):
        part = operation.target.partition("/")[0]
        if part in ("kmem", "threads", "pagedaemon") or operation.name.startswith("kmem_"):
            return True
        if part == "machine" and operation.name not in _ELSEWHERE:
            return True
        if part != "machine":
            return False
    return False


def kmem_dashboard(
    machine: Machine, moment: Moment, selection: str, opened: Sequence[int] = (), width: float = WIDTH
) -> Scene:
    """Return kernel memory with its other parts."""
    has_threads = any(thread.name != "pagedaemon" for thread in machine.threads)
    _, frames = look_at(machine.threads, moment), look_at(machine.frames, moment, whole=BLOCKS)  # one replay reads all
    scenes = [kmem_scene(machine.kmem, moment, selection, opened=opened, width=width)]
    if has_threads:
        scenes.append(threads_scene(machine.threads, moment, beside(width), compact=True))
    gauges = frames_scene(machine.frames, moment, selection, compact=True, width=beside(width))
    scenes.append(replace(gauges, steps=moment.steps(frames.mine("gauges", gauge_facts))))
    said = (" ".join(run.text for run in node.text) for node in scenes[0].nodes if node.id == ANSWER)
    state = next(said, scenes[0].caption.text)
    if scenes[1].caption.tone == "error":  # a deadlock belongs on top
        scenes[0] = replace(scenes[0], caption=scenes[1].caption)
    return _panes(machine, "kernel memory", state, scenes, moment)


def _panes(machine: Machine, name: str, state: str, scenes: Sequence[Scene], moment: Moment) -> Scene:
    """Return the `state` in a sentence, the first scene, and the others as rows, with the steps of all of them.

    If nothing changed in any of them, the state is the picture's title already.
    """
    first, *others = scenes
    own = {place for one in scenes for place in (*one.steps.places, *one.steps.every)}
    steps, width = moment.steps(where(lambda stage: stage.step.index + 1 in own)), first.width
    caption = moment.caption_of(steps) if steps.count and not first.steps.count else first.caption
    state = "" if caption.text == state else state
    room = width - 2 * kit.MARGIN
    said = kit.paragraph(f"part/{first.view}", state, kit.MARGIN, 6, room, style="body")
    answer = sum(node.h + 12 for node in first.nodes if node.id == ANSWER)
    named = [_below(said if state else None, first, 14.0 * bool(state) - answer)]
    for one in others:  # a pane has its name beside it, or above it if it has the whole width
        x, name_of = width - one.width, Text(0, 38, one.title.partition(":")[0], "strong")
        head = kit.runs(f"section/{one.view}", kit.Box(kit.MARGIN, 0, x or room, 42), [name_of])
        named.append(_below(head, one, -22 if x else 0, x))
    subtitle = f"{machine.architecture} · {first.subtitle}"
    drawn = kit.stack(named, title=f"{machine.name}: {name}", subtitle=subtitle, headed=False)
    return replace(drawn, steps=steps, caption=caption)


def _below(head: Node | None, scene: Scene, y: float, x: float = 0.0) -> Scene:
    """Return a scene from `y` pixels below its heading on, moved to the right by `x`."""
    heads = [] if head is None else [head]
    y += sum(one.h for one in heads)
    nodes = (replace(node, x=node.x + x, y=node.y + y) for node in scene.nodes if node.id != ANSWER)
    links = (replace(one, points=tuple((at + x, low + y) for at, low in one.points)) for one in scene.links)
    return replace(
        scene,
        nodes=(*heads, *nodes),
        links=tuple(links),
        marks=tuple(one.moved(y) for one in scene.marks),
        width=scene.width + x,
        height=scene.height + y,
    )


ANSWER = "kmem/answer"
"""Kernel memory's answer: the dashboard's state."""

NAME_W, ABREAST = 180.0, 700.0
"""Width of a pane's name, and the width of a picture from which the names are beside the panes."""


def beside(width: float) -> float:
    """Return the width of the panes below the first."""
    return width - NAME_W if width >= ABREAST else width


def domain_at_hand(machine: Machine) -> MachineDomain | None:
    """Return the domain that the latest operation created or changed, if it still exists."""
    latest = machine.journal.last
    if latest.target == "machine" and latest.name == "domain":
        return machine.domains.get(str(dict(latest.arguments).get("name")))
    path = latest.target.partition("/")[0]
    return next((domain for domain in machine.domains.values() if domain.path == path), None)


def domain_dashboard(at: At) -> Scene:
    """Return the picture of a domain below the machine's name."""
    name = at.whole.name
    scene = domain_sheet(at).scene("dashboard", at.width, at.moment, name)
    return replace(scene, title=f"{name}: domain {at.target.name}")
