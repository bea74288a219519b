"""The sentences below pictures, by subject: of single events (`*_events`) and of operations (`*_operations`).

`cpus` and `threads` have both; `pictures` has the pictures' own sentences, and `names` the names of things in all
sentences.
"""
