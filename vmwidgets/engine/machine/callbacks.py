"""Learners' code that the machine calls: threads and handlers, and what they did, so that a replay can do it again.

A Python function is no data: the journal keeps which operations it called, in order, and a machine that is made again
plays those back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable
from inspect import isgenerator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.errors import Broken, CallbackFailed, KernelPanic, VMError, shown
from ..base.operations import plain
from ..base.tags import CallbackRan
from ..kernel.thread import Stuck, Thread
from ..kernel.threads import Scheduler
from ..kernel.waits import Sleepy, WouldSleep, straight
from .runaway import MOST_CALLS, Runaway, bounded

if TYPE_CHECKING:
    from .machine import Machine


class Action(NamedTuple):
    """One thing that a learner's code did: an operation of `target`, or how it ended ("returned", "failed")."""

    target: str
    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


Script = list[Action]
"""What one thread, or all runs of one handler, did so far."""


class Call:
    """A call that may have to sleep, made in a thread: ``address = yield from m.kmem_alloc(4096)`` waits for it."""

    def __init__(self, steps: Sleepy[Any]) -> None:
        self.steps = steps
        self.action = Action("", "")

    def __iter__(self) -> Generator[Call, Any, Any]:
        return (yield self)

    def __repr__(self) -> str:
        return f"<{self.action.name} is not done yet: in a thread write `yield from` before it>"


class Callbacks:
    """Who of the learner's code runs in one machine, and the scripts of what it did."""

    def __init__(self, machine: Machine, scheduler: Scheduler) -> None:
        self.machine = machine
        self.scheduler = scheduler
        self.current: Actor | None = None
        self.scripts: dict[str, Script] = {}
        """By thread's or handler's name."""
        self.recorded: dict[str, Script] = {}
        """In a machine that is made again: the scripts of the one it is made after."""

    def complete(self, name: str, steps: Sleepy[Any]) -> Any:
        """Do a call that may have to sleep, as whoever makes it can wait.

        A thread gets a :class:`Call` to yield; a handler can't wait at all; for the cell others run until it is done.
        """
        if isinstance(self.current, ThreadActor):
            return Call(steps)
        if self.current is not None:
            try:
                return straight(steps)
            except WouldSleep as error:
                raise CallbackFailed(f"{self.current.title} calls {name}, and may not sleep: {error}") from None
        try:
            wait = next(steps)
        except StopIteration as done:
            return done.value
        self.machine.kernel.kmem.daemon.freed()
        thread = self.scheduler.adopt("", steps, wait)
        thread.doing = name
        return self._finish(thread)

    def _finish(self, thread: Thread) -> Any:
        try:
            return self.scheduler.finish(thread)
        except Stuck:
            self.scheduler.abandon(thread)
            raise
        finally:
            self.scheduler.threads.pop("", None)
            for other in self.scheduler.threads.values():
                self._warn(other)

    def _warn(self, thread: Thread) -> None:
        error = thread.error
        if error is not None and not thread.told:
            thread.told = True
            warnings.warn(f"while the cell waited: {error}", RuntimeWarning, stacklevel=6)


class Actor:
    """Learner's code while it runs: its calls of operations go into its script."""

    def __init__(self, callbacks: Callbacks, name: str, title: str) -> None:
        self.callbacks = callbacks
        self.title = title
        self.script = callbacks.scripts.setdefault(name, [])
        self._calls = 0
        self._made: list[Call] = []

    def act(self, target: str, name: str, arguments: Iterable[tuple[str, Any]], call: Callable[[], Any]) -> Any:
        """Make a call for it and note it; one that may sleep is noted when it is waited for."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise Runaway(f"it made more than {MOST_CALLS:,} calls without waiting for anything")
        door = self.callbacks.machine.door
        action = Action(target, name, tuple(arguments))
        door.actor = None
        try:
            result = call()
        except VMError:
            self.script.append(action)
            raise
        finally:
            door.actor = self
        if isinstance(result, Call):
            result.action = action
            self._made.append(result)
        else:
            self.script.append(action)
        return result

    def run(self, step: Callable[[], Any]) -> Any:
        """Let the learner's code go on; whatever it raises becomes one sentence."""
        callbacks, door = self.callbacks, self.callbacks.machine.door
        outer, callbacks.current, door.actor = (callbacks.current, door.actor), self, self
        self._calls = 0
        try:
            with bounded():
                return step()
        except (KernelPanic, Broken, StopIteration, CallbackFailed, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            name = "" if isinstance(error, (VMError, Runaway)) else f"{type(error).__name__}: "
            raise CallbackFailed(f"{self.title} failed: {name}{error}") from error
        finally:
            callbacks.current, door.actor = outer


class ThreadActor(Actor):
    """A learner's thread; :meth:`steps` is what the scheduler runs."""

    def __init__(self, callbacks: Callbacks, name: str, body: Generator[Any, Any, Any]) -> None:
        super().__init__(callbacks, name, f"thread {shown(name)}")
        self._name = name
        self._body = body

    def steps(self) -> Sleepy[Any]:
        """Run the learner's generator from call to call; the thread's result is what it returns."""
        answer, error = None, None
        try:
            while True:
                try:
                    item = self.run(lambda a=answer, e=error: self._body.throw(e) if e else self._body.send(a))  # type: ignore[misc]  # bound now
                except StopIteration as done:
                    self._refuse_unmade(None)
                    self.script.append(Action("", "returned"))
                    return done.value
                self._refuse_unmade(item)
                answer, error = yield from self._wait_for(item)
        except CallbackFailed as failure:
            self.script.append(Action("", "failed", (("why", str(failure)),)))
            raise
        finally:
            self._close()

    def _wait_for(self, item: Any) -> Sleepy[tuple[Any, VMError | None]]:
        """Do the call that was yielded: what it gives, or the error to raise in the thread."""
        if not isinstance(item, Call):
            raise CallbackFailed(
                f"{self.title} yielded {shown(item)}: a thread yields calls, such as `yield from m.kmem_alloc(4096)`"
            )
        self.script.append(item.action)
        thread = self.callbacks.scheduler.threads[self._name]
        thread.doing = item.action.name
        try:
            return (yield from item.steps), None
        except KernelPanic:
            raise
        except VMError as error:
            return None, error
        finally:
            thread.doing = ""

    def _refuse_unmade(self, item: Any) -> None:
        made, self._made = self._made, []
        for call in made:
            if call is not item:
                name = call.action.name
                raise CallbackFailed(
                    f"{self.title} called {name} and did not wait for it: write `yield from m.{name}(…)`"
                )

    def _close(self) -> None:
        try:
            self._body.close()
        except Exception as error:  # noqa: BLE001  whatever a learner's code does when it is closed
            warnings.warn(f"{self.title} did not end cleanly: {error}", RuntimeWarning, stacklevel=2)


class Handler(Actor):
    """A learner's handler, called again and again; it can't sleep."""

    def __init__(self, callbacks: Callbacks, name: str, function: Callable[[], Any]) -> None:
        super().__init__(callbacks, name, f"handler {shown(name.partition(':')[2])}")
        self.name = name
        self._function = function

    def __call__(self) -> None:
        """Run it once; what it raises is the error of the operation that called it, and a warning in the daemon."""
        machine = self.callbacks.machine
        self.script.append(Action("", "begins"))
        outcome = "returned"
        try:
            made = self.run(self._function)
            if isgenerator(made):
                made.close()
                raise CallbackFailed(f"{self.title} is a generator, and a handler may not sleep: write no yield in it")
            self.script.append(Action("", "returned"))
        except CallbackFailed as failure:
            self.script.append(Action("", "failed", (("why", str(failure)),)))
            outcome = str(failure)
            if machine.kernel.kmem.running.thread != machine.kernel.kmem.daemon.name:
                raise
            warnings.warn(str(failure), RuntimeWarning, stacklevel=2)
        finally:
            emit = machine.recorder.emit
            if emit is not None:
                emit((CallbackRan, self.name, outcome))


def thread_body(function: Callable[..., Any], args: tuple[Any, ...]) -> Generator[Any, Any, Any]:
    """What a thread of a learner's function does: a generator's steps, one call of the machine's, or all at once."""
    made = function(*args)
    if isgenerator(made):
        return (yield from made)
    return (yield made) if isinstance(made, Call) else made


def script_body(machine: Machine, name: str, script: Script) -> Generator[Any, Any, Any]:
    """A thread that does again what was recorded of one, and nothing beyond."""
    for action in script:
        if not action.target:
            return _end(action)
        try:
            made = play(machine, action)
            if isinstance(made, Call):
                yield made
        except VMError as error:
            if isinstance(error, KernelPanic):
                raise
    raise CallbackFailed(f"thread {shown(name)} was recorded up to here: what its function would do next is not known")


def script_handler(machine: Machine, script: Script) -> Callable[[], None]:
    """A handler that does again, each time it is called, what was recorded of the next run."""
    rest = iter(script)

    def run_again() -> None:
        for action in rest:
            if action.name == "begins" and not action.target:
                continue
            if not action.target:
                _end(action)
                return
            try:
                play(machine, action)
            except KernelPanic:
                raise
            except VMError:
                continue
        raise CallbackFailed("it was recorded up to here: what its function would do next is not known")

    return run_again


def play(machine: Machine, action: Action) -> Any:
    """Do one recorded action on `machine`."""
    arguments = {key: machine.resolve(value) for key, value in action.arguments}
    return getattr(machine.at(action.target), action.name)(**arguments)


def _end(action: Action) -> None:
    if action.name == "failed":
        raise CallbackFailed(str(dict(action.arguments)["why"]))


__all__ = [
    "Action", "Call", "Callbacks", "Handler", "Script", "ThreadActor", "plain", "script_body", "script_handler",
    "thread_body",
]  # fmt: skip  # read as a list of names
