"""The cell magic ``%%pages``: run a cell, and show what it did to the memory of the notebook's own process."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
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
    file = shell.compile.cache(text, _number(shell), raw_code=cell)
    tree = shell.transform_ast(shell.compile.ast_parse(text, file))
    measured = Measured(shell.user_ns, subject="This cell")
    lines = _as_typed(tree.body, text.split("\n"), cell.split("\n"), shell.transform_cell)
    codes = [*_compiled(shell, tree.body, file, by_line="--lines" in options)]
    shell.user_ns[_NAME] = measured
    try:
        if "--lines" in options:
            measured.by_line(lines)
        with measured:
            for code in codes:
                exec(code, shell.user_ns)
    except BaseException as error:
        _show_from(shell, error, file)
        raise
    finally:
        shell.user_ns.pop(_NAME, None)
        if measured.result is not None:
            show(measured.result)


def _number(shell: Any) -> int:
    """Return the number of the running cell; IPython's next number is that one or the one after, by its version."""
    numbers = getattr(shell.compile, "_filename_map", {})
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename in numbers:
            return int(numbers[frame.f_code.co_filename])
        frame = frame.f_back
    return int(shell.execution_count)


def _show_from(shell: Any, error: BaseException, file: str) -> None:
    """Let the traceback of an error in a cell begin at the cell, as without the magic.

    An error that IPython asks for its own traceback, or that has no place for one, stays as it is.
    """
    trace = error.__traceback__  # its first frame is the magic's
    own = trace.tb_next if trace is not None else None
    if own is None or own.tb_frame.f_code.co_filename != file or hasattr(error, "_render_traceback_"):
        return
    with suppress(AttributeError, TypeError):
        error._render_traceback_ = lambda: shell.InteractiveTB.structured_traceback(  # type: ignore[attr-defined]  # IPython's
            type(error), error, own, tb_offset=0
        )


def _as_typed(body: list[ast.stmt], lines: list[str], typed: list[str], transform: Callable[[str], str]) -> list[str]:
    """Return the text of each statement, as it was typed: IPython has replaced magics such as ``!ls`` by calls."""
    places = _places_of(lines, typed, transform)
    found = []
    for one in body:
        first = min([one.lineno, *(each.lineno for each in getattr(one, "decorator_list", []))]) - 1
        last, written = (one.end_lineno or one.lineno) - 1, lines[first : (one.end_lineno or one.lineno)]
        begin, end = places[first][0], places[last][1]
        if [*map(str.strip, written)] != [*map(str.strip, typed[begin:end])]:
            found.append("\n".join(typed[begin:end]).strip() if begin < end else "\n".join(written))
            continue
        if one.end_col_offset is not None:  # in bytes
            written[-1] = written[-1].encode()[: one.end_col_offset].decode()
        if first == one.lineno - 1:
            written[0] = written[0].encode()[one.col_offset :].decode()
        found.append("\n".join(written))
    return found


def _places_of(lines: list[str], typed: list[str], transform: Callable[[str], str]) -> list[tuple[int, int]]:
    """Return the typed lines from which each line was made, as first and end; nothing if they can't be found."""
    found, at = [], 0
    for line in lines:
        while at < len(typed) and line.strip() and not typed[at].strip():
            at += 1
        if at < len(typed) and typed[at].strip() == line.strip():
            found.append((at, at + 1))
            at += 1
            continue
        more = range(at + 1, len(typed) + 1)
        end = next((end for end in more if transform("\n".join(typed[at:end])).strip() == line.strip()), at)
        found.append((at, end))
        at = end
    return found


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
