"""A JupyterHub with three users: each starts a server of their own through its proxy, and runs a lab there."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import nbformat
import pytest

import hatch_build
from tests.browser.lab import free_port
from tools import hosts

pytestmark = pytest.mark.sweep  # three servers and three kernels at once: more than a minute

USERS = ("ada", "edsger", "grace")
LAB = "01-maps.ipynb"
TOKEN = "a" * 32
VIEW = "application/vnd.jupyter.widget-view+json"

CONFIG = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = ["{node}", "{proxy}"]
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {users}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/{{username}}"
c.Spawner.cmd = ["{python}", "-m", "jupyterhub.singleuser", "--allow-root"]
c.Spawner.environment = {{"PYTHONPATH": "{root}", "JUPYTER_PLATFORM_DIRS": "1"}}
c.JupyterHub.services = [{{"name": "test", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [
    {{"name": "test", "services": ["test"], "scopes": ["admin:users", "admin:servers", "access:servers", "tokens"]}}
]
"""


class Hub(NamedTuple):
    """A hub that runs: its address, and the folder with the homes of its users."""

    base: str
    folder: Path

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> Any:
        """What its REST interface, or a user's server behind it, answers."""
        headers = {"Authorization": f"token {TOKEN}"}
        with urlopen(Request(self.base + path, body, headers, method=method), timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def is_ready(self, user: str) -> bool:
        """Whether a user's server has started."""
        return bool(self.ask(f"/hub/api/users/{user}")["servers"].get("", {}).get("ready"))

    def answers(self) -> bool:
        """Whether it has started."""
        try:
            self.ask("/hub/api/users")
        except (HTTPError, URLError, OSError):
            return False
        return True


def waited(what: str, holds: Any, seconds: int = 180) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def hub(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    python, port = hosts.python_of("hub"), free_port()
    proxy = hosts.FOLDER / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    config = CONFIG.format(
        port=port, hub_port=free_port(), proxy_port=free_port(), folder=folder, node=hatch_build.node_program(),
        proxy=proxy, users=set(USERS), python=python, root=root, token=TOKEN,
    )  # fmt: skip
    (folder / "config.py").write_text(config)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
    command = [str(python), "-m", "jupyterhub", "-f", str(folder / "config.py")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=kept, stdout=log, stderr=subprocess.STDOUT)
    running = Hub(f"http://127.0.0.1:{port}", folder)
    try:
        waited("the hub does not answer", lambda: process.poll() is not None or running.answers())
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        yield running
    finally:
        process.terminate()  # it stops its users' servers and its proxy
        process.wait(30)


class Ran(NamedTuple):
    """What a learner's cells gave: their errors, how many pictures, and what was printed."""

    errors: list[str]
    views: int
    printed: str


async def run_cells(hub: Hub, user: str, kernel: str, cells: list[str]) -> Ran:
    """Run cells in a kernel behind the hub's proxy, one after the other."""
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    address = f"{hub.base.replace('http', 'ws')}/user/{user}/api/kernels/{kernel}/channels"
    socket = await websocket_connect(
        HTTPRequest(address, headers={"Authorization": f"token {TOKEN}"}), max_message_size=64 << 20
    )
    errors, printed, views = [], "", 0
    for code in cells:
        number = uuid.uuid4().hex
        header = {"msg_id": number, "username": user, "session": "s", "msg_type": "execute_request", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        request = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": []}
        await socket.write_message(json.dumps({**request, "content": {**content, "stop_on_error": False}}))
        while True:
            raw = await asyncio.wait_for(socket.read_message(), 180)
            assert raw is not None, "the proxy closed the connection"
            if isinstance(raw, bytes):
                continue  # with buffers: the drawing code, frames of pictures
            message = json.loads(raw)
            if message["parent_header"].get("msg_id") != number:
                continue
            kind, said = message["msg_type"], message["content"]
            if kind == "error":
                errors.append(f"{said['ename']}: {said['evalue']}")
            elif kind == "stream":
                printed += said["text"]
            elif kind in ("display_data", "execute_result"):
                views += VIEW in said["data"]
            elif kind == "status" and said["execution_state"] == "idle":
                break
    socket.close()
    return Ran(errors, views, printed)


async def all_run(hub: Hub, kernels: dict[str, str], cells: list[str]) -> list[Ran]:
    return await asyncio.gather(*(run_cells(hub, user, kernel, cells) for user, kernel in kernels.items()))


def test_three_users_run_a_lab_at_the_same_time(hub: Hub, root: Path) -> None:
    for user in USERS:
        if not hub.is_ready(user):
            hub.ask(f"/hub/api/users/{user}/server", "POST", b"{}")
    waited("not all servers are ready", lambda: all(map(hub.is_ready, USERS)))
    kernels = {user: hub.ask(f"/user/{user}/api/kernels", "POST", b"{}")["id"] for user in USERS}
    notebook = nbformat.read(root / "notebooks" / LAB, as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    where = "import os; print('home', os.getcwd(), os.getpid())"
    found = asyncio.run(all_run(hub, kernels, [*cells, where]))
    homes, processes = zip(*(one.printed.splitlines()[-1].split()[1:] for one in found), strict=True)
    assert sorted(map(Path, homes)) == [hub.folder / user for user in USERS], "each in a home of their own"
    assert len(set(processes)) == len(USERS)
    expected = found[0]
    assert expected.views > 10, "pictures"
    for one in found:
        assert (one.errors, one.views) == (expected.errors, expected.views)
    assert not [error for error in expected.errors if "Error" in error and "Refused" not in error], expected.errors


def test_a_user_reaches_their_own_server_and_no_other(hub: Hub) -> None:
    token = hub.ask(f"/hub/api/users/{USERS[0]}/tokens", "POST", b"{}")["token"]

    def kernels_of(user: str) -> Any:
        request = Request(f"{hub.base}/user/{user}/api/kernels", headers={"Authorization": f"token {token}"})
        with urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    assert len(kernels_of(USERS[0])) == 1
    with pytest.raises(HTTPError) as caught:
        kernels_of(USERS[1])
    assert caught.value.code == 403
