"""A pmap over the real CPU driver, and a way to make any one of its calls fail."""

from __future__ import annotations

from typing import Any, cast

from tests.engine.selfpaging.worlds import World, world
from vmwidgets.engine.mmu.walk import walk
from vmwidgets.engine.selfpaging.capabilities import FRAME_CNODE, ROOT_TABLE, SlotAllocator
from vmwidgets.engine.selfpaging.cpu_driver import CpuDriver
from vmwidgets.engine.selfpaging.domain import check_pmap
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.engine.selfpaging.errors import LibError
from vmwidgets.engine.selfpaging.layouts import DOMAIN_LAYOUTS
from vmwidgets.engine.selfpaging.pmap import DomainPmap
from vmwidgets.engine.selfpaging.shadow_tree import tree_snapshot

PAGE, MIB = 4096, 1 << 20
RW = 3
FRAMES_AT = 0x9000_0000
"""Where frames lie that a test gives; nothing answers there, and nothing needs to."""


class Failing:
    """Does what the kernel and the slots do; the call with number `fail` of those in `names` raises instead."""

    def __init__(self, kernel: CpuDriver, slots: SlotAllocator, names: tuple[str, ...]) -> None:
        self._parts = (kernel, slots)
        self._names = names
        self.calls = 0
        self.fail: int | None = None

    def __getattr__(self, name: str) -> Any:
        real = getattr(next(part for part in self._parts if hasattr(part, name)), name)
        if name not in self._names:
            return real

        def call(*args: Any) -> Any:
            self.calls += 1
            if self.calls == self.fail:
                raise LibError("MM_ERR_NOT_FOUND", f"{name} was made to fail")
            return real(*args)

        return call


class Made:
    """A pmap and its world."""

    def __init__(self, architecture: str = "armv7", *, fails: tuple[str, ...] = (), **options: Any) -> None:
        quirks = frozenset(options.pop("quirks", ()))
        current = options.pop("current", True)
        self.world: World = world(architecture, slots=options.pop("slots", 4096), quirks=quirks, foreign=not current)
        self.calls = Failing(self.world.kernel, self.world.slots, fails)
        self.layout = options.pop("layout", DOMAIN_LAYOUTS[architecture])
        self.root = self.world.kernel.cspace.lookup(ROOT_TABLE).object.base
        self.pmap = DomainPmap(
            cast("CpuDriver", self.calls),
            cast("SlotAllocator", self.calls),
            self.layout,
            ROOT_TABLE,
            current=current,
            foreign_root=not current,
            quirks=quirks,
        )
        self._frames = 0
        self._next = FRAMES_AT

    def frame(self, size: int, border: int = PAGE) -> CapRef:
        """A frame of so many bytes."""
        ref = CapRef(FRAME_CNODE, self._frames)
        self._frames += 1
        base = -(-self._next // border) * border
        self._next = base + size
        self.world.kernel.install(ref, "Frame", base, size)
        return ref

    def base(self, frame: CapRef) -> int:
        """Where a frame lies."""
        return self.world.kernel.frame_identify(frame).base

    def physical(self, va: int) -> int | None:
        """What the hardware makes of an address."""
        return walk(self.world.ram, self.world.kernel.fmt, self.root, va, user=True).pa

    def word(self, va: int) -> int:
        """The last descriptor that a walk reads."""
        return walk(self.world.ram, self.world.kernel.fmt, self.root, va, user=True).steps[-1].value

    def check(self) -> None:
        """All invariants, also against RAM."""
        check_pmap(self.pmap, self.world.ram.read_word)

    def mappings(self) -> Any:
        """Everything but capability ids: tree, slab, slots, tables in RAM, RAM in use."""
        _, tables, used = self.world.state()
        return (
            tree_snapshot(self.pmap.tree, self.world.ram.read_word),
            self.pmap.slab.free_blocks,
            self.pmap.slab.total,
            frozenset(self.world.slots.used),
            self.pmap.meta_used,
            tables,
            used,
        )


def outcome(function: Any, *args: Any) -> tuple[Any, tuple[str, ...]]:
    """What a call gives back, or none and the chain that it raises."""
    try:
        return function(*args), ()
    except LibError as error:
        return None, error.stack


def error_of(function: Any, *args: Any) -> tuple[str, ...]:
    """The chain that a call raises."""
    stack = outcome(function, *args)[1]
    assert stack, "no error"
    return stack
