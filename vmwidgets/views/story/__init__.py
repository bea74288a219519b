"""The story of an operation, in words that are the same in all pictures.

`story` builds an operation's headline and its steps from the sentences in `words` (read `words/registry` first).
`moment` is the pictures' place in an operation; `calls` knows which kernel functions were running.
"""
