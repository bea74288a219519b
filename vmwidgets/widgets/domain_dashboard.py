"""The dashboard while a self-paging domain is worked on: the domain's picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.domain import MachineDomain
from vmwidgets.views.domain import draw_domain
from vmwidgets.views.scene import Scene

from .domain import domain_picture, latest_of


def domain_at_hand(machine: Machine) -> MachineDomain | None:
    """The domain that the latest operation made or worked on, if it is still there."""
    latest = machine.journal.last
    if latest.target == "machine" and latest.name == "domain":
        return machine.domains.get(str(dict(latest.arguments).get("name")))
    path = latest.target.partition("/")[0]
    return next((domain for domain in machine.domains.values() if domain.path == path), None)


def domain_dashboard(target: MachineDomain, step: int, selection: str, opened: Sequence[str]) -> Scene:
    """The picture of a domain under the machine's name."""
    operation, events = latest_of(target)
    picture = domain_picture(target, operation, events, step, selection, opened)
    name = target.machine.name
    return replace(draw_domain(picture, title=f"{name}: domain {picture.value.name}", machine=name), view="dashboard")
