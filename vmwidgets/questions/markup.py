"""The Markdown of questions as HTML: paragraphs, lists, tables with pipes, code and bold words.

The texts of questions are our own, and use nothing else.
"""

from __future__ import annotations

import re
from html import escape

_CODE = re.compile(r"`([^`]*)`")
_STRONG = re.compile(r"\*\*([^*]*)\*\*")
_CELL = re.compile(r"(?<!\\)\|")


def inline_html(text: str) -> str:
    """Return one line of text as HTML.

    >>> inline_html("`a<b` & c")
    '<code>a&lt;b</code> &amp; c'
    """
    return _STRONG.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escape(text, quote=False)))


def plain(text: str) -> str:
    """Return one line of text without any markup.

    >>> plain("page `3`")
    'page 3'
    """
    return text.replace("`", "").replace("**", "")


def to_html(text: str) -> str:
    r"""Return paragraphs, lists and tables as HTML; an empty line ends each.  In a cell, `\|` is a vertical bar.

    >>> to_html("One `x`.\n\n| a |\n|---|\n| 1 |")
    '<p>One <code>x</code>.</p>\n<table><tr><th>a</th></tr><tr><td>1</td></tr></table>'
    >>> to_html("- `a`\n- b")
    '<ul><li><code>a</code></li><li>b</li></ul>'
    """
    return "\n".join(map(_block, text.split("\n\n")))


def _block(block: str) -> str:
    if block[0] == "|":
        return _table(block)
    if block.startswith("- "):
        return f"<ul>{''.join(f'<li>{inline_html(line[2:])}</li>' for line in block.splitlines())}</ul>"
    return f"<p>{inline_html(block)}</p>"


def _table(block: str) -> str:
    header, _, *rows = block.splitlines()
    return f"<table>{_row(header, 'th')}{''.join(_row(row, 'td') for row in rows)}</table>"


def _row(line: str, tag: str) -> str:
    cells = [cell.replace(r"\|", "|") for cell in _CELL.split(line.removeprefix("|").removesuffix("|"))]
    return f"<tr>{''.join(f'<{tag}>{inline_html(cell.strip())}</{tag}>' for cell in cells)}</tr>"
