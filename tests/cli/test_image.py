"""``vmwidgets read IMAGE --walk VA``: statuses and sentences, and no traceback whatever the input is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmwidgets.cli import main
from vmwidgets.engine.mmu.formats import FORMATS


def run(capsys, *arguments):
    status = main(["read", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def dump(tmp_path, words, size=0x8000):
    image = bytearray(size)
    for pa, word in words.items():
        image[pa : pa + 8] = word.to_bytes(8, "little")
    path = tmp_path / "dump"
    path.write_bytes(image)
    return path


def test_each_step_is_printed(capsys, tmp_path):
    path = dump(tmp_path, {0x1FF8: 0x2003, 0x2FF0: 0x8000_0000_4000_0083})
    status, out, err = run(
        capsys,
        path,
        "--format",
        "x86-64",
        "--root",
        "0x1000",
        "--access",
        "write",
        "--walk",
        "0xffff_ffff_8000_1234",
    )
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "0xffff_ffff_8000_1234 supervisor write, x86-64 from CR3 = 0x1000",
        "  PML4E[511] at 0x1ff8 = 0x2003: PML4E of a PDPT → 0x2000",
        "      P=1 R/W=1",
        "  PDPTE[510] at 0x2ff0 = 0x8000000040000083: PDPTE of a 1 GiB page → 0x4000_0000",
        "      P=1 R/W=1 PS=1 XD=1",
        "  = physical 0x4000_1234, in a page of 1 GiB; supervisor rw-, user ---",
        "      the hardware would set 0x20 in the PML4E, 0x60 in the PDPTE",
    ]


def test_a_fault_is_an_answer_with_its_registers(capsys, tmp_path):
    path = dump(tmp_path, {0x4008: 0x0030_0C02 | 1 << 15})
    status, out, _ = run(
        capsys, path, "--format", "armv7", "--root", "0x4000", "--access", "write", "--user", "--walk", "0x234567"
    )
    assert status == 0
    why = "user code may only read here: AP is 111 in the first-level descriptor"
    assert out.splitlines()[-3:] == [
        f"  = Data Abort, protection at level 2, code 0xd: {why}",
        "      code: FS=0xd",
        "      DFSR 0x80d: FS[3:0]=0xd WnR=1",
    ]


@pytest.mark.parametrize(
    ("arch", "options", "lower", "upper", "begin"),
    [
        ("aarch64", [], "0x1000", "0xffff800000000000", ("TTBR0_EL1", "TTBR1_EL1")),
        ("armv7", ["--option", "ttbcr_n=1"], "0x1000", "0xc0000000", ("TTBR0", "TTBR1")),
    ],
)
def test_the_upper_half_of_arm_begins_at_ttbr1(capsys, tmp_path, arch, options, lower, upper, begin):
    path = dump(tmp_path, {})
    given = [path, "--format", arch, "--root", "0x4000", "--option", "ttbr1=0x8000", *options, "--walk"]
    status, out, err = run(capsys, *given, lower, upper)
    assert (status, err) == (0, "")
    heads = [line for line in out.splitlines() if not line.startswith(" ")]
    assert [line.partition(" from ")[2] for line in heads] == [f"{begin[0]} = 0x4000", f"{begin[1]} = 0x8000"]


def test_options_base_and_several_addresses(capsys, tmp_path):
    path = dump(tmp_path, {0x0: 0x80_1003, 0x1000: 0x87})
    given_options = ["--option", "smap=on", "--option", "maxphyaddr=0x24", "--base", "0x800000"]
    status, out, _ = run(
        capsys, path, "--format", "x86-64", "--root", "8388608", *given_options, "--walk", "0x10", "0x40000000"
    )
    assert status == 0
    assert [line for line in out.splitlines() if line.startswith("  =")] == [
        "  = physical 0x10, in a page of 1 GiB; supervisor rwx, user ---",
        ("  = #PF, not-present at level 3, code 0x0: the PDPTE is 0x0: P (bit 0) is 0, so nothing is mapped here"),
    ]


def test_tables_that_refer_to_themselves_or_outside(capsys, tmp_path):
    path = dump(tmp_path, {0x1000: 0x1003, 0x1008: 0x7FFF_F003})
    status, out, err = run(capsys, path, "--format", "x86-64", "--root", "0x1000", "--walk", "0x0", "0x8000000000")
    assert (status, err) == (0, "")
    assert "  = physical 0x1000, in a page of 4 KiB" in out
    assert "the PDPT at 0x7fff_f000 can't be read" in out


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"--format": "x86_64"}, "unknown format 'x86_64'; did you mean 'x86-64'"),
        ({"--format": "amd64"}, "unknown format 'amd64'; did you mean 'x86-64'"),
        ({"--format": "rv64"}, "did you mean 'riscv-sv39'"),
        ({"--format": ""}, "unknown format ''; known: aarch64, armv7, riscv-sv39, x86"),
        ({"--root": "0x1008"}, "root 0x1008 is not aligned"),
        ({"--root": "0x10000"}, r"root 0x1_0000 lies outside the image, which has 0x0 to 0x8000"),
        ({"--root": "here"}, "--root 'here' is not a number"),
        ({"--root": "-4096"}, "--root '-4096' is not a number"),
        ({"--base": "0x9000"}, r"outside the image, which has 0x9000 to 0x1_1000"),
        ({"--base": "0xfffffffffffff000"}, "does not fit 64 bits"),
        ({"--option": "smap"}, "--option 'smap': write NAME=VALUE"),
        ({"--option": "smap=2"}, "option 'smap' is 2: it is true or false"),
        ({"--option": "smap=x"}, "--option smap 'x' is not a number"),
        ({"va": "0x10000000000000000"}, "in x86-64 a register has 64 bits"),
        ({"va": "9" * 10_000}, "is not a number"),
        ({"va": "here"}, "--walk 'here' is not a number: write 0x1000"),
        ({"file": "/nonexistent/dump"}, "/nonexistent/dump: No such file"),
        ({"file": "/"}, "/: Is a directory"),
        ({"file": "/dev/zero"}, "/dev/zero: this is not a file"),
    ],
)
def test_bad_input_is_told_in_one_sentence(capsys, tmp_path, changes, why):
    values = {"file": dump(tmp_path, {}), "--format": "x86-64", "--root": "0x1000", "va": "0", **changes}
    file, va = values.pop("file"), values.pop("va")
    status, out, err = run(capsys, file, *(f"{name}={value}" for name, value in values.items()), f"--walk={va}")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert len(err) < 300
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(err)


def test_an_option_is_given_once(capsys, tmp_path):
    twice = ["--option", "smap=on", "--option", "smap=off"]
    arguments = [dump(tmp_path, {}), "--format", "x86-64", "--root", "0x1000", *twice, "--walk", "0"]
    assert run(capsys, *arguments) == (2, "", "vmwidgets: --option smap is given twice\n")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--root", "0", "--walk", "0"], "--walk needs --format"),
        (["--format", "x86-64", "--walk", "0"], "--walk needs --root"),
        (["more", "--format", "x86-64", "--root", "0", "--walk", "0"], "walk one image at a time, not 2"),
        (["--to", "walk.svg", "--format", "x86-64", "--root", "0", "--walk", "0"], "--to does not go with --walk"),
        (["--record", "--format", "x86-64", "--root", "0", "--walk", "0"], "--record does not go with --walk"),
        (["--format", "x86-64"], "--format goes with --walk"),
        (["--root", "0"], "--root goes with --walk"),
        (["--base", "0"], "--base goes with --walk"),
        (["--user"], "--user goes with --walk"),
    ],
)
def test_options_that_do_not_go_together_are_one_sentence(capsys, tmp_path, arguments, why):
    status, out, err = run(capsys, dump(tmp_path, {}), *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"vmwidgets: {why}")


def test_an_image_comes_from_standard_input(tmp_path):
    path = dump(tmp_path, {0x1000: 0x83})
    arguments = ["read", "-", "--format", "x86-64", "--root", "0x1000", "--walk", "0x10"]
    with path.open("rb") as image:
        done = subprocess.run(
            [sys.executable, "-m", "vmwidgets", *arguments], stdin=image, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "#PF" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--walk"],
        ["x", "--walk"],
        ["x", "--format", "x86-64", "--root", "0", "--access", "fetch", "--walk", "0"],
    ],
)
def test_a_command_that_makes_no_sense_is_refused(capsys, arguments):
    assert main(["read", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("vmwidgets: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("arch", [*FORMATS, "x86-32", "sv39"])
@given(data=st.binary(min_size=1, max_size=60), va=st.integers(0, 2**32 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_image_can_be_walked(capsys, tmp_path, arch, data, va):
    (tmp_path / "noise").write_bytes(data * (0x4000 // len(data) + 1))
    status, out, err = run(capsys, tmp_path / "noise", "--format", arch, "--root", "0", "--walk", hex(va))
    assert (status, err, out.count("\n  = ")) == (0, "", 1)
