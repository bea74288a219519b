"""The file of a handout: one page of HTML that contacts no host.

Without scripts, it is a list of steps, one below the other, up to six on a sheet of paper; a script turns it into the
player.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from math import ceil
from typing import Any

from vmwidgets.views.scene.model import Scene
from vmwidgets.views.scene.static import read_static
from vmwidgets.views.scene.svg import Drawings, style_sheet
from vmwidgets.views.scene.text import visible
from vmwidgets.views.scene.twin import alternative_text, heading, table_html
from vmwidgets.views.scene.wire import encode_scene

from .story import Question, ToldStep, ToldStory

VERSION = 3
"""The version of the data; the front end's half is `js/src/story.ts`."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:"
"""The policy that limits what the page may load to its own contents."""


PAPER = ("sheets", "slides")
"""The ways to print a handout: up to six steps on a sheet, or one step on a slide."""

HALF = 328, 189
"""CSS pixels, across and down, for a step's picture that has half of a sheet's width (`page.css`)."""

LEAST_ROOM = 227
"""The least height in CSS pixels for the pictures of a step that has a row of its own."""

READABLE = 0.6
"""The smallest scale of a printed picture: its smallest letters, of 9 pixels, then have four points."""


def page(story: ToldStory, *, opened: bool = False, paper: str = "sheets") -> str:
    """Return the whole file.

    With `opened`, questions show their answers immediately, for after class.  `paper` is one of :data:`PAPER`.
    """
    data = b64encode(zlib.compress(_dumped(_data(story, opened)), 9)).decode()
    title = escape(visible(story.title))
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{read_static('letters.css')}{style_sheet()}{_page_style()}:root{{--room:{_room(story)}px}}</style></head>\n"
        f'<body class="{_look(story, paper)}"><main><h1>{title}</h1>\n'
        f"{''.join(_Listed(opened, _look(story, paper), story.selected).parts(story))}"
        f'<script type="text/plain" id="vmw-story">{data}</script>\n'
        f'<script type="module">{read_static("handout.js")}</script></body></html>\n'
    )


def _look(story: ToldStory, paper: str) -> str:
    """Return how steps are printed: "slides", "sheets", or "rows" on sheets, each as wide as the sheet.

    On half a sheet, the words of a large picture, or of a picture taller than wide, would be too small to read.
    """
    alone = [step.pictures[0].narrow for step in _steps(story) if len(step.pictures) == 1]
    can_be_read = all(min(HALF[0] / scene.width, HALF[1] / scene.height) >= READABLE for scene in alone)
    return paper if can_be_read or paper != "sheets" else "rows"


def _room(story: ToldStory) -> int:
    """Return the height of a step's pictures in a row of their own on a sheet, in CSS pixels.

    At this height, one picture can be read in its wide form, or two side by side in their narrow form.
    """
    told = [(len(step.pictures) > 1, drawn) for step in _steps(story) for drawn in step.pictures]
    heights = [drawn.narrow.height if beside else drawn.wide.height for beside, drawn in told]
    return max(LEAST_ROOM, ceil(READABLE * max(heights, default=0.0)))


def _steps(story: ToldStory) -> list[ToldStep]:
    return [*story.steps, *(step for branch in story.branches for step in branch.steps)]


def _dumped(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@cache
def _page_style() -> str:
    return files("vmwidgets.pictures.handout").joinpath("page.css").read_text("utf-8")


# ---- the page without a script -------------------------------------------------------------------


class _Listed:
    """The steps in a list.  Pictures are wide, except in the look "sheets" (see :func:`_look`)."""

    def __init__(self, opened: bool, look: str, selected: str) -> None:
        self._opened, self._wide, self._selected = opened, look != "sheets", selected
        self._scrolls = ' tabindex="0"' * (look == "rows")  # so that keys can scroll it too
        self._drawings = Drawings()

    def parts(self, story: ToldStory) -> Iterator[str]:
        """Yield the page without its heading and its script."""
        yield f'<div class="story">{"".join(self._steps(story.steps, "step"))}'
        for number, branch in enumerate(story.branches, 1):
            after = f"After step {branch.after + 1}, what if: "
            yield f"<h2>{escape(after + visible(branch.name))}</h2>{''.join(self._steps(branch.steps, f'if{number}-'))}"
        yield "</div></main>\n<footer>"
        for sentence in story.left_out:
            yield f"<p>{escape(visible(sentence))}</p>"
        if story.journal:
            data = b64encode(story.journal).decode()
            yield (
                f'<p><a download="story.jsonl.gz" href="data:application/gzip;base64,{data}">Open this machine</a>: '
                'save the file, and in a notebook write <code>m = vm.load_journal("story.jsonl.gz")</code>.</p>'
            )
        yield "<p>Made by vmwidgets.</p></footer>\n"

    def _steps(self, steps: tuple[ToldStep, ...], name: str) -> Iterator[str]:
        words: list[str] = []
        for number, step in enumerate(steps, 1):
            if step.chapter:
                yield f"<h2>{escape(visible(step.chapter))}</h2>"
            scenes = [drawn.wide if self._wide else drawn.narrow for drawn in step.pictures]
            yield f'<article id="{name}{number}"><p class="sentence"><b>{number}.</b> {_sentence(step)}</p>'
            figures = "".join(map(self._figure, scenes))
            yield f'<div class="pictures"{self._scrolls}>{figures}</div><p class="code">{_code(step)}</p>'
            new = [table for table in map(_table, scenes) if table not in words]
            if new:
                yield f"<details><summary>in words</summary>{''.join(new)}</details>"
            words = [*map(_table, scenes)]
            if step.notes:
                yield f'<aside class="notes">{escape(visible(step.notes))}</aside>'
            if step.question is not None:
                yield _question(step.question, self._opened)
            yield "</article>"

    def _figure(self, scene: Scene) -> str:
        picture = self._drawings.svg(scene, alternative_text(scene), self._selected)
        return f"<figure><figcaption>{escape(heading(scene))}</figcaption>{picture}</figure>"


def _sentence(step: ToldStep) -> str:
    return escape(visible(f"{step.caption.text} {step.caption.reason}".strip()))


def _code(step: ToldStep) -> str:
    functions = " → ".join(step.caption.functions)
    code = f"<code>{escape(visible(step.code))}</code>" if step.code else ""
    return code + (f" <span>{escape(visible(functions))}</span>" if functions else "")


def _table(scene: Scene) -> str:
    """Return a picture as tables, for screen readers."""
    return f"<h3>{escape(heading(scene))}</h3>\n{table_html(scene.table, 4)}"


def _question(question: Question, opened: bool) -> str:
    right = ' class="right"' if opened else ""  # a closed question does not reveal the right option
    marks = [right if option == question.answer else "" for option in question.options]
    options = "".join(
        f"<li{mark}>{escape(visible(option))}</li>" for mark, option in zip(marks, question.options, strict=True)
    )
    said = f"Right: {question.answer}" if question.options else question.answer
    answer = escape(visible(f"{said}. {question.why}".strip()))
    return (
        f'<section class="question"><p><b>{escape(visible(question.text))}</b></p><ol type="A">{options}</ol>'
        f"<details{' open' if opened else ''}><summary>answer</summary><p>{answer}</p></details></section>"
    )


# ---- the player's data ---------------------------------------------------------------------------


def _data(story: ToldStory, opened: bool) -> dict[str, Any]:
    branches = [
        {"name": visible(one.name), "after": one.after, "steps": list(map(_step, one.steps))} for one in story.branches
    ]
    begins = {"opensAt": story.opens_at} if story.opens_at else {}
    marked = {"selected": story.selected} if story.selected else {}
    steps = list(map(_step, story.steps))
    return {"version": VERSION, "opened": opened, **begins, **marked, "steps": steps, "branches": branches}


def _step(step: ToldStep) -> dict[str, Any]:
    data: dict[str, Any] = {
        "operation": step.number,
        "sentence": visible(step.caption.text),
        "reason": visible(step.caption.reason),
        "tone": step.caption.tone,
        "functions": list(step.caption.functions),
        "code": visible(step.code),
        "pictures": [
            {
                "wide": encode_scene(drawn.wide, with_table=False),
                "narrow": encode_scene(drawn.narrow, with_table=False),
                "slim": encode_scene(drawn.slim, with_table=False),
                "scale": drawn.scale,
            }
            for drawn in step.pictures
        ],
    }
    data |= {"name": visible(step.name), "kind": step.kind, "end": step.end}
    if step.chapter:
        data["chapter"] = visible(step.chapter)
    if step.notes:
        data["notes"] = "\n".join(map(visible, step.notes.split("\n")))
    if step.question is not None:
        asked = step.question
        data["question"] = {
            "text": visible(asked.text),
            "options": list(map(visible, asked.options)),
            "answer": visible(asked.answer),
            "why": visible(asked.why),
        }
    return data
