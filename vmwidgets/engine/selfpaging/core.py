"""What all functions of a pmap work on: its tree, its slab, its world, and how they report what they do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..base.domain_values import CapRef
from ..base.events import Called, Returned, VnodeLinked, VnodeMapped, VnodeUnlinked
from ..base.recorder import Recorder
from .errors import LibError
from .invocations import Invocations
from .layouts import PmapLayout
from .quirks import MAP_NOT_UNDONE
from .slab import Slab
from .vnode import ROOT_ID, Vnode
from .vspace import Vspace

P = ParamSpec("P")
T = TypeVar("T")


class PmapCore:
    """The records of one pmap.  `current`: it is the running program's own, so its slab grows by self-made mappings."""

    def __init__(
        self,
        world: Invocations,
        recorder: Recorder,
        name: str,
        layout: PmapLayout,
        root: CapRef,
        root_base: int,
        vspace: Vspace,
        *,
        current: bool,
        quirks: frozenset[str],
    ) -> None:
        self.world = world
        self.recorder = recorder
        self.name = name
        self.layout = layout
        self.vspace = vspace
        self.current = current
        self.quirks = quirks
        self.undoes = MAP_NOT_UNDONE not in quirks
        self.slab = Slab(recorder, name, layout.slab_block_bytes, layout.slab_head_bytes)
        self.root = Vnode(ROOT_ID, None, 0, 1, root, root_base, holds=layout.root)
        self.meta_used = 0
        """Bytes of the region for slab frames that were handed out."""
        self._last_id = ROOT_ID
        self.by_id = {ROOT_ID: self.root}
        """The vnodes of the tree."""

    # ---- the tree ----------------------------------------------------------------------------

    def new_id(self) -> int:
        """The id of a new vnode; none is used twice."""
        self._last_id += 1
        return self._last_id

    def link(self, node: Vnode, position: int = 0) -> None:
        """Put a vnode into its parent's list."""
        assert node.parent is not None
        node.parent.link(node, position)
        self.by_id[node.id] = node
        emit = self.recorder.emit
        if emit is not None:
            emit((VnodeLinked.tag, self.name, node.id, *_described(node)))

    def unlink(self, node: Vnode) -> int:
        """Take a vnode out of its parent's list; how many steps behind the first child it stood."""
        assert node.parent is not None
        position = node.parent.position_of(node)
        node.parent.unlink(node)
        del self.by_id[node.id]
        emit = self.recorder.emit
        if emit is not None:
            parent, *rest = _described(node)
            emit((VnodeUnlinked.tag, self.name, node.id, parent, position, *rest, node.mapping))
        return position

    def set_mapping(self, node: Vnode, mapping: CapRef | None) -> None:
        """Where the Mapping capability of a vnode lies from now on."""
        before, node.mapping = node.mapping, mapping
        emit = self.recorder.emit
        if emit is not None:
            emit((VnodeMapped.tag, self.name, node.id, before, mapping))

    # ---- the world ---------------------------------------------------------------------------

    def slot_alloc(self) -> CapRef:
        """A free slot; LIB_ERR_SLOT_ALLOC without one."""
        try:
            return self.world.slot_alloc()
        except LibError as error:
            raise error.push("LIB_ERR_SLOT_ALLOC") from None

    def cap_delete(self, ref: CapRef) -> None:
        """Delete the capability in a slot, and give the slot back."""
        with pushing("LIB_ERR_CAP_DELETE"):
            self.world.cap_delete(ref)
        self.slot_free(ref)

    def slot_free(self, ref: CapRef) -> None:
        """Give a slot back."""
        with pushing("LIB_ERR_SLOT_FREE"):
            self.world.slot_free(ref)


class pushing:  # noqa: N801  used as a statement: `with pushing(name):`
    """A caller's name is pushed on whatever error comes out of here."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, LibError):
            raise error.push(self._name) from None


def acting(
    function: Callable[Concatenate[PmapCore, P], T],
) -> Callable[Concatenate[PmapCore, P], T]:
    """Report where a function of the pmap begins, and where it is done and with what: a result, or an error's name."""
    name = function.__name__.removeprefix("_")

    @wraps(function)
    def reported(core: PmapCore, /, *args: P.args, **kwargs: P.kwargs) -> T:
        emit = core.recorder.emit
        if emit is None:
            return function(core, *args, **kwargs)
        emit((Called.tag, name, tuple(plain for value in args for plain in _plain(value))))
        try:
            result = function(core, *args, **kwargs)
        except LibError as error:
            emit((Returned.tag, error.name))
            raise
        emit((Returned.tag, next(iter(_plain(result)), None)))
        return result

    return reported


def _plain(value: Any) -> tuple[Any, ...]:
    """What an event can say of an argument or a result."""
    if value is None or isinstance(value, (bool, int, str, CapRef)):
        return (value,)
    if isinstance(value, Vnode):
        return (value.id,)
    if hasattr(value, "told"):
        return tuple(value.told())
    if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
        return (tuple(value),)
    return ()


def _described(node: Vnode) -> tuple[Any, ...]:
    assert node.parent is not None
    return (node.parent.id, node.entry, node.count, node.is_table, node.cap, node.flags, node.offset)
