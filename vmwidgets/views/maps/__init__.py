"""Pictures of a map: its red-black tree, its list of entries, its ribbon of addresses.

`picture` is one moment of a map, which all lanes share; read it first.  `lanes` puts them together.
"""
