"""The handles of simulated threads and of the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ...base.errors import CallbackFailed, Refused, in_ascii, shown
from ...base.operations import operation, through
from ...kernel.threads.scheduler import STEPS, Scheduler, Stuck, Thread
from ...kernel.threads.threads_schema import ThreadsValue, ThreadValue
from ...kernel.threads.waits import ChannelWait, MaySleep
from .. import arguments
from ..arguments import CountArg, MessageArg, TextArg, text_name
from ..learners.callbacks import Callbacks, Handler, ThreadActor, Watcher, thread_body, with_machine
from ..system import Functions, Part, System

H = TypeVar("H", bound=Callable[..., Any])


class MachineThread(Part):
    """One thread of a machine; `path` is its path in the machine ("thread:sh").

    `generation` counts the earlier threads of this name: a name can be reused after its thread has ended.
    """

    def __init__(self, system: System, path: str, generation: int = 0) -> None:
        super().__init__(system, path)
        self.name = path.removeprefix("thread:")
        self.generation = generation

    @classmethod
    def of(cls, system: System, name: str) -> MachineThread:
        """Return the handle of the thread that has this name now."""
        return system.part(cls, f"thread:{name}", system.spawned.get(name, 0))

    @property
    def thread(self) -> Thread:
        """The scheduler's own thread."""
        system = self.system
        if self.generation == system.spawned.get(self.name, 0):
            found = system.kmem.scheduler.threads.get(self.name)
        else:
            found = system.replaced.get((self.name, self.generation))
        return found or self.missing()

    @property
    def state(self) -> str:
        """The thread's state: "ready", "running", "asleep", "returned" or "failed"."""
        return self.thread.state

    @property
    def done(self) -> bool:
        """Return whether the thread has ended."""
        return self.thread.done

    @property
    def result(self) -> Any:
        """The thread's returned value; None until it has returned."""
        return self.thread.result

    @property
    def error(self) -> BaseException | None:
        """The error that ended the thread, if it failed."""
        return self.thread.error

    @property
    def value(self) -> ThreadValue:
        """The thread as a frozen value."""
        return self.thread.value(tuple(lock.name for lock in self.system.kmem.scheduler.locks_of(self.name)))

    @in_ascii
    def __repr__(self) -> str:
        value = self.value
        outcome = value.outcome.removeprefix(f"thread {shown(self.name)} ").removeprefix("failed: ")
        what = f" for {value.waits_for}" if value.waits_for else f": {outcome}" if outcome else ""
        return f"<thread {self.name!r} {self.state}{what}>"


class MachineThreads(Part):
    """All threads of a machine, by name, and the clock."""

    def __init__(self, system: System, path: str = "threads") -> None:
        super().__init__(system, path)

    @property
    def _scheduler(self) -> Scheduler:
        return self.system.kmem.scheduler

    @property
    def ticks(self) -> int:
        """The clock ticks since boot."""
        return self._scheduler.ticks

    @property
    def cycle(self) -> tuple[str, ...]:
        """The threads of a deadlock, which wait for each other's locks in a circle; empty if there is none."""
        return self._scheduler.cycle()

    def value(self) -> ThreadsValue:
        """Return all threads as a frozen value."""
        scheduler, kmem = self._scheduler, self.system.kmem.kmem
        locks = tuple((one.name, one.lock.holder) for one in kmem.maps)
        threads = (thread.value() for thread in scheduler.threads.values())
        return ThreadsValue.of(threads, scheduler.ticks, kmem.hz, locks)

    def __getitem__(self, name: str) -> MachineThread:
        return MachineThread.of(self.system, arguments.known(name, self._scheduler.threads, "thread"))

    def __iter__(self) -> Iterator[MachineThread]:
        return iter([MachineThread.of(self.system, name) for name in self._scheduler.threads])

    def __len__(self) -> int:
        return len(self._scheduler.threads)

    @in_ascii
    def __repr__(self) -> str:
        lines = [f"  {thread!r}" for thread in self]
        return "\n".join([f"threads at tick {self.ticks:,}:", *lines])


class ThreadFunctions(Functions):
    """The functions of a machine that concern threads and time."""

    @property
    def _callbacks(self) -> Callbacks:
        return self.system.callbacks

    def spawn(
        self, function: Callable[..., Any] | None = None, *arguments: Any, name: MessageArg = ""
    ) -> MachineThread:
        """Return a new thread that will run `function`; it does not start before ``m.step()`` or ``m.run()``.

        A generator function waits with ``yield from``: ``a = yield from m.kmem_alloc_wait("64 KiB")``.  A single call
        needs no function: ``m.spawn(m.kmem_alloc_wait, "64 KiB", name="sh")``.  A name can be used only once.
        """
        if function is not None and not callable(function):
            raise Refused(f"{shown(function)} can't be called: spawn takes a function and its arguments")
        owner = getattr(function, "__self__", None)
        if getattr(owner, "machine", owner) is not self.system.machine and getattr(function, "is_operation", False):
            raise Refused(f"{shown(function)} belongs to another machine: spawn it there")
        called = str(getattr(function, "__name__", "thread")).strip("<>")
        wanted = text_name(name or self.system.kmem.scheduler.free_name(called), "name")
        known = self.system.kmem.scheduler.threads.get(wanted)
        if known is not None and not known.done:
            raise Refused(
                f"name={shown(wanted)}: there is already a thread with this name, {known.state}; "
                "choose another, or end "
                f"it with m.kill({wanted!r})"
            )
        if function is None and not self._callbacks.silent:
            raise Refused("spawn takes a function, such as a generator function that calls the machine")
        return through(self, "spawn", (("name", wanted),), lambda: self._spawn(wanted, function, arguments))

    def _spawn(self, name: str, function: Callable[..., Any] | None, arguments: tuple[Any, ...]) -> MachineThread:
        callbacks, scheduler, system = self._callbacks, self.system.kmem.scheduler, self.system
        key = callbacks.begin_script(name, None if function is None else thread_body(function, arguments))
        actor = ThreadActor(callbacks, name, key)
        ended = scheduler.threads.pop(name, None)  # the new thread of this name replaces it
        if ended is not None:
            generation = system.spawned.get(name, 0)
            system.replaced[name, generation] = ended
            system.spawned[name] = generation + 1
        scheduler.spawn(name, actor.steps(), ended)
        return MachineThread.of(system, name)

    @operation
    def step(self) -> MachineThread | None:
        """Run the next ready thread until it waits or ends; returns that thread, or None if none is ready."""
        self._refuse_inside("step")
        self.system.kmem.daemon.freed()
        thread = self.system.kmem.scheduler.step()
        self._raise_failure()
        return None if thread is None else MachineThread.of(self.system, thread.name)

    def run(self, until: str | int | Callable[[], Any] | None = None, *, steps: int | None = None) -> int:
        """Run threads, one after the other, until none is ready; returns the number of steps.

        `until` stops the run earlier: at the end of the thread with that name, at a tick of the clock, or when a
        function returns true.  If all threads sleep, the clock advances to the next timer.  A thread that fails stops
        the run with its error.  `steps` is the maximum number of steps.
        """
        reached, most = self._goal(until), STEPS if steps is None else arguments.count(steps, "steps")
        given: list[tuple[str, Any]] = []
        return through(self, "run", given, lambda: self._run(reached, most, steps is not None, given))

    def _run(self, reached: Callable[[], bool], most: int, bounded: bool, given: list[tuple[str, Any]]) -> int:
        self._refuse_inside("run")
        scheduler, done = self.system.kmem.scheduler, 0
        given.append(("steps", 0))
        self.system.kmem.daemon.freed()
        while done < most and not reached() and not scheduler.interrupted():
            given[0] = ("steps", done + 1)
            if scheduler.step() is None and not scheduler.to_next_timer():
                return done  # a step that found nothing to do counts as one of the requested steps
            done += 1
            self._raise_failure()
        if done == most and not bounded and not reached():
            raise Stuck(
                f"after {most:,} steps there is still something to do: a thread may never end. {scheduler.explain()}"
            )
        return done

    @operation
    def tick(self, count: CountArg = 1) -> int:
        """Advance the clock by `count` ticks; in each, the idle loop zeroes a page.  Returns the time.

        Threads whose timer has expired become ready; they run at the next ``m.step()``.  A replacement policy with
        aging looks at the reference bits of all pages.
        """
        kmem = self.system.kmem
        kmem.scheduler.tick(count)
        kmem.frames.zero_ahead(count)
        return kmem.scheduler.ticks

    @operation
    def tsleep(self, channel: TextArg, message: MessageArg = "", ticks: CountArg = 0) -> int:
        """Sleep on `channel` until its ``wakeup`` (`tsleep`); returns 35 (EWOULDBLOCK) if `ticks` pass first.

        With 0 ticks there is no limit.
        """
        wait = ChannelWait(channel, message, ticks)

        def steps() -> MaySleep[int]:
            return (yield wait)

        return self._callbacks.complete("tsleep", steps())

    @operation
    def wakeup(self, channel: TextArg) -> int:
        """Wake all threads that sleep on `channel` (`wakeup`); returns their number."""
        return self.system.kmem.scheduler.wakeup(channel)

    @operation
    def kill(self, name: str | MachineThread) -> None:
        """End a thread: its unfinished call is rolled back and its locks are released."""
        scheduler, daemon = self.system.kmem.scheduler, self.system.kmem.daemon.name
        name = name.name if isinstance(name, MachineThread) else name
        if type(name) is str and name == daemon:  # a value of another class is not compared: its own == could run
            raise Refused("the page daemon can't be killed: m.pagedaemon.stop() keeps it from working")
        wanted = arguments.known(name, [one for one in scheduler.threads if one not in (daemon, "")], "thread")
        if scheduler.threads[wanted].state == "running":
            raise Refused(f"thread {shown(wanted)} is running: let it return")
        scheduler.abandon(scheduler.threads[wanted])

    def on_lowmem(self, handler: H) -> H:
        """Call `handler` whenever kernel memory is short (the event vm_lowmem): ``@m.on_lowmem``.

        The handler may free memory and must not sleep.  It may have the machine as its parameter.  A new handler
        replaces an earlier handler with the same name.
        """
        self._refuse_handler(handler)
        self.register_handler(getattr(handler, "__name__", "handler"), handler)
        return handler

    def register_handler(self, name: str, function: Callable[..., Any] | None = None) -> None:
        """Register a low-memory handler by name; without a function, the handler repeats the recorded calls.

        The name has 1 to 200 characters.  The function has the machine as its parameter, or no parameter.
        """
        if function is None and not self._callbacks.silent:
            raise Refused("register_handler takes a name and a function: @m.on_lowmem supplies both")
        if function is not None:
            self._refuse_handler(function)
        wanted = text_name(name, "a handler's name")
        through(self, "register_handler", (("name", wanted),), lambda: self._register(wanted, function))

    def _refuse_handler(self, function: Any) -> None:
        if not callable(function):
            raise Refused(f"{shown(function)} can't be called: register a function with @m.on_lowmem")
        with_machine(function, self.system.machine)  # refuses a function that takes more

    def _register(self, name: str, function: Callable[..., Any] | None) -> None:
        callbacks = self._callbacks
        key = callbacks.begin_script(f"on_lowmem:{name}", function)
        made = callbacks.handler(f"on_lowmem:{name}", key)
        handlers = self.system.kmem.kmem.lowmem_handlers
        for index, one in enumerate(handlers):
            if isinstance(one, Handler) and one.name == made.name:
                handlers[index] = made
                return
        handlers.append(made)

    # ---- inside ------------------------------------------------------------------------------

    def _refuse_inside(self, name: str) -> None:
        if self._callbacks.current is not None:
            running = self._callbacks.current.title
            raise Refused(f"m.{name}() lets threads run, and {running} is running: call it in a cell")

    def _raise_failure(self) -> None:
        failed = self.system.kmem.scheduler.failure()
        if failed is not None and failed.error is not None:
            raise failed.error if isinstance(failed.error, CallbackFailed) else CallbackFailed(str(failed.error))

    def _goal(self, until: Any) -> Callable[[], bool]:
        scheduler = self.system.kmem.scheduler
        if until is None:
            return lambda: False
        if isinstance(until, str):
            thread = scheduler.threads[arguments.known(until, scheduler.threads, "thread")]
            return lambda: thread.done
        if isinstance(until, MachineThread):
            return lambda: bool(until.done)
        if callable(until):
            return Watcher(self._callbacks, until)
        tick = arguments.whole(until, "until")
        return lambda: scheduler.ticks >= tick
