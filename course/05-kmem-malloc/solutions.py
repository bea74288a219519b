"""Solutions of lab 05."""

from __future__ import annotations

from collections.abc import Iterable

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.kmem import Block, HandlerSheet, choices


def frees(blocks: Iterable[Block]) -> list[str]:
    return [f"thing.kmem_free(start + {block.page} * vm.PAGE, {block.length} * vm.PAGE)" for block in blocks]


def handled(blocks: Iterable[Block], before: Iterable[Block] = ()) -> str:
    """The handler frees `blocks` at its first call; `before` are freed in the cell."""
    return "\n".join(
        [
            "start = thing.kmem.kmem_map.start",
            *frees(before),
            "@thing.on_lowmem",
            "def shrink():",
            "    if not thing.threads.ticks:",
            *(f"        {line}" for line in [*frees(blocks), "pass"]),
            "thing.run()",
        ]
    )


def best(asked: HandlerSheet) -> tuple[Block, ...]:
    return choices(asked)[0]


def other(asked: HandlerSheet, whose: str) -> Block:
    """A block that the best choice leaves."""
    return next(block for block in asked.blocks if block.whose == whose and block not in best(asked))


def one_by_one(asked: HandlerSheet, loop: str = "while") -> str:
    """A list that the handler empties, from its end; with `if`, one block a call."""
    row = [(block.page, block.length) for block in best(asked)]
    return f"""row = {row}
@thing.on_lowmem
def shrink():
    {loop} row:
        page, count = row.pop()
        thing.kmem_free(thing.kmem.kmem_map.start + page * vm.PAGE, count * vm.PAGE)
thing.run()"""


SOLVED: Table = {
    "05/handler": Solved(
        right=[lambda asked: handled(best(asked)), one_by_one],
        spoilt=[
            lambda asked: one_by_one(asked, "if"),
            lambda asked: handled([], before=best(asked)),
            lambda asked: handled([*best(asked), other(asked, "used")]),
            lambda asked: handled([*best(asked), other(asked, "cache")]),
        ],
        points=[5, 5, 5, 5],  # served, but with ticks of the clock: 1 of 2; a cache that is smaller, not least: 1 of 2
        tells=frozenset({"cache"}),
    ),
}
