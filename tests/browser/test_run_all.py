"""After Run All each picture on the page equals its saved twin, so the text beside it is still true of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from tests.browser.lab import Notebook

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
OFTEN = {"01-maps", "06-x86-tables", "09-self-paging"}
"""A map, tables, a domain: with these in `make check`, each kind of picture is looked at; `make sweep` takes all."""

NOTEBOOKS = [
    pytest.param(path.stem, marks=() if path.stem in OFTEN else pytest.mark.sweep)
    for path in sorted(FOLDER.glob("*.ipynb"))
]
PATIENCE = 10_000
"""Milliseconds in which a page that is idle has drawn its newest pictures."""

ROUNDED = 0.11
"""Pixels between a number and its rounding to a tenth, and a little for a float."""

SVG = "{http://www.w3.org/2000/svg}"
TWIN = re.compile(
    r'<div data-vmwidgets-twin="([^"]+)"><img alt="([^"]*)" src="data:image/svg\+xml;charset=utf-8,([^"]+)"'
)
SIGNATURE = re.compile(r"^(.*?)(?: machine \d+ ·)? (cell \[\d+\])(?: · after operation (\d+))?\.$")
CELL = re.compile(r"cell \[\d+\]")
NUMBER = re.compile(r"-?[\d.]+")

PICTURES = """() => [...document.querySelectorAll('[data-vmwidgets-view]')].map((view) => {
    const say = (selector) => view.querySelector(selector)?.textContent.trim() ?? '';
    const all = (selector) => [...view.querySelector('.vmw-scene')?.querySelectorAll(selector) ?? []];
    return {
        twin: view.dataset.vmwidgetsView, origin: say('.vmw-origin'), where: say('.vmw-where'),
        words: ['.vmw-title', '.vmw-subtitle', '.vmw-caption b', '.vmw-reason', '.vmw-caption code'].map(say),
        notes: [...view.querySelectorAll('.vmw-notes li')].map((note) => note.textContent),
        nodes: all('.nodes .node').map((node) => [node.getAttribute('class'), node.style.transform,
            [...node.querySelectorAll(':scope > text, .runs > text')].map((text) => text.textContent)]),
        links: all('.links > .link').map((link) => link.getAttribute('class')),
        marks: all('.marks > .node, .marks-lines > .link').map((group) => [group.getAttribute('class'),
            group.firstElementChild.getAttribute('d')]),
    };
})"""

AS_WIDE_AS_FILES = ".vmw-place { box-sizing: border-box; width: 928px !important; }"
"""Pictures are laid out for the room that they have; files have 900 pixels, and the frame beside them takes 28."""

OPENED = ".jp-Cell-outputWrapper > .jp-Cell-outputArea { display: block !important }"
"""No question is answered here, so that the page would hide the output of a cell that tells a result."""

SEE_EACH = """async () => {
    for (const view of document.querySelectorAll('[data-vmwidgets-view]')) {
        view.scrollIntoView();
        await new Promise((done) => setTimeout(done, 60));
    }
}"""
"""Pictures out of sight are not drawn."""

Picture = dict[str, Any]


def sentences(words: list[str], notes: list[str]) -> str:
    """The words around a picture as its twin says them."""
    title, subtitle, caption, reason, functions = words
    heading = " · ".join(filter(None, (title, subtitle)))
    caption = " ".join(filter(None, (caption, reason, functions and f"({functions})")))
    return " ".join(f"{part.rstrip('.')}." for part in (heading, caption, *notes) if part)


def drawn(nodes: list[tuple[str, str, list[str]]], links: list[str]) -> Picture:
    """What is drawn: each node's look, texts and place, and each link's look.  A file has no controls.

    Sorted from top to bottom first: rounding changes the order of no two nodes then.
    """
    kept = [
        ((looks(state), *filter(None, texts)), tuple(map(float, reversed(NUMBER.findall(place)))))
        for state, place, texts in nodes
        if " press" not in state and " switch" not in state
    ]
    return {"nodes": sorted(kept), "links": sorted(map(looks, links))}


def looks(state: str) -> str:
    """The classes of what is drawn; what is selected only a page shows."""
    return " ".join(sorted(set(state.split()) - {"selected"}))


def marked(groups: list[tuple[str, str]]) -> tuple[list[tuple[str, str, list[str]]], list[str]]:
    """The nodes and links that a page draws as marks: a path for each look, and one for their lines."""
    nodes: list[tuple[str, str, list[str]]] = []
    links: list[str] = []
    for state, path in groups:
        for piece in path.split("M")[1:]:
            if state.startswith("link "):
                links.append(state)
                continue
            x, y, *rest = map(float, NUMBER.findall(piece))
            above = rest[1] if "a" in piece else rest[2] if "q" in piece else 0  # a path begins below a round corner
            nodes.append((state, f"{x},{y - above}", []))
    return nodes, links


def on_page(picture: Picture) -> Picture:
    """A live picture: its words, its drawing, and its moment."""
    place = re.fullmatch(r"operation (-?[\d,]+) of [\d,]+(?: · step (\d+) of (\d+))?", picture["where"])
    assert place is not None, f"where a picture stands reads {picture['where']!r}"
    nodes, links = marked(picture["marks"])
    return {
        "cell": "".join(CELL.findall(picture["origin"])),
        "operation": int(place[1].replace(",", "")),
        "done": place[2] == place[3],
        "words": sentences(picture["words"], picture["notes"]),
        "controls": any(" press" in state or " switch" in state for state, *_ in picture["nodes"]),
        **drawn(_once([*nodes, *picture["nodes"]]), [*links, *picture["links"]]),
    }


def _once(nodes: list[tuple[str, str, list[str]]]) -> list[tuple[str, str, list[str]]]:
    """Each once: a mark on which the keyboard stands, or that is selected, is a node of its own too."""
    return list(
        {
            (looks(state), *map(float, NUMBER.findall(place))): (state, place, texts) for state, place, texts in nodes
        }.values()
    )


def in_file(alt: str, svg: str) -> Picture:
    """A saved twin: the same of it; below 0, it names no operation."""
    signed = SIGNATURE.fullmatch(unescape(alt))
    assert signed is not None, f"a twin is signed {alt[-80:]!r}"
    root = ET.fromstring(unquote(svg))
    groups = [(group, group.get("class", "")) for group in root.iter(f"{SVG}g")]
    nodes = [
        (state, group.get("transform", ""), [text.text or "" for text in group.iter(f"{SVG}text")])
        for group, state in groups
        if state.startswith("node ")
    ]
    return {
        "cell": signed[2],
        "operation": int(signed[3] or -1),
        "done": True,
        "words": signed[1],
        **drawn(nodes, [state for _, state in groups if state.startswith("link ")]),
    }


def saved_twins(outputs: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Name, alternative text and drawing of each twin among the outputs of a notebook."""
    pages = (output.get("data", {}).get("text/html", "") for output in outputs)
    return [found for page in pages for found in TWIN.findall("".join(page))]


def differences(notebook: Notebook, twins: dict[str, Picture]) -> list[str]:
    """In which ways the pictures on the page are not their twins."""
    pictures = {picture["twin"]: on_page(picture) for picture in notebook.page.evaluate(PICTURES)}
    found = [f"{twin['cell']}: no live picture" for name, twin in twins.items() if name not in pictures]
    for name, on_it in pictures.items():
        picture, twin = on_it, twins[name]
        if picture["controls"]:  # a file has no rows for them, so that what is below them is higher there
            picture, twin = ({**one, "nodes": in_rows(one["nodes"])} for one in (picture, twin))
        for key, value in twin.items():
            if not same(picture[key], value):
                live, saved = (
                    [one for one in ones if not any(same(one, other) for other in others)]
                    if isinstance(ones, list)
                    else ones
                    for ones, others in ((picture[key], value), (value, picture[key]))
                )
                found.append(f"{twin['cell']}, {key}: live {live}, saved {saved}")
    return found


def in_rows(nodes: list[Any]) -> list[Any]:
    """The nodes with the number of their row in place of its pixels."""
    found: list[Any] = []
    row, before = -1, float("-inf")
    for look, (y, x) in sorted(nodes, key=lambda node: node[1]):
        row += y - before > 2 * ROUNDED
        before = y
        found.append((look, (float(row), x)))
    return sorted(found)


def same(live: Any, saved: Any) -> bool:
    """Whether a page and a file say the same: a page's numbers are rounded, and each cuts long words in its own way."""
    if isinstance(live, (list, tuple)):
        return len(live) == len(saved) and all(map(same, live, saved))
    if isinstance(live, str) and "…" in live + saved:
        return agree(live, saved)
    return bool(abs(live - saved) < ROUNDED if isinstance(live, float) else live == saved)


def agree(one: str, other: str) -> bool:
    """Whether two words may be the same, cut to different lengths in the middle or at the end, or not at all."""
    parts = [text.rsplit("…", 1) if "…" in text else [text, text] for text in (one, other)]
    (head, tail), (start, end) = parts
    longest = len(one) if "…" not in one else len(other) if "…" not in other else len(head) + len(tail)
    return (
        (head.startswith(start) or start.startswith(head))
        and (tail.endswith(end) or end.endswith(tail))
        and min(len(head) + len(tail), len(start) + len(end)) <= longest
    )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_picture_is_as_its_cell_left_it(open_notebook: Callable[..., Notebook], name: str) -> None:
    lesson = open_notebook(f"notebooks/{name}.ipynb")
    style = lesson.page.add_style_tag(content=AS_WIDE_AS_FILES + OPENED)
    lesson.run_all()
    outputs = lesson.page.evaluate("""() => window.panel.content.widgets.filter((cell) => cell.model.type === 'code')
        .map((cell) => cell.model.outputs.toJSON()).flat()""")
    assert [output for output in outputs if output["output_type"] == "error"] == []
    found = saved_twins(outputs)
    twins = {twin: in_file(alt, svg) for twin, alt, svg in found}
    assert len(twins) == len(found) >= 3, "each picture is shown by one cell"
    lesson.page.evaluate(SEE_EACH)
    for _ in range(PATIENCE // 250):
        if not (wrong := differences(lesson, twins)):
            break
        lesson.page.wait_for_timeout(250)
    assert not wrong, "\n".join(wrong)
    count = lesson.page.locator(".jp-Notebook .jp-Cell").count()
    assert [text for index in range(count) for text in lesson.texts_outside(index)] == []
    style.evaluate("(element) => element.remove()")
