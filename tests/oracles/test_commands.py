"""``python -m tests.oracles replay``: statuses and sentences, and no traceback whatever the input is."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading

import pytest

from tests.commands import ends_quietly_at_a_closed_pipe
from tests.oracles.__main__ import MOST_FIELDS, main
from tests.oracles.recordings import SAMPLES, lines_of, sample, shortened, write

COMMAND = [sys.executable, "-m", "tests.oracles"]


def replay(capsys, *files):
    status = main(["replay", *map(str, files)])
    out, err = capsys.readouterr()
    return status, out, err


def test_every_file_that_agrees_gets_a_line(capsys):
    files = [sample(name) for name in ("asserts-1", "kernel32-1")]
    assert replay(capsys, *files) == (0, f"{files[0]}: 400 operations agree\n{files[1]}: 500 operations agree\n", "")


def test_the_first_divergence_is_shown_side_by_side(capsys, tmp_path):
    lines = lines_of("place-1")
    lines[29]["result"]["start"] += 4096
    lines[29]["after"]["size"] = True
    lines[40]["result"] = None
    path = write(tmp_path / "altered.jsonl", lines)
    status, out, err = replay(capsys, path)
    assert (status, err) == (1, "")
    head, operation, *table = out.splitlines()
    assert head == f"{path}: diverges at operation 28 (line 30), after 28 operations that agree"
    assert operation.split()[0] == "enter"
    assert {"fixed=true", "nomerge=false", "object=null", "prot=3"} <= set(operation.split())
    assert f"hint={lines[29]['hint']}" in operation
    right = lines[29]["result"]["start"] - 4096
    rows = [[cell.strip() for cell in row.split("  ") if cell] for row in table]
    assert rows[0] == ["field", "expected", "actual"]
    assert rows[1] == ["result.start", f"{right + 4096} = {right + 4096:#x}", f"{right} = {right:#x}"]
    assert rows[2][:2] == ["after.size", "true"]
    assert len(rows) == 3
    assert table[0].index("actual") == table[1].index(f"{right} = "), "in one column"


def test_fields_that_one_side_lacks_are_said_to_be_missing(capsys, tmp_path):
    lines = shortened("kernel32-1", 10)
    del lines[10]["after"]["klimit"]
    lines[10]["after"]["limit"] = "x"
    _, out, _ = replay(capsys, write(tmp_path / "altered.jsonl", lines))
    assert ["after.limit", "'x'", "(missing)"] in [row.split() for row in out.splitlines()]
    assert [row.split()[:2] for row in out.splitlines() if "after.klimit" in row] == [["after.klimit", "(missing)"]]


def test_a_setup_that_diverges_is_shown_too(capsys, tmp_path):
    lines = shortened("kernel32-1", 10)
    lines[0]["setup"]["state"]["entries"][1][1] += 4096
    status, out, _ = replay(capsys, write(tmp_path / "altered.jsonl", lines))
    assert status == 1
    assert "diverges at the setup (line 1), after 0 operations that agree" in out
    assert "setup.state.entries[1][1]" in out


def test_a_divergence_all_over_is_cut(capsys, tmp_path):
    lines = lines_of("big-1")
    number = next(i for i in range(3000, 5000) if "state" in lines[i])
    lines[number]["state"]["entries"] = lines[number]["state"]["tree"] = []
    lines[number]["x" * 100] = "y" * 10**6
    _, out, _ = replay(capsys, write(tmp_path / "altered.jsonl", lines))
    rows = out.splitlines()
    assert len(rows) == 4 + MOST_FIELDS
    assert "fields more" in rows[-1]
    assert max(map(len, rows)) < 1000


def test_the_worst_file_counts_and_the_others_are_run(capsys, tmp_path):
    good = sample("asserts-1")
    lines = shortened("place-1", 10)
    lines[3]["after"]["size"] += 1
    diverging = write(tmp_path / "diverging.jsonl", lines)
    missing = tmp_path / "missing.jsonl"
    agrees = f"{good}: 400 operations agree\n"
    assert replay(capsys, missing, good)[0:2] == (2, agrees)
    status, out, _ = replay(capsys, diverging, good)
    assert (status, out.endswith(agrees)) == (1, True)
    status, out, err = replay(capsys, good, diverging, missing, tmp_path, good)
    assert status == 2
    assert (out.startswith(agrees), out.endswith(agrees), "diverges at operation 2" in out) == (True, True, True)
    assert err == f"vmwidgets: {missing}: No such file or directory\nvmwidgets: {tmp_path}: Is a directory\n"


def test_what_can_not_be_read_is_told_with_file_line_and_reason(capsys, tmp_path):
    damaged = {
        "empty.jsonl": b"",
        "text.jsonl": b"hello\n",
        "deep.jsonl": b"[" * 10**5,
        "number.jsonl": b'{"system": ' + b"9" * 10**5 + b"}",
        "nan.jsonl": b'{"system": NaN}',
        "latin.jsonl": b'{"system": "\xe9"}',
        "surrogate.jsonl": b'{"system": "\\ud800\\u001b[31m"}',
        "cut.jsonl.gz": SAMPLES[0].read_bytes()[:2000],
        "binary.jsonl": bytes(range(256)) * 10,
        "twice.jsonl": b'{"system": "x15", "system": "x15"}',
        "other.jsonl": b'{"system": "x51"}',
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        status, out, err = replay(capsys, tmp_path / name)
        assert (status, out) == (2, ""), name
        assert err.startswith(f"vmwidgets: {tmp_path / name}:1: ") or name.startswith("cut"), err
        assert err.count("\n") == 1, "one sentence"
        assert err[:-1].isprintable()
        assert len(err) < 500


def test_strange_values_and_names_are_printed_harmlessly(tmp_path):
    """In a terminal that knows only ASCII, without a traceback and without an escape sequence."""
    lines = shortened("place-1", 10)
    lines[3]["after"]["\x1b[31m\ud800é\n"] = "\x1b]0;\ud800é"
    path = write(tmp_path / "é\n\x1b[1m.jsonl", lines)
    done = subprocess.run(
        [*COMMAND, "replay", path], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\x1b" not in done.stdout
    assert b"\\ud800" in done.stdout
    assert len(done.stdout.splitlines()) == 4


def test_a_closed_pipe_ends_quietly():
    ends_quietly_at_a_closed_pipe([*COMMAND, "replay", *[str(SAMPLES[0])] * 40])


@pytest.mark.parametrize("arguments", [["replay"], ["walk"], ["reply", "x"], ["replay", "--fast", "x"]])
def test_a_command_that_makes_no_sense_is_refused(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_trace_can_come_through_a_pipe(tmp_path, capsys):
    pipe = tmp_path / "pipe.jsonl.gz"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(SAMPLES[0].read_bytes()))
    writer.start()
    assert replay(capsys, pipe) == (0, f"{pipe}: 400 operations agree\n", "")
    writer.join()


def test_plain_text_is_as_good_as_gzip(tmp_path, capsys):
    path = tmp_path / "plain.jsonl"
    path.write_bytes(gzip.decompress(SAMPLES[0].read_bytes()))
    assert replay(capsys, path)[0] == 0
