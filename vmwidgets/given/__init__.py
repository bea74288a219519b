"""What came from outside: pasted texts, kernels that were followed, processes, programs that were played.

Frozen values. `sources` and `real` read them, pictures draw them, and no kernel or machine needs them.
"""
