"""What an operation did, in words, the same in all pictures.

`story` makes an operation's headline and its steps, from the sentences in `words` (read `words/registry` first);
`moment` is where in an operation pictures are; `calls` says which kernel functions were under way.
"""
