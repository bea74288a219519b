"""A scene as a standalone SVG: a static copy of the live drawing, with the same numbers and style sheet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache
from html import escape
from importlib.resources import files
from itertools import pairwise

from .key import with_key
from .laid import Laid
from .model import Bar, Link, Node, Point, Scene
from .static import read_static
from .text import cut, font_size, text_width, visible, wrapped

_PAD = 14.0
"""Pixels at both sides of the words, as the drawing has."""

AROUND = 10.0
"""Pixels around words and drawing in a file, so that its margins are 24 pixels; a page has its own."""


def to_svg(scene: Scene, *, bare: bool = False, scale: float = 1.0, selected: str = "", letters: bool = False) -> str:
    """Return the whole picture: title, caption, drawing, key of colours.

    It follows a dark mode and paints its own background.

    `bare` leaves out what an image in a page can't show: names and titles of single nodes.  `scale` is the number of
    the file's pixels for one of the drawing's.  `selected` is the thing that is marked as selected.  With `letters`, it
    will be read in our letters, which are narrower than others: longer titles are large.
    """
    words, top = _head(scene, NARROWER if letters else 1.0)
    drawing = with_key(_without_switches(scene.whole()))
    foot, height = _foot(scene, top + drawing.height)
    words, scene = words + foot, drawing
    width = max(scene.width, 320.0)
    corner, w, h = (0.0, width, height) if bare else (-AROUND, width + 2 * AROUND, height + 2 * AROUND)
    size = f'width="{w:g}" height="{h:g}"'
    scaled = f'width="{w * scale:g}" height="{h * scale:g}"'
    links, nodes = (
        "".join(_link(link, bare) for link in scene.links),
        "".join(_node(node, bare, _is_chosen(node, selected)) for node in scene.nodes),
    )
    nodes += "".join(_shade(node) for node in scene.nodes if _is_chosen(node, selected)) + _badges(scene.nodes)
    style = standalone_style(f'<g class="vmw-scene vmw-standalone still ground links nodes"/>{words}{links}{nodes}')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="vmw-scene vmw-standalone still" {scaled} '
        f'viewBox="{corner:g} {corner:g} {w:g} {h:g}" role="img">'
        f"<title>{_safe(alt_text(scene))}</title><style>{escape(style, quote=False)}</style>"
        f'<rect class="ground" x="{corner:g}" y="{corner:g}" {size}/>{words}'
        f'<g transform="translate(0,{top:g})"><g class="links">{links}</g><g class="nodes">{nodes}</g></g></svg>'
    )


def with_letters(svg: str) -> str:
    """Return a drawing with its letters, for a file that is read where no page has them: some 36 kB."""
    return svg.replace("</title>", f"</title><style>{read_static('letters.css')}</style>", 1)


def around(scene: Scene, drawing: Laid) -> tuple[str, float]:
    """Return Graphviz's drawing of a scene below the scene's words, and the whole width in pixels.

    The drawing is outside the group with our classes: rules would win over its own colours and fonts.
    """
    width = max(drawing.width + 2 * _PAD, scene.width)
    words, top = _head(replace(scene, width=width))
    foot, height = _foot(replace(scene, width=width), top + drawing.height)
    words += foot
    style = drawing.style + standalone_style(f'<g class="vmw-scene vmw-standalone still ground"/>{words}')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label={_quoted(alt_text(scene))}>'
        f'<style>{escape(style, quote=False)}</style><g class="{_STANDALONE}">'
        f'<rect class="ground" width="{width:g}" height="{height:g}"/>{words}</g>'
        f'<svg x="{_PAD:g}" y="{top:g}" width="{drawing.width:g}" height="{drawing.height:g}" '
        f'viewBox="{drawing.box}">{drawing.markup}</svg></svg>'
    ), width


class Drawings:
    """Drawings without words around them, for a page with the style sheet (:func:`style_sheet`).

    Parts already drawn on the page are not repeated, but referenced.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}  # IDs by markup

    def svg(self, scene: Scene, alt: str, selected: str = "") -> str:
        """Return one drawing; `alt` is its text for screen readers, `selected` the thing that is marked."""
        whole = _without_switches(scene.whole())
        links = self._once("".join(_link(link, True) for link in whole.links))
        nodes = "".join(
            self._once(_node(replace(node, x=0, y=0), True, _is_chosen(node, selected)), node.x, node.y)
            for node in whole.nodes
        )
        nodes += "".join(_shade(node) for node in whole.nodes if _is_chosen(node, selected)) + _badges(whole.nodes)
        drawn = self._once(f'<g class="links">{links}</g><g class="nodes">{nodes}</g>')
        width, height = f"{whole.width:g}", f"{max(whole.height, 1):g}"
        place = f'viewBox="0 0 {width} {height}" preserveAspectRatio="xMinYMin" style="max-width:{width}px"'
        return f'<svg class="{_STANDALONE}" {place} role="img" aria-label={_quoted(alt)}>{drawn}</svg>'

    def _once(self, markup: str, x: float = 0, y: float = 0) -> str:
        """Return the markup at a place, with an id, or a reference to it."""
        known = self._known.get(markup)
        if known is not None:
            place = f' x="{x:g}" y="{y:g}"' if x or y else ""
            return f'<use href="#{known}"{place}/>'
        place = f' transform="translate({x:g},{y:g})"' if x or y else ""
        if len(markup) < _SHORT:
            return f"<g{place}>{markup}</g>" if place else markup
        name = self._known[markup] = f"d{len(self._known) + 1}"
        # Rules hold for the contents of these classes, even where the group is drawn again.
        named = f'<g id="{name}" class="{_STANDALONE}">{markup}</g>'
        return f"<g{place}>{named}</g>" if place else named


_STANDALONE = "vmw-scene vmw-standalone still"

_SHORT = 120
"""Markup with fewer characters than this is shorter than a reference."""


def _without_switches(scene: Scene) -> Scene:
    """Return the scene without parts that only work in a live picture, and without the rows that then are empty."""
    stays = tuple(node for node in scene.nodes if node.kind not in ("press", "switch"))
    if len(stays) == len(scene.nodes):
        return scene
    rows = sorted({(node.y, node.y + node.h) for node in scene.nodes if node.kind in ("press", "switch")})
    empty: list[tuple[float, float]] = []
    for top, bottom in rows:
        if not any(node.y < bottom and top < node.y + node.h for node in stays):
            below = min((node.y for node in stays if node.y >= bottom), default=bottom)
            if empty and top < empty[-1][1]:  # rows that overlap or touch leave one gap
                begun, ended = empty.pop()
                empty.append((begun, max(below, ended)))
            else:
                empty.append((top, below))

    def higher(y: float) -> float:
        """Return the new `y` of a place if those rows are removed."""
        return y - sum(below - top for top, below in empty if below <= y)

    return replace(
        scene,
        nodes=tuple(replace(node, y=higher(node.y)) for node in stays),
        links=tuple(replace(link, points=tuple((x, higher(y)) for x, y in link.points)) for link in scene.links),
        height=higher(scene.height),
    )


def _subtitle(scene: Scene) -> str:
    """Return the subtitle, with the words of switches that are on; a walk's subtitle already contains them."""
    on = [node.text[0].text for node in scene.nodes if node.kind == "switch" and "chosen" in node.state]
    headings = [run.text for node in scene.nodes if node.id.startswith("section/") for run in node.text]
    said = " ".join((scene.subtitle, *headings))
    return " · ".join((*[scene.subtitle] * bool(scene.subtitle), *(word for word in on if word not in said)))


def alt_text(scene: Scene) -> str:
    """Return the picture's meaning in a sentence."""
    below = _subtitle(scene)
    name = f"{scene.title}: {below}." if below else f"{scene.title}."
    return visible(f"{name} {scene.caption.text} {scene.caption.reason}".strip())


NARROWER = 0.88
"""The most that words above a picture need in our own letters, of the room that they need in any."""


def _head(scene: Scene, narrower: float = 1.0) -> tuple[str, float]:
    """Return the answer, large, and its reason below it; and where the drawing begins."""
    return _written(_lines(scene, scene.width - 2 * _PAD, narrower), 6.0, 10.0)


def _foot(scene: Scene, y: float) -> tuple[str, float]:
    """Return the call and what is drawn, in grey below the drawing, which ends at `y`; and where they end."""
    name, _ = _name_and_answer(scene)
    said = " · ".join(part for part in (" → ".join(scene.headed.functions), name, _subtitle(scene)) if part)
    lines = wrapped(said, scene.width - 2 * _PAD, "label")
    return _written(((line, "label dim", 18.0) for line in lines), y + 2, 8.0)


def _written(lines: Iterable[tuple[str, str, float]], y: float, after: float) -> tuple[str, float]:
    """Return lines of words from `y` on, each with a style and a height, and the end of the room below them."""
    parts = []
    for words, style, high in lines:
        parts.append(_text(_PAD, y + high - 0.3 * font_size(style), words, style))
        y += high
    return "".join(parts), y + after


def _name_and_answer(scene: Scene) -> tuple[str, str]:
    """Return the picture's name if it is not its title, and its title."""
    answer = scene.headed.text
    return ("", scene.title) if scene.answers or not answer else (scene.title, answer)


def _lines(scene: Scene, room: float, narrower: float) -> Iterator[tuple[str, str, float]]:
    """Yield the title, and the sentences below it, each line with its style and its height."""
    caption = scene.headed
    tone = {"error": " error", "panic": " error"}.get(caption.tone, "")
    name, answer = _name_and_answer(scene)
    style = title_style(answer, room / narrower) if not name or len(answer) <= LONG else "body strong"
    yield from ((line, style + tone * bool(name), _HIGH[style]) for line in wrapped(answer, room / narrower, style))
    said = caption.reason if name else f"{caption.text} {caption.reason}".strip()
    below = "body dim" if name or not tone else f"body{tone}"
    yield from ((line, below, 21.0) for line in wrapped(said, room / narrower, "body"))


def title_style(title: str, room: float) -> str:
    """Return the largest style in which a title has one line in `room` pixels; the smaller one, if none has."""
    return "title" if text_width(title, "title") <= room else "heading"


_HIGH = {"title": 36.0, "heading": 27.0, "body strong": 21.0}
"""The height of a line of a title, by its style."""


LONG = 90
"""The length from which an answer is not written large (the same as in `js/src/words.ts`)."""


def _node(node: Node, bare: bool, is_selected: bool = False) -> str:
    state = " ".join(("node", node.kind, *node.state, *["selected"] * is_selected))
    name = "" if bare else f" data-id={_quoted(node.id)}"
    parts = [f'<g class={_quoted(state)} transform="translate({node.x:g},{node.y:g})"{name}>']
    title = "" if bare else _whole_title(node)
    if title:
        parts.append(f"<title>{_safe(title)}</title>")
    if node.shape == "triangle":
        parts.append(f'<path class="shape" d="M0,0 H{node.w:g} L{node.w / 2:g},{node.h:g} Z"/>')
    elif node.shape != "none":
        parts.append(f'<rect class="shape" width="{node.w:g}" height="{node.h:g}" rx="{_rounding(node):g}"/>')
    parts += [_bar(bar) for bar in node.bars]
    parts += [_text(run.x, run.y, cut(run), run.style, run.anchor) for run in node.text]
    return "".join([*parts, "</g>"])


def _rounding(node: Node) -> float:
    """Return the radius of a node's corners."""
    return min(node.w, node.h) / 2 if node.shape == "round" else min(6.0, node.h / 5, node.w / 5)


_SHADE = 3.5
"""Pixels from a selected thing to the line on its right and below, as in `js/src/node.ts`."""


def _is_chosen(node: Node, selected: str) -> bool:
    return bool(selected) and node.thing == selected


def _shade(node: Node) -> str:
    """Return the line to the right of a selected thing and below it, which is drawn over all nodes."""
    x, y, r, right, below = node.x, node.y, _rounding(node), node.x + node.w + _SHADE, node.y + node.h + _SHADE
    line = f"M{x + r:g},{below:g} H{right - r:g} A{r:g},{r:g} 0 0 0 {right:g},{below - r:g} V{y + r:g}"
    return f'<path class="shade" d="{line}"/>'


_LEAST_BADGED, _MOST_BADGES = (24, 18), 7
"""The least size in pixels of a node with a badge; and the most badges in a picture (`js/src/node.ts`)."""


def _badges(nodes: Iterable[Node]) -> str:
    """Return a badge at the corner of new ("+") or leaving ("−") nodes, and of nodes that differ from the other side.

    There are no badges if nearly all nodes would have one.
    """
    w, h = _LEAST_BADGED
    found = [
        (node, sign)
        for node in nodes
        if (sign := _sign(node.state)) and node.w >= w and node.h >= h
        if node.shape != "none" and node.kind != "stage"  # a stage's number says it
        if "within" not in node.state  # the ring around it and its neighbours has one
    ]
    if len(found) > _MOST_BADGES:
        return ""
    return "".join(
        f'<g class="badge{" beside" * ("beside" in node.state)}"'
        f' transform="translate({node.x + node.w - 1:g},{node.y + 1:g})"><circle r="6.5"/>'
        f'<text class="middle" y="4">{sign}</text></g>'
        for node, sign in found
    )


def _sign(state: Collection[str]) -> str:
    """Return the sign of a badge for a node in this state, or ""."""
    if "new" in state:
        return "+"
    return "−" if "leaving" in state else "≠" if {"beside", "changed"} <= {*state} else ""


def _whole_title(node: Node) -> str:
    """Return the node's title, with its cut texts if the title lacks them, as in `js/src/node.ts`."""
    lost = [run.text for run in node.text if run.room and run.text not in node.title]
    return " · ".join(part for part in (node.title, *lost) if part)


def _bar(bar: Bar) -> str:
    place = f'x="{bar.x:g}" y="{bar.y:g}" width="{bar.w:g}" height="{bar.h:g}"'
    return f"<rect class={_quoted('bar ' + bar.style)} {place}/>"


def _link(link: Link, bare: bool) -> str:
    state = " ".join(("link", link.kind, *link.state))
    path = "M{:g},{:g}".format(*link.points[0]) + "".join(_piece(link, *ends) for ends in pairwise(link.points))
    head = _arrow(link) if link.arrow and len(link.points) > 1 else ""
    name = "" if bare else f" data-id={_quoted(link.id)}"
    return f'<g class={_quoted(state)}{name}><path class="line" d="{path}"/>{head}</g>'


def _piece(link: Link, begin: Point, end: Point) -> str:
    """Return one piece of a link's way: a line, or a curve."""
    through = link.controls(begin, end)
    return f" {'C' if through else 'L'}" + " ".join(f"{x:g},{y:g}" for x, y in (*(through or ()), end))


_TIP, _HALF_TIP = 9, 4  # an arrow's length and half its width, as `js/src/node.ts` draws it


def _arrow(link: Link) -> str:
    begin, (x1, y1) = link.points[-2:]
    through = link.controls(begin, (x1, y1))
    x0, y0 = through[1] if through else begin
    length = max(1e-6, ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    bx, by = x1 - _TIP * dx, y1 - _TIP * dy
    left, right = (bx - _HALF_TIP * dy, by + _HALF_TIP * dx), (bx + _HALF_TIP * dy, by - _HALF_TIP * dx)
    corners = " ".join(f"L{x:.1f},{y:.1f}" for x, y in (left, right))
    return f'<path class="arrow" d="M{x1:.1f},{y1:.1f} {corners} Z"/>'


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    if not text:
        return ""
    of = style if anchor == "start" else f"{style} {anchor}"  # a rule is shorter than an attribute for each
    return f'<text class={_quoted(of)} x="{x:g}" y="{y:g}">{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape(visible(text), quote=False)


def _quoted(text: str) -> str:
    return '"' + _safe(text).replace('"', "&quot;") + '"'


# ---- the style sheet -----------------------------------------------------------------------------

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CHOICE = re.compile(r":(?:is|where)\(([^)]*)\)")
_NOT = re.compile(r":not\([^)]*\)")
_CLASS = re.compile(r"\.([\w-]+)")
_LIVE = re.compile(r":focus|:hover|\[")  # selectors that need a pointer, or a page
_VARIABLE = re.compile(r"var\((--[\w-]+)")

Rule = tuple[str, str]
"""A selector list or an at-rule, and the contents of its braces."""


def standalone_style(markup: str) -> str:
    """Return the rules, and the colours, that elements of `markup` can match.

    >>> ".tree-node" in standalone_style('<svg class="vmw-scene"><g class="node"/></svg>')
    False
    """
    classes = {word for value in re.findall(r'class="([^"]*)"', markup) for word in value.split()}
    return _style_of(frozenset(classes))


@cache
def style_sheet() -> str:
    """Return all rules without comments, for pages whose pictures are redrawn by a script."""
    return "".join(f"{head}{{{body}}}" for head, body in (*_sheet(), *_sheet("live.css")))


@cache
def _style_of(classes: frozenset[str]) -> str:
    kept = list(_pruned(_sheet(), classes))
    used = set(_VARIABLE.findall("".join(body for _, body in kept)))
    return "".join(f"{head}{{{_declarations(body, used)}}}" for head, body in kept)


@cache
def _sheet(name: str = "style.css") -> tuple[Rule, ...]:
    text = files("vmwidgets.views.scene").joinpath(name).read_text("utf-8")
    return tuple(_rules(_COMMENT.sub("", text)))


def _rules(text: str) -> Iterator[Rule]:
    at = 0
    while (opening := text.find("{", at)) >= 0:
        end, depth = opening + 1, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield " ".join(text[at:opening].split()), " ".join(text[opening + 1 : end - 1].split())
        at = end


def _pruned(rules: tuple[Rule, ...], classes: frozenset[str]) -> Iterator[Rule]:
    for head, body in rules:
        if "motion" in head:
            continue  # a file has no motion
        if head.startswith("@media"):
            inner = "".join(f"{selectors}{{{style}}}" for selectors, style in _pruned(tuple(_rules(body)), classes))
            if inner:
                yield head, inner
        elif selectors := ",".join(one.strip() for one in _split(head) if _matches(one, classes)):
            yield selectors, body


def _split(selectors: str) -> list[str]:
    return re.split(r",(?![^(]*\))", selectors)


def _matches(selector: str, classes: frozenset[str]) -> bool:
    needed, choices = _NOT.sub("", selector), _CHOICE.findall(selector)
    if _LIVE.search(selector) or not classes.issuperset(_CLASS.findall(_CHOICE.sub("", needed))):
        return False
    return all(any(classes.issuperset(_CLASS.findall(one)) for one in choice.split(",")) for choice in choices)


def _declarations(body: str, used: set[str]) -> str:
    if "{" in body:
        return "".join(f"{head}{{{_declarations(inner, used)}}}" for head, inner in _rules(body))
    parts = (part.strip() for part in body.split(";"))
    kept = (part for part in parts if part and (not part.startswith("--") or part.partition(":")[0] in used))
    return ";".join(re.sub(r"\s*:\s*", ":", part, count=1) for part in kept)
