"""What the journal keeps of arguments is data, and what was done can be done again from it."""

from __future__ import annotations

from collections import deque
from itertools import repeat

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.operations import PartReference


def last(m):
    """The arguments of the latest operation."""
    return dict(m.journal.last.arguments)


def again(m):
    """The machine, made again."""
    return m.branch(len(m.journal) - 1)


def test_a_list_is_kept_as_it_was():
    m = vm.boot("armv7")
    d = m.domain("hello")
    flags = ["r"]
    address = d.map(d.frame(), flags=flags)
    flags[0] = "rw"
    assert last(m)["flags"] == ("r",)
    assert again(m).domains["hello"].walk(address, "write").pa is None
    assert again(m).domains["hello"].snapshot() == d.snapshot()


def test_an_iterator_is_read_once_for_operation_and_record():
    m = vm.boot("armv7")
    d = m.domain("hard", hardening=(name for name in ["execute-never"]))
    assert last(m)["hardening"] == ("execute-never",)
    a = d.map(d.frame(), flags=iter(["r", "large"]))
    assert last(m)["flags"] == ("r", "large")
    assert d.walk(a, "execute").pa is None
    assert again(m).domains["hard"].walk(a, "execute").pa is None
    m.domain("set", hardening={"execute-never"})
    assert last(m)["hardening"] == ("execute-never",)
    assert list(again(m).domains) == ["hard", "set"]


def test_sets_are_kept_in_one_order():
    m = vm.boot("armv7")
    d = m.domain("hello")
    for order in (["large", "r", "nocache"], ["nocache", "large", "r"]):
        d.map(d.frame(), flags=set(order))
        assert last(m)["flags"] == ("large", "nocache", "r")


@pytest.mark.parametrize("flags", [repeat("r"), ["r"] * 1001, [[[[["r"]]]]]], ids=["endless", "long", "deep"])
def test_too_much_is_refused(flags):
    m = vm.boot("armv7")
    d = m.domain("hello")
    frame = d.frame()
    done = len(m.journal)
    with pytest.raises(vm.Refused, match="too much in it"):
        d.map(frame, flags=flags)
    assert len(m.journal) == done


def test_a_record_that_names_what_is_gone_is_passed_over_if_it_failed():
    """A capability of a domain that was destroyed, a domain that was: the operation can only have failed."""
    m = vm.boot("armv7")
    d, gone = m.domain("hello"), m.domain("gone")
    frame = PartReference(gone.frame().path)
    m.destroy_domain(gone)
    for target, name, arguments in (
        ("domain:hello", "map", (("frame", frame),)),
        ("domain:gone", "frame", ()),
        ("domain:hello/memobj:anonymous 7", "remove", ()),
    ):
        m.journal.record(target, name, None, arguments, "error", ("Refused",), "it failed", deque())
    d.frame()
    twin = again(m)
    assert [(one.number, one.name) for one in twin.journal] == [(one.number, one.name) for one in m.journal]
    assert twin.domains["hello"].snapshot() == d.snapshot()
    m.journal.record("domain:gone", "frame", (), (), "done", None, "", deque())
    with pytest.raises(vm.VMError, match=r"operation \d+, domain:gone.frame, has another result .* was destroyed"):
        again(m)


# ---- parts by their paths ------------------------------------------------------------------------
