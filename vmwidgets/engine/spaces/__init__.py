"""Address spaces with everything that belongs to them, and the processors that use them.

`task_space.py` is a task: its map, its tables, its heap and stack, and the calls that make and end mappings;
`task_ends.py` ends tasks, also when memory is exhausted.  `kernel_space.py` has the kernel's addresses,
`domain_space.py` those of a self-paging program.  `processors.py` has the processors: every access is made by one, and
the owner of the space resolves its faults.  `paths.py`: the names of spaces.
"""
