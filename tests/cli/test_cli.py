from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import vmwidgets
from tests.commands import ends_quietly_at_a_closed_pipe
from tests.oracles.__main__ import main as oracles
from vmwidgets.build import commit
from vmwidgets.cli import TOOLS, VMWIDGETS, main
from vmwidgets.cli.command import COMMANDS, MOVED

ORACLES = "python -m tests.oracles"
COMMAND = [sys.executable, "-m", "vmwidgets"]
OF_TOOLS = [sys.executable, "-m", "vmwidgets.tools"]


def test_help_and_version(capsys):
    for arguments, program, expected in (
        (["--version"], VMWIDGETS, vmwidgets.__version__),
        (["--vers"], VMWIDGETS, vmwidgets.__version__),
        (["--v"], TOOLS, vmwidgets.__version__),
        (["--help"], VMWIDGETS, "selftest"),
        ([], VMWIDGETS, "selftest"),
        (["--help"], TOOLS, "roster"),
        (["read", "--help"], VMWIDGETS, "exit status: 0"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(arguments, program)
        assert caught.value.code == 0
        assert expected in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["roster"], ["rooster", "x"], ["roster", "--fast", "x"]])
def test_a_command_that_makes_no_sense_is_refused(capsys, arguments):
    assert main(arguments, TOOLS) == 2
    assert re.fullmatch(r"vmwidgets: .*: see python -m vmwidgets.tools.* --help\n", capsys.readouterr().err)


def test_a_word_for_a_number_is_refused_with_what_would_be_right(capsys):
    assert main(["follow", ".", "--cpus", "two"]) == 2
    assert "--cpus: 'two' is not a whole number: see vmwidgets follow --help\n" in capsys.readouterr().err


def test_a_closed_pipe_is_not_the_images_fault(tmp_path):
    image = tmp_path / "image"
    image.write_bytes(bytes(8192))
    addresses = map(str, range(0, 1 << 23, 4096))
    ends_quietly_at_a_closed_pipe(
        [*COMMAND, "read", str(image), "--format", "x86-64", "--root", "0x1000", "--walk", *addresses]
    )


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
    process = subprocess.Popen([*COMMAND, "read", str(pipe)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
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
        for earlier in {VMWIDGETS, TOOLS} - {program for program in COMMANDS if name in COMMANDS[program]}:
            assert main([name, "anything", "--at-all"], earlier) == 2
            assert capsys.readouterr() == ("", f"vmwidgets: {name!r} is now: {now}\n")
        program = next((one for one in (VMWIDGETS, TOOLS) if now.startswith(f"{one} ")), ORACLES)
        words = now.removeprefix(program).split()
        with pytest.raises(SystemExit) as caught:
            oracles([words[0], "--help"]) if program == ORACLES else main([words[0], "--help"], program)
        assert caught.value.code == 0
        capsys.readouterr()


def test_the_module_gives_the_status_to_the_shell(tmp_path):
    done = subprocess.run([*COMMAND, "read", tmp_path / "none"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
