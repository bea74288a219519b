"""Descriptors edited by hand, where the kernel removes or protects a range: what it did not meet counts as written.

Else taking the edit back would bring a mapping back that the kernel has given up, of a page that is another's by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..mmu.editor import Slot

if TYPE_CHECKING:
    from .pmap import Pmap


def pass_edits(pmap: Pmap, start: int, end: int, *, removed: bool) -> None:
    """End the edits of [start, end): leaves that the kernel would have written, and what hid a user's from it.

    A leaf that was edited away is cleared when it is `removed`.  A user's table that an edit cut off stays cut off, and
    is found by :meth:`.pmap_user.UserPmap.unreachable`; the kernel's, which no fault would build again, can be brought
    back.  O(edits that stand).
    """
    edits = pmap.editor.edits
    for pa, edit in edits.touching(pmap.root, start, end) if edits.places else ():
        if edit.cuts_off:
            if pmap.layout.is_user(edit.va):
                edits.written(pa)
        elif edit.kept_as.kind == "leaf":
            first, behind = edit.span
            if removed and start <= first and behind <= end:
                pmap.give_up(Slot(edit.level, first, pa, edit.kept, edit.kept_as))
            edits.written(pa)
