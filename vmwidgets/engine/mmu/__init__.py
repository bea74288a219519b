"""What hardware does with page tables: walks, TLBs, processors; and how a kernel edits them.

No kernel is known here: tables are bits in memory, in one of the formats of :mod:`.formats`.

Read first: `levels.py` and `rules.py`, what a format is made of; `walk.py`, the walk; `formats/riscv.py`, the shortest
format.  Then `editor.py` (descriptors written), `tlb.py` and `cpu.py` (translations kept and used), `tables.py` (tables
shown), `bulk.py` (arrays of addresses; needs NumPy) and `compare_formats.py`.
"""
