"""Pictures of kernel memory: submaps, frames, slabs, the kentry area, threads that sleep.

`steps` says which steps of an operation are theirs; each takes a value and the moment (`story/moment`).
"""
