"""What a domain says to requests that make no sense: what was wrong, and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from tests.captions import fields_of, says
from vmwidgets.engine.machine.handles.domain import MachineDomain

Ask = Callable[[MachineDomain, Any], Any]


@pytest.fixture
def domain() -> MachineDomain:
    return vm.boot("armv7").domain("hello")


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda d, o: d.frame("5 MiB"), "a Frame of 8 MiB: the largest piece that a memory server has is 4 MiB"),
        (lambda d, o: o.fill("slots[0]", offset="1 MiB"), "offset=0x100000: the object has 64 KiB"),
        (lambda d, o: d.memobj("fixed", "64 KiB"), "kind='fixed': it takes piece="),
        (lambda d, o: d.memobj("pinned", "64 KiB", piece="4 KiB"), "kind='pinned': only 'fixed' takes piece="),
        (lambda d, o: d.device_frame("1 GiB", 0), "size=0: a device has at least one page"),
        (lambda d, o: d.delete("SLOTS[0]"), "there is no cnode 'SLOTS': the program has rootcn, pagecn, slots"),
        (lambda d, o: d.map(vm.boot("armv7").domain("hello").frame()), "of another machine, 'machine "),
    ],
)
def test_it_says_what_was_wrong(domain: MachineDomain, ask: Ask, said: str) -> None:
    assert str(domain.frame().ref) == "slots[0]"
    memory = domain.memobj("anonymous", "64 KiB")
    before = domain.snapshot()
    with pytest.raises(vm.VMError) as caught:
        ask(domain, memory)
    assert said in str(caught.value)
    assert domain.snapshot() == before


def test_a_picture_of_a_destroyed_domain_is_not_about_its_successor() -> None:
    machine = vm.boot("armv7")
    domain = machine.domain("hello")
    view = vm.Domain(domain)
    machine.destroy_domain(domain)
    after = machine.domain("hello")
    after.map(after.frame("64 KiB"))
    assert says("domain operations: destroy_domain", view.scene().caption.text)
    assert fields_of("domain operations: map/refilled", vm.Domain(after).scene().caption.text)["size"] == "64 KiB"
