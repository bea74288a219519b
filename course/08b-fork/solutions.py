"""Solutions of lab 08b."""

from __future__ import annotations

from dataclasses import replace

from tests.labs.solutions import Solved, Table
from vmwidgets.labs.exercises.fork import GROUPS, TASKS, FamilySheet

ALL, PAIRS, ALONE = GROUPS[0], GROUPS[1:4], GROUPS[4:]


def with_one_more(asked: FamilySheet, group: tuple[str, ...]) -> FamilySheet:
    return replace(asked, frames={**asked.frames, group: asked.frames[group] + 1})


def forks(asked: FamilySheet) -> list[str]:
    return ['init = thing.tasks["init"]', 'left = init.fork("left")', f'right = {asked.parent}.fork("right")']


def inherited(asked: FamilySheet) -> list[tuple[str, ...]]:
    """The group of each page that is mapped before the forks."""
    return [group for group in (ALL, *PAIRS) for _ in range(asked.frames[group])]


def own(asked: FamilySheet) -> list[str]:
    return [
        f'{name}.write({name}.mmap({count} * vm.PAGE), b"x" * {count} * vm.PAGE)'
        for (name,) in ALONE
        if (count := asked.frames[(name,)])
    ]


def by_memory(asked: FamilySheet, flags: str = "private") -> str:
    """Pages that `init` wrote; children read theirs, and `init` lets go of those that it is not to have."""
    pages = inherited(asked)
    first, *others = forks(asked)
    return "\n".join(
        [
            first,
            f'a = init.mmap({len(pages)} * vm.PAGE, flags="{flags}")',
            f'init.write(a, b"x" * {len(pages)} * vm.PAGE)',
            *others,
            *(f"{name}.read(a + {n} * vm.PAGE)" for n, group in enumerate(pages) for name in group if name != "init"),
            *(f"init.munmap(a + {n} * vm.PAGE, vm.PAGE)" for n, group in enumerate(pages) if "init" not in group),
            *own(asked),
        ]
    )


def by_file(asked: FamilySheet) -> str:
    """A file that `init` maps, and of which each task reads its part after the forks."""
    pages = inherited(asked)
    first, *others = forks(asked)
    return "\n".join(
        [
            first,
            f'film = thing.file("film", b"x" * {len(pages)} * vm.PAGE)',
            f'a = init.mmap({len(pages)} * vm.PAGE, "rw", "private", film)',
            *others,
            *own(asked),
            *(f"{name}.read(a + {n} * vm.PAGE)" for n, group in enumerate(pages) for name in group),
        ]
    )


def otherwise_related(asked: FamilySheet) -> str:
    other = next(name for name in TASKS[:2] if name != asked.parent)
    return by_memory(replace(asked, parent=other))


def one_pair_more(asked: FamilySheet) -> str:
    return by_memory(with_one_more(asked, PAIRS[0]))


SOLVED: Table = {
    "08/family": Solved(
        right=[by_memory, by_file],
        spoilt=[
            otherwise_related,
            lambda asked: by_memory(with_one_more(asked, ALL)),
            one_pair_more,
            lambda asked: by_memory(with_one_more(asked, ALONE[1])),
            lambda asked: by_memory(asked, "shared"),
        ],
        points=[5, 4, 5, 5, 5],
    ),
}
