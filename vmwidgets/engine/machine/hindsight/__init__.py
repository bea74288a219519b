"""Questions about what a machine did: which operation changed something last, first, and why it is as it is.

Read :mod:`.hindsight` first: the functions that learners call.  :mod:`.changes` notes what each operation changed,
:mod:`.following` keeps that in step with the machine, and :mod:`.postings` keeps it small; :mod:`.why` and
:mod:`.searches` answer from there and from the history.  :mod:`.reliving` does operations on another machine, for
:mod:`.why`, for :mod:`.again`, which changes one thing, and for :mod:`.lockstep`, which has two machines go on in step.
:mod:`.orders` does two scripts of operations in every order.
"""
