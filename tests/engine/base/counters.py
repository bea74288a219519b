"""The smallest thing that has operations: two numbers that must be equal, changed one after the other."""

from __future__ import annotations

from vmwidgets.engine.base.errors import Broken, KernelPanic, Refused, kernel_error
from vmwidgets.engine.base.journal import Journal
from vmwidgets.engine.base.operations import Door, operation
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.kernel.map.map_schema import MapResized


class Counter:
    path = "counter"

    def __init__(self):
        self.recorder = Recorder()
        self.door = Door(self.recorder, Journal())
        self.left = self.right = 0
        self.between = lambda: None

    @operation
    def add(self, amount, *, twice=False):
        """Changes one number, lets something happen, and changes the other."""
        if amount == 0:
            raise Refused("amount=0 adds nothing")
        self.left += amount
        self.recorder.emit((MapResized.tag, "counter", self.right, self.left))
        self.between()
        self.right += amount
        if twice:
            self.add(amount)
        return self.left

    @operation
    def fail(self):
        self.add(1)
        raise kernel_error("NOMEM", "no room")

    @operation
    def panic(self):
        self.add(1)
        raise KernelPanic("wrap", "it wraps")

    @operation
    def crash(self):
        raise ZeroDivisionError

    @operation
    def give(self, other):
        return other

    def check(self):
        if self.left != self.right:
            raise Broken("left and right differ")
