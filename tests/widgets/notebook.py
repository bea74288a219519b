"""A notebook without a page: IPython's own shell runs its cells, as kernels do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.browser.fake_machine import FakeMachine, FakeTree
from vmwidgets.pictures.registry import picture_of
from vmwidgets.widgets.host.show import register


class PyodideShell(InteractiveShell):
    """A shell that does not say which cell it runs, such as Pyodide's."""

    def run(self, source: str, cell: str = "") -> None:
        """Run a cell; `cell` is its lasting id, which this shell doesn't pass on."""
        self.hear(f"run {self.execution_count}", cell)
        self.run_cell(source, store_history=True).raise_error()

    def hear(self, message: str, cell: str = "") -> None:
        """Serve a message called `message`, which comes from `cell`."""


class LabShell(PyodideShell):
    """A shell that passes on what JupyterLab says of a cell."""

    _parent: Any = None

    def get_parent(self) -> Any:
        """The message that the shell serves."""
        return self._parent or {}

    def hear(self, message: str, cell: str = "") -> None:
        """Serve a message called `message`, which comes from `cell`."""
        self._parent = {"header": {"msg_id": message}, "metadata": {"cellId": cell} if cell else {}}


@contextmanager
def open_notebook(kind: type[PyodideShell] = LabShell) -> Iterator[PyodideShell]:
    """The running shell, of class `kind`; its cells know `m`, a machine of 7 nodes, and `FakeTree`."""
    config = Config({"HistoryManager": {"enabled": False}})
    shell = kind.instance(config=config, user_module=ModuleType("cells"))
    picture_of(first_for=FakeMachine)(FakeTree)
    register()
    shell.user_ns.update(m=FakeMachine(7), FakeMachine=FakeMachine, FakeTree=FakeTree)
    try:
        yield shell
    finally:
        kind.clear_instance()
        shell.user_ns.clear()
        sys.modules.pop("cells", None)
