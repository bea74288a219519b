"""Models on paper: what would happen, worked out without a machine.

`references.py` counts the faults of a string of references, `thrashing.py` how many tasks memory is enough for, by the
policies of :mod:`vmwidgets.engine.memory`.  `costs.py` adds up what accesses cost, also those of a machine.
`choices.py`: what a learner's function may choose, on paper and on a machine alike.
"""
