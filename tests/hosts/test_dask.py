"""A class graded on a Dask cluster has the same bytes as on one computer, whatever is lost on the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grading.classroom import students
from tests.grading.following import command, lines, until
from tests.grading.synthetic import COURSE, slow, solved, written
from tests.labs.test_sheets import SOLVED
from vmwidgets import __version__
from vmwidgets.grading import grade, read_course
from vmwidgets.grading.state import State

from .cluster import Cluster, a_cluster, metadata

EXERCISES = sorted(set(SOLVED) - {"11/policy"})
"""Those whose work is data."""

SIZE = 30
KEPT = "finished grades are kept: the same command continues from there"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("course") / "course.toml"
    path.write_text(f'course = "{COURSE}"\nexercises = {json.dumps(EXERCISES)}\n')
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty notebooks of all labs, right in several ways and partly right; the first one takes long to be judged."""
    folder = tmp_path_factory.mktemp("in")
    for number in range(SIZE - 2):
        exercise = EXERCISES[number % len(EXERCISES)]
        ways = (*SOLVED[exercise].spoilt, *SOLVED[exercise].right)
        output = solved(exercise, f"s{number}", ways[number % len(ways)])
        written(folder / f"s{number:02}.ipynb", f"s{number}", exercise.partition("/")[0], output)
    slow(folder / "a-slow.ipynb", "zoe", 10_000)
    (folder / "cut.ipynb").write_text("{")
    return folder


@pytest.fixture(scope="module")
def here(folder: Path, course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one computer makes of them."""
    out = tmp_path_factory.mktemp("here")
    subprocess.run([*command(folder, course, out)], check=False, stdout=subprocess.DEVNULL, timeout=300)
    assert lines(out / "state.jsonl") == SIZE
    return out


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with a_cluster(tmp_path_factory.mktemp("cluster"), 3, "--no-nanny") as made:
        yield made


@pytest.fixture
def out(here: Path, tmp_path: Path) -> Path:
    """A folder for results, with the same secret for pseudonyms."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "secret.key").write_bytes((here / "secret.key").read_bytes())
    return out


def results(out: Path) -> dict[str, bytes]:
    """All files of results; the state has its lines in the order in which files were done."""
    paths = [path for path in sorted(out.rglob("*")) if path.is_file()]
    return {
        path.relative_to(out).as_posix(): b"".join(sorted(path.read_bytes().splitlines(keepends=True)))
        if path.name == "state.jsonl"
        else path.read_bytes()
        for path in paths
    }


def failed(run: subprocess.Popen[str], out: Path) -> str:
    """The one sentence of a run that could not go on."""
    said, error = run.communicate(timeout=120)
    assert (run.returncode, said) == (2, "")
    assert error.count("\n") == 1, error
    assert not (out / "grades.csv").exists()
    return error.removeprefix("vmwidgets: ").rstrip("\n")


def test_the_cluster_gives_the_same_bytes_with_workers_lost_on_the_way(
    cluster: Cluster, folder: Path, course: Path, here: Path, out: Path
) -> None:
    first, *others = cluster.workers
    run, state = cluster.run(folder, course, out), out / "state.jsonl"
    until(lambda: lines(state) >= 3)
    first.kill()
    cluster.add("--no-nanny")
    cluster.wait(3)
    until(lambda: lines(state) >= SIZE - 1)  # all but the slow one, which is lost with whoever has it
    for worker in others:
        worker.kill()
        cluster.add("--no-nanny")
    run.communicate(timeout=300)
    assert run.returncode == 1
    assert results(out) == results(here)


@pytest.mark.sweep
def test_a_run_that_is_stopped_goes_on(cluster: Cluster, folder: Path, course: Path, here: Path, out: Path) -> None:
    state = out / "state.jsonl"
    run = cluster.run(folder, course, out)
    until(lambda: lines(state) >= 3)
    run.send_signal(signal.SIGINT)
    assert run.communicate(timeout=120)[1] == f"\nvmwidgets: stopped; {KEPT}\n"
    assert run.returncode == 2
    run = cluster.run(folder, course, out)
    until(lambda: lines(state) >= SIZE // 2)
    run.kill()
    run.communicate()
    before = state.read_bytes()
    run = cluster.run(folder, course, out)
    run.communicate(timeout=300)
    assert results(out) == results(here)
    assert state.read_bytes().startswith(before), "what was graded is not graded again"


def test_one_student_is_graded_again_and_the_cluster_keeps_no_processes(
    cluster: Cluster, folder: Path, course: Path, here: Path, out: Path
) -> None:
    (out / "state.jsonl").write_bytes((here / "state.jsonl").read_bytes())
    cluster.run(folder, course, out, "--only", "s3").communicate(timeout=120)
    assert results(out) == results(here)
    judging = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _judges_of(cluster, path)]
    assert judging == []


def test_a_worker_that_was_started_among_submissions_imports_none(
    folder: Path, course: Path, here: Path, out: Path, tmp_path: Path
) -> None:
    """Files there that are called as modules leave a mark when they are run."""
    planted, marks = tmp_path / "planted", tmp_path / "marks"
    planted.mkdir()
    for name in {*sys.stdlib_module_names, "traitlets", "ipywidgets", "vmwidgets", "sitecustomize"}:
        (planted / f"{name}.py").write_text(f"open({str(marks)!r}, 'a').write({name!r} + ' ')\n")
    with a_cluster(planted, 1, "--no-nanny") as cluster:
        cluster.run(folder, course, out).communicate(timeout=300)
    assert results(out) == results(here)
    assert not marks.exists(), marks.read_text()


@pytest.mark.sweep
def test_the_class_of_three_hundred_has_the_same_rows(cluster: Cluster, tmp_path: Path) -> None:
    """Right, wrong, damaged, forged, copied and hostile: what is expected of them, with a worker killed on the way."""
    out, state = tmp_path / "out", tmp_path / "out" / "state.jsonl"
    given = students.course(tmp_path / "course.toml")
    expected = students.made(tmp_path / "in", students.everyone())
    run = cluster.run(tmp_path / "in", given, out)
    until(lambda: lines(state) >= 30)
    cluster.workers[-1].kill()
    cluster.add("--no-nanny")
    assert run.communicate(timeout=3000)[1] == ""
    grades = grade(tmp_path / "in", read_course(given), state=state, jobs=1)  # nothing is judged again
    assert students.wrong(grades, expected) == []


def _judges_of(cluster: Cluster, path: Path) -> bool:
    """Whether a process judges for a worker that is still there."""
    try:
        parent = int(path.with_name("stat").read_text().rpartition(")")[2].split()[1])
        return b"vmwidgets.grading.judge" in path.read_bytes() and parent in [one.pid for one in cluster.workers]
    except OSError:
        return False


BOMB = """
import os
from vmwidgets.grading.places import Judges

def judge(self, file, course, judge=Judges.judge):
    return os._exit(1) if file.name == "s03.ipynb" else judge(self, file, course)

Judges.judge = judge
"""
"""What a worker does that a notebook takes down."""


@pytest.mark.sweep
def test_a_notebook_that_takes_its_workers_down_is_one_row(
    folder: Path, course: Path, here: Path, out: Path, tmp_path: Path
) -> None:
    """Dask restarts workers; those beside it have their grades all the same, and the next run tries again."""
    (tmp_path / "bomb.py").write_text(BOMB)
    settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    (folder / "a-slow.ipynb").rename(tmp_path / "a-slow.ipynb")
    try:
        with a_cluster(tmp_path, 1, "--preload", str(tmp_path / "bomb.py"), **settings) as cluster:
            run = cluster.run(folder, course, out)
            said, _ = run.communicate(timeout=300)
        assert run.returncode == 1
    finally:
        (tmp_path / "a-slow.ipynb").rename(folder / "a-slow.ipynb")
    assert "\n  s03.ipynb: not judged: 1 worker of the cluster ended" in said
    assert lines(out / "state.jsonl") == SIZE - 2
    subprocess.run([*command(folder, course, out)], check=False, stdout=subprocess.DEVNULL, timeout=300)
    assert results(out) == results(here)


@pytest.mark.sweep
def test_a_cluster_that_is_lost_is_one_sentence(folder: Path, course: Path, out: Path, tmp_path: Path) -> None:
    state = out / "state.jsonl"
    with a_cluster(tmp_path, 1, "--no-nanny") as cluster:
        run = cluster.run(folder, course, out, WORKERS=1)
        until(lambda: lines(state) >= 3)
        cluster.workers[0].kill()
        assert failed(run, out) == f"the cluster at {cluster.address} has lost all of its workers; {KEPT}"
        assert failed(cluster.run(folder, course, out), out) == (
            f"the cluster at {cluster.address} has no workers: start some: dask worker {cluster.address}"
        )
        cluster.add("--no-nanny")
        cluster.wait(1)
        before = lines(state)
        run = cluster.run(folder, course, out)
        until(lambda: lines(state) >= before + 3)
        cluster.scheduler.kill()
        assert failed(run, out) == f"the cluster at {cluster.address} is gone; {KEPT}"
        assert len(State(state)._known) >= before + 3


@pytest.mark.sweep
def test_workers_have_the_same_vmwidgets(folder: Path, course: Path, out: Path, tmp_path: Path) -> None:
    with a_cluster(tmp_path, 0) as cluster:
        code = cluster.path.partition(os.pathsep)[0]
        for path, problem in [
            ("", f"has no vmwidgets: install version {__version__} where it runs"),
            (
                f"{code}{os.pathsep}{metadata(tmp_path / 'other', '9.9')}",
                f"has vmwidgets '9.9', and this is {__version__}",
            ),
        ]:
            worker = cluster.add("--no-nanny", path=path)
            cluster.wait(1)
            sentence = failed(cluster.run(folder, course, out), out)
            assert sentence.startswith("worker tcp://127.0.0.1:")
            assert sentence.endswith(problem)
            worker.kill()
            worker.wait()
    (tmp_path / "bare").mkdir()
    with a_cluster(tmp_path / "bare", 1, "--no-nanny", path="") as cluster:
        assert failed(cluster.run(folder, course, out), out) == (
            f"the scheduler has no vmwidgets: install version {__version__} where it runs"
        )


def test_where_no_scheduler_answers_is_one_sentence(folder: Path, course: Path, out: Path, tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        addresses = ["tcp://127.0.0.1:9", f"127.0.0.1:{silent.getsockname()[1]}", "tcp://no-such-host.invalid:8786"]
        runs = []
        for cluster.address in addresses:
            runs.append(cluster.run(folder, course, out, ANSWER=1))
        for address, run in zip(addresses, runs, strict=True):
            assert failed(run, out) == f"no Dask scheduler answers at {address} within 1 seconds"
