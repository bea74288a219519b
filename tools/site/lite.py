"""A JupyterLite site with the package's wheel, built from what `tools.hosts` has set up.

The site asks no other host for anything: Pyodide lies in it, and so does each wheel that a page installs.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from tools import hosts

RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
"""What of the npm package a page loads."""

FIRST = ("micropip",)
"""What Pyodide itself has to find: it installs the rest from the site's index."""

APP = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "vmwidgets in a page",
        "exposeAppInBrowser": True,
        "enableServiceWorkerCache": "true",
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": {"disablePyPIFallback": True}},
    },
}

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension:plugin": {
        "autosave": False,
        "defaultViewers": {"markdown": "Markdown Preview"},
    },
}


def build(source: Path, site: Path, wheel: Path, contents: Path) -> Path:
    """Build a site from the wheel and the notebooks in `contents`; gives its folder.

    `source` is a new folder for settings, `site` a folder that is not there: over an old site the address of Pyodide
    is lost.
    """
    put_pyodide(source / "static" / "pyodide")
    (source / "jupyter-lite.json").write_text(json.dumps(APP))
    (source / "overrides.json").write_text(json.dumps(SETTINGS))
    command: list[str | Path] = [hosts.python_of("lite").with_name("jupyter"), "lite", "build"]
    command += ["--lite-dir", source, "--output-dir", site, "--contents", contents]
    command += ["--no-sourcemaps", "--no-unused-shared-packages", "--apps", "lab"]
    for each in (wheel, *sorted(hosts.WHEELS.glob("*.whl"))):
        command += ["--piplite-wheels", each]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"jupyter lite build failed: {built.stdout[-1500:]} {built.stderr[-1500:]}")
    shutil.copy(site / "lab" / "favicon.ico", site)  # a browser asks for it there before it has read the page
    return site


def put_pyodide(folder: Path) -> None:
    """Pyodide's own files, with a lock that names what is there and no more."""
    folder.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copy(hosts.PYODIDE / name, folder)
    lock: dict[str, Any] = json.loads((hosts.PYODIDE / "pyodide-lock.json").read_text())
    lock["packages"] = {name: put_wheel(name, lock["packages"][name], folder) for name in FIRST}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))


def put_wheel(name: str, entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Put the wheel of a package beside Pyodide; gives its line of the lock."""
    (wheel,) = hosts.WHEELS.glob(f"{name}-*.whl")
    shutil.copy(wheel, folder)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return {**entry, "version": version_of(wheel), "file_name": wheel.name, "sha256": digest, "depends": []}


def version_of(wheel: Path) -> str:
    """Return what a wheel's metadata says."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return str(HeaderParser().parsestr(archive.read(metadata).decode())["Version"])
