"""The memory of tasks: objects and their pages, files, swap space, eviction, and the use that maps make of them.

Read first `pageout.py`, the frames of objects: how they are allocated, and which are evicted.  `led_object.py`,
`chained_object.py` and `vm_object.py` are one class in three parts: pages to which entries lead, chains of objects,
and the whole object with its faults and copies. `pagers.py` and `files.py` supply pages that are in no object, and
`swap.py` has those that are paged out. `rings.py` orders the pages for replacement. `task_ranges.py`, `vm_fault.py` and
`vm_fork.py` are the operations of maps on such objects: changing ranges, resolving faults, forking; `wiring.py`
allocates the pages of a range that is wired. X15 of 2013 has none of this: it follows 4.4BSD and Linux.
"""
