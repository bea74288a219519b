"""The sentences below pictures, by subject: about single events (`*_events`) and about operations (`*_operations`).

`cpus` and `threads` have both; `pictures` has the pictures' own sentences, and `names` the names of things in all
sentences.
"""
