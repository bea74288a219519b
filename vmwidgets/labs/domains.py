"""What a lab reads of self-paging domains: the slots that they use, and the functions that were called."""

from __future__ import annotations

from vmwidgets.engine.base.events import Called
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.domain import MachineDomain


def called(machine: Machine) -> list[str]:
    """The functions of the kernel and of libraries that the last operation called, in order.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> m = vm.boot("x86-64")
    >>> a = m.kernel_map.enter("4 KiB")
    >>> lab.called(m)[0]
    'vm_map_enter'
    """
    return [event.name for event in machine.journal.last.events if isinstance(event, Called)]


def slots(domain: MachineDomain) -> dict[str, str]:
    """The slots that a domain uses, and the kind of capability in each.

    >>> import vmwidgets as vm
    >>> from vmwidgets import lab
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame())
    >>> lab.slots(d)
    {'slots[0]': 'Frame', 'slots[1]': 'VNode_ARM_l2', 'slots[2]': 'Mapping', 'slots[3]': 'Mapping'}
    """
    (cnode,) = (one for one in domain.snapshot().cnodes if one.name == "slots")
    return {str(one.ref): one.kind for one in cnode.capabilities}
