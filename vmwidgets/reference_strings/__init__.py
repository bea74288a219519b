"""Strings of references, and what policies make of them, worked out without a machine.

`references.py` counts the faults of a string of references, `trace.py` those of millions of addresses, and
`thrashing.py` finds the number of tasks for which memory suffices; all use the policies of
:mod:`vmwidgets.engine.memory`.
"""
