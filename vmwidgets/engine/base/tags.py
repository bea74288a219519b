"""What structures report events by: each class of :mod:`.events` by its name.

A reported event is a tuple whose first item is one of these texts.  A class there would keep the garbage collector
busy with every tuple; a text, like the numbers behind it, is nothing it has to follow.
"""

from __future__ import annotations

from typing import Final

BlockJoined: Final = "BlockJoined"
BlockSplit: Final = "BlockSplit"
BootStage: Final = "BootStage"
BufferAllocated: Final = "BufferAllocated"
BufferFreed: Final = "BufferFreed"
Called: Final = "Called"
EntryLinked: Final = "EntryLinked"
EntryResized: Final = "EntryResized"
EntryUnlinked: Final = "EntryUnlinked"
FaultRaised: Final = "FaultRaised"
FindCacheMoved: Final = "FindCacheMoved"
GapTried: Final = "GapTried"
HintTried: Final = "HintTried"
KentrySlabGiven: Final = "KentrySlabGiven"
KentrySlabTaken: Final = "KentrySlabTaken"
KernelLimitMoved: Final = "KernelLimitMoved"
LookupCacheHit: Final = "LookupCacheHit"
LookupCacheMoved: Final = "LookupCacheMoved"
MapResized: Final = "MapResized"
MergeTried: Final = "MergeTried"
PageAllocated: Final = "PageAllocated"
PageFreed: Final = "PageFreed"
PagerAsked: Final = "PagerAsked"
Panicked: Final = "Panicked"
PoolDrained: Final = "PoolDrained"
PoolFilled: Final = "PoolFilled"
PteWritten: Final = "PteWritten"
Returned: Final = "Returned"
RootLoaded: Final = "RootLoaded"
SearchRestarted: Final = "SearchRestarted"
SlabCreated: Final = "SlabCreated"
SlabDestroyed: Final = "SlabDestroyed"
TlbUpdated: Final = "TlbUpdated"
TreeCompared: Final = "TreeCompared"
TreeLinked: Final = "TreeLinked"
TreeRecoloured: Final = "TreeRecoloured"
TreeRotated: Final = "TreeRotated"
TreeUnlinked: Final = "TreeUnlinked"
