"""The shadow tree next to the hardware's tables: the program's records on the left, the RAM on the right, row by row.

Rows are vnodes in address order, indented by depth; a line connects each vnode to its descriptor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import VnodeFold, VnodeValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import fitted, text_width, visible, wording, wrapped
from vmwidgets.views.story.words.names import flag_words, kind_words, pages_words

from .picture import (
    COLUMNS,
    DOMAIN,
    SHOWN,
    Decoded,
    DomainAt,
    below_fold,
    domain_at,
    found_at,
    mapped_words,
    opened_table,
    vnode_id,
    vnode_thing,
)

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

INDENT, ROW_H, LARGE_H, GAP = 20.0, 24.0, 35.0, 4.0
"""Indentation of a level; height of a row, and of a row for large pages; space between two rows."""

LEFT, BETWEEN = 0.58, 52.0
"""The tree's share of the width; the space for lines."""

HEADS = 22.0
"""Height of the words above the rows."""

_LEFT, _RIGHT = "shadow tree", "what the hardware reads"
"""The names of both columns; the first is the program's own record of its tables."""

ROWS, ROWS_ALONE = 7, 26
"""The rows of a tree next to other parts, and of a tree alone."""

TOO, WHY = (
    ("execution too", "run too"),
    "execution was not requested, but no bit forbids execution of a page that can be read",
)
"""What the hardware allows though the program did not request it, in less and less room, and the reason."""

NARROW, CLOSE, SECOND = 640.0, 22.0, 15.0
"""The width in pixels below which rows have two lines; the space for lines then; the height of the second line."""


@frozen
class Row:
    """A vnode, or folded children of `node`."""

    node: VnodeValue
    depth: int
    parent: VnodeValue | None
    folded: VnodeFold | None = None


@picture("Vnodes", shows=[DOMAIN], what=SHOWN, find=found_at)
def vnodes(at: At) -> Sheet:
    """Draw a domain's shadow tree, and next to each vnode the descriptor that the hardware reads.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.Vnodes(d)
    Vnodes of domain:hello ...
    """
    seen, steps = domain_at(at, lambda then: (then.value.root, then.fresh, then.marked))
    return Sheet(
        f"{seen.value.name}: shadow tree",
        f"{seen.value.architecture} · {mapped_words(seen)}",
        tree_part(seen, ROWS_ALONE),
        caption=seen.caption(steps),
        header=TREE_HEADER,
        rows=lambda: tree_rows(seen, ROWS_ALONE),
        steps=steps,
        lanes=COLUMNS,
    )


def tree_part(seen: DomainAt, most: int) -> Part:
    """Return up to about `most` rows: a record of the program, and the descriptor that the hardware reads."""
    rows = rows_of(seen, most)

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        second = SECOND if w < NARROW else 0.0
        between = CLOSE if second else BETWEEN
        left_w = (w - between) * LEFT
        right_x, right_w = x + left_w + between, w - left_w - between
        flags = [flag_words(row.node.flags) for row in rows if _is_leaf(row)]
        wants = max([text_width("requested", "label dim"), *(text_width(one, "mono label") for one in flags)])
        wants = min(wants, left_w / 3)
        drawn.nodes += _heads(
            seen, kit.Box(x, y, left_w, HEADS + second), kit.Box(right_x, y, right_w, HEADS), wants, bool(flags)
        )
        y += HEADS + second
        placed: dict[int, Node] = {}
        for is_new, run in groupby(rows, lambda row: not row.folded and vnode_thing(row.node.id) in seen.new):
            fresh: list[Node] = []
            for row in run:
                high = (LARGE_H if _is_large(row) else ROW_H) + (0 if row.folded else second)
                box = kit.Box(x + row.depth * INDENT, y, left_w - row.depth * INDENT, high)
                left = _fold(row, box) if row.folded else _vnode(seen, row, box, second, wants)
                fresh.append(left)
                if (above := row.node if row.folded else row.parent) is not None:
                    drawn.links.append(_branch(placed[above.id], left))
                if not row.folded:
                    placed[row.node.id] = left
                    right = _descriptor(seen, row, kit.Box(right_x, y, right_w, high), second)
                    fresh.append(right)
                    states = (*seen.states(left.thing), *(("selected",) if seen.selection == left.thing else ()))
                    points = ((x + left_w, y + high / 2), (right_x, y + high / 2))
                    drawn.links.append(Link(f"{left.id}/pair", "pair", left.id, right.id, points, state=states))
                y += high + GAP
            drawn.nodes += _ringed(drawn, fresh, len(fresh) // 2) if is_new else fresh
        return y

    return put


def _ringed(drawn: Drawn, nodes: Sequence[Node], count: int) -> Iterator[Node]:
    """Yield new rows with one line around all of them, and one badge: the number of rows, if they are several."""
    drawn.links.append(kit.around(f"{nodes[0].id}/around", nodes))
    for node in nodes:
        alone = count == 1 and node.kind == "hardware"
        yield node if alone else replace(node, state=(*node.state, "within"))
    if count > 1:
        right = max(node.x + node.w for node in nodes)
        yield kit.badge(f"{nodes[0].id}/count", f"{count:,}", "new", right, nodes[0].y)


def _heads(seen: DomainAt, left: kit.Box, right: kit.Box, wants: float, has_leaves: bool) -> Iterator[Node]:
    """Yield both columns' headings, with the numbers of tables and leaves, and the words over slots and rights."""
    tables, leaves, _ = seen.below[seen.value.root.id]
    many, new = f"{counted(tables, 'table')}, {counted(leaves, 'leaf', 'leaves')}", len(seen.fresh)
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


def _runs_too(seen: DomainAt, row: Row) -> bool:
    """Return whether the hardware allows execution of a page for which it was not requested."""
    node = row.node
    if row.folded or node.is_table or node.descriptor is None:
        return False
    rights = seen.decode(node.level, node.descriptor).rights.partition(" ")[0]
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


def rows_of(seen: DomainAt, most: int) -> list[Row]:
    """Return the root and as many vnodes as fit, changed and selected ones first, then from the top; fold the rest."""
    root = seen.value.root
    parents = {child.id: node for node in seen.vnodes for child in node.children}
    most += OPENED * sum(one.startswith("tree/") for one in seen.opened)
    kept: list[int] = []
    known = {root.id}
    for node in _ranked(seen):
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
        rows = [Row(root, 0, None), *_rows_below(seen, root, 1, known)]
        if len(rows) <= most or not kept:
            return rows
        known.discard(kept.pop())


def _ranked(seen: DomainAt) -> Iterator[VnodeValue]:
    """Yield all vnodes but the root by priority: tables before their contents."""
    root = seen.value.root
    chosen = vnode_id(seen.selection)
    marked = [node for node in seen.vnodes if node.id in seen.marked or node.id == chosen]
    opened = [where for one in seen.opened if (where := opened_table(one)) is not None]
    yield from sorted((node for node in marked if node is not root), key=lambda node: node.id != chosen)
    tables = {node.id: node for node in seen.vnodes if node.is_table} if opened else {}
    for number, entry in opened:
        there = (child for child in tables[number].children if child.entry >= entry) if number in tables else ()
        yield from sorted(there, key=lambda child: child.entry)[:OPENED]
    waiting = [root]
    for node in waiting:
        children = sorted(node.children, key=lambda child: child.entry)
        yield from children
        waiting += children


def _rows_below(seen: DomainAt, table: VnodeValue, depth: int, known: set[int]) -> Iterator[Row]:
    run: list[VnodeValue | VnodeFold] = []
    for part in [*_in_order(table), None]:
        if isinstance(part, VnodeFold) or (part is not None and part.id not in known):
            run.append(part)
            continue
        if len(run) == 1 and isinstance(run[0], VnodeValue) and not run[0].child_count:  # as much room as a fold takes
            yield Row(run[0], depth, table)
        elif run:
            yield Row(table, depth, table, _folded(seen, run))
        run = []
        if part is not None:
            yield Row(part, depth, table)
            yield from _rows_below(seen, part, depth + 1, known)


def _in_order(table: VnodeValue) -> list[VnodeValue | VnodeFold]:
    """Return children and folds, in the order of entries."""
    parts: list[VnodeValue | VnodeFold] = [*table.children, *table.folds]
    return sorted(parts, key=lambda part: part.first if isinstance(part, VnodeFold) else part.entry)


def _folded(seen: DomainAt, run: Sequence[VnodeValue | VnodeFold]) -> VnodeFold:
    """Return neighbours as one fold."""
    folds = [part if isinstance(part, VnodeFold) else _fold_of(seen, part) for part in run]
    counts = zip(*((one.children, one.tables, *below_fold(one)) for one in folds), strict=True)
    return VnodeFold(folds[0].first, folds[-1].last, folds[0].va, folds[-1].end, *(sum(part) for part in counts))


def _fold_of(seen: DomainAt, node: VnodeValue) -> VnodeFold:
    end = node.entry + node.count - 1
    return VnodeFold(node.entry, end, node.va, node.va + node.span, 1, node.is_table, *seen.below[node.id])


# ---- drawing ------------------------------------------------------------------------------------------


def _vnode(seen: DomainAt, row: Row, box: kit.Box, second: float, wants: float) -> Node:
    """Return the program's record: the address, the kind, the slot of its capability, and the requested rights."""
    x, y, w, h = box
    node = row.node
    thing = vnode_thing(node.id)
    base = h / 2 + 4 - second / 2
    number = "root" if row.parent is None else seen.style.long(node.va)
    text = [Text(12, base, number, "mono label")]
    left = 12 + text_width(number, "mono label") + 12
    where = f"{node.cap.slot}" if node.cap.cnode == "slots" and not second else str(node.cap)
    slot = visible(f"{where}{f' + {binary_size(node.offset)}' * bool(node.offset)}")
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
    state = ("is-table" if node.is_table else "is-leaf", *seen.states(thing))
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
        words = kind_words(node.kind).words
        many = f"{node.child_count:,} below" if node.child_count else "empty"
        ways = [(words, place, many), (words, place), (words, _entries(node) if place else ""), (words,)]
    else:
        pages = pages_words(node.count, node.span // max(1, node.count))
        size = pages if node.level > 1 else binary_size(node.span)  # small pages have one descriptor each
        ways = [(size, place), (size, _entries(node)), (_entries(node),)]
    return tuple(", ".join(part for part in way if part) for way in ways)


def describe(node: VnodeValue, parent: VnodeValue | None = None) -> str:
    """Return a vnode in one line; `parent` is its table."""
    where = f"for {Address(node.va)}–{Address(node.va + node.span)}"
    if node.is_table:
        parts = [
            f"vnode of a {kind_words(node.kind).words} {where}",
            f"capability in {visible(str(node.cap))}",
            f"at physical {Address(node.base)}",
            counted(node.child_count, "child", "children"),
        ]
        if node.invokable != node.cap:
            parts.append(f"invoked through its copy in {visible(str(node.invokable))}")
    else:
        parts = [
            f"leaf {where}: {visible(str(node.cap))} from byte {node.offset:#x} on",
            f"physical {Address(node.base)}",
            f"{flag_words(node.flags)} when it was mapped",
        ]
    if node.mapping is not None:
        parts.append(f"mapping in {visible(str(node.mapping))}")
    elif node.level and node.descriptor_pa is not None:
        parts.append("no mapping")
    place = 1 if parent is None else parent.child_count - node.older
    entry = f"entry {_entries(node)}, number {place} in its list"
    return "; ".join([parts[0], *([entry] if node.descriptor_pa is not None else []), *parts[1:]])


def _fold(row: Row, box: kit.Box) -> Node:
    fold = row.folded
    assert fold is not None
    tables, leaves, first = fold.tables, fold.leaves, fold.first
    summary = " and ".join(
        [counted(tables, "table")] * bool(tables) + [counted(leaves, "leaf", "leaves")] * bool(leaves or not tables)
    )
    return kit.card(
        f"tree/fold/{row.node.id}/{first}",
        box,
        [kit.Line(f"… {summary}", "label dim")],
        kind="fold",
        state=("folded",),
        title=f"{summary} of entries {first} to {fold.last}: open",
        action="open",
        lane=COLUMNS[0].name,
        pad=10,
    )


def _descriptor(seen: DomainAt, row: Row, box: kit.Box, second: float) -> Node:
    """Return the meaning of what the hardware reads, with its rights, perhaps in a second line."""
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
            state=("is-root", *seen.states(thing)), title=where, action="select", lane=COLUMNS[1].name,
        )  # fmt: skip
    word = node.descriptor or 0
    read = seen.decode(node.level, word)
    meaning, right, texts = _meaning(read, with_rights=False), w - 8, list[Text]()
    if read.kind == "leaf":
        allowed, room = (read.rights, read.rights.removesuffix(" user")), right - 16
        room -= 0 if second else text_width(meaning)
        texts = [fitted(right, base + second, allowed, room, "mono label", "end")]
        if _runs_too(seen, row):
            wide = text_width(texts[0].text, "mono label") + 10
            said = wording((*TOO, ""), room - wide, "strong")
            texts += [Text(right - wide, base + second, said, "strong", "end")] * bool(said)
        right = right - room if second else right - text_width(texts[0].text, "mono label") - 6
    room = w - 18 if second else right - 10
    texts.insert(0, fitted(10, base, (meaning, meaning.removeprefix("page ")), room))
    many = f"; {node.count} alike from there on" if node.count > 1 else ""
    title = (
        f"descriptor at physical {Address(node.descriptor_pa)}, {_level_words(row)} entry {node.entry}: "
        f"{word:#x}, {_meaning(read)}{many}{f'; {WHY}' * _runs_too(seen, row)}"
    )
    state = (f"is-{read.kind}", *seen.states(thing))
    large = node.level > 1 and read.kind == "leaf"
    bars = (
        ()
        if read.kind == "invalid"
        else (Bar(0, 0, 6.0 if large else 4.0, h, "table" if read.kind == "table" else "own-anonymous"),)
    )
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


def tree_rows(seen: DomainAt, most: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows that are drawn, in words."""
    for row in rows_of(seen, most):
        node, indent = row.node, "  " * row.depth
        if row.folded:
            summary = f"{counted(row.folded.tables, 'table')}, {counted(row.folded.leaves, 'leaf', 'leaves')}"
            yield f"{indent}…", summary, *[""] * (len(TREE_HEADER) - 2)
            continue
        kind = kind_words(node.kind).words if node.is_table else "leaf"
        offset = f" + {node.offset:#x}" if node.offset else ""
        read = seen.decode(node.level, node.descriptor or 0) if node.descriptor_pa is not None else None
        words = (
            indent + seen.style.whole(node.va),
            kind,
            _entries(node) if read else "",
            f"{node.cap}{offset}",
            str(node.mapping or ""),
            "" if node.is_table else flag_words(node.flags),
            "" if node.descriptor_pa is None else str(Address(node.descriptor_pa)),
            "" if read is None else f"{node.descriptor or 0:#x}",
            "" if read is None else _meaning(read),
        )
        yield tuple(map(visible, words))
