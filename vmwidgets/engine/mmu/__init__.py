"""The hardware's use of page tables: walks, TLBs, processors; and how a kernel edits them.

Nothing here depends on a kernel: tables are bits in memory, in one of the formats of :mod:`.formats`.

Read first: `levels.py` and `rules.py`, the parts of a format; `walk.py`, the walk; `formats/riscv.py`, the shortest
format.  Then `editor.py` (writing descriptors), `tlb.py` and `cpu.py` (caching and using translations) and
`tables.py` (showing tables).
"""
