"""Physical memory: bytes, who owns which frames, and objects cut from slabs.

`ram.py` has the bytes; `pages.py` X15's page allocator, a buddy system behind a processor's pool; `page.py` what is
known of a page in memory; `slabs.py` object caches after Bonwick; `replacement.py` names the policies of replacement,
each of which has a file.  Nothing here knows page tables or maps.
"""
