"""The common parts of X15's and FreeBSD's maps.

Read first: :mod:`.core` (entries in a list and a red-black tree, where entries come from, and the steps of changing a
range: decide, cut, change, merge). The other modules:

* :mod:`.vm_object`: memory objects, which contain the pages of entries, and the pagers that supply them;
* :mod:`.fits`: first, best, worst and next fit, which can replace a map's own search, and the lowest gap for mmap;
* :mod:`.window`: the part of a map that one picture shows, as a frozen value.

Nothing here depends on the kernel:
:mod:`.x15.vm_map` and :mod:`.freebsd.vm_map` build on it.
"""
