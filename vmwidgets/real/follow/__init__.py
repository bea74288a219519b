"""Following a kernel of xv6: calls of `mappages`, `uvmunmap`, `uvmcopy` and their kin, and what must hold after each.

`calls` knows who called what, `free_list` and `spaces` what the guest's memory holds, `rules` what must hold, and `run`
lets the guest go from stop to stop.
"""

from .run import Followed, follow

__all__ = ["Followed", "follow"]
