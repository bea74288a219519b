"""X15's virtual memory of 2013: one map an address space, and the kernel's own.

Read first: :mod:`.vm_map`, the map with its kernel functions (enter, remove, fault, and those on ranges).  Then

* :mod:`.placement`: where a request goes (hint, find cache, threshold), and which neighbour may grow to serve it;
* :mod:`.kmem`: the kentry area, which feeds the kernel map, and kernel memory with pages behind it;
* :mod:`.wiring`: the pages of a range that is wired, all or none;
* :mod:`.quirks`: the original's bugs that are mended here, each under a name that switches it back on.

Facts are in docs/deviations.md and in each docstring; no line of X15's source is used.
"""
