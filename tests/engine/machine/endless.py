"""Code without an end, of each kind that the guard against it has to see; run as a script, one kind first of all.

`python endless.py NAME` bounds the loop called NAME as the first thing in its process, then all others, and says for
each whether it was stopped.
"""

from __future__ import annotations

import itertools
import sys
from contextlib import suppress

import vmwidgets as vm
from vmwidgets.engine.machine.learners.runaway import Runaway, bounded


def an_empty_loop_on_one_line():
    exec("while True: pass")


def an_empty_loop():
    while True:
        pass


def counting_up():
    x = 0
    while True:
        x += 1


def a_function_in_c():
    while True:
        len("x")


def looks_at_the_machine():
    m = vm.boot(layout="tiny")
    while True:
        m.kmem.exec_map.entries()


def a_python_function():
    def nothing():
        pass

    while True:
        nothing()


def a_generator():
    def values():
        while True:
            yield

    for _ in values():
        pass


def a_generator_read_by_c():
    sum(0 for _ in itertools.repeat(1))


def a_generator_that_delegates():
    def values():
        yield from itertools.repeat(0)

    sum(values())


def loops_in_nested_functions():
    def outer():
        def inner():
            for _ in itertools.count():
                for _ in range(3):
                    pass

        inner()

    outer()


def a_list_comprehension():
    [x for x in itertools.count()]  # noqa: C416  the loop is what is tested


def exceptions_that_are_caught():
    while True:
        with suppress(Exception):
            raise ValueError


def a_function_called_by_c():
    all(map(lambda x: True, itertools.count()))  # noqa: C417


def a_method_called_by_c():
    class Numbers:
        def __iter__(self):
            return self

        def __next__(self):
            return 1

    all(Numbers())


def a_tree_of_calls():
    def visit(depth):
        return depth and visit(depth - 1) + visit(depth - 1)

    visit(60)


LOOPS = {
    loop.__name__: loop
    for loop in (
        an_empty_loop_on_one_line,
        an_empty_loop,
        counting_up,
        a_function_in_c,
        looks_at_the_machine,
        a_python_function,
        a_generator,
        a_generator_read_by_c,
        a_generator_that_delegates,
        loops_in_nested_functions,
        a_list_comprehension,
        exceptions_that_are_caught,
        a_function_called_by_c,
        a_method_called_by_c,
        a_tree_of_calls,
    )
}


def stopped(name: str, most: int = 20_000) -> bool:
    """Whether the loop is stopped; if not, this never returns."""
    try:
        with bounded(most):
            LOOPS[name]()
    except Runaway:
        return True
    return False


if __name__ == "__main__":
    for name in sorted(LOOPS, key=lambda name: name != sys.argv[1]):
        print(name, stopped(name), flush=True)
