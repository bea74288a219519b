"""What all of the engine is built on: units, errors, events, operations, and the values that views see.

Read first: `errors.py`, the three kinds of failure; `recorder.py`, how structures report what they do, and
:func:`~.recorder.kernel_function`; `events/event.py`; `operations.py`, the one door for all that changes a
machine.  `rbtree.py` is the red-black tree of all maps, `values/` the frozen values that pictures are made of.
"""
