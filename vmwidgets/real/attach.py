"""``vm.attach``: a kernel that runs in QEMU, by its GDB port."""

from __future__ import annotations

from ..engine.base.errors import Refused, shown
from .kernel import Kernel
from .port import Port


def attach(where: str) -> Kernel:
    """A kernel that runs in QEMU on this computer, by its GDB port: "127.0.0.1:1234", or the path of a Unix socket.

    The guest stands still until it is let go with `close`.  Any kernel on x86 (32 bits, PAE, four and five levels),
    ARMv7, AArch64 or RISC-V (Sv39) can be looked at.

    Raises :class:`Refused` for a port where nothing listens, that GDB has, or that another program has, and for
    processors that are not known.

    >>> import vmwidgets as vm
    >>> vm.attach("example.org:1234")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: 'example.org:1234': only ports of this computer (127.0.0.1) are opened. For a
    kernel on another computer, run ssh -L 1234:127.0.0.1:1234 HOST in a terminal, and attach to '127.0.0.1:1234'.
    """
    given: object = where
    if not isinstance(given, str):
        raise Refused(f"{shown(given)}: write a port of this computer, '127.0.0.1:1234', or the path of a Unix socket")
    return Kernel(Port(given))
