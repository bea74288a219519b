"""Pictures of kernel memory: submaps, frames, slabs, the kentry area, threads that sleep.

Each takes a value and a moment (`story/moment`), which selects its steps of an operation.
"""
