"""Notebook 05b."""

from __future__ import annotations

from vmwidgets.labs.exercises.sleeping import Orders, OrderSheet

from . import Solved, Table


def spawned(orders: Orders, *, alone: bool = False) -> str:
    """All threads, spawned together, or each run to its end before the next."""
    lines = [
        f"thing.spawn(lab.copier, thing, {', '.join(map(repr, locks))}, name={name!r})" + "\nthing.run()" * alone
        for name, locks in orders.items()
    ]
    return "\n".join([*lines, "thing.run()"])


def backwards(orders: Orders) -> Orders:
    """The same orders, and the threads spawned the other way round."""
    return dict(reversed(orders.items()))


def one_lock_less(asked: OrderSheet) -> Orders:
    (first, locks), *others = asked.mended[0].items()
    return {first: locks[:-1], **dict(others)}


SOLVED: Table = {
    "05b/order": Solved(
        right=[
            lambda asked: spawned(asked.mended[0]),
            lambda asked: spawned(backwards(asked.mended[0]), alone=True),
        ],
        spoilt=[
            lambda asked: spawned(one_lock_less(asked)),
            lambda asked: spawned(asked.orders, alone=True),
            lambda asked: spawned(asked.mended[-1]),
        ],
    ),
}
