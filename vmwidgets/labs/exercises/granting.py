"""An exercise of notebook 09: handing out capabilities so that one call revokes only one window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import MIB, PAGE, Address
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.domain import MachineDomain

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .self_paging import page_rights
from .structures import EDITED, edited

if TYPE_CHECKING:
    from vmwidgets.widgets import View

OWN = 0x4800_0000
"""The address at which the server has mapped its frame."""

SERVER = "slots[0]"
"""The slot of the server's own capability."""


@frozen(slots=False)
class Window:
    """A part of the frame from page `first` on, to be mapped at `at`."""

    name: str
    at: int
    first: int
    pages: int
    rights: str

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.pages * PAGE


@frozen(slots=False)
class GrantSheet:
    """Windows on a frame of `pages` pages; the window named `back` is revoked at the end."""

    pages: int
    windows: tuple[Window, ...]
    back: str

    @classmethod
    def drawn(cls, draws: Draws) -> GrantSheet:
        """Draw three or four windows, which may overlap; some are writable."""
        pages, names = draws.between(6, 8), draws.sample(("camera", "printer", "player", "editor", "index"), 4)
        count = draws.between(3, 4)
        rights = draws.shuffled(["r", "rw", draws.choice(["r", "rw"]), "r"][:count])
        rows = draws.sample(range(0x50, 0x7F), count)
        windows = []
        for name, right, row in zip(names, rights, rows, strict=False):
            size = draws.between(1, 3)
            at = (row << 24) + draws.between(0, 11) * MIB + draws.between(0, 250) * PAGE
            windows.append(Window(name, at, draws.between(0, pages - size), size, right))
        return cls(pages, tuple(windows), draws.choice([one.name for one in windows]))

    @property
    def text(self) -> str:
        """The task in words."""
        rows = (
            f"`{one.name}`: {_pages(one)} at `{Address(one.at)}`, "
            + ("to be read and written" if one.rights == "rw" else "only to be read")
            for one in self.windows
        )
        return "\n".join(
            [
                (
                    f"Domain `server` has a frame of {self.pages} pages in `{SERVER}`. It has mapped it at "
                    f"`{Address(OWN)}`, and has written to each page. Parts of the program that it does not trust "
                    "get windows on the frame; its first page is page 0:"
                ),
                *rows,
                (
                    "Map each window through its own capability, which has only the window's rights. "
                    f"Then take back `{self.back}` with a single call: afterwards, only the server's own capability "
                    f"may be able to map it again. The other windows, the mapping at `{Address(OWN)}` and all "
                    "contents must stay."
                ),
            ]
        )

    def start(self) -> MachineDomain:
        """Return the server with its frame mapped and written."""
        domain = boot("armv7").domain("server")
        domain.map(domain.frame(self.pages * PAGE), at=OWN, flags="rw")
        for number in range(self.pages):
            domain.write(OWN + number * PAGE, _content(number))
        return domain


def _pages(window: Window) -> str:
    last = window.first + window.pages - 1
    return f"page {window.first}" if window.pages == 1 else f"pages {window.first} to {last}"


def _content(number: int) -> bytes:
    return f"page {number}".encode()


@dataclass
class Given:
    """The journal's facts about capabilities: the capability of each window, and the end of each capability.

    A capability is named by the number of the operation that made it; 0 stands for the server's own capability, or for
    a capability that is not a copy of it.
    """

    held: dict[str, int] = field(default_factory=dict)
    rights: dict[int, str] = field(default_factory=dict)
    used: dict[str, set[int]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    revoked: bool = False

    @classmethod
    def of(cls, domain: MachineDomain, asked: GrantSheet) -> Given:
        """Read the operations from the first to the last."""
        given = cls()
        for one in domain.machine.journal:
            if one.target == domain.path and one.outcome == "done":
                given._note(one, asked)
        return given

    def _note(self, one: Operation, asked: GrantSheet) -> None:
        arguments = dict(one.arguments)
        if one.name in ("mint", "copy"):
            self.held[_slot(one.result)] = one.number
            self.rights[one.number] = arguments.get("rights", "rwg")
        elif one.name == "map":
            through = self.held.get(_slot(arguments["frame"]), 0)
            for window in asked.windows:
                if window.at <= int(arguments.get("at") or 0) < window.at + window.size:
                    self.used.setdefault(window.name, set()).add(through)
        elif one.name == "delete":
            self.deleted.add(self.held.pop(_slot(arguments["capability"]), 0))
        elif one.name == "revoke":
            self.revoked = True
            kept = _slot(arguments["capability"])
            self.held = {slot: number for slot, number in self.held.items() if slot == kept}


def _slot(capability: object) -> str:
    """Return the slot in a capability's path: "domain:server/slots[8]#25" gives slots[8]."""
    return str(capability).rpartition("/")[2].partition("#")[0]


def its_capabilities(domain: MachineDomain) -> View:
    """Return a picture of the frame's capabilities, and of the mappings made from each."""
    from vmwidgets.widgets import Capabilities  # a judge draws nothing

    return Capabilities(domain)


@exercise(
    "09/grant",
    "Granted, and taken back",
    points=6,
    takes=MachineDomain,
    shows=its_capabilities,
    variant=GrantSheet.drawn,
    hints=(
        "unmap, delete and revoke all end a mapping. What else does each of them delete, and what does it leave?",
        "delete removes one capability and all its mappings. So each window needs its own capability.",
        (
            'view = server.mint("slots[0]", "r") or "rw", one for each window; server.map(view, at=…, offset=…, '
            'size=…, flags="r"), with the offset of its first page; and in the end server.delete(view) of the one.'
        ),
    ),
)
def grant(domain: MachineDomain, asked: GrantSheet) -> Iterator[Criterion]:
    """Judge the windows: each has its own capability, one call revoked one of them, and the rest is unchanged."""
    by_hand, given = edited(domain), Given.of(domain, asked)
    staying = [one for one in asked.windows if one.name != asked.back]
    (back,) = (one for one in asked.windows if one.name == asked.back)
    right = [one.name for one in staying if not by_hand and _as_asked(domain, one)]
    yield criterion(
        2,
        bool(right) + (len(right) == len(staying)),
        "the windows that stay show their pages, with the right permissions",
        EDITED.format("domain")
        if by_hand
        else "a window that should stay is not mapped, shows other pages, or has other rights",
        expected=", ".join(one.name for one in staying),
        actual=", ".join(right) or "none",
        mistake=ALL_OF_IT if given.revoked else None,
    )
    begun = bool(given.used.get(back.name))
    through = [number for one in asked.windows for number in given.used.get(one.name, ())]
    apart = begun and 0 not in through and len(set(through)) == len(through)
    no_more = all(
        set(given.rights.get(number, "rwg")) <= set(one.rights)
        for one in asked.windows
        for number in given.used.get(one.name, ())
    )
    yield criterion(
        2,
        begun * (apart + (apart and no_more)),
        "each window was mapped through its own capability, with only the window's rights",
        "through which capability was each window mapped, and which rights does the capability have?",
        first="" if begun else f"map {back.name}",
        actual="" if apart else "several windows were mapped through the same capability, or through the server's own",
        mistake=None if apart or not begun else ONE_FOR_TWO,
    )
    gone = not by_hand and all(page_rights(domain, va) == "no page" for va in range(back.at, back.at + back.size, PAGE))
    needless = set(given.held.values()) - set(through)
    deleted = given.used.get(back.name, set()) <= given.deleted | {0} and not given.revoked
    yield criterion(
        1,
        begun and gone and deleted and not needless,
        f"{back.name} is gone, and no remaining capability can map it again",
        f"{back.name} is still there, or a remaining capability can map it again, or too much was deleted",
        first="" if begun else f"map {back.name}",
        actual="it is still mapped" if not gone else "",
        mistake=A_RIGHT_IS_LEFT if begun and gone and not deleted and not given.revoked else None,
    )
    lost = [number for number in range(asked.pages) if not _kept(domain, number)]
    yield criterion(
        1,
        begun and not by_hand and not lost,
        "the server still has its frame, with its contents",
        "the server's own mapping should still be there, with its contents",
        first="" if begun else f"map {back.name}",
        actual=f"not in pages {', '.join(map(str, lost))}" if lost else "",
    )


ALL_OF_IT = Mistake(
    "everything is revoked", "Revoke deletes all other capabilities on the frame, and all their mappings."
)
ONE_FOR_TWO = Mistake(
    "one capability for two", "Deleting a capability ends all its mappings, so each window needs its own capability."
)
A_RIGHT_IS_LEFT = Mistake(
    "a right that is left", "unmap ends a mapping; the remaining capability can map the window again."
)


def _as_asked(domain: MachineDomain, window: Window) -> bool:
    wanted = "rw" if window.rights == "rw" else "r-"
    places = [(window.at + number * PAGE, window.first + number) for number in range(window.pages)]
    return all(page_rights(domain, va) == wanted and _shows(domain, va, page) for va, page in places)


def _shows(domain: MachineDomain, va: int, page: int) -> bool:
    """Return whether `va` shows the same page as the server's own mapping or, without one, its text."""
    pa, own = domain.walk(va).pa, domain.walk(OWN + page * PAGE).pa
    return pa is not None and (pa == own or (own is None and _text_at(domain, pa, page)))


def _kept(domain: MachineDomain, page: int) -> bool:
    va = OWN + page * PAGE
    pa = domain.walk(va).pa
    return pa is not None and page_rights(domain, va) == "rw" and _text_at(domain, pa, page)


def _text_at(domain: MachineDomain, pa: int, page: int) -> bool:
    text = _content(page)
    return bool(domain.machine.ram.read(pa, len(text)) == text)
