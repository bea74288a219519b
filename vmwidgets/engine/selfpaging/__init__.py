"""Self-paging: programs that map their own memory, as in Barrelfish (15 August 2016).

The kernel (:mod:`.cpu_driver`) decides nothing: it checks capabilities (:mod:`.capabilities`, :mod:`.cspace`) and
writes the page tables.  The program's library decides: its stubs (:mod:`.stubs`) make the calls, and its pmap
(:mod:`.pmap`) remembers in a shadow tree (:mod:`.shadow_tree`) what it had mapped.  A domain (:mod:`.domain`) is both,
wired together.

Read first: :meth:`.pmap.DomainPmap.map`, then :meth:`.mapping.Mapper.do_map` and what it calls, then
:meth:`.cpu_driver.CpuDriver.vnode_map`.  What lies behind a region is a memory object (:mod:`.memobj`).
:mod:`.window` and :mod:`.serialise` look at a pmap from above; :mod:`.invariants` has its invariants.
"""
