"""Following a kernel of xv6: calls of `mappages`, `uvmunmap`, `uvmcopy` and their kin, and what must hold after each.

`calls` knows who called what, `free_list` and `spaces` what the guest's memory holds, and `rules` what must hold.
`run` lets the guest go from stop to stop; at each, `seen` says what has changed, and `judge` whether that is right.
"""

from .run import Followed, follow

__all__ = ["Followed", "follow"]
