"""A plain server of files on the loopback, as any web server is one."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any


class Files(SimpleHTTPRequestHandler):
    """Sends files, and notes which."""

    def __init__(self, sent: set[str], *arguments: Any, **options: Any) -> None:
        self._sent = sent
        super().__init__(*arguments, **options)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Keep quiet."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Note a file that is sent."""
        if str(getattr(code, "value", code)) == "200" and not self.path.endswith("/"):
            self._sent.add(self.path.lstrip("/"))


class Site:
    """Serves a folder to this machine; `sent` are the paths of files that were sent, with their queries."""

    def __init__(self, folder: Path) -> None:
        self.sent: set[str] = set()
        handler = functools.partial(Files, self.sent, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Site:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def address(self, path: str) -> str:
        """Return where the notebook of this path opens, if the folder is a JupyterLite."""
        return f"{self.base}/lab/index.html?path={path}"
