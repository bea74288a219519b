"""A private JupyterLab, and a Chromium page on it that runs a notebook and tells what happened."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Protocol

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
START_SECONDS = 90
RUN_SECONDS = 120

FIND_PANEL = """async (name) => {
    const app = window.jupyterapp;
    await app.restored;
    const find = () => [...app.shell.widgets('main')].find((w) => w.content?.model && w.context?.path.endsWith(name));
    while (!find()) await new Promise((done) => setTimeout(done, 50));
    const panel = (window.panel = find());
    app.shell.activateById(panel.id);
    await panel.context.ready;
    await panel.sessionContext.ready;
    while (panel.sessionContext.session?.kernel?.status !== 'idle') await new Promise((done) => setTimeout(done, 50));
}"""

OPEN = """async (path) => {
    await window.jupyterapp.commands.execute('docmanager:open', { path });
}"""

LEAVE = """async () => {
    const app = window.jupyterapp;
    for (const panel of [...app.shell.widgets('main')]) {
        const session = panel.sessionContext?.session?.id;
        panel.dispose();  // first: else its outputs ask a kernel that is gone for their models
        if (session) await app.serviceManager.sessions.shutdown(session);
    }
    for (const stub of Object.getOwnPropertyNames(navigator.clipboard)) delete navigator.clipboard[stub];
}"""

IS_IDLE = """() => {
    const cells = window.panel.content.widgets.filter((cell) => cell.model.type === 'code');
    const kernel = window.panel.sessionContext.session?.kernel;
    const ready = !document.querySelector('.vmwidgets.vmw-coming'); // pictures have their controls
    return kernel?.status === 'idle' && ready && cells.every((cell) => cell.model.executionState !== 'running');
}"""

APPEND_AND_RUN = """async (source) => {
    const { content } = window.panel;
    const shared = content.model.sharedModel;
    shared.insertCell(shared.cells.length, { cell_type: 'code', source });
    content.activeCellIndex = shared.cells.length - 1;
    content.deselectAll();
    await window.jupyterapp.commands.execute('notebook:run-cell');
    return content.activeCellIndex;
}"""

RUN_CELL = """async (index) => {
    window.panel.content.activeCellIndex = index;
    window.panel.content.deselectAll();
    await window.jupyterapp.commands.execute('notebook:run-cell');
}"""


IN_TIME = f"""async (argument) => {{
    const late = new Promise((_, fail) =>
        setTimeout(() => fail(new Error('the cell is not done after {RUN_SECONDS} s')), {RUN_SECONDS}000));
    return Promise.race([(RUN)(argument), late]);
}}"""
"""A page whose kernel's reply got lost waits for ever: a test must fail then, and not hang."""


OUTSIDE = """(root) => [...root.querySelectorAll('.vmw-scene .node')].flatMap((node) => {
    const shape = node.querySelector(':scope > .shape')?.getBoundingClientRect();
    const frame = node.closest('svg').getBoundingClientRect();
    const box = shape ?? frame;
    return [...node.querySelectorAll('text')].filter((text) => {
        const { left, right, top, bottom, width } = text.getBoundingClientRect();
        const slack = 1;
        return width > 0 && (left < box.left - slack || right > box.right + slack
            || top < box.top - slack - 2 || bottom > box.bottom + slack + 2);
    }).map((text) => `${node.dataset.id}: ${text.textContent}`);
})"""


def more(picture: Any) -> Any:
    """The picture, or what it is in, with all that its "…" offers."""
    press = picture.locator(".vmw-opens").first
    if press.get_attribute("aria-expanded") == "false":
        press.click()
    return picture


def find_chromium() -> str:
    """Return the browser to test in: the one that CHROMIUM names, or one on the PATH."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    if found := next(filter(None, (shutil.which(name) for name in names if name)), None):
        return found
    raise RuntimeError('no Chromium is here: install one, or run with CHROMIUM="$(tools/chromium)"')


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """`jupyter lab` over `root`, with settings of its own; other hosts are kinds of it."""

    name = "jupyter lab"
    tree = Path(__file__).parents[2]
    """Where its kernels import the package from."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root, home
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = home / "jupyter.log"

    def __enter__(self) -> Server:
        self._settle()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self._command(), cwd=self.root, env=self._environment(), stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self._await()
        return self

    def __exit__(self, *_error: object) -> None:
        request = urllib.request.Request(
            f"{self.base}/api/shutdown", method="POST", headers={"Authorization": f"token {self.token}"}
        )
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):  # asked first, it ends its kernels
            urllib.request.urlopen(request, timeout=5).close()
            self.process.wait(10)
        for ending in (signal.SIGTERM, signal.SIGKILL):  # a busy computer may take long
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, ending)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
                break

    def address(self, path: str) -> str:
        """Where the notebook of this path opens."""
        return f"{self.base}/doc/tree/{path}?token={self.token}"

    def _settle(self) -> None:
        settings = self.home / "config" / "labconfig"
        settings.mkdir(parents=True)
        overrides = {
            "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
            "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
            "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
        }
        (settings / "default_setting_overrides.json").write_text(json.dumps(overrides))

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
        folders = {
            "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
        }  # fmt: skip
        own = {name: str(self.home / folder) for name, folder in folders.items()}
        return {**kept, **own, "JUPYTER_PLATFORM_DIRS": "1", "PYTHONPATH": str(self.tree)}

    def _command(self) -> list[str]:
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]  # fmt: skip
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        return [*command, "--allow-root"] if is_root else command

    def _await(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.base}/api/status?token={self.token}", timeout=2).close()
            except urllib.error.HTTPError:  # it answers
                return
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"{self.name} did not start: {self.log.read_text()[-2000:]}")


class Host(Protocol):
    """What serves notebooks to a page."""

    base: str

    def address(self, path: str) -> str:
        """Where the notebook of this path opens."""


TOO_LATE = "[anywidget] Failed to initialize model."


class Watched:
    """A page of a host."""

    def __init__(self, page: Any, base: str) -> None:
        self.page = page
        self.awaited = ""
        self._heard: list[str] = []
        self.bytes_in = 0
        self._watch(base)

    @property
    def problems(self) -> list[str]:
        """What went wrong so far, but for what has the `awaited` words: such may come at any time, before or later.

        That a busy page took over two seconds to load a model is not a problem: see js/src/host.ts.
        """
        harmless = [TOO_LATE, *([self.awaited] if self.awaited else [])]
        return [problem for problem in self._heard if not any(words in problem for words in harmless)]

    def _watch(self, base: str) -> None:
        inside = (base + "/", base.replace("http", "ws") + "/", "data:", "blob:", "about:")

        def asked(url: str) -> None:
            if not url.startswith(inside):
                self._heard.append(f"request to another host: {url[:200]}")

        def received(payload: str | bytes) -> None:
            self.bytes_in += len(payload)

        def socket_opened(websocket: Any) -> None:
            asked(websocket.url)
            websocket.on("framereceived", received)

        self.page.on("request", lambda request: asked(request.url))
        self.page.on("websocket", socket_opened)
        self.page.on("pageerror", lambda error: self._heard.append(f"page error: {error}"))
        self.page.on("console", self._console)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self._heard.append(f"console error: {message.text[:600]}")


class Notebook(Watched):
    """One notebook, open in a page; those that the page showed before are closed."""

    def __init__(self, page: Any, server: Host, path: str) -> None:
        super().__init__(page, server.base)
        self.server, self.path = server, path
        page.goto(server.address(path), timeout=START_SECONDS * 1000)
        self._find()

    def follow_with(self, path: str) -> None:
        """Open another notebook in the same JupyterLab, as a fresh page shows it: that takes a quarter of the time."""
        self.page.evaluate(OPEN, path)
        self.path, self.bytes_in = path, 0
        self._find()

    def leave(self) -> None:
        """Close what is open, end the kernels, and put back what a test may have changed of the page."""
        for other in self.page.context.pages:
            if other != self.page:
                other.close()
        self.page.context.clear_permissions()
        self.page.keyboard.press("Escape")
        self.page.mouse.move(0, 0)
        self.page.evaluate(LEAVE)
        self.page.evaluate(
            "() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })"
        )
        self.awaited = ""
        self._heard.clear()

    def reload(self) -> None:
        """As the browser's reload button does: the kernel goes on."""
        self.page.reload()
        self._find()

    def _find(self) -> None:
        self.page.wait_for_function("() => window.jupyterapp", timeout=START_SECONDS * 1000)
        self.page.evaluate(FIND_PANEL, self.path.rsplit("/", 1)[-1])

    def run_all(self) -> None:
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_idle()

    def run(self, source: str) -> int:
        """Append a cell, run it, wait; gives its index."""
        index = int(self.page.evaluate(IN_TIME.replace("RUN", APPEND_AND_RUN), source))
        self.wait_idle()
        return index

    def start(self, source: str) -> None:
        """Append a cell and run it, without waiting for its end."""
        self.page.evaluate(f"(source) => {{ ({APPEND_AND_RUN})(source); }}", source)

    def run_again(self, index: int) -> None:
        self.page.evaluate(IN_TIME.replace("RUN", RUN_CELL), index)
        self.wait_idle()

    def wait_idle(self) -> None:
        """Until the kernel is idle, no cell runs, pictures have their controls, and all messages have come in."""
        for _ in range(2):
            self.page.wait_for_function(IS_IDLE, timeout=RUN_SECONDS * 1000)
            self.page.wait_for_timeout(150)

    def outputs(self, index: int) -> list[dict[str, Any]]:
        return list(self.page.evaluate("(i) => window.panel.content.widgets[i].model.outputs.toJSON()", index))

    def cell(self, index: int) -> Any:
        """A locator of the cell on the page."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def texts_outside(self, index: int) -> list[str]:
        """Runs of text in a cell's pictures that stick out of their box, or of the picture where they have none."""
        return list(self.cell(index).evaluate(OUTSIDE))

    def violations(self, index: int) -> list[str]:
        """What axe finds wrong with the pictures of a cell, each with its elements."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found = self.cell(index).locator(".vmwidgets").first.evaluate("(root) => axe.run(root)")
        return [
            f"{rule['id']}: {rule['help']} ({'; '.join(node['html'][:160] for node in rule['nodes'][:3])})"
            for rule in found["violations"]
        ]

    def save(self) -> None:
        self.page.evaluate("() => window.panel.context.save()")
