"""The memory of tasks: objects and their pages, files, swap space, eviction.

Read first `vm_object.py`, memory objects: their pages, chains of shadows, and when a page is copied. `pageout.py` has
the frames of these pages: how they are allocated, which are evicted in which order, and swap space. `pagers.py` and
`files.py` supply pages that are in no object. The operations of maps on such objects (faults, forks, wiring) are in
`kernel/x15/vm_fault.py`. X15 of 2013 has none of this: it follows 4.4BSD and Linux.
"""
