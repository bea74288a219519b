"""The memory of tasks: objects and their pages, files, swap space, eviction, and the use that maps make of them.

Read first `vm_object.py`, memory objects: their pages, chains of shadows, and when a page is copied. `pageout.py` has
the frames of these pages: how they are allocated, which are evicted in which order, and swap space. `pagers.py` and
`files.py` supply pages that are in no object. `task_ranges.py`, `vm_fault.py` and `vm_fork.py` are the operations of
maps on such objects: changing ranges, resolving faults, forking; `wiring.py` allocates the pages of a range that is
wired. X15 of 2013 has none of this: it follows 4.4BSD and Linux.
"""
