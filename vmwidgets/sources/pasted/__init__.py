"""Reading what a terminal shows of a kernel: page tables, lists, traps, faults and panics.

Each kind has a module with `read`, which adds what it finds to the :class:`~.parts.Parts` of a text; :mod:`.load` lists
them.  `said` makes page tables that answer only what the text says.
"""
