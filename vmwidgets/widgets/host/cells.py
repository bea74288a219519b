"""The running notebook cell, and its displays on the page."""

from __future__ import annotations

import sys
from typing import Any

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.journal import RUNNING


@frozen
class Cell:
    """A cell that ran: its ID in the notebook, and the number of that run.

    `lasts` says that the ID is the same when the cell runs again.
    """

    id: str
    number: int
    lasts: bool = True

    @property
    def has_page(self) -> bool:
        """Return whether a page runs the cell, as far as this can be known: pages name the cells that they run.

        A program that runs a notebook without a page (nbclient, papermill, nbgrader) names no cells, and stores
        everything that would be sent to a page.  Voilà does the same, and its page says hello later.
        """
        return self.lasts or sys.platform == "emscripten"

    @property
    def label(self) -> str:
        """The name of the cell in pictures.

        >>> Cell("4c1d", 7).label
        'cell [7]'
        """
        return f"cell [{self.number}]" if self.number else ""


NOWHERE = Cell("", 0)
"""The cell of anything made outside a notebook."""


def current_shell() -> Any | None:
    """Return the running IPython shell; None in plain Python, without importing IPython."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def in_terminal() -> bool:
    """Return whether the running shell is IPython in a terminal, which has no page for pictures."""
    return any(kind.__module__.startswith("IPython.terminal.") for kind in type(current_shell()).__mro__)


def _running_number(shell: Any) -> int:
    """Return the running cell's number, from the newest input (`execution_count` may be one ahead)."""
    history = getattr(shell, "history_manager", None)
    return len(history.input_hist_parsed) - 1 if history is not None else int(shell.execution_count)


def note_cell(*, begins: bool) -> None:
    """Tell machines the number of the cell that runs, or that `begins`: its input is not stored yet."""
    shell = current_shell()
    RUNNING.cell = 0 if shell is None else _running_number(shell) + begins


def no_cell() -> None:
    """Tell machines that no cell runs: operations from now on come from the page."""
    RUNNING.cell = 0


def cell_runs() -> bool:
    """Return whether a cell is running: callbacks and tasks belong to no cell, and no cell ends after them."""
    return RUNNING.cell != 0


def current_cell(shell: Any | None = None) -> Cell:
    """Return the cell that is running now.

    If the shell can't name the cell (Pyodide's can't), the ID is the number of the run, and never recurs.  That number
    is known once the cell's input is stored, which is after `pre_run_cell`.
    """
    shell = shell or current_shell()
    if shell is None:
        return NOWHERE
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    header, metadata = parent.get("header") or {}, parent.get("metadata") or {}
    number = _running_number(shell)
    lasting = metadata.get("cellId")
    return Cell(str(lasting or header.get("msg_id") or number), number, lasts=bool(lasting))
