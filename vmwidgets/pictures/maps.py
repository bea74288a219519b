"""Live pictures of a map: all lanes together, or one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import traitlets

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.kernel.map.map_schema import MapValue
from vmwidgets.engine.kernel.map.window import WHOLE
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.kmem import MachineKmemMap
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.maps.lanes import TREE_HEAD, draw_map, subtitle_of
from vmwidgets.views.maps.picture import LANES, MapPicture, map_picture, seek, touched
from vmwidgets.views.maps.repair import Stage, stages_of
from vmwidgets.views.scene.addresses import typed_between
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.called import called

from .at import At
from .finding import EVERY, Hit, entries_in
from .moments import look_at_map
from .options import AddressTrait
from .picture import Picture
from .registry import picture_of
from .spaces import range_names

MOST_LANE, MOST_LANES = 1050, 400
"""One lane, and several lanes, show maps of up to this many entries whole, even if `whole` is larger: updates then stay
below 64 KiB.
"""

MOST_STAGED = 24
"""The stages of a repair show trees of up to this many nodes whole."""

FOCUS = 10
"""The number of the last operation's entries that a folded picture keeps."""


AnyMap = MachineMap | MachineKmemMap
"""A map of X15's or FreeBSD's kind."""


@picture_of(first_for=MachineMap)
class Map(Picture):
    """A map: its entry list above its address ribbon, and its tree below.

    `Tree`, `EntryList` and `Ribbon` are the parts on their own.  The picture follows the map; `step` goes back into its
    last operation.  If the map is too large to be shown whole, `find` is an address to show as well.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> vm.Map(m.kernel_map).scene().title
    'kernel_map'
    """

    lanes: Sequence[str] = LANES

    whole = traitlets.Int(
        WHOLE, min=1, help="The most entries of a map that is drawn whole, as far as an update can carry them."
    ).tag(public=True)
    find = AddressTrait(
        None, allow_none=True, min=0, max=2**64 - 1, help="An address that a folded picture also shows."
    ).tag(public=True, sync=True)

    def __init__(self, target: AnyMap | Machine | Task, **options: Any) -> None:
        shown_map = map_of(target, type(self).__name__)
        self._folds_opened: list[int] = []
        self._parts_asked: dict[str, bool] = {}  # by heading, whether a reader opened or folded the part
        self._seeking = options.get("find") is not None
        super().__init__(shown_map, machine=shown_map.machine, **options)

    def draw(self, at: At) -> Scene:
        """Return the map at a moment."""
        target: AnyMap = at.target
        picture = self.picture(target, at.moment)
        return draw_map(
            picture,
            stages=self._stages(target, at.moment),
            lanes=self.lanes,
            title=title_of(target),
            subtitle=f"{target.machine.architecture} · {subtitle_of(picture)}{fit_of(target)}",
            machine=target.machine.name,
            selection=entry_id(self.selection),
            width=at.width,
            has_tree=self._has_tree(picture, at),
            opens=True,
        )

    def _has_tree(self, picture: MapPicture, at: At) -> bool:
        """Return whether the tree is drawn: alone, in a file, if an operation used it, or a reader opened it."""
        is_new = picture.steps.count > 0 and not at.moment.is_boot
        is_whole = len(self.lanes) == 1 or at.height == inf
        return is_new or self._seeking or is_whole or self._parts_asked.get(TREE_HEAD, False)

    def picture(self, target: AnyMap, moment: Moment) -> MapPicture:
        """Return the value to draw: the map at a moment, around important entries, or with the result of a search."""
        names = range_names(target.vm_map, target.roles)
        picture = map_picture(self._look(target, moment, self._most()), self.lanes, names)
        return seek(picture, self.find) if self._seeking and self.find is not None else picture

    def _look(self, target: AnyMap, moment: Moment, whole: int) -> Look[MapValue]:
        """Return the map at the moments of its last operation, folded beyond `whole` entries."""
        focus = [] if self._seeking else touched(moment, target.name)[:FOCUS]
        addresses = [] if self.find is None else [self.find]
        return look_at_map(
            target, moment, [*focus, entry_id(self.selection)], self._folds_opened, addresses, whole=whole
        )

    def _stages(self, _target: AnyMap, _moment: Moment) -> Sequence[Stage] | None:
        """Return the stages to draw instead of the tree, or None; only :class:`Tree` can have stages."""
        return None

    def operation_done(self) -> bool:
        """Show the operation from now on, instead of a search."""
        self._seeking = False
        return super().operation_done()

    def _most(self) -> int:
        return min(self.whole, MOST_LANE if len(self.lanes) == 1 else MOST_LANES)

    def opened(self, node_id: str) -> None:
        """Open the tree, or a folded subtree; subtrees opened earlier stay open."""
        if node_id == TREE_HEAD:
            self._parts_asked[node_id] = True
            return
        self._folds_opened = [*self._folds_opened, int(node_id.rpartition("/")[2])][-8:]

    def sought(self, text: str) -> None:
        """Show the address `text` and select its entry; leading digits that all addresses share may be omitted."""
        target: AnyMap = self.at().target
        address = typed_between(text, int(target.start), int(target.end))
        self._seeking = True
        self.find = address
        entry = target.vm_map.peek(address)
        self.selection = f"entry:{entry.id}" if entry is not None and entry.start <= address else ""

    def called(self, text: str) -> Iterator[Hit]:
        """Yield the entries with this name, even folded ones."""
        at = self.at()
        names = range_names(at.target.vm_map, at.target.roles)
        yield from entries_in(at.value(at.target, whole=EVERY).entries, text, names)

    @traitlets.observe("find")
    def _sought_otherwise(self, _change: object) -> None:
        self._seeking = self.find is not None

    @traitlets.observe("whole", "find")
    def _shown_otherwise_too(self, change: object) -> None:
        self.changed(change)


@picture_of()
class Tree(Map):
    """The red-black tree of a map: how an address is found.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("64 KiB", prot="r")
    >>> vm.Tree(m.kernel_map)
    Tree of kernel_map ...

    With ``stages=True`` it shows how the last operation repaired the tree, stage by stage (linked or removed,
    recoloured, rotated), with the trees of the stages side by side.

    >>> vm.Tree(m.kernel_map, stages=True).scene().table.header[0]
    'stage'
    """

    lanes = ("tree",)

    stages = traitlets.Bool(False, help="Draw the stages of the tree's last repair, side by side.").tag(public=True)

    def _stages(self, target: AnyMap, moment: Moment) -> Sequence[Stage] | None:
        """Return the stages of the operation up to the moment, with the important nodes of a large tree."""
        if not self.stages or self._seeking:
            return None
        return stages_of(self._look(target, moment, min(self.whole, MOST_STAGED)))

    @traitlets.observe("stages")
    def _staged_otherwise(self, change: object) -> None:
        self.changed(change)


@picture_of()
class EntryList(Map):
    """The entries of a map in order.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("64 KiB", prot="r")
    >>> vm.EntryList(m.kernel_map)
    EntryList of kernel_map ...
    """

    lanes = ("list",)


@picture_of()
class Ribbon(Map):
    """The addresses of a map, to scale, with its gaps.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("64 KiB", prot="r")
    >>> vm.Ribbon(m.kernel_map)
    Ribbon of kernel_map ...
    """

    lanes = ("ribbon",)


def map_of(target: object, view: str) -> AnyMap:
    """Return the map that a view called `view` shows: `target` itself, a machine's kernel map, or a task's map.

    Raises :class:`Refused` for anything else.
    """
    if isinstance(target, (MachineMap, MachineKmemMap)):
        return target
    if isinstance(target, Machine):
        return target.kernel_map
    if isinstance(target, Task):
        return target.map
    what = "a machine or a map" if view == "Dashboard" else "a map"
    raise Refused(f"{view} shows {what}, such as machine.kernel_map or task.map, not {shown(target)}")


def title_of(target: AnyMap) -> str:
    """Return the name of a map in pictures, the same as in sentences."""
    return called(target.path)


def fit_of(target: AnyMap) -> str:
    """Return the map's placement rule, if it is not X15's own."""
    rule = {"x15": "", "freebsd": "first"}.get(target.placement, target.placement)
    return f" · {rule} fit" if rule else ""


def entry_id(selection: str) -> int:
    """Return the entry that a selection names; 0 if it names something else."""
    kind, _, number = selection.partition(":")
    return int(number) if kind == "entry" and number.isdecimal() else 0
