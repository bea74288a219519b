"""Address spaces with all that belongs to them, and the processors that run in them.

`task_space.py` is a task: its map, its tables, its heap and stack, and the calls that make and end mappings;
`task_ends.py` what becomes of tasks, also when memory runs out.  `kernel_space.py` has the kernel's addresses,
`domain_space.py` those of a self-paging program.  `processors.py` has the processors: every access goes through one,
and the space's owner resolves its faults.  `paths.py`: what spaces are called.
"""
