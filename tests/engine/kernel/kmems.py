"""FreeBSD's kernel memory on its own: frames that hold what was written, a plain page table, and nobody who waits."""

from __future__ import annotations

from collections import defaultdict
from contextlib import nullcontext
from itertools import count

from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.freebsd.entries import KernelEntry
from vmwidgets.engine.kernel.freebsd.kmem import Kmem
from vmwidgets.engine.kernel.freebsd.vm_page import PageQueues
from vmwidgets.engine.kernel.map.core import PlainEntries
from vmwidgets.engine.kernel.threads.waits import run_without_sleeping

START = 0xC000_0000
BOOT = 16 * PAGE
DIRT = "whatever lay there"


class Frames:
    """Frames by number; what is in each is one value."""

    def __init__(self, total):
        self.total = total
        self.unused = list(range(total))
        self.cache = []
        self.content = defaultdict(lambda: DIRT)

    @property
    def free_frames(self):
        return len(self.unused)

    @property
    def cached(self):
        return len(self.cache)

    def allocate(self, zero, owner):
        frame = (self.unused or self.cache).pop()
        return frame, self.content[frame] == 0

    def free(self, frame):
        assert frame not in self.unused and frame not in self.cache, "given back twice"
        self.unused.append(frame)

    def clear(self, frame):
        self.content[frame] = 0


class PlainPmap:
    large = False

    def __init__(self):
        self.frames = {}
        self.rights = {}
        self.only_wired = True

    def enter(self, va, frames, wired, protection):
        assert wired or not self.only_wired
        for at, frame in enumerate(frames):
            self.frames[va + at * PAGE] = frame
            self.rights[va + at * PAGE] = protection

    def remove(self, start, end):
        for va in [va for va in self.frames if start <= va < end]:
            del self.frames[va]
            self.rights.pop(va, None)

    def translated(self, start, end):
        return [frame for va, frame in sorted(self.frames.items()) if start <= va < end]

    def prepared(self, cuts):
        return nullcontext()

    def protect(self, start, end, protection):
        self.rights |= {va: protection for va in self.frames if start <= va < end}


class Kernel:
    """A booted kernel: kernel_map of `size` pages, with kmem_map and exec_map of so many pages in it."""

    def __init__(self, pages=64, size=256, kmem=64, execs=16, reserved=8, interrupt=3):
        self.frames, self.pmap, self.recorder = Frames(pages), PlainPmap(), Recorder()
        self.woken = []
        self.kmem = Kmem(
            self.recorder,
            START,
            START + size * PAGE,
            pmap=self.pmap,
            pages=PageQueues(self.recorder, self.frames, reserved, interrupt),
            entries=PlainEntries(count(1), KernelEntry),
            hz=1000,
            wakeup=self.wake,
        )
        run_without_sleeping(self.kmem.kmem_init(START + BOOT, START + size * PAGE))
        self.kernel_map = self.kmem.kernel_map
        self.kmem_map = run_without_sleeping(self.kmem.kmem_suballoc(self.kernel_map, kmem * PAGE, "kmem_map"))
        self.kmem_map.system = True
        self.exec_map = run_without_sleeping(self.kmem.kmem_suballoc(self.kernel_map, execs * PAGE, "exec_map"))

    def wake(self, vm_map):
        self.woken.append(vm_map.name)
        return 1

    def do(self, function, *args):
        """Call a kernel function that must not have to wait."""
        return run_without_sleeping(function(self.kmem, *args))

    def begin(self, function, *args):
        """Call one that has to wait: the call, and what for."""
        call = function(self.kmem, *args)
        return call, next(call)

    def write(self, va, value):
        self.frames.content[self.pmap.frames[va]] = value

    def read(self, va):
        return self.frames.content[self.pmap.frames[va]]

    def check(self):
        self.kmem.check()
        used = len(self.kmem.pages.in_use)
        assert self.frames.free_frames + self.frames.cached + used == self.frames.total


def finish(call):
    """Let a call go on that was woken, to its end."""
    return run_without_sleeping(call)


def rows(vm_map):
    """Start and length in pages, counted from the map's start, object, offset in pages, wired count."""
    return [
        (
            (entry.start - vm_map.start) // PAGE,
            entry.pages,
            None if entry.object is None else entry.object.name,
            entry.offset // PAGE,
            entry.wired_count,
        )
        for entry in vm_map
    ]
