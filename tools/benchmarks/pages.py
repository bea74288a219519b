"""What pictures leave behind: operations after exports, and after a cell that shows a picture ran again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import process_time
from types import ModuleType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

import vmwidgets as vm
from vmwidgets.widgets import register
from vmwidgets.widgets.host.refresh import refresher

from .table import ratio, table, verdict

ALLOWED = 1.1
"""How many times as long operations may take after forty as after one: what can be told from chance."""

TIMES = (1, 40)
PAIRS, ROUNDS = 200, 9


class Shell(InteractiveShell):
    """A notebook of one cell and empty ones, as JupyterLab names them."""

    cell = ""

    def get_parent(self) -> Any:
        """Return what JupyterLab says of the cell that runs."""
        return {"metadata": {"cellId": self.cell}}

    def run(self, cell: str, source: str) -> None:
        """Run `source` in the cell called `cell`; what it shows is thrown away."""
        self.cell = cell
        with capture_output():
            self.run_cell(source, store_history=True).raise_error()  # type: ignore[no-untyped-call]  # IPython has no types there


def exports(machine: vm.Machine, times: int) -> None:
    """Pictures made for files."""
    for _ in range(times):
        vm.Tree(machine.kernel_map).to_svg()
        vm.Kmem(machine).to_html()


def cells(machine: vm.Machine, times: int) -> None:
    """A cell that shows a picture, run again."""
    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}), user_module=ModuleType("cells"))
    register()
    shell.user_ns["machine"] = machine
    for _ in range(times):
        shell.run(f"shows {machine.name}", "from vmwidgets import Map\nMap(machine.kernel_map)")
    for number in range(3):  # no page says that it shows the picture
        shell.run(f"other {number}", "None")
    Shell.clear_instance()


SUBJECTS: dict[str, Callable[[vm.Machine, int], None]] = {
    "after exports of two pictures": exports,
    "after a cell that shows a picture": cells,
}


def after(prepare: Callable[[vm.Machine, int], None], counts: Sequence[int], rounds: int) -> list[float]:
    """Microseconds of an enter and its remove, of the best of some rounds; machines take turns."""
    machines = [vm.boot("x86-64", layout="x15-64") for _ in counts]
    for machine, times in zip(machines, counts, strict=True):
        prepare(machine, times)
    found = [float("inf")] * len(machines)
    for _ in range(rounds):
        for place, machine in enumerate(machines):
            space, begun = machine.kernel_map, process_time()
            for _ in range(PAIRS):
                space.remove(space.enter(vm.PAGE), size=vm.PAGE)
            found[place] = min(found[place], process_time() - begun)
    return [seconds / PAIRS * 1e6 for seconds in found]


VIEWS, MOST = 20, 2.0
"""So many views, of which a reader sees one; how many times as long as with that one alone an operation may take."""


def views(count: int, rounds: int) -> float:
    """Milliseconds of an operation with its pictures, of `count` views of a machine on a page: one is in sight."""
    machine = vm.boot("x86-64", layout="x15-64")
    made = [vm.Map(machine.kernel_map) for _ in range(count)]
    for number, view in enumerate(made):
        view.open()
        hello = {"type": "hello", "page": f"page-{number}", "seq": -1}
        for message in (hello, {"type": "sight", "page": f"page-{number}", "visible": number == 0}):
            view._handle_custom_msg(message, [])
    best = float("inf")
    for _ in range(rounds):
        begun = process_time()
        for _ in range(20):
            machine.kernel_map.enter(vm.PAGE)
            refresher.flush()
        best = min(best, (process_time() - begun) / 20)
    for view in made:
        view.close()
    return best * 1e3


def report(_quick: bool, counts: Sequence[int] = TIMES, rounds: int = ROUNDS) -> str:
    """The table."""
    rows = []
    for name, prepare in SUBJECTS.items():
        once, often = after(prepare, counts, rounds)
        rows.append([name, f"{once:.1f}", f"{often:.1f}", ratio(often / once), verdict(often / once <= ALLOWED)])
    header = ["microseconds a pair", *(f"{times:,}" for times in counts), "ratio", f"aim: {ALLOWED}"]
    one, many = views(1, rounds), views(VIEWS, rounds)
    seen = [["enter, with its pictures", f"{one:.1f}", f"{many:.1f}", ratio(many / one), verdict(many / one <= MOST)]]
    beside = ["milliseconds", "one view", f"{VIEWS}, one in sight", "ratio", f"aim: {MOST:g}"]
    return "\n\n".join(
        [table("Pictures that no page shows cost nothing", header, rows), table("Pictures out of sight", beside, seen)]
    )
