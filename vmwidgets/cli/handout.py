"""``vmwidgets lecture NOTEBOOK|JOURNAL``: the source's story as one file, to step through without a Jupyter kernel."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..engine.base.errors import Refused
from ..engine.base.files import check_free
from ..engine.machine.load import load_journal
from ..labs.handing_out import named_picture
from ..labs.markup import first_heading
from ..pictures.handing_out import handed_out
from ..pictures.handout.page import PAPER
from ..pictures.handout.telling import UNITS
from ..released import install
from ..sources.given_text import GZIP
from .command import Argument, Group
from .text import say_refused, say_written

OPTIONS = Group(
    "options for a notebook or a journal",
    (
        Argument("(--picture NAME)...", 'such as Objects, or "Tree of task:init/map"'),
        Argument("--title TITLE", "the heading (default: the file's name)", default=""),
        Argument("--since MARK", "where the story begins: a mark, or an operation's number"),
        Argument(f"--by {'|'.join(UNITS)}", "the size of a step (default: the smallest that gives at most 60 steps)"),
        Argument(f"--paper {'|'.join(PAPER)}", "when printed: six steps per sheet (default), or one per slide"),
    ),
)


def run(options: argparse.Namespace) -> int:
    """Write the file, and print its path."""
    source = Path(options.name)
    output = options.output or Path(source.name.removesuffix(".ipynb").removesuffix(".jsonl.gz") + ".html")
    since = int(options.since) if options.since and options.since.isdecimal() else options.since
    given = {
        "by": options.by,
        "paper": options.paper or PAPER[0],
        "title": options.title or output.stem,
        "since": since,
    }
    given["questions"] = "open" if options.for_class else "closed"
    if not source.is_file():
        raise Refused(f"{str(source)!r} is not a file: name a notebook, or a journal that was saved")
    check_free(output, force=options.force)
    if source.suffix == ".ipynb":
        notes = _of_notebook(source, output, options.picture, given)
    else:
        with source.open("rb") as file:
            if file.read(2) != GZIP:
                such = "a notebook (.ipynb), nor a journal that m.journal.save wrote"
                raise Refused(f"{str(source)!r} is not {such}")
        machine = load_journal(source)
        chosen = [named_picture(machine, name) for name in options.picture]
        notes = list(handed_out(machine, output, chosen, given, fold=True)[1])
    for note in notes:
        say_refused(note)
    say_written(output)
    return 0


# ---- a notebook ----------------------------------------------------------------------------------

_FIRST = "from vmwidgets.labs.handing_out import Watched as _Watched; _watched = _Watched()"

_LOST = "the notebook's kernel (python3) has no vmwidgets of this version, or the notebook deleted what a handout needs"

_LAST = """
from vmwidgets.engine.base.errors import Refused as _Refused
try:
    _file, _notes = _watched.write(**_given)
except _Refused as _refused:
    print(_json.dumps({"refused": str(_refused)}))
else:
    print(_json.dumps({"notes": _notes}))
"""


def _why(outputs: list[Any], error: Any) -> str:
    """Return a cell's error in one line; only the cell's output describes a value that can't be shown."""
    told = [(one.ename, one.evalue) for one in outputs if one.output_type == "error"] or [(error.ename, error.evalue)]
    name, value = told[-1]
    return f"{name}: {value}".splitlines()[0]


def _of_notebook(source: Path, output: Path, pictures: list[str], given: dict[str, Any]) -> list[str]:
    """Run the notebook in its folder, in a Jupyter kernel of its own; returns sentences on what the handout lacks."""
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, DeadKernelError
    except ImportError:
        raise Refused(f"a notebook is run by Jupyter, which is not installed: {install('lab')}") from None
    try:
        notebook = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    except Exception as error:  # noqa: BLE001  whatever is wrong with the file
        raise Refused(f"{str(source)!r} is not a notebook: {str(error).splitlines()[0]}") from None
    folder = {"metadata": {"path": str(source.resolve().parent)}}
    quiet = ["--IPKernelApp.log_level=40"]  # errors are reported here
    client = NotebookClient(notebook, timeout=None, kernel_name="python3", resources=folder, extra_arguments=quiet)
    wanted = {"path": str(output.resolve()), "names": pictures, **given}
    with client.setup_kernel():
        _helped(client, _FIRST)
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "markdown" and (heading := first_heading(cell.source)):
                _helped(client, f"_watched.begins({heading!r})")
            if cell.cell_type != "code":
                continue
            try:
                client.execute_cell(cell, number)
            except CellExecutionError as error:
                raise Refused(f"the notebook's cell {number + 1} fails: {_why(cell.outputs, error)}") from None
            except DeadKernelError:
                raise Refused(f"the notebook's cell {number + 1} ends its kernel") from None
            _helped(client, "_watched.cell_done()")
        said = _helped(client, f"import json as _json; _given = {wanted!r}\n{_LAST}")
    answer: dict[str, Any] = json.loads(said.splitlines()[-1]) if said else {"refused": _LOST}
    if "refused" in answer:
        raise Refused(answer["refused"])
    notes: list[str] = answer["notes"]
    return notes


def _helped(client: Any, code: str) -> str:
    """Run our own code in the notebook's Jupyter kernel; returns its output."""
    from nbclient.exceptions import CellExecutionError
    from nbformat.v4 import new_code_cell

    cell = new_code_cell(code)  # type: ignore[no-untyped-call]  # it has no types
    client.nb.cells.append(cell)
    try:
        client.execute_cell(cell, len(client.nb.cells) - 1)
    except CellExecutionError as error:
        raise Refused(f"{_LOST} ({error.ename}: {error.evalue})") from None
    finally:
        client.nb.cells.pop()
    return "".join(output.get("text", "") for output in cell.outputs)
