"""The kernels: X15's and FreeBSD's maps, with what both stand on.

`map` has what every map is made of, whichever kernel's: entries in a list and a tree, ranges, placements.  `x15` and
`freebsd` are the two kernels, which do not know each other; `tasks` has the memory of tasks, which X15's maps use:
objects, files, swap space.  `pmap` has the page tables of an address space, `threads` the simulated threads and what
they sleep on.

Read first: `map/core.py`, then `x15/vm_map.py` and `freebsd/vm_map.py`.
"""
