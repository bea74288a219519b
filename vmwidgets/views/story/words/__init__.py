"""The sentences under the pictures, by subject: of single events (`*_events`) and of operations (`*_operations`).

`cpus` and `threads` have both; `pictures` has what pictures say of their own, `names` what all sentences call things.
"""
