"""Questions about what a machine did: which operation changed something last, first, and why it is as it is.

:mod:`.hindsight` has the functions that learners call.  :mod:`.changes` notes what each operation changed, and
:mod:`.postings` keeps that; :mod:`.searches` looks for an operation by a learner's own function.
"""
