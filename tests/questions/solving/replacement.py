"""Page replacement on lists; the fewest faults by trying each page that could go."""

from __future__ import annotations

from vmwidgets.questions import Question

from .reading import Solver, found, rows, those


def string(question: Question) -> list[str]:
    return found(r"in this order: `([\d ]+)`", question)[1].split()


def frames(question: Question) -> int:
    return int(found(r"A memory has (\d) frames", question)[1])


def run(pages: list[str], size: int, policy: str) -> tuple[int, list[str]]:
    """Faults, and the pages in memory at the end; the first of the list goes."""
    memory: list[str] = []
    faults = 0
    for page in pages:
        if page in memory:
            if policy == "LRU":
                memory.remove(page)
                memory.append(page)
            continue
        faults += 1
        memory = [*memory[len(memory) >= size :], page]
    return faults, sorted(memory)


def policy(question: Question) -> str:
    return found(r"The rule is (\w+):", question)[1]


def count_faults(question: Question) -> set[str]:
    return {str(run(string(question), frames(question), policy(question))[0])}


def pages_at_the_end(question: Question) -> set[str]:
    _, memory = run(string(question), frames(question), policy(question))
    return those(question, lambda option: sorted(option.split(", ")) == memory)


def page_that_goes(question: Question) -> set[str]:
    ring = [(page, bit == "1") for _, page, bit in rows(question)]
    assert [frame for frame, _, _ in rows(question)] == [str(number) for number in range(len(ring))]
    hand = int(found(r"The hand points at frame (\d)", question)[1])
    assert found(r"Now page (\d) is used", question)[1] not in [page for page, _ in ring]
    ring = ring[hand:] + ring[:hand]
    while ring[0][1]:
        ring = [*ring[1:], (ring[0][0], False)]
    return those(question, lambda option: option == f"page {ring[0][0]}")


def fewest_faults(question: Question) -> set[str]:
    size, states = frames(question), {frozenset[str](): 0}
    for page in string(question):
        following: dict[frozenset[str], int] = {}
        for memory, faults in states.items():
            if page in memory:
                choices, now = [memory], faults
            else:
                kept = [memory] if len(memory) < size else [memory - {gone} for gone in memory]
                choices, now = [one | {page} for one in kept], faults + 1
            for one in choices:
                following[one] = min(now, following.get(one, now))
        states = following
    return {str(min(states.values()))}


def change_of_faults(question: Question) -> set[str]:
    assert "with a memory of 4 frames" in question.text
    few, many = (run(string(question), size, policy(question))[0] for size in (frames(question), 4))

    def is_right(option: str) -> bool:
        words = option.split()
        if words[-1] == "same":
            return many == few
        return many - few == int(words[-1]) * {"grows": 1, "falls": -1}[words[1]]

    return those(question, is_right)


def enough_frames(question: Question) -> set[str]:
    most = int(found(r"at most (\d+) faults", question)[1])
    pages = string(question)
    least = next(size for size in range(1, 99) if run(pages, size, policy(question))[0] <= most)
    return those(question, lambda option: int(option.split()[0]) == least)


SOLVERS: dict[str, Solver] = {
    "replacement/faults": count_faults,
    "replacement/resident": pages_at_the_end,
    "replacement/victim": page_that_goes,
    "replacement/optimal": fewest_faults,
    "replacement/more": change_of_faults,
    "replacement/enough": enough_frames,
}
