"""Physical memory: bytes, the owners of frames, and objects cut from slabs.

`ram.py` has the bytes; `pages.py` X15's page allocator, a buddy system with a processor's pool; `page.py` the facts on
a page in memory; `slabs.py` object caches after Bonwick; `replacement.py` the names of the replacement policies, each
of which has a file.  Nothing here depends on page tables or maps.
"""
