"""What a step's sentence is held against: the machine as it was just after the step, and just before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import vmwidgets as vm
from tests.views.lives import WHOLE
from tests.views.oracle.reading import path_called
from vmwidgets.engine.kernel.map.map_schema import KernelMapValue, MapValue
from vmwidgets.engine.kernel.threads.threads_schema import ThreadsValue
from vmwidgets.engine.selfpaging.domain import is_made_by, while_made
from vmwidgets.engine.selfpaging.domain_schema import DomainValue
from vmwidgets.engine.spaces.processors_schema import CpusValue, CpuValue
from vmwidgets.pictures.moments import at_boot
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.step import Step

MOST_STEPS = 200
"""Of an operation of fewer steps all values are taken at all of them at once."""


class Now:
    """The values of a machine after the operation, each looked at once."""

    def __init__(self, machine: vm.Machine) -> None:
        self.machine = machine
        self._values: dict[str, Any] = {}

    def value(self, name: str) -> Any:
        """The value that is called so in `tests.views.wholes`: "threads", "frames", a map's path, "domain:hello" …"""
        if name not in self._values:
            self._values[name] = self._look(name)
        return self._values[name]

    def _look(self, name: str) -> Any:
        machine: Any = self.machine
        looks: dict[str, Any] = {
            "maps": lambda: machine.kmem.value(whole=WHOLE),
            "threads": machine.threads.value,
            "frames": lambda: machine.frames.value(whole=WHOLE),
            "caches": lambda: machine.caches.value(most=WHOLE),
            "kentry": lambda: machine.kentry.contents(most=WHOLE),
            "cpus": machine.cpus.value,
            "replacement": machine.replacement.value,
            "objects": machine.memory_objects.value,
        }
        if name in looks:
            return looks[name]()
        if name.startswith("domain:") and name.removeprefix("domain:") not in machine.system.domains:
            (space,) = [one for (gone, _), one in machine.system.destroyed.items() if f"domain:{gone}" == name]
            return space.domain.snapshot()
        part = machine.part(name)
        return part.snapshot() if name.startswith("domain:") else part.value(whole=WHOLE)


class Gone(Exception):
    """What a step is about is not there after the operation, so that it can't be looked at."""


class Then:
    """A machine as it was at one moment of its latest operation, which is done again to be looked at."""

    def __init__(self, now: Now, moment: Moment) -> None:
        self.now = now
        self.moment = moment

    def value(self, name: str) -> Any:
        """A value as it was then; names as of :meth:`Now.value`."""
        if name.startswith("domain:") and is_made_by(self.moment.events, name.removeprefix("domain:")):
            return while_made(self.now.value(name), self.moment.so_far)
        if self.moment.place == len(self.moment.events):
            return self.now.value(name)
        if self.moment.operation is not None and self.moment.operation.number == 0:
            value = self.now.value(name)
            if isinstance(value, (MapValue, KernelMapValue)):
                return at_boot(value, self.moment.so_far)
            raise Gone(name)  # of a boot, only maps are looked at before its end
        return self._look(name, lambda machine: Now(machine).value(name))

    def _look(self, key: object, sight: Callable[[Any], Any]) -> Any:
        operation = self.moment.operation
        assert operation is not None
        inside = self.now.machine.history.inside(operation.number)
        inside.expect(("oracle", key), sight)
        steps = self.moment.story.steps
        places = {0, *(step.index + 1 for step in steps)} if len(steps) < MOST_STEPS else ()
        return inside.at(("oracle", key), self.moment.place, places)

    def map(self, name: str) -> MapValue:
        """A map, by the name that a step's `about` has."""
        name = path_called(name)
        if name.startswith("task:") and name.partition("/")[0].partition(":")[2] not in self.now.machine.tasks:
            raise Gone(name)
        is_path = name in self.now.machine.system.maps or name.startswith("kmem/")
        value: MapValue = self.value(name if is_path else f"kmem/{name}")
        return value

    @property
    def threads(self) -> ThreadsValue:
        """All threads."""
        value: ThreadsValue = self.value("threads")
        return value

    @property
    def cpus(self) -> CpusValue:
        """All processors."""
        value: CpusValue = self.value("cpus")
        return value

    def cpu(self, name: str) -> CpuValue:
        """A processor, by its path."""
        (found,) = [one for one in self.cpus.cpus if one.cpu == name]
        return found

    def domain(self, name: str) -> DomainValue:
        """A domain, by its name."""
        value: DomainValue = self.value(f"domain:{name}")
        return value

    @property
    def words(self) -> dict[int, int]:
        """What descriptors held that later events wrote, by physical address."""
        return self.moment.words(self.moment.place)

    @property
    def wirings(self) -> dict[int, int]:
        """How often the kernel's pages are wired, by frame."""

        def look(machine: Any) -> dict[int, int]:
            return {frame: page.wired for frame, page in machine.system.kmem.pages.in_use.items()}

        if self.moment.place == len(self.moment.events):
            return look(self.now.machine)
        found: dict[int, int] = self._look("wirings", look)
        return found

    def word(self, address: int) -> int:
        """The descriptor at a physical address."""

        def read(machine: Any) -> int:
            word: int = machine.ram.read_word(address, machine.system.pmap.fmt.entry_width)
            return word

        if self.moment.place == len(self.moment.events):
            return read(self.now.machine)
        found: int = self._look(("word", address), read)
        return found


@dataclass
class StepSeen:
    """One step of an operation: the machine just after it, and after the step before it."""

    now: Now
    moment: Moment
    """After the operation."""
    step: Step
    place: int
    """How many events were done at the step before."""

    @property
    def machine(self) -> vm.Machine:
        """The machine after the whole operation."""
        return self.now.machine

    start: Callable[[], vm.Machine] | None = None
    """What gives the machine as it was before the operation, where that is at hand."""

    @cached_property
    def started(self) -> vm.Machine:
        """The machine before the operation."""
        if self.start is not None:
            return self.start()
        operation = self.moment.operation
        assert operation is not None
        earlier: vm.Machine = self.machine.history.at(operation.number - 1)
        return earlier

    @cached_property
    def then(self) -> Then:
        """As it was just after the step."""
        return Then(self.now, self.moment.at(self.step.index + 1))

    @cached_property
    def before(self) -> Then:
        """As it was after the step before, or before the operation."""
        return Then(self.now, self.moment.at(self.place))

    @property
    def threads(self) -> ThreadsValue:
        """All threads at the step."""
        return self.then.threads

    @property
    def about(self) -> str:
        """The name of what the step is about."""
        return self.step.about.name


def earlier_steps(seen: StepSeen, count: int) -> list[Then]:
    """The machine at so many steps before, the latest first, as far as there are some; at last before the operation."""
    steps = seen.moment.story.steps
    here = steps.index(seen.step)
    places = [one.index + 1 for one in reversed(steps[max(0, here - count) : here])] or [0]
    places += [0] * (count - len(places))
    return [Then(seen.now, seen.moment.at(place)) for place in places]


def before_processors(seen: StepSeen) -> Then:
    """The machine as it was before what processors did just before the step, however many there are."""
    steps = seen.moment.story.steps
    earlier = list(steps[: steps.index(seen.step)])
    while earlier and earlier[-1].about.kind == "cpu":
        earlier.pop()
    return Then(seen.now, seen.moment.at(earlier[-1].index + 1 if earlier else 0))
