"""The memory of tasks: objects and their pages, files, swap space, eviction.

Read first `task_memory.py`, the frames of objects: how they are allocated, and which are evicted.  `led_object.py`,
`chained_object.py` and `memory_object.py` are one class in three parts: pages to which entries lead, chains of objects,
and the whole object with its faults and copies. `pagers.py` and `files.py` supply pages that are in no object, and
`swap.py` has those that are paged out. `rings.py` orders the pages for replacement. The operations of maps on
such objects (faults, forks, wiring) are in `kernel/x15/vm_fault.py`. X15 of 2013 has none of this: it follows 4.4BSD
and Linux.
"""
