"""FreeBSD's kernel memory of April 2008: maps inside maps, the kmem functions, and what they need.

Read first: :mod:`.kmem`, whose functions read like the C (those that may sleep are generators).  Then

* :mod:`.vm_map`: the map: find space, insert, delete, wire, give a range to a submap;
* :mod:`.entries`: its entries, the tree that knows the largest gap below each, and the pages behind them;
* :mod:`.vm_page`: page requests by class and threshold, and the frames that are free, zeroed or cached;
* :mod:`.pageout`: file pages, and the page daemon that makes them reusable;
* :mod:`.uma`: malloc(9) and the zones.
"""
