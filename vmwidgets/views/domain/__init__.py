"""Pictures of a self-paging domain: the shadow tree next to descriptors, calls inside calls, slots, regions, slab.

`picture` is one moment of a domain, with which all begin; read it first, then `domain`, which has all of them.
"""
