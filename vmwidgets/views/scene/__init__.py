"""What a picture is made of: nodes with places, links, a caption, a table of the same content.

`model` has the scene and is to be read first.  `kit` has what one is put together from: rows, rings, cards, headings;
`text`, `addresses`, `columns`, `switches` help to lay one out.
`wire`, `svg`, `dot` and `stylesheet` are the ways out of Python.
"""
