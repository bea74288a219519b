"""Pictures of a machine's parts: each takes a thing and a moment, asks for frozen values, and has a view draw them.

They need no page: `vmwidgets.widgets` puts them on one.  `picture` has the base, `registry` knows all of them by name
and by what they show; read `memory` as an example.  A module that is put here registers its pictures itself.
"""
