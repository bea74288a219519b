"""Live pictures for notebooks: each picture of :mod:`vmwidgets.pictures` as a view on a page.

`host` carries them there.
"""

from typing import TYPE_CHECKING, Any

from vmwidgets.pictures.registry import known_pictures

from .host.show import register, show, view_of
from .host.view import View

__all__ = ["View", "register", "show"]


def __getattr__(name: str) -> Any:
    if name not in known_pictures():
        raise AttributeError(f"there is no view {name!r}; there are {', '.join(sorted(known_pictures()))}")
    return view_of(name)


if TYPE_CHECKING:  # what __getattr__ makes, for type checkers
    from vmwidgets.pictures import (
        compare,
        dashboard,
        domain,
        maps,
        memory,
        objects,
        references,
        replacement,
        tables,
        tlb,
    )

    class Comparison(View, compare.Comparison): ...

    class Formats(View, compare.Formats): ...

    class Paging(View, compare.Paging): ...

    class Dashboard(View, dashboard.Dashboard): ...

    class Capabilities(View, domain.Capabilities): ...

    class Domain(View, domain.Domain): ...

    class SlabLevels(View, domain.SlabLevels): ...

    class Vnodes(View, domain.Vnodes): ...

    class Vspace(View, domain.Vspace): ...

    class EntryList(View, maps.EntryList): ...

    class Map(View, maps.Map): ...

    class Ribbon(View, maps.Ribbon): ...

    class Tree(View, maps.Tree): ...

    class Frames(View, memory.Frames): ...

    class Kentry(View, memory.Kentry): ...

    class Kmem(View, memory.Kmem): ...

    class Slabs(View, memory.Slabs): ...

    class Threads(View, memory.Threads): ...

    class Fault(View, objects.Fault): ...

    class Objects(View, objects.Objects): ...

    class References(View, references.References): ...

    class Clock(View, replacement.Clock): ...

    class Tables(View, tables.Tables): ...

    class Tlb(View, tlb.Tlb): ...

    class Walk(View, tables.Walk): ...
