"""Pictures of kernel memory: maps inside maps, the kentry area, physical memory, slabs, threads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import PAGE_SHIFT
from vmwidgets.engine.kernel.x15.kentry_schema import KentryContents
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.handles.frames import OPEN_SLABS, MachineFrames, MachineKentry
from vmwidgets.engine.machine.handles.kmem import MachineKmem, MachineKmemMap
from vmwidgets.engine.machine.handles.threads import MachineThread, MachineThreads
from vmwidgets.engine.memory.pages_schema import FramesValue
from vmwidgets.engine.memory.slabs_schema import BufferAllocated, BufferFreed
from vmwidgets.views.maps.picture import maps_touched, touched
from vmwidgets.views.memory.buddies import is_touched
from vmwidgets.views.memory.frames import draw_frames, run_words, touched_frames
from vmwidgets.views.memory.kentry import draw_kentry
from vmwidgets.views.memory.kmem import draw_kmem
from vmwidgets.views.memory.threads import draw_threads
from vmwidgets.views.scene.addresses import AddressStyle, typed_between
from vmwidgets.views.scene.kit import WIDTH
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment

from .at import At
from .finding import EVERY, Hit, entries_in, holds
from .maps import FOCUS, entry_id
from .moments import look_at, look_at_map
from .picture import Picture, machine_of
from .registry import picture_of

WHOLE = 48
"""The most entries of a kernel map that is drawn whole."""


@picture_of(first_for=(MachineKmem, MachineKmemMap))
class Kmem(Picture):
    """Kernel memory: a row for each map, submaps below their parent; the map of the last operation is the largest.

    `target` is ``m.kmem``, the machine, or one of the maps: that map is the largest at first.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> a = m.kmem_malloc("12 KiB")
    >>> vm.Kmem(m).scene().caption.text
    '12 KiB was allocated at 0xffff_8080_0030_0000 in kmem_map...'
    """

    def __init__(self, target: MachineKmem | MachineKmemMap | Machine, **options: Any) -> None:
        wanted = "Kmem shows a machine's kernel memory, machine.kmem, or one of its maps"
        machine = machine_of(target, MachineKmem, MachineKmemMap, wanted=wanted)
        self._chosen = f"map:{target.name}" if isinstance(target, MachineKmemMap) else ""
        self._folds_opened: list[int] = []
        super().__init__(machine.kmem, machine=machine, **options)

    def draw(self, at: At) -> Scene:
        """Return kernel memory at a moment."""
        target: MachineKmem = at.target
        return kmem_scene(target, at.moment, self.selection or self._chosen, opened=self._folds_opened, width=at.width)

    def opened(self, node_id: str) -> None:
        """Open a folded part of a map; parts opened earlier stay open."""
        self._folds_opened = [*self._folds_opened, int(node_id.rpartition("/")[2])][-8:]

    def sought(self, text: str) -> None:
        """Select the entry that contains the address `text`, in the innermost map with such an entry."""
        self.selection = found_at(self.at().target, text)

    def called(self, text: str) -> Iterator[Hit]:
        """Yield the entries with this name in all maps, even folded ones."""
        at = self.at()
        yield from entries_of_maps(at, at.target, text)


def entries_of_maps(at: At, target: MachineKmem, text: str) -> Iterator[Hit]:
    """Yield the entries of kernel memory's maps with this name."""
    for one in at.value(target, whole=EVERY).all():
        yield from entries_in(one.map.entries, text)


def found_at(target: MachineKmem, text: str) -> str:
    """Return a selection's name for the entry at the address `text` in the innermost map, or for that map."""
    root = target.kernel_map
    address = typed_between(text, int(root.start), int(root.end))
    inner = target.map_of(address)
    entry = None if inner is None else inner.lookup(address)
    return "" if inner is None else f"map:{inner.name}" if entry is None else f"entry:{entry.id}"


def kmem_scene(
    target: MachineKmem,
    moment: Moment,
    selection: str = "",
    *,
    opened: Sequence[int] = (),
    width: float = WIDTH,
) -> Scene:
    """Return the scene of kernel memory at a moment of an operation; `opened` are the opened folds."""
    look = look_at_map(target, moment, _focus(target, moment, selection), opened, whole=WHOLE)
    return draw_kmem(look, selection=selection, machine=target.machine.name, width=width)


def _focus(target: MachineKmem, moment: Moment, selection: str = "") -> list[int]:
    """Return the entries that a folded map shows: the selection, the places of submaps, and the operation's entries."""
    found = [entry_id(selection)] if entry_id(selection) else []
    for parent in target.maps.values():
        inside = [one for one in target.maps.values() if one is not parent and parent.start <= one.start < parent.end]
        found += [entry.id for one in inside if (entry := parent.lookup(one.start)) is not None]
    names = maps_touched(moment)
    for one in target.maps.values():
        found += touched(moment, one.name)[:FOCUS] if one.name in names else []
    return found


@picture_of(first_for=MachineKentry)
class Kentry(Picture):
    """The kentry area: the reserved range, its free list, and the slots with the kernel map's entries in them.

    `target` is ``m.kentry``, or the machine.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> vm.Kentry(m.kentry)
    Kentry of kentry ...
    """

    def __init__(self, target: MachineKentry | Machine, **options: Any) -> None:
        area = target.kentry if isinstance(target, Machine) else target
        if not isinstance(area, MachineKentry):
            raise Refused(f"Kentry shows the kentry area of a machine, machine.kentry, not {shown(target)}")
        self._slabs_unfolded: list[int] = []
        super().__init__(area, machine=area.machine, **options)

    def draw(self, at: At) -> Scene:
        """Return the area at a moment."""
        return kentry_scene(at.target, at.moment, width=at.width, unfolded=self._slabs_unfolded)

    def opened(self, node_id: str) -> None:
        """Show each free slot of a slab, from now on."""
        self._slabs_unfolded.append(int(node_id.split("/")[1]))


def kentry_scene(
    target: MachineKentry,
    moment: Moment,
    *,
    compact: bool = False,
    whole: bool = False,
    width: float = WIDTH,
    unfolded: Collection[int] = (),
) -> Scene:
    """Return the scene of the area at a moment of an operation; `unfolded` are slabs with a cell for each free slot."""
    look = kentry_look(target, moment, compact=compact)
    kernel_map = target.machine.kernel_map
    style = AddressStyle.of(kernel_map.start, kernel_map.end)
    name = target.machine.name
    slots = [identity for when in (look.before, look.after) for identity, _ in when.residents.values()]
    entries = None if compact else look_at_map(kernel_map, moment, tuple(dict.fromkeys(slots)), (), whole=WHOLE)
    return draw_kentry(
        look, style=style, machine=name, compact=compact, whole=whole, width=width, entries=entries, unfolded=unfolded
    )


def kentry_look(target: MachineKentry, moment: Moment, *, compact: bool) -> Look[KentryContents]:
    """Return the area with those slabs open in which the operation allocated and freed slots."""
    slots = [event.address for event in reversed(moment.events) if isinstance(event, (BufferAllocated, BufferFreed))]
    return look_at(target, moment, slots, 1 if compact else OPEN_SLABS, of="contents")


@picture_of(first_for=MachineFrames)
class Frames(Picture):
    """Physical memory: gauges with the reserves, free lists, runs of frames, owners; a selected frame's reverse map.

    `target` is ``m.frames``, or the machine.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> t = m.task("init")
    >>> t.write(t.mmap("8 KiB"), b"x")
    >>> vm.Frames(m.frames)
    Frames of frames ...
    """

    def __init__(self, target: MachineFrames | Machine, **options: Any) -> None:
        machine = machine_of(target, MachineFrames, wanted="Frames shows a machine's physical memory, machine.frames")
        super().__init__(machine.frames, machine=machine, **options)

    def draw(self, at: At) -> Scene:
        """Return physical memory at a moment."""
        return frames_scene(at.target, at.moment, self.selection, width=at.width, still=at.compared)

    def called(self, text: str) -> Iterator[Hit]:
        """Yield the runs of frames of this owner, drawn or not."""
        at = self.at()
        for run in at.value(at.target, whole=EVERY).runs:
            words = run_words(run)
            if holds(words, text):
                yield Hit(words, f"frame:{run.first}")


BLOCKS, TURNED = 1200, 20_000
"""The most blocks of frames that are all examined, at each step and before an operation that moves some.

If there are more, only blocks around important frames are.
"""


def frames_scene(
    target: MachineFrames,
    moment: Moment,
    selection: str = "",
    *,
    compact: bool = False,
    width: float = WIDTH,
    still: bool = False,
) -> Scene:
    """Return the scene of physical memory at one moment of an operation, or `still`: without what the operation did."""
    chosen = frame_of(selection, int(target.machine.ram_bytes) >> PAGE_SHIFT)
    touched = touched_frames(moment.events)
    moved = (frame for frame in reversed(touched) if frame - 1 not in touched)
    lit = target.behind(entry_id(selection)) if entry_id(selection) else ()
    focus = dict.fromkeys([*([] if chosen is None else [chosen]), *lit, *moved])
    selected = None if chosen is None or compact else target.frame(chosen)
    name = target.machine.name
    look = look_at(target, moment, focus, whole=BLOCKS)
    is_drawn = is_touched(moment.events) and look.moment.has_steps and not (compact or still or look.is_far)
    whole = _all_of(look.before) or _all_of(look_at(target, moment, whole=TURNED).before) if is_drawn else None
    return draw_frames(look, whole, selected=selected, lit=lit, machine=name, compact=compact, width=width)


def _all_of(value: FramesValue) -> FramesValue | None:
    """Return physical memory if no run is left out of it; None otherwise."""
    return value if sum(run.frames for run in value.runs) == value.counts.total else None


def frame_of(selection: str, frames: int) -> int | None:
    """Return the frame that a selection names; None if it names something else, or a frame that does not exist."""
    kind, _, number = selection.partition(":")
    return int(number) if kind == "frame" and number.isdecimal() and int(number) < frames else None


@picture_of(first_for=(MachineThreads, MachineThread))
class Threads(Picture):
    """Threads: threads that are ready, sleeping threads by reason in the order in which they wake, and a deadlock.

    `target` is ``m.threads``, the machine, or a thread; a thread is selected.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64")
    >>> for name in ("sh", "ls"):
    ...     thread = m.spawn(m.kmem_alloc_wait, "1 MiB", name=name)
    >>> count = m.run()
    >>> vm.Threads(m.threads)
    Threads of threads ...
    """

    def __init__(self, target: MachineThreads | MachineThread | Machine, **options: Any) -> None:
        wanted = "Threads shows a machine's threads, machine.threads"
        machine = machine_of(target, MachineThreads, MachineThread, wanted=wanted)
        super().__init__(machine.threads, machine=machine, **options)
        if isinstance(target, MachineThread):
            self.selection = f"thread:{target.name}"

    def draw(self, at: At) -> Scene:
        """Return the threads at a moment."""
        return threads_scene(at.target, at.moment, at.width)


def threads_scene(target: MachineThreads, moment: Moment, width: float = WIDTH, *, compact: bool = False) -> Scene:
    """Return the scene of the threads at one moment of an operation; `compact` for a part of another picture."""
    return draw_threads(look_at(target, moment), machine=target.machine.name, width=width, compact=compact)
