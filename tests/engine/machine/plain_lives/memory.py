"""What tasks hold, in plain bytes: pages by address, files by name, and no tables, frames or objects beneath them.

A page shows a cell.  A cell is private to one page, or several pages show the same one; what a fork copies gets new
cells at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PAGE = 4096
LOWEST = 64 * 1024
"""Above this is mapped what asks for no address."""


@dataclass(eq=False)
class Cell:
    """What a page shows: its own bytes, once it was written, or else those of a file's page, or zeroes."""

    data: bytearray | None = None
    file: str = ""
    index: int = 0
    of_file: bool = False
    """Whether writes go into the file."""
    shared: bool = False
    """Whether others see what is written."""


@dataclass(eq=False)
class Page:
    """A page of a task; without a cell there is an entry and no object, whose use is FAULT."""

    cell: Cell | None
    prot: str
    inherit: str = "copy"
    wired: int = 0
    stack: bool = False
    """Whether it is of an entry that grows down."""
    cut: bool = False
    """Whether parts of the stack that it is of were changed alone, so that it may be several entries now."""
    object: str = ""
    """The named object that it is of."""

    @property
    def like(self) -> tuple[str, str, int, bool]:
        """What pages of one entry have in common."""
        return self.prot, self.inherit, self.wired, self.stack


@dataclass
class Limits:
    """What a task may have at most, in bytes; none: as much as there is room for."""

    space: int | None = None
    data: int | None = None
    stack: int = 8 << 20
    resident: int | None = None


@dataclass
class PlainTask:
    """A task: its pages by address, where its heap ends."""

    start: int
    end: int
    heap: tuple[int, int]
    pages: dict[int, Page] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    children: int = 0

    def taken(self) -> list[tuple[int, int]]:
        """What its map has in use, rising."""
        return sorted((va, va + PAGE) for va in self.pages)

    @property
    def size(self) -> int:
        """Bytes that its map has in use."""
        return len(self.pages) * PAGE

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing is there."""
        return not any(va in self.pages for va in range(start, end, PAGE))

    def lowest_gap(self, size: int) -> int | None:
        """Where a mapping goes that asks for no address; none where nothing fits."""
        position = self.start + LOWEST
        for start, end in self.taken():
            if start - position >= size:
                break
            position = max(position, end)
        return position if self.end - position >= size else None

    def growth(self, va: int, grew: bool) -> tuple[int, Page] | None:
        """The lowest page of a stack, and its address, that grows down for an access at the page `va`.

        A stack that was cut into several entries has its limit for the lowest alone: there `grew` says whether it did.
        """
        above = [start for start, _ in self.taken() if start > va]
        lowest = self.pages.get(min(above)) if above else None
        if lowest is None or not lowest.stack:
            return None
        first = last = min(above)
        while last in self.pages and self.pages[last].like == lowest.like and (last == first or not lowest.cut):
            last += PAGE
        if lowest.cut and not grew:
            return None
        below = max((end for _, end in self.taken() if end <= va), default=self.start - PAGE)
        if va < below + PAGE or last - va > self.limits.stack:
            return None
        most = self.limits.space
        if most is not None and self.size + first - va > most:
            return None
        return first, lowest


@dataclass
class Memory:
    """All tasks, files and named objects of a machine."""

    tasks: dict[str, PlainTask] = field(default_factory=dict)
    files: dict[str, bytearray] = field(default_factory=dict)
    objects: dict[str, dict[int, Cell]] = field(default_factory=dict)

    def bytes_of(self, cell: Cell) -> bytes | None:
        """What a page shows; none where its file has no page there."""
        if cell.data is not None:
            return bytes(cell.data)
        if not cell.file:
            return bytes(PAGE)
        content = self.files[cell.file]
        if cell.index * PAGE >= len(content):
            return None
        return bytes(content[cell.index * PAGE : (cell.index + 1) * PAGE]).ljust(PAGE, b"\0")

    def ends_before(self, task: str, end: int) -> bool:
        """Whether the file that a task has mapped ends before this address of its page."""
        page = self.tasks[task].pages.get((end - 1) & -PAGE) if task in self.tasks else None
        if page is None or page.cell is None or not page.cell.of_file:
            return False
        return len(self.files[page.cell.file]) < page.cell.index * PAGE + (end & (PAGE - 1) or PAGE)

    def copy_of(self, cell: Cell | None) -> Cell | None:
        """What a child has of a page that is copied."""
        if cell is None or cell.of_file:
            return cell and Cell(None, cell.file, cell.index)
        return Cell(None if cell.data is None else bytearray(cell.data), cell.file, cell.index)

    def own_bytes(self, cell: Cell) -> bytearray:
        """The bytes of a cell that is written: its own from now on."""
        if cell.data is None:
            cell.data = bytearray(self.bytes_of(cell) or b"")
        return cell.data

    def store(self, cell: Cell, offset: int, data: bytes) -> None:
        """Put bytes into a page, and into its file if it shows that."""
        if cell.of_file:
            at, content = cell.index * PAGE + offset, self.files[cell.file]
            content[at : at + len(data)] = data[: max(0, len(content) - at)]
        else:
            self.own_bytes(cell)[offset : offset + len(data)] = data

    def forget_objects(self) -> None:
        """Have the named objects that no page is of any longer be empty."""
        used = {page.object for task in self.tasks.values() for page in task.pages.values()}
        for name in self.objects.keys() - used:
            self.objects[name] = {}
