"""The basis of the engine: units, errors, events, operations, and the past.

Read first: `errors.py`, the three kinds of failure; `recorder.py`, how structures report what they do, and
:func:`~.recorder.kernel_function`; `event.py`; `operations.py`, the only entrance for changes to a machine; `past.py`,
the rows that events write, with their old values.  The schema next to each structure (`…_schema.py`) has the values
that pictures read.  `rbtree.py` is the red-black tree of all maps.
"""
