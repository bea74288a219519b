"""Simulated threads, the waits of kernel functions that may sleep, and their wakeups.

Read first: :mod:`.waits`. A kernel function that may sleep is a generator (`MaySleep`); it yields its waits: for pages,
room in a map, a lock, a channel, ticks. :func:`.waits.run_without_sleeping` runs a function that must not have to wait,
:func:`.waits.undone` undoes the work of a function that is given up, and :class:`.waits.MapLock` is FreeBSD's map lock.

:mod:`.scheduler` runs threads one at a time, in an order that is always the same, on a clock of ticks.
"""
