"""Learners' code that the machine calls, and what it did, as data: each operation in order, and how it ended.

A Python function is no data: the journal keeps which operations it called, and a machine that is made again plays
those back.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from inspect import iscoroutine, isgenerator
from types import FrameType, GeneratorType
from typing import Any, NamedTuple, TypeVar

from ..base.errors import Broken, CallbackFailed, KernelPanic, VMError, shown
from ..base.events import CallbackRan
from ..base.interrupts import INTERRUPT
from ..base.operations import Door, plain
from ..kernel.threads.scheduler import Thread, numbered
from ..kernel.threads.waits import MapLock, MaySleep, WouldSleep, run_without_sleeping
from .boot_stages import KernelMemorySystem
from .runaway import MOST_CALLS, Runaway, bounded, counting


class Action(NamedTuple):
    """One thing that a learner's code did: an operation of `target`, or how it ended ("returned", "failed")."""

    target: str
    name: str
    arguments: tuple[tuple[str, Any], ...] = ()


def failed(why: object) -> Action:
    """The end of code that failed."""
    return Action("", "failed", (("why", str(why)),))


Script = list[Action]
"""What one thread, or all runs of one handler, did so far."""


class Call:
    """A call that may have to sleep, made in a thread: ``address = yield from m.kmem_alloc(4096)`` waits for it."""

    def __init__(self, steps: MaySleep[Any]) -> None:
        self.steps = steps
        self.action = Action("", "")
        self.made = False

    def __iter__(self) -> Generator[Call, Any, Any]:
        return (yield self)

    def __repr__(self) -> str:
        return f"<{self.action.name} is not done yet: in a thread write `yield from` before it>"


def script_body(machine: Any, name: str, script: Script) -> Generator[Any, Any, Any]:
    """A thread that does again what was recorded of one, and nothing beyond."""
    rest = iter(script)
    try:
        for action in rest:
            if not action.target:
                return _end(machine, action)
            try:
                made = play(machine, action)
                if isinstance(made, Call):
                    yield made
            except KernelPanic:
                raise
            except VMError:
                continue
    except GeneratorExit:
        for action in rest:  # what it did when it was ended
            with suppress(VMError):
                if action.target:
                    play(machine, action)
        raise
    raise CallbackFailed(f"thread {shown(name)} was recorded up to here: what its function would do next is not known")


class RecordedHandler:
    """A handler that does again, each time it is called, what was recorded of the next run."""

    def __init__(self, machine: Any, script: Script) -> None:
        self._machine = machine
        self._script = script
        self._done = 0

    def __call__(self) -> None:
        """Repeat the next run."""
        while self._done < len(self._script):
            action = self._script[self._done]
            self._done += 1
            if action.name == "begins" and not action.target:
                continue
            if not action.target:
                _end(self._machine, action)
                return
            try:
                play(self._machine, action)
            except KernelPanic:
                raise
            except VMError:
                continue
        raise CallbackFailed("it was recorded up to here: what its function would do next is not known")


def play(machine: Any, action: Action) -> Any:
    """Do one recorded action on `machine`."""
    arguments = {key: machine.resolve(value) for key, value in action.arguments}
    return getattr(machine.at(action.target), action.name)(**arguments)


def _end(machine: Any, action: Action) -> Any:
    ending = dict(action.arguments)
    if action.name == "failed":
        raise CallbackFailed(str(ending["why"]))
    return machine.resolve(ending.get("result"))


def as_data(value: Any) -> Any:
    """A thread's result as data: numbers, texts and parts of the machine as they are, of anything else its text."""
    kept = plain(value)
    return kept if isinstance(kept, (int, float, str, bytes, type(None))) else shown(kept)


T = TypeVar("T")


class Callbacks:
    """Who of the learner's code runs in one machine, and the scripts of what it did."""

    def __init__(self, machine: Any, door: Door, kmem: KernelMemorySystem) -> None:
        self.machine = machine
        """What learners' code is given; recorded scripts find the parts they call in it."""
        self.door = door
        self.kmem = kmem
        self.scheduler = kmem.scheduler
        self.current: LearnerCode | None = None
        self.scripts: dict[str, Script] = {}
        """By thread's or handler's name."""
        self._numbers: dict[str, int] = {}
        """By name: the number that its next script is looked for from, since all below have one."""
        self.recorded: dict[str, Script] = {}
        """In a machine that is made again: the scripts of the one it is made after."""
        self.unended: list[GeneratorType[Any, Any, Any]] = []
        """Generators of learners that ignored GeneratorExit."""
        self.scheduler.interrupted = _interrupted

    def _in_unended(self) -> bool:
        """Whether this runs inside a generator that ignored GeneratorExit (Python will close it again)."""
        frames = {id(one.gi_frame) for one in self.unended}
        frame: FrameType | None = sys._getframe() if frames else None
        while frame is not None and id(frame) not in frames:
            frame = frame.f_back
        return frame is not None

    def next_script(self, name: str) -> str:
        """The key of the script that the next thread or handler called `name` will have: a name may come again."""
        return numbered(name, "#", self.scripts, self._numbers)

    def complete(self, name: str, steps: MaySleep[T]) -> T:
        """Do a call that may have to sleep, in the way in which its caller can wait.

        A thread gets a :class:`Call` to yield; a handler can't wait at all; for the cell others run until it is done.
        """
        result: T
        if isinstance(self.current, ThreadActor) or self._in_unended():
            waiting: Any = Call(steps)  # `yield from` it gives the result
            result = waiting
            return result
        if self.current is not None:
            try:
                return run_without_sleeping(steps)
            except WouldSleep as error:
                raise CallbackFailed(f"{self.current.title} calls {name}, and may not sleep: {error}") from None
        try:
            wait = next(steps)
        except StopIteration as done:
            result = done.value
            return result
        self.kmem.daemon.freed()
        thread = self.scheduler.adopt("", steps, wait)
        thread.doing = name
        result = self._finish(thread)
        return result

    def _finish(self, thread: Thread) -> Any:
        try:
            return self.scheduler.finish(thread)
        except BaseException:
            if not thread.done:
                self.scheduler.abandon(thread)
            raise
        finally:
            thread.reported = True
            self.scheduler.threads.pop("", None)
            while (other := self.scheduler.failure()) is not None:
                warnings.warn(f"while the cell waited: {other.error}", RuntimeWarning, stacklevel=6)


def _interrupted() -> bool:
    """Whether the stop button was pressed during this operation."""
    return INTERRUPT.pending


class LearnerCode:
    """Learner's code while it runs: its calls of operations go into its script."""

    def __init__(self, callbacks: Callbacks, name: str, title: str) -> None:
        self.callbacks = callbacks
        self.title = title
        self.script = callbacks.scripts[callbacks.next_script(name)] = []
        self._calls = 0
        self._made: list[Call] = []

    def act(self, target: str, name: str, arguments: Iterable[tuple[str, Any]], call: Callable[[], Any]) -> Any:
        """Make a call for it and note it; one that may sleep is noted when it is waited for."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise Runaway(f"it called more than {MOST_CALLS:,} operations without waiting for anything")
        door = self.callbacks.door
        action = Action(target, name, tuple(arguments))
        door.actor = None
        door.whole, whole = True, door.whole
        counted = counting(False)
        try:
            with INTERRUPT.window(open_=False):
                result = call()
        except VMError:
            self.script.append(action)
            raise
        finally:
            door.actor, door.whole = self, whole
            counting(counted)
        if isinstance(result, Call):
            result.action = action
            self._made.append(result)
        else:
            self.script.append(action)
        return result

    def run(self, step: Callable[[], Any], *, stoppable: bool = True) -> Any:
        """Let the learner's code go on; whatever it raises becomes one sentence.  The stop button works if it may."""
        callbacks, door = self.callbacks, self.callbacks.door
        outer, callbacks.current, door.actor = (callbacks.current, door.actor), self, self
        self._calls = 0
        try:
            with bounded(), INTERRUPT.window(open_=stoppable):
                return step()
        except (KernelPanic, Broken, CallbackFailed, KeyboardInterrupt):
            raise
        except RecursionError as error:
            raise CallbackFailed(f"{self.title} failed: it calls itself, or is called by what it calls") from error
        except BaseException as error:
            raise CallbackFailed(f"{self.title} failed: {_said(error)}") from error
        finally:
            callbacks.current, door.actor = outer


class ThreadActor(LearnerCode):
    """A learner's thread; :meth:`steps` is what the scheduler runs."""

    def __init__(self, callbacks: Callbacks, name: str, body: Generator[Any, Any, Any]) -> None:
        super().__init__(callbacks, name, f"thread {shown(name)}")
        self._name = name
        self._body = body

    def steps(self) -> MaySleep[Any]:
        """Run the learner's generator from call to call; the thread's result is what it returns."""
        answer, error = None, None
        try:
            while True:
                item, done = self._go_on(answer, error)
                self._refuse_unmade(item)
                if done:
                    self._refuse_locks()
                    self.script.append(Action("", "returned", (("result", as_data(item)),)))
                    return item
                answer, error = yield from self._wait_for(item)
        except GeneratorExit:
            self.script.append(Action("", "closed"))
            raise
        except KeyboardInterrupt:
            self.script.append(failed(f"{self.title} was interrupted"))
            raise
        except CallbackFailed as failure:
            self.script.append(failed(failure))
            raise
        finally:
            self._close()

    def _go_on(self, answer: Any, error: BaseException | None) -> tuple[Any, bool]:
        """What the generator yields next, or what it returned, and whether that was the end."""

        def step() -> tuple[Any, bool]:
            try:
                return (self._body.throw(error) if error else self._body.send(answer)), False
            except StopIteration as done:
                return done.value, True

        item, done = self.run(step)
        return item, done

    def _refuse_locks(self) -> None:
        """A thread lets go of its locks before it ends; those that it kept are let go of here."""
        kept = self._release_locks()
        if kept:
            names = " and ".join(lock.name for lock in kept)
            raise CallbackFailed(f"{self.title} ended with the lock of {names}: unlock it before; it is free now")

    def _wait_for(self, item: Any) -> MaySleep[tuple[Any, VMError | None]]:
        """Do the call that was yielded: what it gives, or the error to raise in the thread."""
        if not isinstance(item, Call):
            raise CallbackFailed(
                f"{self.title} yielded {shown(item)}: a thread yields calls, such as `yield from m.kmem_alloc(4096)`"
            )
        if item.made:
            raise CallbackFailed(f"{self.title} yielded {item.action.name} twice: each call is waited for once")
        item.made = True
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
        """End the learner's generator: what it still does is noted; it can't wait for anything any more.

        That may be in the middle of another machine's operation, when this one is garbage: an interrupt raised here
        would be lost.
        """
        chain = list(_delegates(self._body))
        try:
            self.run(self._body.close, stoppable=False)
        except CallbackFailed as failure:
            self.callbacks.unended += [one for one in chain if one.gi_frame is not None]
            warnings.warn(f"{failure}, when it was ended", RuntimeWarning, stacklevel=2)
        self._release_locks()

    def _release_locks(self) -> list[MapLock]:
        kept = self.callbacks.scheduler.locks_of(self._name)
        for lock in kept:
            lock.release()
        return kept


class Handler(LearnerCode):
    """A learner's handler, called again and again; it can't sleep."""

    def __init__(self, callbacks: Callbacks, name: str, function: Callable[[], Any]) -> None:
        super().__init__(callbacks, name, f"handler {shown(name.partition(':')[2])}")
        self.name = name
        self._function = function
        self._runs = False

    def __call__(self) -> None:
        """Run it once; what it raises is the error of the operation that called it, and a warning in the daemon."""
        kmem = self.callbacks.kmem
        if self._runs:
            raise CallbackFailed(
                f"{self.title} asks for memory in a way that has handlers called again, itself too: use M_NOWAIT"
            )
        self.script.append(Action("", "begins"))
        outcome, self._runs = "returned", True
        try:
            made = self.run(self._function)
            if isgenerator(made) or iscoroutine(made):
                made.close()
                raise CallbackFailed(f"{self.title} is a generator, and a handler may not sleep: write no yield in it")
            self.script.append(Action("", "returned"))
        except KeyboardInterrupt:
            outcome = f"{self.title} was interrupted"
            self.script.append(failed(outcome))
            raise
        except CallbackFailed as failure:
            self.script.append(failed(failure))
            outcome = str(failure)
            if kmem.running.thread != kmem.daemon.name:
                raise
            warnings.warn(str(failure), RuntimeWarning, stacklevel=2)
        finally:
            self._runs = False
            emit = kmem.recorder.emit
            if emit is not None:
                emit((CallbackRan.tag, self.name, outcome))


class Watcher(LearnerCode):
    """A learner's function that only looks whether something is reached."""

    def __init__(self, callbacks: Callbacks, function: Callable[[], Any]) -> None:
        self.callbacks = callbacks
        self.title = "the until function"
        self._calls = 0
        self._function = function

    def act(self, target: str, name: str, arguments: Iterable[tuple[str, Any]], call: Callable[[], Any]) -> Any:
        """It may not change anything."""
        raise CallbackFailed(f"{self.title} calls {name}: it may only look")

    def __call__(self) -> bool:
        """Whether it answers true."""
        return bool(self.run(lambda: bool(self._function())))


def thread_body(function: Callable[..., Any], args: tuple[Any, ...]) -> Generator[Any, Any, Any]:
    """What a thread of a learner's function does: a generator's steps, one call of the machine's, or all at once."""
    made = function(*args)
    if isgenerator(made):
        return (yield from made)
    if iscoroutine(made):
        made.close()
        raise CallbackFailed("an async function can't be a thread: write a generator function with yield from")
    return (yield made) if isinstance(made, Call) else made


def _delegates(body: Generator[Any, Any, Any]) -> Iterator[GeneratorType[Any, Any, Any]]:
    """A generator and those that it waits for with `yield from`."""
    inner: Any = body
    while isgenerator(inner):
        yield inner
        inner = inner.gi_yieldfrom


def _said(error: BaseException) -> str:
    """What an error says, after its kind where that is no word of this house."""
    name = "" if isinstance(error, (VMError, Runaway)) else f"{type(error).__name__}: "
    try:
        return f"{name}{error}".rstrip(": ")
    except Exception:  # noqa: BLE001  whatever a learner's exception does when it is asked
        return type(error).__name__
