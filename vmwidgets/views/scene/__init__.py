"""What a picture is made of: nodes with places, links, a caption, a table of the same content.

`model` has the scene and is to be read first.  `kit` puts one together: rows, rings, cards, headings, switches, and
:func:`.kit.scene`, by which all pictures are made; `text` and `addresses` say what fits.
`wire`, `svg`, `png`, `dot` and `twin` (words, an image, a page) are the ways out of Python.
"""
