"""A machine on paper: small numbers of an exam or a book, with tables that are walked, and no kernel.

Read `machine.py` first: :class:`~.machine.Paper` has tables, a TLB and a cache, and makes accesses.  `widths.py`
computes the bits that a question leaves out, `layout.py` makes a table format of them for the walker and the TLB of
:mod:`vmwidgets.engine.mmu`, and `times.py` computes average times.  `worked.py` has the results: an access, and a
number with its formula.
"""
