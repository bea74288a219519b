"""Page tables of address spaces, as X15's x86 pmap keeps them, on any table format.

`table_space.py`: which slots belong to whom (:class:`~.table_space.PmapLayout`), the pages that tables are made
of, and what one space's tables must be.  `pmap.py`: :class:`~.pmap.Pmap`, the functions that enter, remove and protect.
`spaces.py`: the kernel's pmap, the tasks', and those lent to self-paging programs.
"""
