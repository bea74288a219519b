"""Live pictures for notebooks: each picture of :mod:`vmwidgets.pictures` as a view on a page.

`host` puts them on the page.
"""

from typing import Any

from vmwidgets.pictures.registry import known_pictures, picture_named

from .host.show import register, show, view_of
from .host.view import View

__all__ = ["View", "register", "show"]


def __getattr__(name: str) -> Any:
    if picture_named(name) is None:
        raise AttributeError(f"there is no view {name!r}; there are {', '.join(sorted(known_pictures()))}")
    return view_of(name)
