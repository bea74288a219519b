"""What a learner's code did, as data: each operation that it called, in order, and how it ended; and doing it again."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from inspect import iscoroutine, isgenerator
from os.path import dirname, sep
from threading import Lock, get_ident
from types import CodeType, FrameType, GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple

from ..base.errors import Broken, CallbackFailed, KernelPanic, VMError, shown
from ..base.events import CallbackRan
from ..base.operations import INTERRUPT, plain
from ..kernel.threads.scheduler import Scheduler, Thread
from ..kernel.threads.waits import MapLock, MaySleep, WouldSleep, run_without_sleeping

if TYPE_CHECKING:
    from .machine import Machine


# ---- runaway -----------------------------------------------------------------------------------
#
# A bound on what a learner's code may do before it waits for something, so that no cell hangs on it.
#
# It is a number of steps, no clock: the same code stops at the same place every time. A step is a turn of a loop or a
# call of a Python function. Whatever goes on without end makes steps, but for loops inside of functions written in C
# (``list(itertools.count())``).
#
# Code of this package is never stopped. Its calls count while it only looks at the machine, since a look may be long;
# what an operation does inside doesn't count.


MOST_STEPS = 1_000_000
"""Turns of loops and calls of functions that a thread or handler may make in one go."""


MOST_CALLS = 50_000
"""Operations that it may call in one go; each makes some twenty steps before it begins."""


TOOLS = (4, 3, 5, 2, 1, 0)
"""Ids of `sys.monitoring`, those first that no other tool has by custom."""


class Runaway(BaseException):
    """A learner's code went on without end; no ``except Exception`` of its own holds it up."""


class _Budget:
    """What is left to the code that runs in one Python thread."""

    __slots__ = ("counting", "left", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.left = most
        self.counting = False

    def spend(self, code: CodeType) -> None:
        """One step; :class:`Runaway` if there is none left, in code that may be stopped."""
        self.left -= 1
        if self.left < 0 and not _ours(code):
            raise Runaway(
                f"it made more than {self.most:,} turns of loops and calls of functions without waiting for anything"
            )


_budgets: dict[int, _Budget] = {}
"""By Python thread, while its code is bounded."""


def _ours(code: CodeType) -> bool:
    return code.co_filename.startswith(_PACKAGE)


_PACKAGE = dirname(dirname(dirname(_ours.__code__.co_filename))) + sep  # noqa: PTH120  as text, this runs at each step


class bounded:  # noqa: N801  used as a function
    """Stop the code run in here after so many steps.

    Bounds nest: the inner one draws on the outer's steps.  Before Python 3.12 nothing is counted while a debugger or a
    coverage tool traces, since there is one trace function only; from 3.12 on both work side by side.

    A class and no generator function: the steps of `contextlib` would be counted, and stopped.
    """

    __slots__ = ("_most", "_outer")

    def __init__(self, most: int = MOST_STEPS) -> None:
        self._most = most

    def __enter__(self) -> None:
        me = get_ident()
        budget = _budgets.get(me)
        self._outer = None if budget is None else budget.counting
        if budget is None and _WATCH.begin():
            budget = _budgets[me] = _Budget(self._most)
        if budget is not None:
            budget.counting = True

    def __exit__(self, *error: object) -> None:
        me = get_ident()
        budget = _budgets.get(me)
        if budget is None:
            return
        if self._outer is None:
            del _budgets[me]
            _WATCH.end()
        else:
            budget.counting = self._outer
            _WATCH.go_on()


def counting(on: bool) -> bool:
    """Count the steps of this Python thread from now on, or not; whether they counted before."""
    budget = _budgets.get(get_ident())
    if budget is None:
        return False
    before, budget.counting = budget.counting, on
    return before


class _Monitoring:
    """The way of Python 3.12 and newer: `sys.monitoring` reports turns and calls alone, and knows of other tools."""

    def __init__(self, monitoring: Any) -> None:
        self._monitoring = monitoring
        self._lock = Lock()
        self._threads = 0
        self._tool = 0

    def begin(self) -> bool:
        """Have the steps of this Python thread reported; false if other tools have all the ids there are."""
        with self._lock:
            if not self._threads and not self._take():
                return False
            self._threads += 1
            return True

    def _take(self) -> bool:
        monitoring = self._monitoring
        free = [tool for tool in TOOLS if monitoring.get_tool(tool) is None]
        if not free:
            return False
        self._tool, events = free[0], monitoring.events
        monitoring.use_tool_id(self._tool, "vmwidgets")
        monitoring.register_callback(self._tool, events.PY_START, self._called)
        monitoring.register_callback(self._tool, events.PY_RESUME, self._called)
        monitoring.register_callback(self._tool, events.JUMP, self._jumped)
        monitoring.set_events(self._tool, events.PY_START | events.PY_RESUME | events.JUMP)
        return True

    def end(self) -> None:
        """No more reports for this Python thread."""
        with self._lock:
            self._threads -= 1
            if not self._threads:
                self._monitoring.set_events(self._tool, 0)
                self._monitoring.free_tool_id(self._tool)

    def go_on(self) -> None:
        """Nothing ends the reports but :meth:`end`."""

    def _called(self, code: CodeType, offset: int) -> None:
        budget = _budgets.get(get_ident())
        if budget is not None and budget.counting:
            budget.spend(code)

    def _jumped(self, code: CodeType, source: int, destination: int) -> Any:
        if destination > source or _ours(code):
            return self._monitoring.DISABLE  # it stays so; this place is not reported again
        budget = _budgets.get(get_ident())
        if budget is not None and budget.counting:
            budget.spend(code)
        return None


class _Tracing:
    """The way before Python 3.12: a trace function, which sees each instruction."""

    def begin(self) -> bool:
        """Trace this Python thread; false if it is traced already."""
        if sys.gettrace() is not None:
            return False
        sys.settrace(_trace_call)
        return True

    def end(self) -> None:
        """Trace no more; a debugger that was started meanwhile keeps its trace function."""
        if sys.gettrace() is _trace_call:
            sys.settrace(None)

    def go_on(self) -> None:
        """Trace again: an error out of a trace function ends tracing."""
        if sys.gettrace() is None:
            sys.settrace(_trace_call)


def _trace_call(frame: FrameType, event: str, argument: Any) -> Any:
    budget = _budgets.get(get_ident())
    if budget is None or not budget.counting:
        return None
    budget.spend(frame.f_code)
    if _ours(frame.f_code):
        return None
    frame.f_trace_lines, frame.f_trace_opcodes = False, True
    return _trace_turns(budget)


def _trace_turns(budget: _Budget) -> Callable[[FrameType, str, Any], Any]:
    """What is called for each instruction of one frame: one at or before the last is a loop's next turn."""
    last = -1

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal last
        if event == "return":  # a generator's frame lives on, and a debugger may come to it
            frame.f_trace_lines, frame.f_trace_opcodes = True, False
        elif event == "opcode":
            here = frame.f_lasti
            if here <= last and budget.counting:
                budget.spend(frame.f_code)
            last = here
        return trace

    return trace


_WATCH: _Monitoring | _Tracing = _Monitoring(sys.monitoring) if hasattr(sys, "monitoring") else _Tracing()


# ---- scripts -----------------------------------------------------------------------------------


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


def script_body(machine: Machine, name: str, script: Script) -> Generator[Any, Any, Any]:
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


def script_handler(machine: Machine, script: Script) -> Callable[[], None]:
    """A handler that does again, each time it is called, what was recorded of the next run."""
    rest = iter(script)

    def run_again() -> None:
        for action in rest:
            if action.name == "begins" and not action.target:
                continue
            if not action.target:
                _end(machine, action)
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


def _end(machine: Machine, action: Action) -> Any:
    told = dict(action.arguments)
    if action.name == "failed":
        raise CallbackFailed(str(told["why"]))
    return machine.resolve(told.get("result"))


def as_data(value: Any) -> Any:
    """A thread's result as data: numbers, texts and parts of the machine as they are, of anything else its text."""
    kept = plain(value)
    return kept if isinstance(kept, (int, float, str, bytes, type(None))) else shown(kept)


# ---- callbacks ---------------------------------------------------------------------------------
#
# Learners' code that the machine calls: threads and handlers, and what they did, so that a replay can do it again.
#
# A Python function is no data: the journal keeps which operations it called, in order, and a machine that is made
# again plays those back.


class Callbacks:
    """Who of the learner's code runs in one machine, and the scripts of what it did."""

    def __init__(self, machine: Machine, scheduler: Scheduler) -> None:
        self.machine = machine
        self.scheduler = scheduler
        self.current: Actor | None = None
        self.scripts: dict[str, Script] = {}
        """By thread's or handler's name."""
        self._numbers: dict[str, int] = {}
        """By name: the number that its next script is looked for from, since all below have one."""
        self.recorded: dict[str, Script] = {}
        """In a machine that is made again: the scripts of the one it is made after."""
        self.unended: list[GeneratorType[Any, Any, Any]] = []
        """Generators of learners that went on when they were ended."""
        scheduler.interrupted = lambda: INTERRUPT.pending

    def _in_unended(self) -> bool:
        """Whether code runs that was ended and went on: Python tries again to end it whenever it lets go of it."""
        frames = {id(one.gi_frame) for one in self.unended}
        frame: FrameType | None = sys._getframe() if frames else None
        while frame is not None and id(frame) not in frames:
            frame = frame.f_back
        return frame is not None

    def next_script(self, name: str) -> str:
        """The key of the script that the next thread or handler called `name` will have: a name may come again."""
        if name not in self.scripts:
            return name
        number = self._numbers.get(name, 2)
        while f"{name}#{number}" in self.scripts:
            number += 1
        self._numbers[name] = number
        return f"{name}#{number}"

    def complete(self, name: str, steps: MaySleep[Any]) -> Any:
        """Do a call that may have to sleep, as whoever makes it can wait.

        A thread gets a :class:`Call` to yield; a handler can't wait at all; for the cell others run until it is done.
        """
        if isinstance(self.current, ThreadActor) or self._in_unended():
            return Call(steps)
        if self.current is not None:
            try:
                return run_without_sleeping(steps)
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
        except BaseException:
            if not thread.done:
                self.scheduler.abandon(thread)
            raise
        finally:
            thread.reported = True
            self.scheduler.threads.pop("", None)
            while (other := self.scheduler.failure()) is not None:
                warnings.warn(f"while the cell waited: {other.error}", RuntimeWarning, stacklevel=6)


class Actor:
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
        door = self.callbacks.machine.door
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

    def run(self, step: Callable[[], Any]) -> Any:
        """Let the learner's code go on; whatever it raises becomes one sentence."""
        callbacks, door = self.callbacks, self.callbacks.machine.door
        outer, callbacks.current, door.actor = (callbacks.current, door.actor), self, self
        self._calls = 0
        try:
            with bounded(), INTERRUPT.window(open_=True):
                return step()
        except (KernelPanic, Broken, CallbackFailed, KeyboardInterrupt):
            raise
        except RecursionError as error:
            raise CallbackFailed(f"{self.title} failed: it calls itself, or is called by what it calls") from error
        except BaseException as error:
            raise CallbackFailed(f"{self.title} failed: {_said(error)}") from error
        finally:
            callbacks.current, door.actor = outer


class ThreadActor(Actor):
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
        """End the learner's generator: what it still does is noted; it can't wait for anything any more."""
        chain = list(_delegates(self._body))
        try:
            self.run(self._body.close)
        except CallbackFailed as failure:
            self.callbacks.unended += [one for one in chain if one.gi_frame is not None]
            warnings.warn(f"{failure}, when it was ended", RuntimeWarning, stacklevel=2)
        self._release_locks()

    def _release_locks(self) -> list[MapLock]:
        kept = self.callbacks.scheduler.locks_of(self._name)
        for lock in kept:
            lock.release()
        return kept


class Handler(Actor):
    """A learner's handler, called again and again; it can't sleep."""

    def __init__(self, callbacks: Callbacks, name: str, function: Callable[[], Any]) -> None:
        super().__init__(callbacks, name, f"handler {shown(name.partition(':')[2])}")
        self.name = name
        self._function = function
        self._runs = False

    def __call__(self) -> None:
        """Run it once; what it raises is the error of the operation that called it, and a warning in the daemon."""
        machine = self.callbacks.machine
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
            if machine.kernel.kmem.running.thread != machine.kernel.kmem.daemon.name:
                raise
            warnings.warn(str(failure), RuntimeWarning, stacklevel=2)
        finally:
            self._runs = False
            emit = machine.recorder.emit
            if emit is not None:
                emit((CallbackRan.tag, self.name, outcome))


class Watcher(Actor):
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
