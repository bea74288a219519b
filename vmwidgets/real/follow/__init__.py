"""Following a kernel of xv6: calls of `mappages`, `uvmunmap`, `uvmcopy` and related functions, and their rules.

`calls` records which function called which, `free_list` and `spaces` read the guest's memory, and `rules` has the
rules.  `run` lets the guest run from stop to stop; at each stop, `seen` finds what has changed, and `judge` checks it.
"""

from .run import Followed, follow

__all__ = ["Followed", "follow"]
