"""Models on paper: the results of policies and costs, worked out without a machine.

`references.py` counts the faults of a string of references, and `thrashing.py` finds the number of tasks for which
memory suffices; both use the policies of :mod:`vmwidgets.engine.memory`.  `costs.py` adds up the costs of accesses,
including those that a machine made. `choices.py` has the answers that a learner's function may give, on paper and on a
machine.
"""
