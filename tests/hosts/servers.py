"""Servers of other hosts than JupyterLab, each from its own environment, over a folder of notebooks."""

from __future__ import annotations

import os

from tests.browser.lab import Server
from tools import hosts

AS_ROOT = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


class NotebookServer(Server):
    """Jupyter Notebook 7."""

    name = "notebook"

    def address(self, path: str) -> str:
        """Where the notebook of this path opens."""
        return f"{self.base}/notebooks/{path}?token={self.token}"

    def _command(self) -> list[str]:
        return [
            str(hosts.python_of(self.name)), "-m", "notebook", "--no-browser", "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}", "--JupyterNotebookApp.expose_app_in_browser=True", *AS_ROOT,
        ]  # fmt: skip


class VoilaServer(Server):
    """Voilà: the outputs of notebooks, live."""

    name = "voila"

    def address(self, path: str) -> str:
        """Where the notebook of this path is rendered."""
        return f"{self.base}/voila/render/{path}"

    def _command(self) -> list[str]:
        return [
            str(hosts.python_of(self.name)), "-m", "voila", "--no-browser", "--Voila.ip=127.0.0.1",
            f"--port={self.port}", "--Voila.port_retries=0", str(self.root),
        ]  # fmt: skip


class MarimoServer(Server):
    """marimo, running one notebook as an app."""

    name = "marimo"
    mode = "run"

    def address(self, path: str) -> str:
        """Where the notebook opens; it is the only one."""
        return self.base

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config")}

    def _command(self) -> list[str]:
        return [
            str(hosts.python_of(self.name)), "-m", "marimo", "--yes", self.mode, "--headless", "--no-token",
            "--host=127.0.0.1", f"--port={self.port}", str(self.root / "maps.py"),
        ]  # fmt: skip


class MarimoEditor(MarimoServer):
    """marimo, with the cells of the notebook to be changed and run again."""

    mode = "edit"
