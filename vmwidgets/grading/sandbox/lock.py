"""The lock: after it a process computes, reads descriptor 0 and writes descriptor 1, and nothing else, until it ends.

Linux refuses every other call to the system by a seccomp filter: a small program (BPF) that the kernel runs at each
call, and that nothing takes away again.  It is written here: PyPI's pyseccomp and libseccomp's own module need a
library of the system, and seccompy, which needs none, was new when this was written; the filter is a table of 16
numbers.  They are those of Linux's `asm/unistd_64.h` and `asm-generic/unistd.h`; where the filter is in
`linux/seccomp.h`, `linux/filter.h` and `linux/audit.h`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

NUMBERS = {
    "x86_64": (0xC000003E, {
        "read": 0, "write": 1, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigreturn": 15, "mremap": 25,
        "madvise": 28, "exit": 60, "gettimeofday": 96, "futex": 202, "restart_syscall": 219, "clock_gettime": 228,
        "exit_group": 231, "getrandom": 318,
    }),
    "aarch64": (0xC00000B7, {
        "read": 63, "write": 64, "exit": 93, "exit_group": 94, "futex": 98, "clock_gettime": 113,
        "restart_syscall": 128, "rt_sigreturn": 139, "gettimeofday": 169, "brk": 214, "munmap": 215, "mremap": 216,
        "mmap": 222, "mprotect": 226, "madvise": 233, "getrandom": 278,
    }),
}  # fmt: skip  # tables
"""By processor: what the kernel calls it (AUDIT_ARCH_…), and the numbers of the calls that stay."""

DESCRIPTORS = {"read": 0, "write": 1}
"""The calls that stay for one descriptor only."""

LOAD, EQUAL, GIVE = 0x20, 0x15, 0x06
"""BPF: load a word of what is known of the call, go on by whether it is equal, end with a value."""

NUMBER, PROCESSOR, FIRST_ARGUMENT = 0, 4, 16
"""Where these words are in `struct seccomp_data`; of an argument its lower half, which has a descriptor."""

ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000

PDEATHSIG, SET_SECCOMP, NO_NEW_PRIVILEGES = 1, 22, 38
"""What `prctl` sets."""

FILTER, SIGKILL = 2, 9


def close(seconds: int, memory: int) -> None:
    """Close the lock behind this process: at most so many seconds of a processor more, and bytes of address space.

    It ends with the thread that started it.  Raises :class:`OSError` where anything of that can't be had; the lock is
    then open.
    """
    if not sys.platform.startswith("linux") or os.uname().machine not in NUMBERS:
        raise OSError(f"it needs Linux on {' or '.join(NUMBERS)}")
    if len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208  names are enough
        raise OSError("there is more than one thread, and a filter is for one")
    _limit(seconds, memory)
    libc = ctypes.CDLL(None, use_errno=True)
    code = program(*NUMBERS[os.uname().machine])
    text = ctypes.create_string_buffer(code, len(code))
    whole = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(text))
    _prctl(libc, PDEATHSIG, SIGKILL)
    _prctl(libc, NO_NEW_PRIVILEGES, 1)
    _prctl(libc, SET_SECCOMP, FILTER, whole)
    try:
        os.listdir("/")  # noqa: PTH208  one call
    except PermissionError:
        return
    raise OSError("the filter does not hold")


def program(processor: int, numbers: dict[str, int]) -> bytes:
    """The filter: other processors' calls kill, the calls in `numbers` go through, and all else is "not permitted"."""
    code = [(LOAD, 0, 0, PROCESSOR), (EQUAL, 1, 0, processor), (GIVE, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    for name, number in numbers.items():
        if name in DESCRIPTORS:
            code += [(EQUAL, 0, 4, number), (LOAD, 0, 0, FIRST_ARGUMENT), (EQUAL, 0, 1, DESCRIPTORS[name])]
            code += [(GIVE, 0, 0, ALLOW), (GIVE, 0, 0, REFUSE)]
        else:
            code += [(EQUAL, 0, 1, number), (GIVE, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *one) for one in (*code, (GIVE, 0, 0, REFUSE)))


def _limit(seconds: int, memory: int) -> None:
    """What the system counts; and no descriptor but the two."""
    import resource

    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    try:
        for what, value in limits.items():
            resource.setrlimit(what, (value, value))
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  names are enough
            if int(name) > 1:
                _closed(int(name))
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    except ValueError as error:
        raise OSError(f"{error}") from None


def _closed(descriptor: int) -> None:
    """Close it; the one that listed the others is closed already."""
    try:
        os.close(descriptor)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise


def _prctl(libc: ctypes.CDLL, what: int, value: int, program: bytes | None = None) -> None:
    if libc.prctl(what, ctypes.c_ulong(value), program, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {what}: {os.strerror(ctypes.get_errno())}")
