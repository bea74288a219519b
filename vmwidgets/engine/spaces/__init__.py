"""Address spaces with everything that belongs to them, and the processors that use them.

`task_space.py` is a task: its map, its tables, its heap and stack, and the calls that make and end mappings;
`task_ends.py` ends tasks, for example when memory is exhausted.  `kernel_space.py` has the kernel's addresses,
`domain_space.py` a self-paging program's.  `processors.py` has the processors: every access is made by a processor, and
the owner of the space resolves the faults.  `paths.py` has the names of spaces.
"""
