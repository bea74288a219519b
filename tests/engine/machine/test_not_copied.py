"""Machines and what is in them are not copied by Python's means: one sentence names what makes another machine."""

from __future__ import annotations

import copy
import pickle

import pytest

import vmwidgets as vm


@pytest.fixture
def m():
    m = vm.boot(layout="tiny")
    m.task("init")
    m.object("film")
    return m


WHAT = {
    "the machine": lambda m: m, "a map": lambda m: m.kernel_map, "a task": lambda m: m.tasks["init"],
    "an object": lambda m: m.objects["film"], "memory": lambda m: m.ram, "tables": lambda m: m.pmap,
    "processors": lambda m: m.cpus, "a thread": lambda m: m.threads["pagedaemon"],
}  # fmt: skip  # names and what they find


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("what", WHAT)
def test_a_copy_is_refused_in_one_sentence(m, what, how):
    done = len(m.journal)
    with pytest.raises(vm.Refused, match=r"can't be copied: m\.branch\(\) makes another machine"):
        how(WHAT[what](m))
    assert len(m.journal) == done
    assert len(m.branch().journal) == done


@pytest.mark.parametrize("name", [None, 3, "", "x" * 201, "\ud800", object()])
def test_the_name_of_a_machine_is_a_text_of_whole_characters(m, name):
    before = m.name
    with pytest.raises(vm.Refused, match="name"):
        m.name = name
    assert m.name == before
    with pytest.raises(vm.Refused, match="is a Machine"):
        m.name = m
    m.name = "mine"
    assert repr(m)
    assert m.branch()
