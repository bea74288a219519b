"""Simulated threads: what a kernel function that may sleep waits for, and who wakes it.

Read first: :mod:`.waits`.  A kernel function that may sleep is a generator (`MaySleep`); it yields what it waits for:
pages, room in a map, a lock, a channel, ticks.  :func:`.waits.run_without_sleeping` runs one that must not have to
wait, :func:`.waits.undone` takes back what one had begun that is given up, and :class:`.waits.MapLock` is FreeBSD's
map lock.

:mod:`.scheduler` runs threads one at a time, in an order that is always the same, on a clock of ticks.
"""
