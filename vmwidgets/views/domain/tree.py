"""The shadow tree beside the hardware's tables: what the program remembers left, what is in RAM right, row by row.

A row is a vnode, in the order of addresses, indented by its depth; a line leads to its descriptor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import VnodeFold, VnodeValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN
from vmwidgets.views.scene.model import Bar, Link, Node, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wording, wrapped
from vmwidgets.views.story.words.names import flag_words, kind_words, pages_words

from .picture import COLUMNS, Decoded, DomainPicture, below_fold, opened_table, vnode_id, vnode_thing

INDENT, ROW_H, LARGE_H, GAP = 20.0, 25.0, 36.0, 3.0
"""Pixels that a level goes in; height of a row, and of one whose pages are large; room between two."""

LEFT, BETWEEN = 0.555, 52.0
"""The part of the width that the tree takes; the room for lines."""

HEADS = 17.0
"""Height of the words above the rows."""

_LEFT = ("entries, address, capability of the frame, size", "entries, address, capability, size", "entries, address")
_RIGHT = ("descriptor, [entries], page", "descriptor, page", "descriptor")
_TWO_LEFT, _TWO_RIGHT = ("entries", "address, capability"), ("descriptor, [entries]", "page")

EXECUTABLE = "x that was not requested: no bit forbids execution, so pages that can be read can be executed"
"""Why the hardware allows more than was requested."""

NARROW, CLOSE, SECOND = 640.0, 22.0, 15.0
"""Pixels of a picture below which rows have two lines; the room for lines there; height of a row's second line."""


@frozen
class Row:
    """A vnode, or children of `node` that are folded."""

    node: VnodeValue
    depth: int
    parent: VnodeValue | None
    folded: VnodeFold | None = None


def tree_lane(picture: DomainPicture, top: float, most: int) -> tuple[list[Node], list[Link], float]:
    """Nodes and lines of at most about `most` rows, and the y where they end."""
    rows = rows_of(picture, most)
    second = SECOND if picture.width < NARROW else 0.0
    between = CLOSE if second else BETWEEN
    left_w = (picture.width - 2 * MARGIN - between) * LEFT
    right_x = MARGIN + left_w + between
    right_w = picture.width - MARGIN - right_x
    nodes: list[Node] = []
    links: list[Link] = []
    y = top
    if any(not row.folded and not row.node.is_table for row in rows):
        high = HEADS + second
        nodes.append(_heads(kit.Box(MARGIN, y, left_w, high), _LEFT, "requested", _TWO_LEFT if second else ()))
        nodes.append(_heads(kit.Box(right_x, y, right_w, high), _RIGHT, "allowed", _TWO_RIGHT if second else ()))
        y += high
    placed: dict[int, Node] = {}
    for row in rows:
        h = (LARGE_H if _is_large(row) else ROW_H) + (0 if row.folded else second)
        x = MARGIN + row.depth * INDENT
        if row.folded:
            nodes.append(_fold(row, x, y, MARGIN + left_w - x))
            links.append(_branch(placed[row.node.id], nodes[-1]))
        else:
            left = _vnode(picture, row, kit.Box(x, y, MARGIN + left_w - x, h), second)
            right = _descriptor(picture, row, kit.Box(right_x, y, right_w, h), second)
            nodes += [left, right]
            middle = y + h / 2
            chosen = ("selected",) if picture.selection == left.thing else ()
            states = (*picture.states(left.thing), *chosen)
            points = ((MARGIN + left_w, middle), (right_x, middle))
            links.append(Link(f"tree/{row.node.id}/pair", "pair", left.id, right.id, points, state=states))
            placed[row.node.id] = left
            if row.parent is not None:
                links.append(_branch(placed[row.parent.id], left))
        y += h + GAP
    if any(_runs_too(picture, row) for row in rows):
        nodes.append(kit.paragraph("tree/allowed", EXECUTABLE, MARGIN, y + 2, picture.width - 2 * MARGIN, style="dim"))
        y = nodes[-1].y + nodes[-1].h
    return nodes, links, y + 4


def _heads(box: kit.Box, ways: tuple[str, ...], rights: str, lines: tuple[str, ...]) -> Node:
    """What is in a column of rows, from left to right; `lines`: in each of a row's lines, where it has two."""
    at_end = 12 + SECOND * (lines == _TWO_RIGHT)  # as in the rows below
    said = lines or (wording(ways, box.w - 28 - text_width(rights), "label dim"),)
    text = [Text(10, 12 + SECOND * number, words, "label dim") for number, words in enumerate(said)]
    text.append(Text(box.w - 8, at_end, rights, "label dim", "end"))
    return kit.runs(f"tree/heads/{rights}", box, tuple(text), title=f"{ways[0]}; rights that are {rights}")


def _runs_too(picture: DomainPicture, row: Row) -> bool:
    """Whether the hardware lets a page be executed for which that was not requested."""
    node = row.node
    if row.folded or node.is_table or node.descriptor is None:
        return False
    rights = picture.decode(node.level, node.descriptor).rights.partition(" ")[0]
    return "x" in rights and "x" not in flag_words(node.flags).partition(" ")[0]


def _branch(above: Node, below: Node) -> Link:
    """From a table's row down to one in it."""
    x, middle = above.x + INDENT / 2, below.y + below.h / 2
    points = ((x, above.y + above.h), (x, middle), (below.x, middle))
    return Link(f"{below.id}/branch", "branch", above.id, below.id, points, branch=True)


def _is_large(row: Row) -> bool:
    return not row.folded and not row.node.is_table and row.node.level > 1


# ---- which rows ---------------------------------------------------------------------------------------

OPENED = 60
"""So many rows more are drawn for a fold that was opened."""


def rows_of(picture: DomainPicture, most: int) -> list[Row]:
    """The root, and as many vnodes as fit: what changed or is selected first, then from the top; others are folded."""
    root = picture.value.root
    parents = {child.id: node for node in picture.vnodes for child in node.children}
    most += OPENED * sum(one.startswith("tree/") for one in picture.opened)
    kept: list[int] = []
    known = {root.id}
    for node in _ranked(picture):
        way = [node]
        while way[-1].id not in known and parents[way[-1].id].id not in known:
            way.append(parents[way[-1].id])
        if len(known) + len(way) > most:
            break
        for one in reversed(way):
            if one.id not in known:
                known.add(one.id)
                kept.append(one.id)
    while True:
        rows = [Row(root, 0, None), *_rows_below(picture, root, 1, known)]
        if len(rows) <= most or not kept:
            return rows
        known.discard(kept.pop())


def _ranked(picture: DomainPicture) -> Iterator[VnodeValue]:
    """All vnodes but the root in the order in which they are wanted: tables before what is in them."""
    root = picture.value.root
    chosen = vnode_id(picture.selection)
    marked = [node for node in picture.vnodes if node.id in picture.marked or node.id == chosen]
    opened = [where for one in picture.opened if (where := opened_table(one)) is not None]
    yield from sorted((node for node in marked if node is not root), key=lambda node: node.id != chosen)
    tables = {node.id: node for node in picture.vnodes if node.is_table} if opened else {}
    for number, entry in opened:
        there = (child for child in tables[number].children if child.entry >= entry) if number in tables else ()
        yield from sorted(there, key=lambda child: child.entry)[:OPENED]
    waiting = [root]
    for node in waiting:
        children = sorted(node.children, key=lambda child: child.entry)
        yield from children
        waiting += children


def _rows_below(picture: DomainPicture, table: VnodeValue, depth: int, known: set[int]) -> Iterator[Row]:
    run: list[VnodeValue | VnodeFold] = []
    for part in [*_in_order(table), None]:
        if isinstance(part, VnodeFold) or (part is not None and part.id not in known):
            run.append(part)
            continue
        if len(run) == 1 and isinstance(run[0], VnodeValue) and not run[0].child_count:  # as much room as a fold takes
            yield Row(run[0], depth, table)
        elif run:
            yield Row(table, depth, table, _folded(picture, run))
        run = []
        if part is not None:
            yield Row(part, depth, table)
            yield from _rows_below(picture, part, depth + 1, known)


def _in_order(table: VnodeValue) -> list[VnodeValue | VnodeFold]:
    """Children and folds, in the order of entries."""
    parts: list[VnodeValue | VnodeFold] = [*table.children, *table.folds]
    return sorted(parts, key=lambda part: part.first if isinstance(part, VnodeFold) else part.entry)


def _folded(picture: DomainPicture, run: Sequence[VnodeValue | VnodeFold]) -> VnodeFold:
    """Neighbours as one fold."""
    folds = [part if isinstance(part, VnodeFold) else _fold_of(picture, part) for part in run]
    counts = zip(*((one.children, one.tables, *below_fold(one)) for one in folds), strict=True)
    return VnodeFold(folds[0].first, folds[-1].last, folds[0].va, folds[-1].end, *(sum(part) for part in counts))


def _fold_of(picture: DomainPicture, node: VnodeValue) -> VnodeFold:
    end = node.entry + node.count - 1
    return VnodeFold(node.entry, end, node.va, node.va + node.span, 1, node.is_table, *picture.below[node.id])


# ---- drawing ------------------------------------------------------------------------------------------


def _vnode(picture: DomainPicture, row: Row, box: kit.Box, second: float) -> Node:
    """What the program remembers; all but its number and flags in a second line, if there is one."""
    x, y, w, h = box
    node = row.node
    thing = vnode_thing(node.id)
    base = h / 2 + 4 - second / 2
    colour = "table" if node.is_table else "page"
    number = "root" if row.parent is None else _entries(node)
    letters = kind_words(node.kind).letters if node.is_table else kind_words("Frame").letters
    text = [Text(10, base, letters, "strong"), Text(38, base, number, "mono label")]
    left = 38 + text_width(number, "mono label") + 12
    flags = "" if node.is_table else flag_words(node.flags)
    right = w - 8 - (text_width(flags, "mono label") + 12 if flags else 0)
    if second and text_width(flags, "mono label") > w - 8 - left:  # whole rights, and that there is more
        flags = f"{flags.partition(' ')[0]} …"
    at_end = [fitted(w - 8, base, flags, w - 8 - left, "mono label", "end")] if flags else []
    if second:
        left, right, base = 10.0, w - 8, base + second
    for words, style in _details(picture, node, is_short=bool(second)):
        fitting = wording((*words, ""), right - left, style)
        if not fitting:
            break  # what comes after it would stand where other rows have this
        text.append(Text(left, base, fitting, style))
        left += text_width(fitting, style) + (8 if second else 12)
    text += at_end
    mark = Bar(0, 1, 6.0 if node.level > 1 and not node.is_table else 4.0, h - 2, colour)
    state = ("is-table" if node.is_table else "is-leaf", *picture.states(thing))
    return Node(
        f"tree/{node.id}", "vnode", x, y, w, h, thing, text=tuple(text), bars=(mark,), state=state,
        title=describe(node, row.parent), action="select", lane=COLUMNS[0].name,
    )  # fmt: skip


def _entries(node: VnodeValue) -> str:
    return str(node.entry) if node.count == 1 else f"{node.entry}–{node.entry + node.count - 1}"


def _details(picture: DomainPicture, node: VnodeValue, *, is_short: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts of a row after the number of its entry, from the longest to the shortest."""
    if node.is_table:
        leaves = node.child_count
        yield (*[f"{kind_words(node.kind).words} in {node.cap}"] * (not is_short), str(node.cap)), "label"
        yield (f"{leaves} below" if leaves else "empty",), "label dim"
        return
    unit = node.span // max(1, node.count)
    yield (picture.style.long(node.va),), "mono label dim"
    offset = f"+{node.offset:#x}" if node.offset else ""
    yield (visible(f"{node.cap}{offset}"),), "label"
    yield (pages_words(node.count, unit), binary_size(node.span)), "label"


def describe(node: VnodeValue, parent: VnodeValue | None = None) -> str:
    """A vnode in one line; `parent` is the table that it is in."""
    where = f"for {Address(node.va)}–{Address(node.va + node.span)}"
    if node.is_table:
        parts = [f"vnode of a {kind_words(node.kind).words} {where}", f"capability in {visible(str(node.cap))}",
                 f"at physical {Address(node.base)}", counted(node.child_count, "child", "children")]  # fmt: skip
        if node.invokable != node.cap:
            parts.append(f"invoked through its copy in {visible(str(node.invokable))}")
    else:
        parts = [f"leaf {where}: {visible(str(node.cap))} from byte {node.offset:#x} on",
                 f"physical {Address(node.base)}", f"{flag_words(node.flags)} when it was mapped"]  # fmt: skip
    if node.mapping is not None:
        parts.append(f"mapping in {visible(str(node.mapping))}")
    elif node.level and node.descriptor_pa is not None:
        parts.append("no mapping")
    place = 1 if parent is None else parent.child_count - node.older
    entry = f"entry {_entries(node)}, number {place} in its list"
    return "; ".join([parts[0], *([entry] if node.descriptor_pa is not None else []), *parts[1:]])


def _fold(row: Row, x: float, y: float, w: float) -> Node:
    fold = row.folded
    assert fold is not None
    tables, leaves, first = fold.tables, fold.leaves, fold.first
    summary = " and ".join(
        [counted(tables, "table")] * bool(tables) + [counted(leaves, "leaf", "leaves")] * bool(leaves or not tables)
    )
    return kit.card(
        f"tree/fold/{row.node.id}/{first}", kit.Box(x, y, w, ROW_H), [kit.Line(f"… {summary}", "label dim")],
        kind="fold", state=("folded",), title=f"{summary} of entries {first} to {fold.last}: open", action="open",
        lane=COLUMNS[0].name, pad=10,
    )  # fmt: skip


def _descriptor(picture: DomainPicture, row: Row, box: kit.Box, second: float) -> Node:
    """What the hardware reads, with what that means, in a second line if there is one."""
    x, y, w, h = box
    node = row.node
    thing = vnode_thing(node.id)
    base = h / 2 + 4 - second / 2
    name = f"descriptor/{node.id}"
    if node.descriptor_pa is None:
        where = f"{kind_words(node.kind).words} at physical {Address(node.base)}"
        lines = wrapped(where, w - 16)[:2] if second else [where]
        text = tuple(fitted(10, base + second * number, line, w - 16) for number, line in enumerate(lines))
        return Node(
            name, "hardware", x, y, w, h, thing, text=text, bars=(Bar(0, 1, 4, h - 2, "table"),),
            state=("is-root", *picture.states(thing)), title=where, action="select", lane=COLUMNS[1].name,
        )  # fmt: skip
    word = node.descriptor or 0
    read = picture.decode(node.level, word)
    digits = 8 if picture.value.entry_bytes == 4 else 16
    texts = [Text(10, base, f"{word:0{digits}x}", "mono label")]
    end = _meaning(read)
    left = 10 + text_width(texts[0].text, "mono label") + 12
    end_w = 0 if second else text_width(end, "label")
    room = w - (10 if second else left) - 8
    short = end.removeprefix("page ")
    texts.append(fitted(w - 8, base + second, (end, short, short.removesuffix(" user")), room, "label", "end"))
    index = f"[{_entries(node)}]"
    if left + text_width(index, "mono label") + end_w + 22 <= w:
        texts.append(Text(left, base, index, "mono label dim"))
    many = f"; {node.count} alike from there on" if node.count > 1 else ""
    title = (
        f"descriptor at physical {Address(node.descriptor_pa)}, {_level_words(row)} entry {node.entry}: "
        f"{word:#x}, {_meaning(read)}{many}"
    )
    state = (f"is-{read.kind}", *picture.states(thing))
    large = node.level > 1 and read.kind == "leaf"
    bars = () if read.kind == "invalid" else (
        Bar(0, 1, 6.0 if large else 4.0, h - 2, "table" if read.kind == "table" else "page"),
    )  # fmt: skip
    return Node(name, "hardware", x, y, w, h, thing, text=tuple(texts), bars=bars, state=state, title=title,
                action="select", lane=COLUMNS[1].name)  # fmt: skip


def _level_words(row: Row) -> str:
    return kind_words(row.parent.kind).words if row.parent is not None else ""


def _meaning(read: Decoded) -> str:
    if read.kind == "invalid":
        return "not present"
    rights = f" {read.rights}" if read.kind == "leaf" else ""
    return f"{'table' if read.kind == 'table' else 'page'} → {Address(read.address)}{rights}"


# ---- the table ----------------------------------------------------------------------------------------

TREE_HEADER = ("address", "vnode", "entries", "capability", "mapping", "flags", "descriptor at", "word", "meaning")


def tree_table(picture: DomainPicture, most: int) -> Table:
    """The rows that are drawn, in words."""
    rows: list[tuple[str, ...]] = []
    for row in rows_of(picture, most):
        node = row.node
        indent = "  " * row.depth
        if row.folded:
            summary = f"{counted(row.folded.tables, 'table')}, {counted(row.folded.leaves, 'leaf', 'leaves')}"
            rows.append((f"{indent}…", summary, *[""] * (len(TREE_HEADER) - 2)))
            continue
        kind = kind_words(node.kind).words if node.is_table else "leaf"
        offset = f" + {node.offset:#x}" if node.offset else ""
        read = picture.decode(node.level, node.descriptor or 0) if node.descriptor_pa is not None else None
        rows.append(
            (
                indent + picture.style.whole(node.va), kind, _entries(node) if read else "", f"{node.cap}{offset}",
                str(node.mapping or ""), "" if node.is_table else flag_words(node.flags),
                "" if node.descriptor_pa is None else str(Address(node.descriptor_pa)),
                "" if read is None else f"{node.descriptor or 0:#x}", "" if read is None else _meaning(read),
            )
        )  # fmt: skip
    return Table(TREE_HEADER, tuple(tuple(visible(word) for word in row) for row in rows))
