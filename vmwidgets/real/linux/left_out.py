"""Operations of a machine that have no equivalent in a real process, and why: tables of data."""

from __future__ import annotations

from ...engine.base.journal import Operation

CHANGES_A_MAP = {
    "enter": "X15's vm_map_enter; mmap did the same in Linux",
    "remove": "X15's vm_map_remove; munmap did the same in Linux",
    "protect": "X15's vm_map_protect; mprotect did the same in Linux",
    "inherit": "Linux has no minherit",
    "superpages": "Linux chooses huge pages by itself, and they are off here",
}
"""X15's own functions that change a task's mappings."""

NO_EQUAL = {
    "limit": "counted otherwise by Linux, or not at all (docs/deviations.md)",
    "page_out": "Linux has nothing to page out to without swap space",
    "wire": "mlock changes no byte",
    "unwire": "munlock changes no byte",
    "lookup": "it only looks",
    "sync": "memory files have no disk",
    "vanish": "no call takes a disk away",
    "device": "no device of a user's own",
    "make_pager": "a pager is code of yours",
    "kmem_alloc": "memory of the kernel", "kmem_malloc": "memory of the kernel", "kmem_free": "memory of the kernel",
    "malloc": "memory of the kernel", "free": "memory of the kernel", "uma_reclaim": "memory of the kernel",
    "kmem_alloc_nofault": "memory of the kernel", "kmem_alloc_wait": "memory of the kernel",
    "kmem_free_wakeup": "memory of the kernel", "kmem_suballoc": "memory of the kernel",
    "set_descriptor": "page tables are the kernel's own", "undo_descriptor": "page tables are the kernel's own",
    "run": "Linux chooses the processor", "flush": "Linux flushes TLBs itself",
    "acknowledge": "Linux flushes TLBs itself", "set_shootdown": "Linux flushes TLBs itself",
    "load": "an address of the kernel", "store": "an address of the kernel", "fetch": "an address of the kernel",
    "read": "an address of the kernel", "write": "an address of the kernel",
}  # fmt: skip  # a table
"""Other operations, or operations of the kernel, without an equivalent among a process's calls."""

CHANGES_PAGES = {"page_out", "promote", "superpages", "set_descriptor", "undo_descriptor"}
"""Operations that change which pages are in memory in a way that no process can."""

ENDS = {
    "spawn": "a thread is code of yours, and what it does to memory is not an operation of its own",
    "register_handler": "a handler is code of yours, and what it does to memory is not an operation of its own",
}
"""Operations after which nothing is compared."""


def why_left_out(then: Operation) -> str:
    """Return why an operation is not sent to real processes, in a few words."""
    if then.target.startswith(("domain:", "cap")):
        return "a domain pages itself"
    if then.target.startswith("kernel_map") or then.target == "kmem":
        return "memory of the kernel"
    return NO_EQUAL.get(then.name, "a setting of the machine")
