"""What all of the engine is built on: units, errors, events, operations, and what was before.

Read first: `errors.py`, the three kinds of failure; `recorder.py`, how structures report what they do, and
:func:`~.recorder.kernel_function`; `event.py`; `operations.py`, the one door for all that changes a machine; `past.py`,
the rows that events write and what they were.  Values that pictures read are beside each structure, in its schema
(`…_schema.py`).  `rbtree.py` is the red-black tree of all maps.
"""
