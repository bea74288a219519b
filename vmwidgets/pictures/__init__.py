"""Pictures of a machine's parts: each picture takes a thing and a moment, reads frozen values, and calls a view.

Pictures need no page: `vmwidgets.widgets` puts them on one.  `picture` has the base class, and `registry` knows all
pictures by name and by what they show; read `memory` as an example.  A new module here registers its pictures itself.
"""
