"""Solutions of lab 05b."""

from __future__ import annotations

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.sleeping import Orders, OrderSheet, mended


def spawned(orders: Orders, *, alone: bool = False) -> str:
    """All threads, spawned together, or each run to its end before the next."""
    lines = [
        f"thing.spawn(thing.kmem.copier, {', '.join(map(repr, locks))}, name={name!r})" + "\nthing.run()" * alone
        for name, locks in orders.items()
    ]
    return "\n".join([*lines, "thing.run()"])


def backwards(orders: Orders) -> Orders:
    """The same orders, and the threads spawned the other way round."""
    return dict(reversed(orders.items()))


def turned(orders: Orders) -> Orders:
    """Each thread takes its locks the other way round: so does the circle."""
    return {name: locks[::-1] for name, locks in orders.items()}


def one_lock_less(asked: OrderSheet) -> Orders:
    """A thread whose order is right as it is takes all locks but the last."""
    orders = mended(asked)[0]
    kept = next(name for name, locks in orders.items() if locks == asked.orders[name])
    return {**orders, kept: orders[kept][:-1]}


SOLVED: Table = {
    "05b/order": Solved(
        right=[
            lambda asked: spawned(mended(asked)[0]),
            lambda asked: spawned(backwards(mended(asked)[0]), alone=True),
        ],
        spoilt=[
            lambda asked: spawned(one_lock_less(asked)),
            lambda asked: spawned(turned(asked.orders), alone=True),
        ],
        points=[4, 2],  # some have the order: 1 of 2
        tells=frozenset({"orders"}),
    ),
}
