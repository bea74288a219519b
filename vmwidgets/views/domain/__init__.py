"""Pictures of a self-paging domain: calls inside calls, the shadow tree beside descriptors, slots, regions, slab.

`picture` is one moment of a domain, which all lanes share; read it first.  `lanes` puts them together.
"""
