"""What X15's and FreeBSD's maps have in common.

Read first: :mod:`.core` (entries in a list and a red-black tree, and where entries come from), then :mod:`.ranges`
(what a change of a range takes: decide, cut, change, join; protection, inheritance, advice, wiring).  Beside them:

* :mod:`.vm_object`: memory objects, the pages behind entries, and the pagers that supply them;
* :mod:`.fits`: first, best, worst and next fit, which a map can be given in place of its own search;
* :mod:`.window`: the part of a map that one picture shows, as a frozen value.

Nothing here knows which kernel a map is of: :mod:`.x15.vm_map` and :mod:`.freebsd.vm_map` build on it.
"""
