"""Learners' code that the machine calls: threads, handlers, and functions that only read.

Its actions are recorded in the journal's scripts.  On a rebuilt machine, the record comes first
(:class:`~.scripts.Repeated`); then a learner's own code continues, if it is known and has not run further.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import partial
from inspect import iscoroutine, isgenerator, signature
from types import FrameType, GeneratorType
from typing import Any, TypeVar
from weakref import ref

from ...base.called import called
from ...base.errors import Broken, CallbackFailed, KernelPanic, Refused, VMError, failure, shown
from ...base.event import Unwound
from ...base.interrupts import INTERRUPT
from ...base.operations import Door, as_data, plain
from ...base.scripts import Action, Script
from ...kernel.freebsd.kmem_schema import LowMemory
from ...kernel.threads.scheduler import Scheduler, Thread, numbered
from ...kernel.threads.threads_schema import CallbackRan
from ...kernel.threads.waits import MapLock, MaySleep, WouldSleep, run_without_sleeping
from ..kept.scripts import ASLEEP, BEYOND, Call, Repeated
from ..stages.boot_stages import KernelMemorySystem
from .runaway import MOST_CALLS, Runaway, bounded, counting

T = TypeVar("T")


class Live:
    """A learner's own code: a handler's function, or a thread's generator, with `position` actions done.

    `door` is the door of its machine.
    """

    def __init__(self, code: Any, door: Door) -> None:
        self.code = code
        self.door = ref(door)  # a branch does not keep its origin alive
        self.position = 0

    @property
    def again(self) -> bool:
        """Return whether the code can be run from its beginning, any number of times."""
        return callable(self.code)


class Callbacks:
    """The learner's code in one machine, and the part of it that is running."""

    kmem: KernelMemorySystem
    scheduler: Scheduler

    def __init__(self, machine: Any, door: Door) -> None:
        self.machine = machine
        """The machine that learners' code gets; recorded scripts find the called parts in it."""
        self.door = door
        self.current: LearnerCode | None = None
        self._numbers: dict[str, int] = {}
        """The number from which a name's next script is searched: all lower numbers are used."""
        self.recorded: dict[str, Script] = {}
        """The actions to repeat before learners' own code continues, by the names of scripts."""
        self.live: dict[str, Live] = {}
        """Learners' own code, by the names of scripts."""
        self.threads: dict[str, ThreadActor] = {}
        """The threads of learners that have not ended, by the names of scripts."""
        self.silent = False
        """Whether operations are being replayed: records are repeated, and no warning is given a second time."""
        self.handed_out: Call | None = None
        """The latest call that a thread received to wait for."""
        self.unended: list[GeneratorType[Any, Any, Any]] = []
        """The learners' generators that ignored GeneratorExit."""

    @property
    def scripts(self) -> dict[str, Script]:
        """The actions of learners' code, by the name of its thread or handler."""
        return self.door.journal.scripts

    def serve(self, kmem: KernelMemorySystem) -> None:
        """Run learners' code on these threads."""
        self.kmem, self.scheduler = kmem, kmem.scheduler
        self.scheduler.interrupted = _interrupted

    def begin(self, scripts: Mapping[str, Script], serial: int) -> None:
        """Repeat these records; after the operation of this serial, the functions of handlers run instead."""
        for key, script in scripts.items():
            live = self.live.get(key)
            again = live is not None and live.again
            self.recorded[key] = script.until(serial) if again else script.until(script.last)

    def leave(self) -> dict[str, ThreadActor]:
        """Take out and return all threads, before other structures replace the current ones.

        The actions of generators stay done, and no generator is ended.
        """
        left, self.threads, self._numbers = self.threads, {}, {}
        return left

    def drop(self, left: dict[str, ThreadActor], kmem: KernelMemorySystem) -> None:
        """Drop the threads of unused structures; the actions of learners' generators stay done."""
        for actor in left.values():
            actor.left = actor.repeated.abandoned = True
        with kmem.recorder.quiet():
            for thread in kmem.scheduler.threads.values():
                if not thread.done:
                    thread.call.close()

    def warn(self, sentence: str, stacklevel: int = 3) -> None:
        """Warn that learners' code failed in a place where no call can raise its error."""
        if not self.silent:
            warnings.warn(sentence, RuntimeWarning, stacklevel=stacklevel)

    def begin_script(self, name: str, code: Any = None) -> str:
        """Begin the script of a new thread or handler, and return its key; without `code`, the script is repeated."""
        key = self.next_script(name)
        self.scripts[key] = Script(serial=self.door.journal.next_serial)
        if code is not None:
            self.live[key] = Live(code, self.door)
            self.recorded.pop(key, None)
        return key

    def handler(self, name: str, key: str) -> Handler:
        """Return the handler of a script that was begun."""
        return Handler(self, name, key)

    def repeated(self, title: str, key: str) -> Repeated:
        """Return the part of a script that is left to repeat."""
        return Repeated(self.machine, title, key, self.recorded)

    def _in_unended(self) -> bool:
        """Return whether the caller is inside a generator that ignored GeneratorExit (Python will close it later)."""
        frames = {id(one.gi_frame) for one in self.unended}
        frame: FrameType | None = sys._getframe()
        while frame is not None and id(frame) not in frames:
            frame = frame.f_back
        return frame is not None

    def next_script(self, name: str) -> str:
        """Return the key of the next script of the thread or handler `name`; a name may be used several times."""
        return numbered(name, "#", self.scripts, self._numbers)

    def complete(self, name: str, steps: MaySleep[T]) -> T:
        """Make a call that may sleep, in a way that lets its caller wait.

        A thread gets a :class:`Call` to yield; a handler can't wait at all; for the cell, other threads run until the
        call ends.
        """
        result: T
        if isinstance(self.current, ThreadActor) or (self.unended and self._in_unended()):
            waiting: Any = Call(steps)  # `yield from` returns its result
            self.handed_out = waiting
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
        thread = self.scheduler.adopt("", steps, wait, name)
        result = self._finish(thread)
        return result

    def _finish(self, thread: Thread) -> Any:
        self.door.asleep = True
        try:
            with self.machine.system.processors.on():  # other threads do not run where the caller waits
                return self.scheduler.finish(thread)
        except BaseException:
            if not thread.done:
                self.scheduler.abandon(thread)
            raise
        finally:
            self.door.asleep = False
            thread.reported = True
            self.scheduler.threads.pop("", None)
            while (other := self.scheduler.failure()) is not None:
                self.warn(f"while the cell waited: {other.error}", stacklevel=7)


def _interrupted() -> bool:
    """Return whether the stop button was pressed during this operation."""
    return INTERRUPT.pending


class LearnerCode:
    """A learner's code while it runs: its calls of operations are recorded in its script."""

    caller = ""
    """The caller's name in :class:`~.event.Unwound`: no kernel function calls a thread."""

    def __init__(self, callbacks: Callbacks, title: str, key: str) -> None:
        self.callbacks = callbacks
        self.title = title
        self.key = key
        self._calls = 0
        self._made: list[Call] = []
        self._raised = False
        """Whether the latest call failed and, in the events, its kernel functions have not ended yet."""

    @property
    def script(self) -> Script:
        """The script of the code's actions so far."""
        return self.callbacks.scripts[self.key]

    def note(self, name: str, target: str = "", arguments: Iterable[tuple[str, Any]] = (), answer: Any = None) -> int:
        """Record an action in the script; returns the action's place."""
        serial = self.callbacks.door.journal.next_serial
        self.script.append(Action(target, name, tuple(arguments), answer, serial))
        return len(self.script) - 1

    def _fails(self, why: object) -> None:
        self.note("failed", arguments=(("why", f"{why}"),))

    def act(self, target: str, name: str, arguments: Iterable[tuple[str, Any]], call: Callable[[], Any]) -> Any:
        """Make a call for the code and record it; a call that may sleep is recorded when the code waits for it."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise Runaway(f"it called more than {MOST_CALLS:,} operations without waiting for anything")
        door = self.callbacks.door
        door.actor = None
        door.whole, whole = True, door.whole
        counted = counting(False)
        try:
            with INTERRUPT.window(open_=False):
                return self._noted(target, name, tuple(arguments), call)
        finally:
            door.actor, door.whole = self, whole
            counting(counted)

    def _noted(self, target: str, name: str, given: tuple[tuple[str, Any], ...], call: Callable[[], Any]) -> Any:
        """Make the call, and note it with its answer; a call that sleeps is noted once it returns."""
        self._unwind()
        callbacks = self.callbacks
        callbacks.handed_out = None
        try:
            result = call()
        except VMError as error:
            self._raised = True
            self.note(name, target, given, failure(error))
            raise
        waiting = callbacks.handed_out
        callbacks.handed_out = None
        if waiting is not None and waiting is not result:
            raise Broken(f"{name} of {target} may sleep, and does not hand out the call that its thread waits for")
        if isinstance(result, Call):
            result.action = Action(target, name, given)
            self._made.append(result)
        else:
            self.note(name, target, given, as_data(result))
        return result

    def _unwind(self) -> None:
        """Report that the failed functions have ended, since the code continues after the error.

        This is not reported as soon as the error is raised: if the error ends the code, the functions show the error's
        origin.
        """
        raised, self._raised = self._raised, False
        emit = self.callbacks.kmem.recorder.emit
        if raised and emit is not None:
            emit((Unwound.tag, self.caller))

    def run(self, step: Callable[[], Any], *, stoppable: bool = True) -> Any:
        """Let the learner's code continue; every exception becomes a sentence.  `stoppable` code can be stopped."""
        callbacks, door = self.callbacks, self.callbacks.door
        outer, callbacks.current, door.actor = (callbacks.current, door.actor), self, self
        self._calls = 0
        try:
            with bounded(), INTERRUPT.window(open_=stoppable):
                return step()
        except (KernelPanic, Broken, CallbackFailed, KeyboardInterrupt):
            raise
        except RecursionError as error:
            raise CallbackFailed(
                f"{self.title} failed: it calls itself, directly or through another function"
            ) from error
        except BaseException as error:
            raise CallbackFailed(f"{self.title} failed: {_said(error)}") from error
        finally:
            callbacks.current, door.actor = outer


class ThreadActor(LearnerCode):
    """A learner's thread; the scheduler runs :meth:`steps`."""

    def __init__(self, callbacks: Callbacks, name: str, key: str) -> None:
        super().__init__(callbacks, f"thread {shown(name)}", key)
        self._name = name
        self._live: Live | None = None
        """The learner's own generator, once it continues."""
        self.repeated = callbacks.repeated(self.title, key)
        """The thread's record, which is repeated first."""
        self._body = self.repeated.thread()
        self.left = False
        """Whether this is an earlier thread, because the machine has gone to another point in its history."""
        callbacks.threads[key] = self

    def steps(self) -> MaySleep[Any]:
        """Run the learner's generator from call to call; the value it returns is the thread's result."""
        answer, error = None, None
        try:
            while True:
                item, done = self._go_on(answer, error)
                self._refuse_unmade(item)
                if done:
                    self._refuse_locks()
                    self.note("returned", arguments=(("result", _result(item)),))
                    return item
                answer, error = yield from self._wait_for(item)
        except GeneratorExit:
            if not self.left:
                self.note("closed")
            raise
        except KeyboardInterrupt:
            self.note("interrupted")
            raise
        except CallbackFailed as failed:
            self._fails(failed)
            raise
        finally:
            if not self.left:
                self._close()

    def _go_on(self, answer: Any, error: BaseException | None) -> tuple[Any, bool]:
        """Return the generator's next yielded value or its returned value, and whether it has ended."""

        def step() -> tuple[Any, bool]:
            try:
                return (self._body.throw(error) if error else self._body.send(answer)), False
            except StopIteration as done:
                return done.value, True

        item, done = self.run(step)
        if item is BEYOND:
            self._live = self._beyond()
            self._body = self._live.code
            item, done = self.run(step)
        return item, done

    def _beyond(self) -> Live:
        """Return the learner's own generator, if it is at the end of the record."""
        live = self.callbacks.live.get(self.key)
        if live is None:
            raise CallbackFailed(f"{self.title} was recorded up to here: what its function would do next is not known")
        if live.position != len(self.script):
            raise CallbackFailed(
                f"{self.title} can't continue from here: its function has run further, and Python can't undo that; "
                "m.redo() repeats its calls"
            )
        return live

    def _refuse_locks(self) -> None:
        """Release the locks that a thread still has at its end, and raise: it should have released them itself."""
        kept = self._release_locks()
        if kept:
            names = " and ".join(called(lock.name) for lock in kept)
            raise CallbackFailed(f"{self.title} ended with the lock of {names}: unlock it before; it is free now")

    def _wait_for(self, item: Any) -> MaySleep[tuple[Any, VMError | None]]:
        """Make the yielded call, and return its result, or the error to raise in the thread."""
        if not isinstance(item, Call):
            raise CallbackFailed(
                f"{self.title} yielded {shown(item)}: a thread yields calls, such as `yield from m.kmem_alloc(4096)`"
            )
        if item.made:
            raise CallbackFailed(f"{self.title} yielded {item.action.name} twice: each call is waited for once")
        item.made = True
        place = self.note(item.action.name, item.action.target, item.action.arguments, ASLEEP)
        if self._live is not None:
            self._live.position = place + 1
        thread = self.callbacks.scheduler.threads[self._name]
        thread.doing = item.action.name
        given, error = None, None
        self._unwind()
        try:
            given = yield from item.steps
        except KernelPanic:
            raise
        except VMError as raised:
            error, self._raised = raised, True
        finally:
            thread.doing = ""
        answer = as_data(given) if error is None else failure(error)
        self.script.answered(place, answer)
        return given, error

    def _refuse_unmade(self, item: Any) -> None:
        made, self._made = self._made, []
        for call in made:
            if call is not item:
                name = call.action.name
                raise CallbackFailed(
                    f"{self.title} called {name} without waiting for it: write `yield from m.{name}(…)`"
                )

    def _close(self) -> None:
        """Close the learner's generator: its further actions are recorded; it can't wait for anything.

        This may happen in the middle of another machine's operation, when this machine is garbage: an interrupt raised
        here would be lost.
        """
        chain = list(_delegates(self._body))
        try:
            self.run(self._body.close, stoppable=False)
        except CallbackFailed as failed:
            self.callbacks.unended += [one for one in chain if one.gi_frame is not None]
            self.callbacks.warn(f"{failed}, when it was ended")
        self._release_locks()
        self.callbacks.live.pop(self.key, None)
        self.callbacks.threads.pop(self.key, None)
        if not sys.is_finalizing():  # packing imports modules, which is impossible while Python ends
            self.script.pack()

    def _release_locks(self) -> list[MapLock]:
        kept = self.callbacks.scheduler.locks_of(self._name)
        for lock in kept:
            lock.release()
        return kept


class Handler(LearnerCode):
    """A learner's handler, which is called repeatedly; it can't sleep."""

    caller = LowMemory.tag

    def __init__(self, callbacks: Callbacks, name: str, key: str) -> None:
        super().__init__(callbacks, f"handler {shown(name.partition(':')[2])}", key)
        self.name = name
        self._runs = False

    def _step(self) -> Any:
        """Run the handler once: its recorded actions, or the learner's function."""
        repeated = self.callbacks.repeated(self.title, self.key)
        self.note("begins")
        if len(self.script) <= len(self.callbacks.recorded.get(self.key, ())):
            return repeated.run()
        live = self.callbacks.live.get(self.key)
        if live is None:
            raise CallbackFailed(f"{self.title} was recorded up to here: what its function would do next is not known")
        function = with_machine(live.code, self.callbacks.machine)
        door = live.door()
        if door is None or door is self.callbacks.door:
            return function()
        with door.closed(
            f"{self.title} runs in a branch of this machine, and calls this one: write it with the machine as its "
            "argument, as in `def give_back(m): …`"
        ):
            return function()

    def __call__(self) -> None:
        """Run the handler once; its exception becomes the calling operation's error, or a warning in the daemon."""
        kmem = self.callbacks.kmem
        if self._runs:
            raise CallbackFailed(
                f"{self.title} requests memory in a way that calls the handlers again, including itself: use M_NOWAIT"
            )
        outcome, self._runs = "returned", True
        try:
            made = self.run(self._step)
            if isgenerator(made) or iscoroutine(made):
                made.close()
                raise CallbackFailed(f"{self.title} is a generator, and a handler may not sleep: write no yield in it")
            self.note("returned")
            self._unwind()
        except KeyboardInterrupt:
            outcome = f"{self.title} was interrupted"
            self.note("interrupted")
            raise
        except CallbackFailed as failed:
            self._fails(failed)
            outcome = str(failed)
            if kmem.running.thread != kmem.daemon.name:
                raise
            self._unwind()
            self.callbacks.warn(outcome)
        finally:
            self._runs = False
            emit = kmem.recorder.emit
            if emit is not None:
                emit((CallbackRan.tag, self.name, outcome))


class Watcher(LearnerCode):
    """A learner's function that only checks a condition."""

    def __init__(self, callbacks: Callbacks, function: Callable[[], Any]) -> None:
        self.callbacks = callbacks
        self.title = "the until function"
        self._calls = 0
        self._function = function

    def act(self, target: str, name: str, arguments: Iterable[tuple[str, Any]], call: Callable[[], Any]) -> Any:
        """Refuse to change anything."""
        raise CallbackFailed(f"{self.title} calls {name}: it may only look")

    def __call__(self) -> bool:
        """Return whether the function's answer is true."""
        return bool(self.run(lambda: bool(self._function())))


def thread_body(function: Callable[..., Any], args: tuple[Any, ...]) -> Generator[Any, Any, Any]:
    """Yield the steps of a learner's function as a thread: a generator's steps, one call, or all at once."""
    made = function(*args)
    if isgenerator(made):
        return (yield from made)
    if iscoroutine(made):
        made.close()
        raise CallbackFailed("an async function can't be a thread: write a generator function with yield from")
    return (yield made) if isinstance(made, Call) else made


def with_machine(handler: Callable[..., Any], machine: Any) -> Callable[[], Any]:
    """Return a handler as a function without arguments; the handler itself gets the machine, or nothing."""
    try:
        wants = [one for one in signature(handler).parameters.values() if one.default is one.empty]
    except (TypeError, ValueError):
        wants = []
    if len(wants) > 1:
        raise Refused(
            f"{shown(handler)} has {len(wants)} parameters: a handler is called with the machine, or with nothing"
        )
    return partial(handler, machine) if wants else handler


def _result(value: Any) -> Any:
    """Return a thread's result as data: numbers, texts and parts of the machine unchanged, other values as text."""
    kept = plain(value)
    return kept if isinstance(kept, (int, float, str, bytes, type(None))) else shown(kept)


def _delegates(body: Generator[Any, Any, Any]) -> Iterator[GeneratorType[Any, Any, Any]]:
    """Yield a generator and the generators that it waits for with `yield from`."""
    inner: Any = body
    while isgenerator(inner):
        yield inner
        inner = inner.gi_yieldfrom


def _said(error: BaseException) -> str:
    """Return an error's message; the error's kind comes before it, unless this project defines that kind."""
    name = "" if isinstance(error, (VMError, Runaway)) else f"{type(error).__name__}: "
    try:
        return f"{name}{error}".rstrip(": ")
    except Exception:  # noqa: BLE001  whatever a learner's exception does when it is asked
        return type(error).__name__
