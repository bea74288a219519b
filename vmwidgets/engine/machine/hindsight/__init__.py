"""Questions about a machine's history: what last changed something, what first made a condition true, and why.

Read :mod:`.hindsight` first: the functions that learners call.  :mod:`.last` looks at a thing after each
operation of the stretches that may have changed it, which :mod:`..touched` tells; :mod:`.why` and :mod:`.searches`
answer from such looks and from the history.  :mod:`.again` changes
one setting, :mod:`.lockstep` runs two machines in step, and :mod:`.orders` runs two scripts of operations in every
order.
"""
