"""Physical memory: bytes, the owners of frames, and objects cut from slabs.

`ram.py` has the bytes; `pages.py` X15's page allocator, a buddy system with a processor's pool; `page.py` the facts
about a page in memory; `slabs.py` object caches after Bonwick; `replacement.py` the policies of page replacement, and
`choices.py` the answers that a learner's policy may give; `costs.py` adds up the costs of accesses.  Nothing here
depends on page tables or maps.
"""
