"""Page tables of address spaces, as X15's x86 pmap keeps them, in any table format.

`table_space.py`: the owners of slots (:class:`~.table_space.PmapLayout`), the pages of tables, and the invariants of
one space's tables.  `pmap.py`: :class:`~.pmap.Pmap`, the functions that enter, remove and protect.  `spaces.py`: the
kernel's pmap, the tasks', and those lent to self-paging programs.
"""
