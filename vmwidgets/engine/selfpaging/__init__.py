"""Self-paging: programs that map their own memory, as in Barrelfish (15 August 2016).

The kernel (:mod:`.cpu_driver`) decides nothing: it checks capabilities (:mod:`.capabilities`) and writes the page
tables.  The program's library decides: its pmap (:mod:`.pmap`) makes the calls, and remembers its mappings in a shadow
tree (:mod:`.shadow_tree`). A domain (:mod:`.domain`) connects the two.

Read first: :meth:`.pmap.DomainPmap.map`, then :meth:`.pmap.DomainPmap.do_map` and the functions it calls, then
:meth:`.cpu_driver.CpuDriver.vnode_map`. A region shows a memory object (:mod:`.memobj`).
"""
