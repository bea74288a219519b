"""The learner's own Linux: a machine's life lived by real processes, and what differs.  Begin with `compare`.

`asked` reads the journal as calls of POSIX; `left_out` says which operations have none, and `state` what is mapped.
`living` makes them in real processes: `processes` holds them, and `process` is what they run.  `judging` finds
differences, and `known` says what is known of them.  `recorded` keeps what Linux answered to the labs' experiments.
"""

from .compare import compare_with_linux

__all__ = ["compare_with_linux"]
