"""The names of a machine's parts in pictures, the same as in errors."""

from __future__ import annotations

from vmwidgets.engine.base import called as names
from vmwidgets.views.scene.text import visible


def called(path: str) -> str:
    """Return a part's name in a sentence of a picture; see :func:`vmwidgets.engine.base.called.called`.

    >>> called("task:init/map"), called("kmem/kernel_map")
    ('the map of init', 'kmem.kernel_map')
    """
    return visible(names.called(path))
