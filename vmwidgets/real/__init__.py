"""Real kernels in an emulator: their page tables read through QEMU's GDB port.  Begin with `kernel`.

`packets` and `gdb` speak the protocol, `description` finds the registers, and one thread owns the port (`port`).
`paging` reads a processor's registers as a table format with its root, and `memory` is the memory of one stop;
`image` is memory that was saved to a file.
"""

from .attach import attach
from .image import memory_image
from .kernel import Kernel
from .xv6 import xv6

__all__ = ["Kernel", "attach", "memory_image", "xv6"]
