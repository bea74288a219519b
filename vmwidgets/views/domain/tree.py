"""The shadow tree next to the hardware's tables: the program's records on the left, the RAM on the right, row by row.

Rows are vnodes in address order, indented by depth; a line connects each vnode to its descriptor.
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

INDENT, ROW_H, LARGE_H, GAP = 20.0, 24.0, 35.0, 4.0
"""Indentation of a level; height of a row, and of a row for large pages; space between two rows."""

LEFT, BETWEEN = 0.58, 52.0
"""The tree's share of the width; the space for lines."""

HEADS = 22.0
"""Height of the words above the rows."""

_LEFT, _RIGHT = "shadow tree", "what the hardware reads"
"""The names of both columns; the first is the program's own record of its tables."""

EXECUTABLE = "x that was not requested: no bit forbids execution, so pages that can be read can be executed"
"""The reason why the hardware allows more than the program requested."""

NARROW, CLOSE, SECOND = 640.0, 22.0, 15.0
"""The width in pixels below which rows have two lines; the space for lines then; the height of the second line."""


@frozen
class Row:
    """A vnode, or folded children of `node`."""

    node: VnodeValue
    depth: int
    parent: VnodeValue | None
    folded: VnodeFold | None = None


def tree_lane(picture: DomainPicture, top: float, most: int) -> tuple[list[Node], list[Link], float]:
    """Return the nodes and lines of up to about `most` rows, and the y where they end."""
    rows = rows_of(picture, most)
    second = SECOND if picture.width < NARROW else 0.0
    between = CLOSE if second else BETWEEN
    left_w = (picture.width - 2 * MARGIN - between) * LEFT
    right_x = MARGIN + left_w + between
    right_w = picture.width - MARGIN - right_x
    wants = max((text_width(flag_words(row.node.flags), "mono label") for row in rows if _is_leaf(row)), default=0.0)
    wants = min(max(wants, text_width("requested", "label dim")), left_w / 3)
    nodes = [*_heads(picture, kit.Box(MARGIN, top, left_w, HEADS + second), kit.Box(right_x, top, right_w, HEADS),
                     wants, any(map(_is_leaf, rows)))]  # fmt: skip  # over both columns
    links: list[Link] = []
    y = top + HEADS + second
    placed: dict[int, Node] = {}
    fresh: list[tuple[Node, Node]] = []
    for row in rows:
        h = (LARGE_H if _is_large(row) else ROW_H) + (0 if row.folded else second)
        x = MARGIN + row.depth * INDENT
        pair: tuple[Node, Node] | None = None
        if row.folded:
            nodes.append(_fold(row, x, y, MARGIN + left_w - x))
            links.append(_branch(placed[row.node.id], nodes[-1]))
        else:
            left = _vnode(picture, row, kit.Box(x, y, MARGIN + left_w - x, h), second, wants)
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
            pair = (left, right) if "new" in left.state else None
        if pair:
            fresh.append(pair)
        if fresh and (not pair or row is rows[-1]):
            links += [kit.around(f"{side[0].id}/around", side) for side in zip(*fresh, strict=True)]
            fresh = []
        y += h + GAP
    if any(_runs_too(picture, row) for row in rows):
        nodes.append(kit.paragraph("tree/allowed", EXECUTABLE, MARGIN, y + 2, picture.width - 2 * MARGIN, style="dim"))
        y = nodes[-1].y + nodes[-1].h
    return nodes, links, y + 4


def _heads(picture: DomainPicture, left: kit.Box, right: kit.Box, wants: float, has_leaves: bool) -> Iterator[Node]:
    """Yield both columns' headings, with the numbers of tables and leaves, and the words over slots and rights."""
    tables, leaves, _ = picture.below[picture.value.root.id]
    many, new = f"{counted(tables, 'table')}, {counted(leaves, 'leaf', 'leaves')}", len(picture.fresh)
    said = f"{many}, {new:,} new" if new else many
    second, x = left.h > HEADS, text_width(_LEFT, "body strong") + 10
    text = [Text(0, 14, _LEFT, "body strong")]
    room = left.w
    if has_leaves:
        text.append(Text(left.w - 8, 14, "requested", "label dim", "end"))
        room = left.w - text_width("requested", "label dim") - 20
    if has_leaves and not second:
        text.insert(1, Text(left.w - 24 - wants, 14, "slot", "label dim", "end"))
        room = left.w - 54 - wants
    about = wording((f"the program's records: {said}", said, many, ""), left.w if second else room - x, "label dim")
    if about:
        text.insert(1, Text(0 if second else x, 14 + SECOND * second, about, "label dim"))
    title = f"{_LEFT}: the program's records, {said}; what it requested"
    yield kit.runs("tree/heads/requested", left, text, title=title)
    allowed = [Text(right.w - 8, 14, "allowed", "label dim", "end")] * has_leaves
    room = right.w - (text_width("allowed", "label dim") + 20) * has_leaves
    head = Text(0, 14, wording((_RIGHT, "hardware"), room, "body strong"), "body strong")
    yield kit.runs("tree/heads/allowed", right, (head, *allowed), title=f"{_RIGHT}, and what it allows")


def _is_leaf(row: Row) -> bool:
    return not row.folded and not row.node.is_table


def _runs_too(picture: DomainPicture, row: Row) -> bool:
    """Return whether the hardware allows execution of a page for which it was not requested."""
    node = row.node
    if row.folded or node.is_table or node.descriptor is None:
        return False
    rights = picture.decode(node.level, node.descriptor).rights.partition(" ")[0]
    return "x" in rights and "x" not in flag_words(node.flags).partition(" ")[0]


def _branch(above: Node, below: Node) -> Link:
    """Return the line from a table's row down to a row in the table."""
    x, middle = above.x + INDENT / 2, below.y + below.h / 2
    points = ((x, above.y + above.h), (x, middle), (below.x, middle))
    return Link(f"{below.id}/branch", "branch", above.id, below.id, points, branch=True)


def _is_large(row: Row) -> bool:
    return not row.folded and not row.node.is_table and row.node.level > 1


# ---- the drawn rows -----------------------------------------------------------------------------------

OPENED = 60
"""The number of further rows or slots that are drawn for an opened fold."""


def rows_of(picture: DomainPicture, most: int) -> list[Row]:
    """Return the root and as many vnodes as fit, changed and selected ones first, then from the top; fold the rest."""
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
    """Yield all vnodes but the root by priority: tables before their contents."""
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
    """Return children and folds, in the order of entries."""
    parts: list[VnodeValue | VnodeFold] = [*table.children, *table.folds]
    return sorted(parts, key=lambda part: part.first if isinstance(part, VnodeFold) else part.entry)


def _folded(picture: DomainPicture, run: Sequence[VnodeValue | VnodeFold]) -> VnodeFold:
    """Return neighbours as one fold."""
    folds = [part if isinstance(part, VnodeFold) else _fold_of(picture, part) for part in run]
    counts = zip(*((one.children, one.tables, *below_fold(one)) for one in folds), strict=True)
    return VnodeFold(folds[0].first, folds[-1].last, folds[0].va, folds[-1].end, *(sum(part) for part in counts))


def _fold_of(picture: DomainPicture, node: VnodeValue) -> VnodeFold:
    end = node.entry + node.count - 1
    return VnodeFold(node.entry, end, node.va, node.va + node.span, 1, node.is_table, *picture.below[node.id])


# ---- drawing ------------------------------------------------------------------------------------------


def _vnode(picture: DomainPicture, row: Row, box: kit.Box, second: float, wants: float) -> Node:
    """Return the program's record: the address, the kind, the slot of its capability, and the requested rights."""
    x, y, w, h = box
    node = row.node
    thing = vnode_thing(node.id)
    base = h / 2 + 4 - second / 2
    number = "root" if row.parent is None else picture.style.long(node.va)
    text = [Text(12, base, number, "mono label")]
    left = 12 + text_width(number, "mono label") + 12
    slot = visible(f"{node.cap}{f'+{node.offset:#x}' * bool(node.offset)}")
    flags = "" if node.is_table else flag_words(node.flags)
    if flags and text_width(flags, "mono label") > (w - 8 - left if second else wants):
        flags = f"{flags.partition(' ')[0]} …"  # the rights in full, and a sign that there is more
    at_end = [Text(w - 8, base, flags, "mono label", "end")] * bool(flags)
    end = w - 8 if second else w - 24 - wants
    if second:
        left, base = 12.0, base + second
    words = wording((*_details(node), ""), end - left - text_width(slot) - 10, "label dim")
    text.append(fitted(left, base, words, end - left, "label dim"))
    text.append(fitted(end, base, slot, end - left - text_width(words, "label dim") - 8, "label", "end"))
    colour = "table" if node.is_table else "own-anonymous"
    mark = Bar(0, 0, 6.0 if node.level > 1 and not node.is_table else 4.0, h, colour)
    state = ("is-table" if node.is_table else "is-leaf", *picture.states(thing))
    return Node(
        f"tree/{node.id}", "vnode", x, y, w, h, thing, text=tuple(run for run in [*text, *at_end] if run.text),
        bars=(mark,), state=state, title=describe(node, row.parent), action="select", lane=COLUMNS[0].name,
    )  # fmt: skip


def _entries(node: VnodeValue) -> str:
    return str(node.entry) if node.count == 1 else f"{node.entry}–{node.entry + node.count - 1}"


def _details(node: VnodeValue) -> tuple[str, ...]:
    """Return wordings of a row's kind and its place in its table, the longest first."""
    place = f"descriptor{'s' * (node.count > 1)} {_entries(node)}" if node.descriptor_pa is not None else ""
    ways: list[tuple[str, ...]]
    if node.is_table:
        letters, words, _ = kind_words(node.kind)
        many = f"{node.child_count:,} below" if node.child_count else "empty"
        ways = [(words, place, many), (words, place), (letters, place), (letters, _entries(node) if place else "")]
    else:
        pages = pages_words(node.count, node.span // max(1, node.count))
        size = pages if node.level > 1 else binary_size(node.span)  # small pages have one descriptor each
        ways = [(size, place), (size, _entries(node)), (_entries(node),)]
    return tuple(", ".join(part for part in way if part) for way in ways)


def describe(node: VnodeValue, parent: VnodeValue | None = None) -> str:
    """Return a vnode in one line; `parent` is its table."""
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
    """Return what the hardware reads, and its meaning, perhaps in a second line."""
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
            name, "hardware", x, y, w, h, thing, text=text, bars=(Bar(0, 0, 4, h, "table"),),
            state=("is-root", *picture.states(thing)), title=where, action="select", lane=COLUMNS[1].name,
        )  # fmt: skip
    word = node.descriptor or 0
    read = picture.decode(node.level, word)
    digits = 8 if picture.value.entry_bytes == 4 else 16
    texts = [Text(10, base, f"{word:0{digits}x}", "mono label")]
    left = 10.0 if second else 10 + text_width(texts[0].text, "mono label") + 14
    meaning = _meaning(read, with_rights=False)
    room = w - left - 8
    if read.kind == "leaf":
        free = w - 18 - text_width(texts[0].text, "mono label") - (text_width(meaning) + 12) * (not second)
        allowed = (read.rights, read.rights.removesuffix(" user"))
        texts.append(fitted(w - 8, base, allowed, free, "mono label", "end"))
    texts.append(fitted(left, base + second, (meaning, meaning.removeprefix("page ")), room, "label dim"))
    many = f"; {node.count} alike from there on" if node.count > 1 else ""
    title = (
        f"descriptor at physical {Address(node.descriptor_pa)}, {_level_words(row)} entry {node.entry}: "
        f"{word:#x}, {_meaning(read)}{many}"
    )
    state = (f"is-{read.kind}", *picture.states(thing))
    large = node.level > 1 and read.kind == "leaf"
    bars = () if read.kind == "invalid" else (
        Bar(0, 0, 6.0 if large else 4.0, h, "table" if read.kind == "table" else "own-anonymous"),
    )  # fmt: skip
    return Node(name, "hardware", x, y, w, h, thing, text=tuple(texts), bars=bars, state=state, title=title,
                action="select", lane=COLUMNS[1].name)  # fmt: skip


def _level_words(row: Row) -> str:
    return kind_words(row.parent.kind).words if row.parent is not None else ""


def _meaning(read: Decoded, *, with_rights: bool = True) -> str:
    if read.kind == "invalid":
        return "not present"
    rights = f" {read.rights}" if read.kind == "leaf" and with_rights else ""
    return f"{'table' if read.kind == 'table' else 'page'} → {Address(read.address)}{rights}"


# ---- the table ----------------------------------------------------------------------------------------

TREE_HEADER = ("address", "vnode", "entries", "capability", "mapping", "flags", "descriptor at", "word", "meaning")


def tree_table(picture: DomainPicture, most: int) -> Table:
    """Return the rows that are drawn, in words."""
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
