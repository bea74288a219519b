"""The objects of a machine for learners: a handle for each of its parts, and the functions of the machine itself.

Maps, tasks, files, domains, processors, threads, kernel memory and frames each have a file of that name; `map_part.py`
is common to both kernels' maps.  `kmem_functions.py`, `domain_functions.py`, `memory.py`, `times.py` and `breaks.py`
contain methods of the machine.
"""
