"""Pictures of a self-paging domain: calls inside calls, the shadow tree next to descriptors, slots, regions, slab.

`picture` is one moment of a domain, shared by all lanes; read it first.  `lanes` combines them.
"""
