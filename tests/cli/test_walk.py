"""``python -m vmwidgets.tools walk``: statuses and sentences, and no traceback whatever the input is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmwidgets.cli import TOOLS, main

pytestmark = pytest.mark.once

DATA = Path(__file__).parents[1] / "data" / "mmu"


def run(capsys, *arguments):
    status = main(["walk", *map(str, arguments)], TOOLS)
    out, err = capsys.readouterr()
    return status, out, err


def lines_of(name, count=None):
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for _, line in zip(range(count or 10**6), lines, strict=False)]


def write(path, cases):
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))
    return path


@pytest.fixture
def case():
    """A case of 32-bit x86: a 4 MiB page at 0, a table at 4 MiB with a read-only page."""
    return {
        "arch": "x86-32",
        "root": 0x1000,
        "options": {"wp": True},
        "memory": [[0x1000, "8300800007200000"], [0x2000, "05900000"]],
        "queries": [
            {"va": 0x123, "access": "read", "user": False},
            {"va": 0x40_0456, "access": "write", "user": True},
        ],
        "answers": [{"pa": 0x80_0123}, {"fault": {"kind": "protection", "level": 1, "code": 7}}],
    }  # fmt: skip


class TestTables:
    def test_every_file_that_agrees_gets_a_line(self, capsys):
        files = [DATA / f"{name}.jsonl.gz" for name in ("sv39-reserved", "linux-armv7")]
        assert run(capsys, "--tables", *files) == (
            0, f"{files[0]}: 60 cases, 1,320 queries agree\n{files[1]}: 3 cases, 4,500 queries agree\n", "",
        )  # fmt: skip

    def test_the_first_answer_that_differs_is_shown_side_by_side(self, capsys, tmp_path, case):
        case["answers"] = [{"pa": 0x80_0124}, {"fault": {"kind": "protection", "level": 2, "code": 5}}]
        good = {**case, "answers": [{"pa": 0x80_0123}, {"fault": {"kind": "protection", "level": 1, "code": 7}}]}
        path = write(tmp_path / "cases.jsonl", [good, case])
        status, out, err = run(capsys, "--tables", path)
        assert (status, err) == (1, "")
        head, asked, *rows, found = out.splitlines()
        assert head == f"{path}: differs at case 2 (line 2), query 1; 2 of 4 queries differ"
        assert asked == "  x86-32 root=0x1000 va=0x123 supervisor read"
        assert [row.split() for row in rows] == [
            ["field", "expected", "actual"],
            ["address", "8388900", "=", "0x800124", "8388899", "=", "0x800123"],
        ]
        assert found == "  found: physical 0x80_0123, in a page of 4 MiB"

    @pytest.mark.parametrize(
        ("answer", "rows"),
        [
            ({"pa": 5}, ["address", "kind", "level", "code"]),
            ({"fault": {"kind": "protection", "level": 2, "code": 7}}, ["level"]),
            ({"fault": {"kind": "not-present", "level": None, "code": 6}}, ["kind", "level", "code"]),
        ],
    )
    def test_address_kind_level_and_code_are_compared(self, capsys, tmp_path, case, answer, rows):
        case["answers"][1] = answer
        _, out, _ = run(capsys, "--tables", write(tmp_path / "cases.jsonl", [case]))
        assert [row.split()[0] for row in out.splitlines()[3:-1]] == rows

    def test_without_answers_they_are_printed(self, capsys, tmp_path, case):
        del case["answers"]
        path = write(tmp_path / "cases.jsonl", [case])
        status, out, err = run(capsys, "--tables", path)
        assert (status, err) == (0, "")
        why = "the page may not be written: R/W is 0 in the PTE"
        assert out.splitlines() == [
            f"{path}: case 1 (line 1), x86-32, root 0x1000",
            "  0x123 supervisor read: physical 0x80_0123, in a page of 4 MiB",
            f"  0x40_0456 user write: #PF, protection at level 1, code 0x7: {why}",
        ]

    def test_answers_can_be_had_as_cases(self, capsys, tmp_path, case):
        right = case.pop("answers")
        path = write(tmp_path / "cases.jsonl", [case])
        status, out, _ = run(capsys, "--answers", "--tables", path)
        assert (status, json.loads(out)) == (0, {**case, "answers": right})
        (tmp_path / "answered.jsonl").write_text(out)
        assert run(capsys, "--tables", tmp_path / "answered.jsonl")[0] == 0

    def test_the_worst_file_counts_and_the_others_are_run(self, capsys, tmp_path, case):
        good = write(tmp_path / "good.jsonl", [case])
        differing = write(tmp_path / "differing.jsonl", [{**case, "answers": [{"pa": 0}, {"pa": 0}]}])
        status, out, err = run(capsys, "--tables", good, differing, tmp_path / "none.jsonl", tmp_path, good)
        assert status == 2
        assert out.count("1 case, 2 queries agree") == 2
        assert err == (
            f"vmwidgets: {tmp_path / 'none.jsonl'}: No such file or directory\nvmwidgets: {tmp_path}: Is a directory\n"
        )
        assert run(capsys, "--tables", differing, good)[0] == 1

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"arch": "x86_64"}, "'arch' is 'x86_64': known are x86-32"),
            ({"arch": 7}, "arch: must be string"),
            ({"root": 0x1004}, "root 0x1004 is not aligned"),
            ({"root": 1 << 70}, "is too wide"),
            ({"root": -1}, "root: must be bigger"),
            ({"root": "0x1000"}, "root: must be integer"),
            ({"root": True}, "root: must be integer"),
            ({"options": {"smeep": True}}, "x86-32 has no option 'smeep'; did you mean 'smep'?"),
            ({"options": []}, "options: must be object"),
            ({"memory": [[0, "0"]]}, "half a byte"),
            ({"memory": [[0, "0g"]]}, "character 2 is not a hexadecimal digit"),
            ({"memory": [[0, "0000"], [1, "00"]]}, "overlap"),
            ({"memory": [[0]]}, r"memory\[0\]: must contain at least 2 items"),
            ({"memory": [[-1, "00"]]}, r"memory\[0\]\[0\]: must be bigger"),
            ({"memory": [[1 << 64, "00"]]}, r"memory\[0\]\[0\]: must be smaller"),
            ({"queries": [{"va": 1 << 32, "access": "read", "user": False}] * 2}, "in x86-32 a register has 32 bits"),
            ({"queries": [{"va": 0, "access": "fetch", "user": False}] * 2}, r"queries\[0\].access: must be one of"),
            ({"queries": [{"va": 0, "access": "read", "user": 0}] * 2}, r"queries\[0\].user: must be boolean"),
            ({"queries": [{"va": 0, "access": "read"}] * 2}, r"queries\[0\]: must contain .*user"),
            ({"answers": [{"pa": 0}]}, "2 queries and 1 answers"),
            ({"answers": [{"pa": 0}, {}]}, r"answers\[1\]: must contain at least 1 properties"),
            ({"answers": [{"pa": 0}, {"pa": 0, "fault": {"kind": "x", "level": 1, "code": 1}}]}, r"answers\[1\]"),
            ({"answers": [{"pa": 0}, {"fault": {"kind": "x"}}]}, r"answers\[1\].fault: must contain"),
            ({"answer": []}, "must not contain"),
            ({"x" * 10_000: []}, "must not contain"),
        ],
    )
    def test_damage_is_told_in_one_sentence(self, capsys, tmp_path, case, change, why):
        path = write(tmp_path / "cases.jsonl", [case, {**case, **change}])
        status, out, err = run(capsys, "--tables", path)
        assert (status, out) == (2, "")
        assert err.startswith(f"vmwidgets: {path}:2: ")
        assert err.count("\n") == 1
        assert len(err) < 500
        with pytest.raises(AssertionError, match=why):
            raise AssertionError(err)

    @pytest.mark.parametrize("name", ["arch", "root", "options", "memory", "queries"])
    def test_nothing_may_lack_but_answers(self, capsys, tmp_path, case, name):
        del case[name]
        status, _, err = run(capsys, "--tables", write(tmp_path / "cases.jsonl", [case]))
        assert (status, name in err) == (2, True)

    @pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"[]\n", b"\x1f\x8b\x08\x00", b"\x00" * 100, b"null"])
    def test_files_that_are_no_cases(self, capsys, tmp_path, content):
        (tmp_path / "cases.jsonl").write_bytes(content)
        status, out, err = run(capsys, "--tables", tmp_path / "cases.jsonl")
        assert (status, out, err.count("\n")) == (2, "", 1)

    @given(data=st.data())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_damaged_bytes_never_end_in_a_traceback(self, capsys, tmp_path, data):
        packed = (DATA / "armv7.jsonl.gz").read_bytes()
        text = gzip.decompress(packed)[:30_000]
        content = bytearray(data.draw(st.sampled_from([packed, text, text, text])))
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(content) - 1))
            change = data.draw(st.sampled_from(["cut", "flip", "digit", "drop", "repeat"]))
            if change == "cut":
                del content[max(1, place) :]
            elif change == "flip":
                content[place] ^= 1 << data.draw(st.integers(0, 7))
            elif change == "digit":
                content[place : place + 1] = data.draw(st.sampled_from([b"9" * 30, b"-1", b"null", b'"', b"{", b"1e9"]))
            elif change == "drop":
                del content[place : place + data.draw(st.integers(1, 40))]
            else:
                content[place:place] = content[place : place + 40]
            content = content or bytearray(b"x")
        (tmp_path / "cases").write_bytes(content)
        status, _, err = run(capsys, "--tables", tmp_path / "cases")
        assert status in (0, 1, 2)
        assert (err.count("\n"), len(err) < 500) == (1 if status == 2 else 0, True)

    @given(data=st.data())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_other_values_anywhere_never_end_in_a_traceback(self, capsys, tmp_path, data):
        case = json.loads(json.dumps(data.draw(st.sampled_from(SAMPLES))))
        scalars = st.none() | st.booleans() | st.integers() | st.integers(0, 2**70) | st.text(max_size=5)
        value = data.draw(
            scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=5), scalars, max_size=2)
        )
        target = case
        while True:
            key = data.draw(st.sampled_from(sorted(target) if isinstance(target, dict) else range(len(target))))
            if not isinstance(target[key], (dict, list)) or not target[key] or data.draw(st.booleans()):
                target[key] = value
                break
            target = target[key]
        status, _, err = run(capsys, "--tables", write(tmp_path / "cases", [case]))
        assert status in (0, 1, 2)
        assert (err.count("\n"), len(err) < 500) == (1 if status == 2 else 0, True)


SAMPLES = [lines_of(name, 1)[0] for name in ("armv7", "x86-pae", "aarch64", "sv39", "x86-64")]


class TestImage:
    def dump(self, tmp_path, words, size=0x8000):
        image = bytearray(size)
        for pa, word in words.items():
            image[pa : pa + 8] = word.to_bytes(8, "little")
        path = tmp_path / "dump"
        path.write_bytes(image)
        return path

    def test_each_step_is_printed(self, capsys, tmp_path):
        path = self.dump(tmp_path, {0x1FF8: 0x2003, 0x2FF0: 0x8000_0000_4000_0083})
        status, out, err = run(
            capsys,
            "--arch",
            "x86-64",
            "--memory",
            path,
            "--root",
            "0x1000",
            "--access",
            "write",
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

    def test_a_fault_is_an_answer_with_its_registers(self, capsys, tmp_path):
        path = self.dump(tmp_path, {0x4008: 0x0030_0C02 | 1 << 15})
        status, out, _ = run(
            capsys, "--arch", "armv7", "--memory", path, "--root", "0x4000", "--access", "write", "--user", "0x234567"
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
    def test_the_upper_half_of_arm_begins_at_ttbr1(self, capsys, tmp_path, arch, options, lower, upper, begin):
        path = self.dump(tmp_path, {})
        given = ["--arch", arch, "--memory", path, "--root", "0x4000", "--option", "ttbr1=0x8000", *options]
        status, out, err = run(capsys, *given, lower, upper)
        assert (status, err) == (0, "")
        heads = [line for line in out.splitlines() if not line.startswith(" ")]
        assert [line.partition(" from ")[2] for line in heads] == [f"{begin[0]} = 0x4000", f"{begin[1]} = 0x8000"]

    def test_options_base_and_several_addresses(self, capsys, tmp_path):
        path = self.dump(tmp_path, {0x0: 0x80_1003, 0x1000: 0x87})
        given_options = ["--option", "smap=on", "--option", "maxphyaddr=0x24", "--base", "0x800000"]
        status, out, _ = run(
            capsys, "--arch", "x86-64", "--memory", path, "--root", "8388608", *given_options, "0x10", "0x40000000"
        )
        assert status == 0
        assert [line for line in out.splitlines() if line.startswith("  =")] == [
            "  = physical 0x10, in a page of 1 GiB; supervisor rwx, user ---",
            ("  = #PF, not-present at level 3, code 0x0: the PDPTE is 0x0: P (bit 0) is 0, so nothing is mapped here"),
        ]

    def test_tables_that_refer_to_themselves_or_outside(self, capsys, tmp_path):
        path = self.dump(tmp_path, {0x1000: 0x1003, 0x1008: 0x7FFF_F003})
        status, out, err = run(capsys, "--arch", "x86-64", "--memory", path, "--root", "0x1000", "0x0", "0x8000000000")
        assert (status, err) == (0, "")
        assert "  = physical 0x1000, in a page of 4 KiB" in out
        assert "the PDPT at 0x7fff_f000 can't be read" in out

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"--arch": "x86_64"}, "--arch is 'x86_64'"),
            ({"--root": "0x1008"}, "root 0x1008 is not aligned"),
            ({"--root": "0x10000"}, r"root 0x1_0000 lies outside the image, which is \[0x0, 0x8000\)"),
            ({"--root": "here"}, "--root 'here' is not a number"),
            ({"--root": "-4096"}, "--root '-4096' is not a number"),
            ({"--base": "0x9000"}, r"outside the image, which is \[0x9000, 0x1_1000\)"),
            ({"--base": "0xfffffffffffff000"}, "does not fit 64 bits"),
            ({"--option": "smap"}, "--option 'smap': write NAME=VALUE"),
            ({"--option": "smap=2"}, "option 'smap' is 2: it is true or false"),
            ({"--option": "smap=x"}, "--option smap 'x' is not a number"),
            ({"va": "0x10000000000000000"}, "in x86-64 a register has 64 bits"),
            ({"va": "9" * 10_000}, "is not a number"),
            ({"--memory": "/nonexistent/dump"}, "/nonexistent/dump: No such file"),
            ({"--memory": "/"}, "/: Is a directory"),
        ],
    )
    def test_bad_input_is_told_in_one_sentence(self, capsys, tmp_path, changes, why):
        values = {"--arch": "x86-64", "--memory": self.dump(tmp_path, {}), "--root": "0x1000", "va": "0", **changes}
        va = values.pop("va")
        status, out, err = run(capsys, *(f"{name}={value}" for name, value in values.items()), va)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert len(err) < 300
        with pytest.raises(AssertionError, match=why):
            raise AssertionError(err)

    def test_an_option_is_given_once(self, capsys, tmp_path):
        twice = ["--option", "smap=on", "--option", "smap=off"]
        arguments = ["--arch", "x86-64", "--memory", self.dump(tmp_path, {}), "--root", "0x1000", *twice, "0"]
        assert run(capsys, *arguments) == (2, "", "vmwidgets: --option smap is given twice\n")

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["0x1000"],
            ["--tables"],
            ["--arch", "x86-64", "--memory", "x", "--root", "0"],
            ["--arch", "x86-64", "--memory", "x", "0"],
            ["--memory", "x", "--tables", "y"],
            ["--arch", "x86-64", "--memory", "x", "--root", "0", "--access", "fetch", "0"],
        ],
    )
    def test_a_command_that_makes_no_sense_is_refused(self, capsys, arguments):
        with pytest.raises(SystemExit) as caught:
            main(["walk", *arguments], TOOLS)
        assert caught.value.code == 2
        assert "usage:" in capsys.readouterr().err

    @pytest.mark.parametrize("arch", ["x86-32", "x86-pae", "x86-64", "x86-64-la57", "armv7", "aarch64", "sv39"])
    @given(data=st.binary(min_size=1, max_size=60), va=st.integers(0, 2**32 - 1))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_image_can_be_walked(self, capsys, tmp_path, arch, data, va):
        (tmp_path / "noise").write_bytes(data * (0x4000 // len(data) + 1))
        status, out, err = run(capsys, "--arch", arch, "--memory", tmp_path / "noise", "--root", "0", hex(va))
        assert (status, err, out.count("\n  = ")) == (0, "", 1)
