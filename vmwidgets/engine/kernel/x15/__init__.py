"""X15's virtual memory of 2013: one map for each address space, and the kernel's own.

Read first: :mod:`.vm_map`, the map with its kernel functions (enter, remove, and those on ranges).  Then

* :mod:`.vm_fault`: the pages behind entries: faults, forks, wiring, large pages;
* :mod:`.kentry`: the area from which the kernel map's own entries are allocated;
* :mod:`.kernel_memory`: kernel memory with pages.

The memory objects of tasks are in :mod:`vmwidgets.engine.kernel.tasks`.

:data:`X15_QUIRKS` are the original's bugs that are fixed here, each with a name that switches it on again.
docs/deviations.md explains each, and names the test that shows both sides.
"""

from __future__ import annotations

X15_QUIRKS = {
    "clip-end-first": "clipping the end of the first entry puts both parts at the list's tail (X15 2013, mended 2017)",
    "out-of-map": "aligning past the map's end, or round the word, grants a range outside the map",
    "nomerge-enter": "NOMERGE only takes part in the comparison, so two NOMERGE neighbours merge",
    "offset-cut": "on 32-bit words an object's offset loses its upper half on the way in",
    "remove-forgets": "remove leaves page-table entries behind, and entries hold no reference to their object",
    "static-remove": "remove takes the boot range or the kentry area away",
    "kentry-unlocked": "the kentry area tests for emptiness outside its lock and panics by itself when it is empty",
    "fault-null-object": "a fault on an entry without object is a panic",
    "pmap-current-only": "enter, extract and protect work on the current or the kernel's tables only, else panic",
    "anonymous-not-zeroed": "an anonymous page keeps what its frame held before",
}
"""Name and meaning."""

ALL_QUIRKS = frozenset(X15_QUIRKS)
