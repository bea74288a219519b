"""What learners hold of a machine: a handle for each of its parts, and the functions that the machine itself has.

Maps, tasks, files, domains, processors, threads, kernel memory and frames are each in the file of that name;
`map_part.py` is what both kernels' maps have in common.  `kmem_functions.py`, `domain_functions.py`, `memory.py`,
`times.py` and `breaks.py` are functions that the machine lends.
"""
