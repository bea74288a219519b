"""Questions about a machine's history: what last changed something, what first made a condition true, and why.

Read :mod:`.hindsight` first: the functions that learners call.  :mod:`.changes` notes the changes of an operation, and
:mod:`.noted` makes these notes, from the latest operation backwards; :mod:`.why` and :mod:`.searches` answer from the
notes and from the history.  :mod:`..touched` says which stretches of operations can be left out.  :mod:`.again` changes
one setting, :mod:`.lockstep` runs two machines in step, and :mod:`.orders` runs two scripts of operations in every
order.
"""
