"""Pictures of kernel memory: submaps, frames, slabs, the kentry area, threads that sleep.

Each takes a value and the moment (`story/moment`), which says which steps of an operation are theirs.
"""
