"""The cell magic ``%%pages``: run a cell, and show what it did to the memory of the notebook's own process."""

from __future__ import annotations

import ast
from typing import Any

from ..engine.base.errors import Refused, shown
from ..real.own.measure import Measured
from ..widgets import show

_NAME = "_vmwidgets_pages"
"""The name of the measurement among the notebook's variables, while a cell is measured line by line."""


def pages(shell: Any, line: str, cell: str) -> None:
    """Run a cell and show what it did to memory; with ``--lines``, for each of its statements.

    A cell that fails or is stopped is reported up to that point.
    """
    options = line.split()
    unknown = [one for one in options if one != "--lines"]
    if unknown:
        raise Refused(f"%%pages: {shown(unknown[0])} is not one of its options: there is --lines")
    text = shell.transform_cell(cell)
    if shell.should_run_async(cell, transformed_cell=text):
        raise Refused("%%pages can't measure a cell that awaits at its top level: put that into a cell before it")
    tree = shell.transform_ast(shell.compile.ast_parse(text))
    file = shell.compile.cache(text, raw_code=cell)
    source = text.splitlines()
    measured = Measured(shell.user_ns, subject="This cell")
    lines = ["\n".join(source[one.lineno - 1 : one.end_lineno]) for one in tree.body]
    codes = [*_compiled(shell, tree.body, file, by_line="--lines" in options)]
    shell.user_ns[_NAME] = measured
    try:
        if "--lines" in options:
            measured.by_line(lines)
        with measured:
            for code in codes:
                exec(code, shell.user_ns)
    finally:
        shell.user_ns.pop(_NAME, None)
        if measured.result is not None:
            show(measured.result)


def _compiled(shell: Any, body: list[ast.stmt], file: str, *, by_line: bool) -> Any:
    """Yield the code of a cell; its last expression is shown, as at the end of any cell."""
    last: list[ast.stmt] = [body[-1]] if body and isinstance(body[-1], ast.Expr) else []
    rest = body[: len(body) - len(last)]
    if not by_line:
        if rest:
            yield shell.compile(ast.Module(rest, []), file, "exec")
        if last:
            yield shell.compile(ast.Interactive(last), file, "single")
        return
    mark = compile(f"{_NAME}.mark()", "<pages>", "exec")
    for one in rest:
        yield mark
        yield shell.compile(ast.Module([one], []), file, "exec")
    if last:
        yield mark
        yield shell.compile(ast.Interactive(last), file, "single")
