"""The elements of a picture: nodes with places, links, a caption, and a table of the same content.

Read `model`, which contains the scene, first.  `kit` puts a scene together: rows, rings, cards, headings, switches, and
:func:`.kit.scene`, which makes every picture; `text` and `addresses` fit words into space.  `wire`, `svg`, `png`, `dot`
and `twin` (a static copy as words, image or HTML) are the output formats.
"""
