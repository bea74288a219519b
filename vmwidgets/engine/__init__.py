"""The engine: two kernels' virtual memory, table formats and processors, without pictures.

From the ground up: `base` (errors, events, operations), `memory` (frames, slabs), `mmu` (table formats, walks, TLBs),
`kernel` (X15's and FreeBSD's maps, page tables, threads, tasks' memory), `selfpaging` (programs that map their own
memory), `spaces` (tasks, domains, processors) and `machine` (the learners' objects). Each imports
only packages before it in this list.

Read first: `base/recorder.py`, then `kernel/x15/vm_map.py`, `kernel/freebsd/kmem.py`, `mmu/walk.py`,
`selfpaging/pmap.py` and `machine/machine.py`.
"""
