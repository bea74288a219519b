"""Pictures: a scene from frozen values and events.  Pure functions, independent of structures and of Jupyter.

`scene` contains the elements of a picture, and turns it into SVG, DOT or text.  `story` describes in words what
happened.  Each other package draws one subject: `maps`, `memory`, `tables`, `domain`.  Read `scene.model` first, then
`maps.tree`.
"""
