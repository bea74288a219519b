"""All exercises give three questions of different kinds; what is answered is found another way here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.machine import Machine
from vmwidgets.grading.checkoff import Asked, counterfactual, entries, paper, references, threads, translation
from vmwidgets.grading.checkoff.choosing import three
from vmwidgets.grading.checkoff.kinds import BY_NAME, KINDS, questions, steps_of, subject_of
from vmwidgets.grading.checkoff.subject import Kind, Maker, Subject
from vmwidgets.labs.checking import criteria_of
from vmwidgets.labs.sheet import sheet_of
from vmwidgets.labs.work import remade
from vmwidgets.on_paper.segments import SELECTOR
from vmwidgets.questions.question import Question

from .works import ALL, OF, OTHERWISE, RIGHT, SPOILT, asked_of, recipe_of, work_of, works

CALL = re.compile(r"(?:call|line) (\d+) of (\d+)")
MOST_TEXT = 3000


@ALL
def test_three_questions_of_different_kinds(exercise: str, how: str) -> None:
    asked = asked_of(exercise, how)
    chosen = three([Asked(exercise, one) for one in asked], "test")
    assert len({one.question.id for one in chosen}) == 3
    assert [one.question.grade for one in chosen] == sorted(one.question.grade for one in chosen)
    for question in asked:
        assert BY_NAME[question.id].grade == question.grade
        for text in (question.text, question.answer, question.why):
            assert 0 < len(text) < MOST_TEXT
            assert text.replace("\n", "").isprintable()
        assert not _gives_away(question), question


def _gives_away(question: Question) -> bool:
    """Whether the text has the answer in it, outside the list of calls that it chooses from."""
    asked, _, _ = question.text.partition("\n\n|")
    if question.answer in ("yes", "done", "out of bounds", "not allowed"):
        return False  # all that it can be is named
    return bool(re.search(rf"(?<![\w.]){re.escape(question.answer)}(?![\w.])", CALL.sub("", asked)))


def test_the_same_work_gives_the_same_questions() -> None:
    for exercise in ("01/gaps", "11/anomaly"):
        again = tuple(questions(subject_of(exercise, OF, work_of(exercise, RIGHT))))
        assert again == asked_of(exercise, RIGHT)


def test_there_are_ten_kinds() -> None:
    assert len(KINDS) == len(BY_NAME) == 10


def test_each_kind_is_asked_somewhere() -> None:
    """Of cheap exercises nearly all; what is left is asked of those that take longer."""
    cheap = ("00/segments", "00/walk", "01/gaps", "03/whole", "04/thrifty", "05/handler", "05b/order", "06/by-hand")
    found = {one.id for name in (*cheap, "08/survivor", "09/refill", "11/anomaly") for one in asked_of(name, RIGHT)}
    assert {kind.name for kind in KINDS} - found == set()


def test_three_are_of_different_kinds_and_exercises_where_there_are_such() -> None:
    def pool(*names: str) -> list[Asked]:
        return [Asked(name[0], Question(str(at), "", "", id=name[1], grade=1)) for at, name in enumerate(names)]

    def chosen(*names: str) -> list[str]:
        return sorted(f"{one.exercise}{one.question.id}" for one in three(pool(*names), "test"))

    assert chosen("1a", "1a", "1a", "1b", "2a", "2c") in (["1a", "1b", "2c"], ["1b", "2a", "2c"])
    assert chosen("1a", "1a", "1a") == ["1a"]
    assert [one[0] for one in chosen("1a", "1b", "1c", "1d", "2e", "3f")] == ["1", "2", "3"]
    assert chosen() == []


# ---- done by hand ----------------------------------------------------------------------------------

Typed = list[str]


def typed(exercise: str, how: str, lines: Typed) -> Any:
    """The thing after these lines were typed."""
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": sheet_of(exercise, OF).start()}
    for line in lines:
        with suppress(vm.VMError, NameError):  # also where what was left out gave a name
            exec(line, names)
    return names["thing"]


def space_of(thing: Any) -> Any:
    """The map that is asked about."""
    return thing.kernel_map if isinstance(thing, Machine) else getattr(thing, "map", thing)


def machine_of(thing: Any) -> Machine:
    found: Machine = thing if isinstance(thing, Machine) else thing.machine
    return found


def lines_of(exercise: str, how: str) -> tuple[Typed, dict[int, int]]:
    """The recipe's lines, and by the number of a call the line that makes only that call."""
    lines = recipe_of(exercise, how)(sheet_of(exercise, OF).given).splitlines()
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": sheet_of(exercise, OF).start()}
    machine = machine_of(names["thing"])
    given, calls = len(machine.journal), {}
    for place, line in enumerate(lines):
        before = len(machine.journal)
        with suppress(vm.VMError):
            exec(line, names)
        if len(machine.journal) == before + 1:
            calls[before + 1 - given] = place
    return lines, calls


def points(exercise: str, how: str, lines: Typed) -> int:
    return sum(one.points for one in criteria_of(exercise, OF, typed(exercise, how, lines)))


def outcome(exercise: str, how: str, lines: Typed) -> tuple[Any, ...]:
    """The entries at the end, and what each call gave, in whichever order they were made."""
    machine = machine_of(typed(exercise, how, lines))
    spaces = [machine.kernel_map, *(task.map for task in machine.tasks.values())]
    entries = [(one.start, one.end, one.flags, one.object) for space in spaces for one in space]
    return entries, sorted(str((one.name, one.arguments, one.result)) for one in machine.journal)


by_lines = works(
    ("01/gaps", "01/guard", "02/no-rotation", "03/whole", "03/window", "04/thrifty", "06/by-hand", "08/survivor"),
    ("01/guard", SPOILT),
    ("03/whole", RIGHT),
    ("08/survivor", RIGHT),
)


def step_of(question: Question) -> tuple[int, int]:
    """The number of the call that it is about, and of how many."""
    found = CALL.search(question.text)
    assert found is not None
    return int(found[1]), int(found[2])


def of_kind(maker: Maker, exercise: str, how: str) -> Iterator[Question]:
    """The questions of one maker: a kind may have others too, and asks some of each."""
    return iter(Kind("one", 1, "", maker).of(subject_of(exercise, OF, work_of(exercise, how))))


@by_lines
def test_what_is_lost_without_a_call_is_lost_when_the_lines_are_typed_without_it(exercise: str, how: str) -> None:
    lines, calls = lines_of(exercise, how)
    whole = points(exercise, how, lines)
    for question in of_kind(counterfactual.without, exercise, how):
        gone = {
            call: whole - points(exercise, how, [line for at, line in enumerate(lines) if at != place])
            for call, place in calls.items()
        }
        if "Leave out" in question.text:
            call, of = step_of(question)
            assert of == len(calls)
            assert question.answer.startswith(f"{gone[call]} point")
        else:
            needless = [call for call, lost in gone.items() if lost <= 0]
            assert [int(number) for number in re.findall(r"\d+", question.answer)] == needless


@by_lines
def test_what_an_exchange_costs_it_costs_when_the_lines_are_exchanged(exercise: str, how: str) -> None:
    lines, calls = lines_of(exercise, how)
    whole = points(exercise, how, lines)
    for question in of_kind(counterfactual.order, exercise, how):
        one, other = (calls[int(number)] for number in re.findall(r"\d+", question.text)[:2])
        before = outcome(exercise, how, lines)
        lines[one], lines[other] = lines[other], lines[one]
        lost = whole - points(exercise, how, lines)
        same = outcome(exercise, how, lines) == before
        lines[one], lines[other] = lines[other], lines[one]
        assert lost or not same, question
        assert "Error" not in question.answer, "what failed has no result"
        said = re.search(r"it (loses|gains) (\d+) point", question.answer)
        found = 0 if said is None else int(said[2]) * (1 if said[1] == "loses" else -1)
        assert found == lost, question


def addresses(lines: Typed, order: list[int], exercise: str) -> dict[int, int]:
    """The address that each line gives, if it gives one, when the lines are typed in this order."""
    names: dict[str, Any] = {"vm": vm, "lab": lab, "thing": sheet_of(exercise, OF).start()}
    found = {}
    for place in order:
        exec(lines[place], names)
        result = machine_of(names["thing"]).journal.last.result
        if isinstance(result, int):
            found[place] = result
    return found


def test_each_call_that_gives_another_address_after_an_exchange_is_named() -> None:
    lines, calls = lines_of("01/gaps", RIGHT)
    asked = list(of_kind(counterfactual.order, "01/gaps", RIGHT))
    assert len(asked) > 1
    for question in asked:
        one, other = (calls[int(number)] for number in re.findall(r"\d+", question.text)[:2])
        usual = [*range(len(lines))]
        exchanged = [{one: other, other: one}.get(place, place) for place in usual]
        before, after = addresses(lines, usual, "01/gaps"), addresses(lines, exchanged, "01/gaps")
        differing = {call for call, place in calls.items() if before[place] != after[place]}
        assert {int(call) for call in re.findall(r"call (\d+) gives", question.answer)} == differing


def test_what_an_exchange_leaves_unjudged_is_not_said_to_fail() -> None:
    answers = [one.answer for one in of_kind(counterfactual.order, "01/gaps", RIGHT)]
    assert not any("no other request was made” no longer holds" in one for one in answers)
    assert any("is not judged, since you would first have to fill the gaps" in one for one in answers)


@by_lines
def test_entries_and_who_made_them_are_those_of_the_lines_so_far(exercise: str, how: str) -> None:
    lines, calls = lines_of(exercise, how)

    def held_after(call: int) -> list[tuple[int, int]]:
        thing = typed(exercise, how, lines[: calls[call] + 1] if call else [])
        return [(entry.start, entry.end) for entry in space_of(thing)]

    for question in of_kind(entries.count, exercise, how):
        call, _ = step_of(question)
        count = len(held_after(call))
        assert question.answer == f"{count:,} {'entry' if count == 1 else 'entries'}"
    for question in of_kind(entries.maker, exercise, how):
        start, end = (int(one, 16) for one in re.findall(r"`(0x[0-9a-f_]+)`", question.text)[:2])
        (call,) = map(int, re.findall(r"\d+", question.answer))
        held = [(start, end) in held_after(one) for one in range(len(calls) + 1)]
        letters_too = exercise in ("03/whole", "03/window")  # there a call may change the rights alone
        assert held[call]
        assert letters_too or not held[call - 1]


def test_free_slots_are_the_entries_that_can_still_be_made() -> None:
    lines, calls = lines_of("04/thrifty", RIGHT)
    asked = [*of_kind(translation.room, "04/thrifty", RIGHT)]
    assert asked
    for question in asked:
        space = space_of(typed("04/thrifty", RIGHT, lines[: calls[step_of(question)[0]] + 1]))
        before = len(list(space))
        with suppress(vm.VMError):
            for turn in range(10):
                space.enter(vm.PAGE, prot=("r", "rw")[turn % 2])
        assert int(question.answer.split()[0]) == len(list(space)) - before


@by_lines
def test_the_next_request_lands_where_it_lands_when_it_is_typed(exercise: str, how: str) -> None:
    lines, _ = lines_of(exercise, how)
    for question in of_kind(entries.coming, exercise, how):
        (size,) = re.findall(r"enter\((\d+) \* vm.PAGE\)", question.text)
        thing = typed(exercise, how, lines)
        assert question.answer == f"`{space_of(thing).enter(int(size) * vm.PAGE)}`"


def test_translations_that_are_no_longer_true_are_those_that_are_flushed_later() -> None:
    """In the right solution each flush drops one such translation, and there is no other."""
    lines, calls = lines_of("06/by-hand", RIGHT)
    for question in of_kind(translation.stale, "06/by-hand", RIGHT):
        call, _ = step_of(question)
        later = [line for line in lines[calls[call] + 1 :] if ".flush(" in line]
        assert sum(map(int, re.findall(r"(\d+) in the TLB", question.answer))) == len(later)


def test_a_walk_and_a_fault_are_those_of_the_machine_that_was_typed() -> None:
    lines, calls = lines_of("06/by-hand", RIGHT)
    for question in of_kind(translation.walk, "06/by-hand", RIGHT):
        call, _ = step_of(question)
        task = typed("06/by-hand", RIGHT, lines[: calls[call] + 1]).tasks["keys"]
        address = re.findall(r"(?:reads|writes) a byte at `(0x[0-9a-f_]+)`", question.text)[0]
        found = task.walk(address, "write" if "writes" in question.text else "read")
        end = "in a page" if found.ok else f"in a fault, {found.fault.kind}"
        assert question.answer.startswith(f"{len(found.steps)} descriptor")
        assert question.answer.endswith(end)
    for question in of_kind(translation.fault, "06/by-hand", RIGHT):
        task = typed("06/by-hand", RIGHT, lines).tasks["keys"]
        address = re.findall(r"a byte at `(0x[0-9a-f_]+)`", question.text)[0]
        error = lab.attempt(task.touch, address, "write" if "writes" in question.text else "read")
        assert ("no fault" in question.answer) == (not task.machine.journal.last.faults)
        assert ("SIGSEGV" in question.answer) == (bool(task.signals) and isinstance(error, str))


def test_without_a_call_of_the_handler_its_line_is_left_out() -> None:
    recipe = recipe_of("05/handler", RIGHT)(sheet_of("05/handler", OF).given)
    found = list(of_kind(threads.freed, "05/handler", RIGHT))
    whole = sum(one.points for one in criteria_of("05/handler", OF, typed("05/handler", RIGHT, [recipe])))
    for question in found:
        (page,) = re.findall(r"from page (\d+) of", question.text)
        less = "\n".join(line for line in recipe.splitlines() if f"start + {page} * vm.PAGE" not in line)
        left = sum(one.points for one in criteria_of("05/handler", OF, typed("05/handler", RIGHT, [less])))
        assert question.answer.startswith(f"{whole - left} points")
    assert found


def test_locks_and_ends_of_threads_are_those_of_a_run_step_by_step() -> None:
    given: Any = sheet_of("05b/order", OF).given
    recipe = recipe_of("05b/order", RIGHT)(given)
    machine = typed("05b/order", RIGHT, recipe.splitlines()[:-1])  # all but m.run()
    last: dict[str, tuple[str, int]] = {}
    waited, ended, holders = [], dict[str, int](), dict[str, str | None]()
    names = [name for name, _ in given.threads]
    while len(ended) < len(names):
        if machine.step() is None:
            machine.tick()
        tick = machine.threads.ticks
        for lock, space in machine.kmem.maps.items():
            if space.locked_by != holders.get(lock) and space.locked_by:
                last[lock] = space.locked_by, tick
            holders[lock] = space.locked_by
        for name in names:
            value = machine.threads[name].value
            wait = f"{name} for {value.subject} ({holders.get(value.subject)} had it)"
            if value.kind == "lock" and wait.partition(" (")[0] not in {one.partition(" (")[0] for one in waited}:
                waited.append(wait)
            if machine.threads[name].done:
                ended.setdefault(name, tick)
    for question in of_kind(threads.waits, "05b/order", RIGHT):
        assert question.answer == "; ".join(waited)
    for question in of_kind(threads.ended, "05b/order", RIGHT):
        assert question.answer == f"{', '.join(ended)}; at tick {max(ended.values())}"
    for question in of_kind(threads.held, "05b/order", RIGHT):
        (lock,) = re.findall(r"the lock of `(\w+)`", question.text)
        assert question.answer == f"{last[lock][0]}, at tick {last[lock][1]}"


LOCK_SHEETS = range(1, 4)


def locks_of(number: int, how: str) -> list[Question]:
    """Questions on the locks of another sheet."""
    of = f"{number:016x}"
    work = work_of("05b/order", how, of)
    given = sheet_of("05b/order", of).given
    thing = remade(work)
    return Kind("one", 1, "", threads.locks).of(
        Subject("05b/order", of, given, thing, work, steps_of("05b/order", of, thing))
    )


@pytest.mark.parametrize("how", [RIGHT, OTHERWISE])
def test_a_circle_of_locks_is_found_by_trying_all_orders_of_them(how: str) -> None:
    """None is possible just where some order of all locks is kept by each thread."""
    answers = set()
    for question in [one for of in LOCK_SHEETS for one in locks_of(of, how)]:
        before, _, after = question.text.partition("What if")
        orders = {
            name: re.findall(r"`(\w+_map)`", rest) for name, rest in re.findall(r"`(\w+)` takes ([^;.]*)", before)
        }
        name, *locks = re.findall(r"`(\w+)`", after)
        orders[name] = locks
        every = {lock for taken in orders.values() for lock in taken}
        kept = any(
            all(taken == sorted(taken, key=ranking.index) for taken in orders.values())
            for ranking in permutations(sorted(every))
        )
        assert ("no circle is possible" in question.answer) == kept
        machine = vm.boot("x86-64", layout="tiny")
        for lock in sorted(every - set(machine.kmem.maps)):
            machine.kmem_suballoc("16 KiB", lock)
        for thread, taken in orders.items():
            machine.spawn(machine.kmem.copier, *taken, name=thread)
            if how == OTHERWISE:
                machine.run()  # there each runs to its end before the next one is spawned
        machine.run()
        assert question.answer.startswith("It ends") == all(machine.threads[thread].done for thread in orders)
        answers.add(question.answer.partition(":")[0])
    ends = {"It ends; no circle is possible", "It ends; a circle is possible"}
    assert answers == (ends if how == OTHERWISE else {*ends, "It does not end; a circle is possible"})


# ---- strings and paper -----------------------------------------------------------------------------


def by_brute_force(policy: str, frames: int, string: list[str]) -> tuple[int, list[str], list[str]]:
    """Faults, pages that went, and pages in memory at the end; FIFO and LRU, and a second chance."""
    memory: list[str] = []
    bits: set[str] = set()
    faults, gone = 0, []
    for page in string:
        if page in memory:
            bits.add(page)
            if policy == "lru":
                memory.remove(page)
                memory.append(page)
            continue
        faults += 1
        if len(memory) == frames:
            while policy == "second chance" and memory[0] in bits:
                bits.remove(memory[0])
                memory.append(memory.pop(0))
            gone.append(memory.pop(0))
        memory.append(page)
        bits.add(page)
    return faults, gone, memory


@pytest.mark.parametrize(("exercise", "how"), [("11/anomaly", RIGHT), ("11/anomaly", SPOILT), ("11/policy", RIGHT)])
def test_strings_are_those_of_a_brute_force(exercise: str, how: str) -> None:
    makers = references.resident, references.victim, references.more, references.without
    for maker, question in ((one, asked) for one in makers for asked in of_kind(one, exercise, how)):
        part = re.search(r"`([\dw ]+)`, and ([a-z ]+) with (\d+) frames", question.text)
        assert part is not None
        string, policy, frames = part[1].replace("w", "").split(), part[2], int(part[3])
        faults, _, memory = by_brute_force(policy, frames, string)
        if maker is references.resident:
            assert question.answer.split(", ") == sorted(memory, key=int)
        elif maker is references.victim:
            number = int(re.findall(r" Reference (\d+) of these", question.text)[0])
            _, so_far, _ = by_brute_force(policy, frames, string[:number])
            assert question.answer == f"page {so_far[-1]}"
        elif maker is references.more:
            more = by_brute_force(policy, frames + 1, string)[0]
            assert question.answer == f"{faults}, and {more} with one frame more"
        else:
            number = int(re.findall(r"Leave out reference (\d+)", question.text)[0])
            assert (
                question.answer == f"{by_brute_force(policy, frames, string[: number - 1] + string[number:])[0]} faults"
            )
        assert "That makes" not in question.text or f"That makes {faults} fault" in question.text


def test_segments_are_a_sum() -> None:
    for how in (RIGHT, SPOILT):
        parts = list(work_of("00/segments", how)["segments"].values())
        for question in of_kind(paper.physical, "00/segments", how):
            address = int(re.findall(r"`(0x[0-9a-f_]+)`", question.text)[0], 16)
            base, bounds, _ = parts[address >> SELECTOR]
            offset = address & (1 << SELECTOR) - 1
            assert offset < bounds
            assert int(question.answer.strip("`"), 16) == base + offset


def test_descriptors_on_paper_are_at_four_times_the_index() -> None:
    given: Any = sheet_of("00/walk", OF).given
    words = dict(given.words)
    for question in of_kind(paper.reads, "00/walk", RIGHT):
        address = int(re.findall(r"`(0x[0-9a-f_]+)`", question.text)[0], 16)
        root = 0x1000 + 4 * (address >> 22)
        word = words.get(root, 0)
        found = [root] if not word & 1 or word & 0x80 else [root, (word & -4096) + 4 * (address >> 12 & 1023)]
        assert question.answer == " and ".join(f"`{one:#x}`" for one in found)


def test_the_kernel_may_read_on_paper_what_user_code_may_not_write() -> None:
    """A present page is readable for the kernel; for user code, U/S (bit 2) must be 1 in both descriptors."""
    given: Any = sheet_of("00/walk", OF).given
    words, readers = dict(given.words), set()
    for question in of_kind(paper.instead, "00/walk", RIGHT):
        address = int(re.findall(r"`(0x[0-9a-f_]+)`", question.text)[0], 16)
        upper = words.get(0x1000 + 4 * (address >> 22), 0)
        path = [upper] if upper & 0x80 else [upper, words.get((upper & -4096) + 4 * (address >> 12 & 1023), 0)]
        needed = 1 if "the kernel reads" in question.text else 1 | 4
        assert question.answer.startswith("physical") == all(word & needed == needed for word in path)
        readers.add(needed)
    assert 1 in readers
