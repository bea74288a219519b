"""Pictures of a map: its red-black tree, its list of entries, its ribbon of addresses.

`picture` is one moment of a map, shared by all lanes; read it first.  `lanes` combines them.
"""
