"""FreeBSD's kernel memory (April 2008): maps inside maps, the kmem functions, and the parts that they need.

Read first: :mod:`.kmem`, whose functions read like the C (those that may sleep are generators).  Then

* :mod:`.vm_map`: the map: finds space, inserts, deletes, wires, gives a range to a submap;
* :mod:`.entries`: its entries, the tree that stores the largest gap below each node, and the pages of the entries;
* :mod:`.vm_page`: page requests by class and threshold, and the frames that are free, zeroed or cached;
* :mod:`.pageout`: file pages, and the page daemon that makes them reusable;
* :mod:`.uma`: malloc(9) and the zones.
"""
