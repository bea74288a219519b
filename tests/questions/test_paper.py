"""Questions on paper with an instructor's own numbers, and answers about an access that a lab checks."""

from __future__ import annotations

import re
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.errors import Refused
from vmwidgets.questions import make_exam
from vmwidgets.questions.paper import DEFAULTS, ranges_of


def written(tmp_path, text):
    file = tmp_path / "numbers.toml"
    file.write_text(text, encoding="utf-8")
    return ranges_of(file)


def test_a_file_chooses_the_numbers(tmp_path):
    ranges = written(tmp_path, "va = [14]\npa = [12]\npage = [64]\nentry = [4]\ntlb = [[8, 1]]\nlevels = [[4, 4]]")
    texts = [question.text for question in make_exam("paper", 7, 12, ranges=ranges).questions]
    sized = [text for text in texts if text.startswith("On a machine")]
    assert len(sized) == 10
    assert all(
        "addresses have 14 bits, physical addresses have 12 bits, and a page has 64 bytes" in one for one in sized
    )
    assert any("the tables have 4, 4 index bits" in one for one in sized)
    assert any("A TLB has 8 sets of 1 way." in one for one in sized)
    usual = {
        re.search(r"a page has (\d+) bytes", one.text)[1]
        for one in make_exam("paper", 7, 60).questions
        if "a page has" in one.text
    }
    assert usual == {"32", "64", "128"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vax = [14]", "there is no 'vax'"),
        ("va = 14", "va = 14: write a list"),
        ("va = []", "write a list"),
        ("va = [14", "can't be read"),
        ("va = [14]\npage = [64]\nlevels = [[4, 5]]", "not va=14"),
        ("va = ['wide']", "no machine can be made"),
        ("va = [10]\npage = [64]\npa = [9]\nlevels = [[2, 2]]", "no question paper/vpn can be made"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, text, words):
    with pytest.raises(Refused, match=re.escape(words)):
        written(tmp_path, text)


def test_ranges_are_for_their_topic(tmp_path):
    with pytest.raises(Refused, match="add --topic paper"):
        make_exam("walk", 7, ranges=written(tmp_path, "va = [14]"))


def test_an_access_judges_answers():
    access = vm.paper(va=14, pa=12, page=64, tlb=(4, 4)).map({0xF: 0xD}).access("r 0x3d7")
    right = {"vpn": 15, "tlbi": 3, "tlbt": 3, "hit": False, "pfn": 13, "pa": 0x357, "fault": ""}
    assert vm.lab.check(access, right).passed
    result = vm.lab.check(access, {"vpn": 15, "pa": 0x354, "hit": 0})  # 0 is not an answer to yes or no
    assert [one.met for one in result.criteria] == [True, False, False]
    assert result.criteria[1].sentence == "the PA is 0x357, not 0x354"
    with pytest.raises(Refused, match="no 'vpns'"):
        vm.lab.check(access, {"vpns": 15})
    with pytest.raises(Refused, match="write a dict"):
        vm.lab.check(access, 15)


def test_a_number_judges_an_answer():
    time = vm.paper(levels=2).time(tlb=1, hits=0.96, cache=1, cache_hits=0.9, memory=10)
    assert vm.lab.check(time, 3.8).passed
    assert vm.lab.check(time, 3).criteria[0].sentence == "the access time is 3.8 ns, not 3"


@pytest.mark.parametrize(("name", "sizes"), [(name, sizes) for name in ("tlb", "cache") for sizes in DEFAULTS[name]])
def test_each_usual_tlb_and_cache_is_one_that_machines_have(name, sizes):
    """A size that is refused is never asked about: it is drawn again."""
    given: dict[str, Any] = {name: tuple(sizes)}
    assert repr(vm.paper(va=12, pa=12, page=64, **given))
