"""Models on paper: results of policies and costs, worked out without a machine.

`references.py` counts the faults of a string of references, `thrashing.py` finds for how many tasks memory is enough,
by the policies of :mod:`vmwidgets.engine.memory`.  `costs.py` adds up the costs of accesses, also those of a machine.
`choices.py`: the answers that a learner's function may give, on paper and on a machine alike.
"""
