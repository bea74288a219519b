"""Tables that a program asks for entry by entry, with the kernel's part lent to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..base.walk_values import Rights
from .pmap import Pmap
from .pmap_tables import TablePages
from .pmap_user import copy_kernel_slots
from .processors import CurrentPmap


class LentPmap(Pmap):
    """A root that somebody else owns, as processors load it; made by :meth:`.pmap_kernel.KernelPmap.lend`.

    The user's part is its owner's, and none of this class's functions touches it; the kernel's slots are kept as they
    are in all spaces.  On ARM its entries are of the model without access flag (SCTLR.AFE is 0), in which the
    kernel's mean the same.
    """

    def __init__(
        self,
        name: str,
        root: int,
        kernel: Pmap,
        pages: TablePages,
        current: CurrentPmap,
        forget: Callable[[LentPmap], None],
        *,
        global_leaves: bool,
    ) -> None:
        super().__init__(name, kernel.ram, pages, kernel.layout, kernel.recorder, current)
        self._kernel = kernel
        self._forget = forget
        self.root = root
        self.global_leaves = global_leaves
        copy_kernel_slots(kernel, self)
        if self.layout.window is not None:
            window = self.editor.slot(self.fmt.root_level, root, self.layout.window)
            self.editor.refer(window, root, Rights(user=False))

    def flush(self) -> None:
        """No processor shall keep any translation of it."""
        self._flush(0, self.layout.user_end, 0)

    def take_back(self) -> None:
        """The kernel's slots go out of the root; if it is loaded, the kernel's tables are first."""
        self._forget(self)
        for slot in list(self.editor.present(self.fmt.root_level, self.root)):
            if self.layout.side(slot.level, slot.va) != "user":
                self.editor.clear(slot)
        self.destroyed = True

    def registers(self, controls: Any) -> tuple[int, Any]:
        """Its root, and no access flag; refused once it was taken back, since the root is somebody else's memory."""
        self._check_alive()
        return self.root, replace(controls, afe=False) if hasattr(controls, "afe") else controls

    def _owns(self, va: int) -> bool:
        return False
