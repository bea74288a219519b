"""``vm.attach``: a kernel that runs in QEMU, by its GDB port."""

from __future__ import annotations

from pathlib import Path

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, shown
from .kernel import Kernel
from .port import Port
from .program import Program
from .xv6 import port_of_make


@says_what_it_takes
def attach(where: str | None = None, *, program: str | Path | None = None) -> Kernel:
    """Return a kernel that runs in QEMU on this computer, read through its GDB port.

    `where` is the port, "127.0.0.1:1234", or the path of a Unix socket.  The default is the port of xv6's `make
    qemu-gdb` (25000 + uid % 5000).  The guest stays stopped until `close`.  The processor may be x86 (32 bits, PAE,
    four and five levels), ARMv7, AArch64 or RISC-V (Sv39).  With the kernel's `program`, such as "kernel/kernel" of
    xv6, its functions and processes have names.

    Raises :class:`Refused` if nothing listens at the port, if GDB or another program uses it, if the processor is
    unknown, and if a kernel other than `program` is running.

    >>> import vmwidgets as vm
    >>> vm.attach("example.org:1234")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: 'example.org:1234': only ports of this computer (127.0.0.1) are opened. For a
    kernel on another computer, run ssh -L 1234:127.0.0.1:1234 HOST in a terminal, and attach to '127.0.0.1:1234'.
    """
    given: object = port_of_make() if where is None else where
    if not isinstance(given, str):
        port = given if isinstance(given, int) and not isinstance(given, bool) else 1234
        raise Refused(f"{shown(given)}: write this computer's port, '127.0.0.1:{port}', or the path of a Unix socket")
    names = None if program is None else Program(Path(program).expanduser())
    return Kernel(Port(given), names)
