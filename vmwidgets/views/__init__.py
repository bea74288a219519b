"""Pictures: frozen values and events in, a scene out.  Pure functions, which know neither the structures nor Jupyter.

`scene` is what a picture is made of, and how it becomes SVG, DOT or text.  `story` says in words what happened.
One package a subject draws: `maps`, `memory`, `tables`, `domain`.  Read `scene.model` first, then `maps.tree`.
"""
