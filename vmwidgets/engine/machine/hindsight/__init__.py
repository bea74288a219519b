"""Questions about what a machine did: which operation changed something last, first, and why it is as it is.

Read :mod:`.hindsight` first: the functions that learners call.  :mod:`.changes` notes what an operation changed, and
:mod:`.noted` has that noted, from the latest operation backwards; :mod:`.why` and :mod:`.searches` answer from there
and from the history.  :mod:`.again` changes one thing, :mod:`.lockstep` has two machines go on in step, and
:mod:`.orders` does two scripts of operations in every order.
"""
