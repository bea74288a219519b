"""Reading a kernel's output in a terminal: page tables, lists, traps, faults and panics.

Each kind has a module with `read`, which adds its findings to the :class:`~.parts.Parts` of a text; :mod:`.load` lists
them.  `said` makes page tables that know only the contents of the text.
"""
