from __future__ import annotations

import gzip
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import vmwidgets
from tests.sources.traces.recordings import SAMPLES, lines_of, sample, shortened, write
from vmwidgets.build import commit
from vmwidgets.cli import TOOLS, VMWIDGETS, main
from vmwidgets.cli.command import COMMANDS, MOVED
from vmwidgets.cli.text import MOST_FIELDS

COMMAND = [sys.executable, "-m", "vmwidgets"]
OF_TOOLS = [sys.executable, "-m", "vmwidgets.tools"]


def replay(capsys, *files):
    status = main(["replay", *map(str, files)], TOOLS)
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
        [*OF_TOOLS, "replay", path], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\x1b" not in done.stdout
    assert b"\\ud800" in done.stdout
    assert len(done.stdout.splitlines()) == 4


def test_help_and_version(capsys):
    for arguments, program, expected in (
        (["--version"], VMWIDGETS, vmwidgets.__version__),
        (["--vers"], VMWIDGETS, vmwidgets.__version__),
        (["--v"], TOOLS, vmwidgets.__version__),
        (["--help"], VMWIDGETS, "selftest"),
        ([], VMWIDGETS, "selftest"),
        (["--help"], TOOLS, "replay"),
        (["replay", "--help"], TOOLS, "exit status: 0"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(arguments, program)
        assert caught.value.code == 0
        assert expected in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["replay"], ["reply", "x"], ["replay", "--fast", "x"]])
def test_a_command_that_makes_no_sense_is_refused(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments, TOOLS)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def ends_quietly_at_a_closed_pipe(*arguments):
    process = subprocess.Popen([*OF_TOOLS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_a_closed_pipe_ends_quietly():
    ends_quietly_at_a_closed_pipe("replay", *[str(SAMPLES[0])] * 40)


def test_a_closed_pipe_is_not_the_images_fault(tmp_path):
    image = tmp_path / "image"
    image.write_bytes(bytes(8192))
    addresses = map(str, range(0, 1 << 23, 4096))
    ends_quietly_at_a_closed_pipe("walk", "--arch", "x86-64", "--memory", str(image), "--root", "0x1000", *addresses)


UNREAD = [
    [*COMMAND, "link", "code.py"],
    [*COMMAND, "read", "maps.txt"],
    [*COMMAND, "selftest"],
    [*COMMAND, "--help"],
    [*OF_TOOLS, "assignment", "os", "--for", "otter"],
]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", UNREAD, ids=lambda command: command[3])
def test_a_pipe_that_nobody_reads_is_no_error(command, unbuffered, tmp_path):
    """Unbuffered, the first line meets the closed pipe, else the flush at the end does."""
    (tmp_path / "code.py").write_text("print(1)\n")
    (tmp_path / "maps.txt").write_text("00400000-00401000 r-xp 00000000 00:00 0 /bin/true\n")
    reads, writes = os.pipe()
    os.close(reads)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, cwd=tmp_path, env=environment, check=False)
    os.close(writes)
    if unbuffered and "--help" in command:
        assert done.returncode in (0, 141), "argparse itself passes over a closed pipe"
    else:
        assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_takes_no_more_is_said_in_one_sentence(unbuffered, tmp_path):
    (tmp_path / "maps.txt").write_text("00400000-00401000 r-xp 00000000 00:00 0 /bin/true\n")
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "read", tmp_path / "maps.txt"], stdout=full, stderr=subprocess.PIPE, env=environment, check=False
        )
    assert done.stderr == b"vmwidgets: the output can't be written: No space left on device\n"
    assert done.returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="the shell of Windows closes no streams")
@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", ">&- <&- 2>&-"])
def test_a_stream_that_the_shell_closed_is_no_error(closed, tmp_path):
    (tmp_path / "maps.txt").write_text("00400000-00401000 r-xp 00000000 00:00 0 /bin/true\n")
    line = f"{shlex.join([*COMMAND, 'read', str(tmp_path / 'maps.txt')])} {closed}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_text_from_a_closed_input_is_empty():
    line = f"{shlex.join([*COMMAND, 'read', '-'])} <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("vmwidgets: the text is empty: ")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["read", "none"], 2),
        (["read", "two", "texts"], 2),
        (["course", "--no-open", "--to", "file"], 2),
        (["follow", "none"], 2),
        (["follow", "none", "--gradescope", "none/results.json"], 2),
        (["lecture"], 2),
        (["lecture", "none"], 2),
        (["doctor", "none"], 2),
        (["link", "none"], 2),
    ],
)
def test_a_refusal_names_the_program_that_refuses(arguments, status, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a file is in the way")
    assert main(arguments) == status
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if not line.startswith("  ")]
    assert (out, bool(said)) == ("", True)
    assert all(line.startswith("vmwidgets: ") for line in said), err


def test_an_interrupt_ends_quietly(tmp_path):
    """The command waits for a pipe that nobody writes to: there the interrupt reaches it."""
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    process = subprocess.Popen([*OF_TOOLS, "replay", str(pipe)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with pipe.open("wb"):  # opens once the command has it open
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


EARLY = """
import os, runpy, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
runpy.run_module("vmwidgets", run_name="__main__")
"""


@pytest.mark.parametrize("module", ["vmwidgets.cli.command", "vmwidgets.cli.grade", "vmwidgets.grading.report"])
@pytest.mark.sampled(3)
def test_an_interrupt_while_modules_are_loaded_is_one_line(module):
    done = subprocess.run([sys.executable, "-c", EARLY, module], capture_output=True, text=True, check=False)
    says = "\nvmwidgets: stopped before anything was changed\n"
    assert (done.returncode, done.stdout, done.stderr) == (130, "", says)


IN_THE_ENGINE = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "vmwidgets.engine.machine":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_an_interrupt_while_the_package_is_loaded_is_one_line(tmp_path):
    """What Python imports first of all stands in for the key."""
    (tmp_path / "sitecustomize.py").write_text(IN_THE_ENGINE)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([*COMMAND, "read", "x"], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("", "\nvmwidgets: stopped before anything was changed\n")
    assert done.returncode == -signal.SIGINT


def test_the_module_says_which_version_it_is():
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    of = commit()
    assert len(of) in (0, 40, 64)
    assert done.stdout == f"vmwidgets {vmwidgets.__version__}{f' (commit {of})' if of else ''}\n"


@pytest.mark.parametrize(
    ("given", "loads"), [(["--version"], set()), (["roster"], set()), (["read", "--help"], {"read"})]
)
def test_a_command_does_not_wait_for_the_others(given, loads):
    source = (
        "import sys\nfrom vmwidgets.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", source, *given], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert {name for name in COMMANDS[VMWIDGETS] if f"vmwidgets.cli.{name}" in modules} == loads


@pytest.mark.parametrize("program", COMMANDS)
def test_the_help_has_every_command(capsys, program):
    with pytest.raises(SystemExit):
        main(["--help"], program)
    assert set(re.findall(r"^    (\w+)(?: |$)", capsys.readouterr().out, re.MULTILINE)) == set(COMMANDS[program])


def test_a_command_of_the_past_says_where_it_is_now(capsys):
    for name, now in MOVED.items():
        assert main([name, "anything", "--at-all"]) == 2
        assert capsys.readouterr() == ("", f"vmwidgets: {name!r} is now: {now}\n")
        program = TOOLS if now.startswith(TOOLS) else VMWIDGETS
        words = now.removeprefix(program).split()
        with pytest.raises(SystemExit) as caught:
            main([words[0], "--help"], program)
        assert caught.value.code == 0
        capsys.readouterr()


def test_the_module_gives_the_status_to_the_shell(tmp_path):
    done = subprocess.run([*OF_TOOLS, "replay", tmp_path / "none"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


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
