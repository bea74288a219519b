"""The learner's own Linux: real processes repeat a machine's operations.  Begin with `compare`.

`asked` reads the journal as calls of POSIX; `left_out` lists the operations without an equivalent, and `state` the
mappings.  `living` makes the calls in real processes, which `processes` holds and which run `process`.  `judging` finds
differences, and `known` explains them.  `recorded` keeps Linux's answers to the labs' experiments.
"""

from .compare import compare_with_linux

__all__ = ["compare_with_linux"]
