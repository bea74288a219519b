"""Small pieces of HTML for outputs: all text is escaped, and nothing is shown by colour alone.

Colours come from the page, so that both light and dark work.
"""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise

from markdown_it import MarkdownIt

from vmwidgets.views.scene.text import visible

_FRAME = (
    "border-left: 3px solid rgba(128, 128, 128, 0.7); padding: 2px 0 2px 10px; margin: 4px 0; overflow-wrap: anywhere"
)
_TEXT = "max-width: 80ch"


def marked(text: str, tag: str = "span") -> str:
    """Return `text` in an element, whatever it contains.

    >>> marked("<b>", "em")
    '<em>&lt;b&gt;</em>'
    """
    return f"<{tag}>{escape(visible(text))}</{tag}>"


def with_code(text: str) -> str:
    """Return a line of text, with backticks turned into code.

    >>> with_code("at `0x1000`")
    '<span>at </span><code>0x1000</code>'
    """
    parts = re.split(r"`([^`]+)`", text)
    return "".join(marked(part, "code" if index % 2 else "span") for index, part in enumerate(parts) if part)


_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def in_html(text: str) -> str:
    """Return Markdown as HTML; HTML in it is shown as text.

    >>> in_html("A *page* <b>")
    '<p>A <em>page</em> &lt;b&gt;</p>'
    """
    return str(_markdown.render(text)).strip()


def first_heading(text: str) -> str:
    r"""Return the first heading of a Markdown text; "#" in a block of code does not begin a heading.

    >>> first_heading("```\n# no heading\n```\n## Fork ##"), first_heading("Fork\n----"), first_heading("#fork")
    ('Fork', 'Fork', '')
    """
    tokens = _markdown.parse(text)
    return next((below.content[:100] for one, below in pairwise(tokens) if one.type == "heading_open"), "")


def framed(content: str, title: str, below: str = "") -> str:
    """Return HTML with a line on its left and a small title above it; `below` may take the full width."""
    above = f'<div style="font-size: 11px; opacity: 0.8">{escape(visible(title))}</div>'
    return f'<div data-vmwidgets-lab style="{_FRAME}"><div style="{_TEXT}">{above}{content}</div>{below}</div>'


_OUTPUT = "> .jp-Cell-outputWrapper > .jp-Cell-outputArea > .jp-OutputArea-child > .jp-OutputArea-output"
_CLOSED = f".jp-NotebookPanel .jp-Cell:has({_OUTPUT} [data-vmwidgets-closed])"
_NEXT = (
    f":is({', '.join(_CLOSED + ' + .jp-CodeCell' * many for many in (1, 2, 3))})"
    f":not(.jp-mod-noOutputs, :has({_OUTPUT} [data-vmwidgets-lab])) > .jp-Cell-outputWrapper"
)
"""The outputs of the code cells that follow a closed outcome, up to the next text."""


def closed(content: str, sentence: str) -> str:
    """Return HTML that replaces the outputs of the next code cells by a sentence, as long as `content` is on the page.

    Outputs of a lab, such as another question, stay.  The notebook keeps what is replaced, and exports show it.
    """
    instead = f'content: "{sentence}"; padding: 4px 10px 4px calc(var(--jp-cell-prompt-width) + 14px); opacity: 0.8'
    rules = f"{_NEXT} > * {{ display: none }} {_NEXT}::after {{ {instead} }}"
    return f"<div data-vmwidgets-closed>{content}<style>{rules}</style></div>"
