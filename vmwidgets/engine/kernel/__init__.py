"""The kernels: X15's and FreeBSD's maps, and the parts that both are built on.

`map` has the parts of every kernel's map: entries in a list and a tree, ranges, placements.  `x15` and `freebsd` are
the two kernels, which do not know each other; `tasks` has the memory of tasks, which X15's maps use: objects, files,
swap space.  `pmap` has the page tables of an address space, `threads` the simulated threads and the things they sleep
on.

Read first: `map/core.py`, then `x15/vm_map.py` and `freebsd/vm_map.py`.
"""
