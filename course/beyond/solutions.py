"""Solutions of lab beyond."""

from __future__ import annotations

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.beyond import LARGE, PagesSheet, large_blocks, small_pages


def sparse(asked: PagesSheet) -> int:
    """The address of the first block that is used in few pages."""
    return next(one.border + n * LARGE for one in asked.ranges for n, used in enumerate(one.blocks) if len(used) < 512)


def touched(places: list[int]) -> list[str]:
    return [f"thing.touch({place:#x})" for place in places]


def by_blocks(asked: PagesSheet, *, without: int = 0, split: bool = False) -> str:
    """Large pages one by one, then the others; `without` so many of them, or with one block in small pages."""
    large = [place for one in asked.ranges for place in large_blocks(one)]
    small = [place for one in asked.ranges for place in small_pages(one)]
    lines = [f'thing.map.superpages({place:#x}, size="2 MiB")' for place in (large[1:] if split else large)]
    lines += [f"for page in range(512):\n    thing.touch({large[0]:#x} + page * vm.PAGE)"] if split else []
    return "\n".join([*lines, *touched(small[without:])])


def by_writing(asked: PagesSheet) -> str:
    """Pages written first, from the highest down; then large pages of neighbours at once."""
    small = [place for one in asked.ranges for place in small_pages(one)]
    lines = [f'thing.write({place:#x}, b"x")' for place in reversed(small)]
    for one in asked.ranges:
        runs: list[list[int]] = []
        for place in large_blocks(one):
            if runs and runs[-1][-1] + LARGE == place:
                runs[-1].append(place)
            else:
                runs.append([place])
        lines += [f'thing.map.superpages({run[0]:#x}, {run[-1] + LARGE:#x}, page="2 MiB")' for run in runs]
    return "\n".join(lines)


def large_everywhere(asked: PagesSheet) -> str:
    return f'thing.map.superpages({sparse(asked):#x}, size="2 MiB")\n{by_blocks(asked)}'


SOLVED: Table = {
    "beyond/pages": Solved(
        right=[by_blocks, by_writing],
        spoilt=[
            lambda asked: by_blocks(asked, without=1),
            lambda asked: by_blocks(asked, split=True),
            large_everywhere,
        ],
        points=[3, 3, 4],
        tells=frozenset({"frames", "pages", "translations", "used"}),
    ),
}
