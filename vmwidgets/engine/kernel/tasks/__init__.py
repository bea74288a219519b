"""The memory of tasks: objects and their pages, files, swap space, what goes out, and how maps make use of it all.

Read first `task_memory.py`, the frames that objects have: where they come from, and which go out.  `led_object.py`,
`chained_object.py` and `memory_object.py` are one class in three parts: pages that entries lead to, objects behind
others, and the whole object with its faults and copies.  `pagers.py` and `files.py` have the pages that no object
has, and `swap.py` those that are paged out.  `rings.py` orders the pages for replacement, and `users.py` knows which
objects have a frame, or a slot of swap space.

`task_ranges.py`, `vm_fault.py` and `vm_fork.py` are what maps can do with such objects: change ranges, resolve faults,
fork; `wiring.py` gets the pages of a range that is wired.  X15 of 2013 has none of this: it is made after 4.4BSD and
Linux.
"""
